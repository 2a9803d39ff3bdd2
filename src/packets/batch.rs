//! Collected rows become Arrow arrays.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, BooleanArray, Int64Array, PrimitiveArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{
    ArrowPrimitiveType, Float64Type, Int32Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType,
    TimestampNanosecondType,
};

use crate::config::{TextKind, TimestampUnit};
use crate::error::Result;

use super::code_table::{CodeTable, DictionaryValue, NO_CODE};
use super::column_storage::Storage;
use super::further::{FurtherColumn, NO_COUNT, NO_FLAG};
use super::packed::NO_DATETIME;
use super::restore::unfit;
use super::rows::Rows;
use super::schema::Column;
#[cfg(feature = "internal-api")]
use super::schema::TableColumns;
use super::sets::{FRAME, find_column};
use super::text_array::{bits, protocol_texts, text_array};

/// Rows as Arrow arrays.
pub type Batch = RecordBatch;

impl Rows {
    /// Some of the rows as one batch.
    ///
    /// # Shape
    /// One row a packet, in the order appended; the columns of the table, in their order.
    /// # Units
    /// `length` is in bytes; `time` and `time_normed` are in seconds; `datetime` is UTC in the unit of the rows.
    /// # Memory
    /// The arrays' own; some 150 bytes a row where every row has MACs and IPv4 addresses.
    /// # Errors
    /// If a column does not fit the schema, which is a bug here and not in the input.
    #[cfg(feature = "internal-api")]
    pub fn batch(&self, range: Range<usize>) -> Result<RecordBatch> {
        self.project(range, &Projection::whole(&self.columns, self.unit))
    }

    /// Some columns of some rows, as one batch.
    ///
    /// # Errors
    /// If a column does not fit the schema, which is a bug here and not in the input.
    pub fn project(&self, range: Range<usize>, to: &Projection) -> Result<RecordBatch> {
        let columns =
            to.columns.iter().map(|column| self.array(column, &range, to.text)).collect::<Result<Vec<_>>>()?;
        // Without a column there still are rows.
        let options = RecordBatchOptions::new().with_row_count(Some(range.len()));
        Ok(RecordBatch::try_new_with_options(to.schema(), columns, &options)?)
    }

    /// One column of some rows.
    fn array(&self, column: &Column, range: &Range<usize>, text: TextKind) -> Result<ArrayRef> {
        Ok(match column.storage {
            Storage::Instant(field) => {
                let (instants, is_null) = (field.values(self, range)?, |instant| instant == NO_DATETIME);
                match self.unit {
                    TimestampUnit::Us => {
                        Arc::new(primitive::<TimestampMicrosecondType>(instants, is_null).with_timezone("UTC"))
                    }
                    TimestampUnit::Ns => {
                        Arc::new(primitive::<TimestampNanosecondType>(instants, is_null).with_timezone("UTC"))
                    }
                }
            }
            Storage::Double(field) => Arc::new(primitive::<Float64Type>(field.values(self, range)?, f64::is_nan)),
            Storage::Name(field) => text_array(text, &(field.codes)(self).of_rows(range), self.names.texts())?,
            Storage::IpText(field) => text_array(text, &field.values(self, range)?, self.ips.texts())?,
            Storage::IpNumber(field) => Arc::new(numbers(&self.ips, &field.values(self, range)?)),
            Storage::MacText(field) => text_array(text, &field.values(self, range)?, self.macs.texts())?,
            Storage::MacNumber(field) => Arc::new(numbers(&self.macs, &field.values(self, range)?)),
            Storage::Small32(field) => {
                let numbers = field.values(self, range)?.into_iter().map(u32::cast_signed);
                let is_null = |number| number == NO_CODE.cast_signed();
                Arc::new(primitive::<Int32Type>(numbers.collect(), is_null))
            }
            Storage::Small64(field) => {
                let numbers = field.values(self, range)?.into_iter().map(i64::from);
                Arc::new(primitive::<Int64Type>(numbers.collect(), |number| number == i64::from(NO_CODE)))
            }
            Storage::Wide(field) | Storage::Counter(field) => {
                Arc::new(primitive::<Int64Type>(field.values(self, range)?, |number| number == NO_COUNT))
            }
            Storage::Flag(field) => {
                let flags = field.values(self, range)?.into_iter().map(|flag| (flag != NO_FLAG).then_some(flag == 1));
                Arc::new(flags.collect::<BooleanArray>())
            }
            Storage::Length(field) => {
                Arc::new(Int64Array::from_iter_values(field.values(self, range)?.into_iter().map(i64::from)))
            }
            Storage::Protocol(field) => text_array(text, &field.values(self, range)?, protocol_texts())?,
            Storage::Further(_) => FurtherColumn::find(&self.further, column.name)?.array(range, text)?,
        })
    }
}

