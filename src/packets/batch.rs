//! Collected rows become Arrow arrays.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
    TimestampMicrosecondArray, TimestampNanosecondArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::config::TimestampUnit;
use crate::decode::protocol_text;
use crate::error::Result;

use super::code_table::{CodeTable, DictionaryValue, NO_CODE};
use super::column_storage::Storage;
use super::further::FurtherColumn;
use super::packed::NO_DATETIME;
use super::rows::Rows;
use super::schema::{COLUMNS, Column, schema};
use super::text_table::{SparseCodes, TextTable};

/// Rows as Arrow arrays.
pub type Batch = RecordBatch;

impl Rows {
    /// Some of the rows as one batch.
    ///
    /// # Shape
    /// `range.len() x COLUMNS.len()`: one row a packet, in the order appended; columns in the order of `COLUMNS`.
    /// # Units
    /// `length` is in bytes; `time` and `time_normed` are in seconds; `datetime` is UTC in the unit of the rows.
    /// # Memory
    /// The arrays' own; some 150 bytes a row where every row has MACs and IPv4 addresses.
    /// # Errors
    /// If a column does not fit the schema, which is a bug here and not in the input.
    #[cfg(feature = "internal-api")]
    pub fn batch(&self, range: Range<usize>) -> Result<RecordBatch> {
        self.project(range, &Projection::all(self.unit))
    }

    /// Some columns of some rows, as one batch.
    ///
    /// # Errors
    /// If a column does not fit the schema, which is a bug here and not in the input.
    pub fn project(&self, range: Range<usize>, to: &Projection) -> Result<RecordBatch> {
        let columns = to.columns.iter().map(|column| self.array(column, &range)).collect::<Result<Vec<_>>>()?;
        // Without a column there still are rows.
        let options = RecordBatchOptions::new().with_row_count(Some(range.len()));
        Ok(RecordBatch::try_new_with_options(to.schema(), columns, &options)?)
    }

    /// One column of some rows.
    fn array(&self, column: &Column, range: &Range<usize>) -> Result<ArrayRef> {
        Ok(match column.storage {
            Storage::Instant(field) => {
                let instants = field.values(self, range)?.into_iter();
                let instants = instants.map(|instant| (instant != NO_DATETIME).then_some(instant));
                match self.unit {
                    TimestampUnit::Us => Arc::new(TimestampMicrosecondArray::from_iter(instants).with_timezone("UTC")),
                    TimestampUnit::Ns => Arc::new(TimestampNanosecondArray::from_iter(instants).with_timezone("UTC")),
                }
            }
            Storage::Double(field) => {
                let doubles = field.values(self, range)?.into_iter();
                Arc::new(doubles.map(|double| (!double.is_nan()).then_some(double)).collect::<Float64Array>())
            }
            Storage::Flag(field) => Arc::new(BooleanArray::from(field.values(self, range)?)),
            Storage::Name(field) => Arc::new(sparse(&self.names, (field.codes)(self), range)?),
            Storage::IpText(field) => Arc::new(texts(&self.ips, &field.values(self, range)?)?),
            Storage::IpNumber(field) => Arc::new(numbers(&self.ips, &field.values(self, range)?)),
            Storage::MacText(field) => Arc::new(texts(&self.macs, &field.values(self, range)?)?),
            Storage::MacNumber(field) => Arc::new(numbers(&self.macs, &field.values(self, range)?)),
            Storage::Port(field) => {
                let ports = field.values(self, range)?.into_iter();
                let ports = ports.map(|port| (port != NO_CODE).then_some(port.cast_signed()));
                Arc::new(ports.collect::<Int32Array>())
            }
            Storage::Length(field) => {
                Arc::new(Int64Array::from_iter_values(field.values(self, range)?.into_iter().map(i64::from)))
            }
            Storage::Protocol(field) => {
                let protocols = field.values(self, range)?.into_iter();
                let texts = protocols.map(|protocol| u8::try_from(protocol).ok().map(protocol_text));
                Arc::new(texts.collect::<StringArray>())
            }
            Storage::Further(_) => FurtherColumn::find(&self.further, column.name)?.array(range)?,
        })
    }
}

/// Which columns a batch has, in which order.
#[derive(Clone, Debug)]
pub struct Projection {
    columns: Vec<&'static Column>,
    schema: SchemaRef,
}

impl Projection {
    /// All columns, in the order of the table.
    #[cfg(feature = "internal-api")]
    #[must_use]
    pub fn all(unit: TimestampUnit) -> Self {
        Self { columns: COLUMNS.iter().collect(), schema: schema(unit) }
    }

    /// The columns with these names, in this order; perhaps none.
    ///
    /// # Errors
    /// The first name that no column has.
    ///
    /// ```
    /// # use parcap::config::TimestampUnit;
    /// # use parcap::packets::Projection;
    /// let two = Projection::of(["ip_src", "length"], TimestampUnit::Us).unwrap();
    /// assert_eq!(two.schema().field(1).name(), "length");
    /// assert_eq!(Projection::of(["lenght"], TimestampUnit::Us).unwrap_err(), "lenght");
    /// ```
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>, unit: TimestampUnit) -> Result<Self, &'a str> {
        let whole = schema(unit);
        let found = names.into_iter().map(|name| {
            let column = COLUMNS.iter().find(|column| column.name == name).ok_or(name)?;
            let field = whole.field_with_name(name).map_err(|_| name)?;
            Ok::<_, &'a str>((column, field.clone()))
        });
        let (columns, fields): (Vec<_>, Vec<_>) = found.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        Ok(Self { columns, schema: Arc::new(Schema::new(fields)) })
    }

    /// The schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

fn numbers<K: DictionaryValue>(table: &CodeTable<K>, codes: &[u32]) -> Int64Array {
    codes.iter().map(|code| table.number(*code)).collect()
}

/// Text by code, copied without being formatted or checked again.
fn texts<K: DictionaryValue>(table: &CodeTable<K>, codes: &[u32]) -> Result<StringArray, ArrowError> {
    string_array(codes.len(), codes.iter().map(|code| table.text(*code)))
}

/// Text of the rows that have one.
pub(super) fn sparse(table: &TextTable, column: &SparseCodes, range: &Range<usize>) -> Result<StringArray> {
    let first = column.rows.partition_point(|row| (*row as usize) < range.start);
    let mut held = column.rows.iter().zip(&column.codes).skip(first).peekable();
    let texts = range.clone().map(|row| {
        let (_, code) = held.next_if(|(held, _)| **held as usize == row)?;
        table.text(*code)
    });
    Ok(string_array(range.len(), texts)?)
}

fn string_array<'a>(rows: usize, texts: impl Iterator<Item = Option<&'a [u8]>>) -> Result<StringArray, ArrowError> {
    let mut bytes = Vec::new();
    let mut offsets = Vec::with_capacity(rows + 1);
    let mut present = Vec::with_capacity(rows);
    offsets.push(0);
    for text in texts {
        present.push(text.is_some());
        bytes.extend_from_slice(text.unwrap_or_default());
        offsets.push(i32::try_from(bytes.len()).map_err(|_| ArrowError::OffsetOverflowError(bytes.len()))?);
    }
    StringArray::try_new(
        OffsetBuffer::new(ScalarBuffer::from(offsets)),
        Buffer::from(bytes),
        Some(NullBuffer::from(present)).filter(|nulls| nulls.null_count() > 0),
    )
}