/// Which columns a batch has, in which order.
#[derive(Clone, Debug)]
pub struct Projection {
    columns: Vec<&'static Column>,
    text: TextKind,
    schema: SchemaRef,
}

impl Projection {
    /// All columns of a table, in their order.
    #[cfg(feature = "internal-api")]
    #[must_use]
    pub fn whole(columns: &TableColumns, unit: TimestampUnit) -> Self {
        Self { columns: columns.iter().collect(), text: TextKind::Utf8, schema: columns.schema(unit) }
    }

    /// The columns with these names, in this order; perhaps none.
    ///
    /// # Errors
    /// The first name that no column has.
    ///
    /// ```
    /// # use parcap::config::{TextKind, TimestampUnit};
    /// # use parcap::packets::Projection;
    /// let of = |names: &[&'static str]| Projection::of(names.iter().copied(), TimestampUnit::Us, TextKind::Utf8);
    /// assert_eq!(of(&["ip_src", "length"]).unwrap().schema().field(1).name(), "length");
    /// assert_eq!(of(&["lenght"]).unwrap_err(), "lenght");
    /// ```
    pub fn of<'a>(
        names: impl IntoIterator<Item = &'a str>,
        unit: TimestampUnit,
        text: TextKind,
    ) -> Result<Self, &'a str> {
        let columns = names.into_iter().map(|name| find_column(name).ok_or(name)).collect::<Result<Vec<_>, _>>()?;
        let fields: Vec<_> = columns.iter().map(|column| column.field(unit, text)).collect();
        Ok(Self { columns, text, schema: Arc::new(Schema::new(fields)) })
    }

    /// Numbers the records of a batch whose rows were numbered from some place in their capture on: `before` are before that place.
    ///
    /// # Errors
    /// None, unless the batch is not of this projection.
    pub fn number_frames(&self, batch: RecordBatch, before: u64) -> Result<RecordBatch> {
        if before == 0 || self.columns.iter().all(|column| column.name != FRAME) {
            return Ok(batch);
        }
        let (schema, mut columns, rows) = batch.into_parts();
        for (column, array) in self.columns.iter().zip(&mut columns).filter(|(column, _)| column.name == FRAME) {
            let numbers = array.as_primitive_opt::<Int64Type>().ok_or_else(|| unfit(column.name))?;
            *array = Arc::new(numbers.unary::<_, Int64Type>(|number| number.saturating_add_unsigned(before)));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
    }

    /// The schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Its columns.
    pub(super) fn columns(&self) -> &[&'static Column] {
        &self.columns
    }
}

/// The numbers of rows, by the rows' codes.
fn numbers<K: DictionaryValue>(table: &CodeTable<K>, codes: &[u32]) -> Int64Array {
    let has_number = |code: &u32| table.number(*code).is_some();
    let values: Vec<_> = codes.iter().map(|code| table.number(*code).unwrap_or_default()).collect();
    let nulls = (!codes.iter().all(has_number)).then(|| bits(codes, |code| has_number(&code)).into());
    Int64Array::new(values.into(), nulls)
}

/// Values of which some stand for null.
fn primitive<P: ArrowPrimitiveType>(
    mut values: Vec<P::Native>,
    is_null: impl Fn(P::Native) -> bool,
) -> PrimitiveArray<P> {
    let has_nulls = values.iter().any(|value| is_null(*value));
    let nulls = has_nulls.then(|| {
        let nulls = bits(&values, |value| !is_null(value)).into();
        values.iter_mut().filter(|value| is_null(**value)).for_each(|value| *value = P::Native::default());
        nulls
    });
    PrimitiveArray::new(values.into(), nulls)
}
