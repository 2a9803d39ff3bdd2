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

use super::code_table::{CodeTable, DictionaryValue};
use super::rows::{NO_DATETIME, NO_PORT, Rows, SparseCodes};
use super::schema::{COLUMNS, Column, DnsName, End, Storage, schema};
use super::text_table::TextTable;

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
    pub fn batch(&self, range: Range<usize>) -> Result<RecordBatch, ArrowError> {
        self.project(range, &Projection::all(self.unit))
    }

    /// Some columns of some rows, as one batch.
    ///
    /// # Errors
    /// If a column does not fit the schema, which is a bug here and not in the input.
    pub fn project(&self, range: Range<usize>, to: &Projection) -> Result<RecordBatch, ArrowError> {
        let columns = to.columns.iter().map(|column| self.array(column.storage, &range));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        debug_assert!(columns.iter().all(|column| column.len() == range.len()), "one value a row in every column");
        // Without a column there still are rows.
        let options = RecordBatchOptions::new().with_row_count(Some(range.len()));
        RecordBatch::try_new_with_options(to.schema(), columns, &options)
    }

    /// One column of some rows.
    fn array(&self, storage: Storage, range: &Range<usize>) -> Result<ArrayRef, ArrowError> {
        let times = values(&self.times, range);
        let ip = |end: End| values(&self.ip, range).map(move |codes| end.of(*codes));
        let mac = |end: End| values(&self.mac, range).map(move |codes| end.of(*codes));
        let facts = values(&self.facts, range);
        Ok(match storage {
            Storage::Datetime => {
                let datetime = times.map(|times| (times.datetime != NO_DATETIME).then_some(times.datetime));
                match self.unit {
                    TimestampUnit::Us => Arc::new(TimestampMicrosecondArray::from_iter(datetime).with_timezone("UTC")),
                    TimestampUnit::Ns => Arc::new(TimestampNanosecondArray::from_iter(datetime).with_timezone("UTC")),
                }
            }
            Storage::Time => Arc::new(times.map(|times| double(times.time)).collect::<Float64Array>()),
            Storage::TimeNormed => Arc::new(times.map(|times| double(times.time_normed)).collect::<Float64Array>()),
            Storage::DnsName(DnsName::Query) => Arc::new(sparse(&self.names, &self.dns_query, range)?),
            Storage::DnsName(DnsName::Response) => Arc::new(sparse(&self.names, &self.dns_resp, range)?),
            Storage::IpText(end) => Arc::new(texts(&self.ips, ip(end))?),
            Storage::IpNumber(end) => Arc::new(numbers(&self.ips, ip(end))),
            Storage::MacText(end) => Arc::new(texts(&self.macs, mac(end))?),
            Storage::MacNumber(end) => Arc::new(numbers(&self.macs, mac(end))),
            Storage::Port(end) => {
                let ports = values(&self.ports, range).map(|ports| port(end.of([ports.dst, ports.src])));
                Arc::new(ports.collect::<Int32Array>())
            }
            Storage::Length => Arc::new(Int64Array::from_iter_values(facts.map(|facts| i64::from(facts.length)))),
            Storage::Protocol => {
                let texts = facts.map(|facts| u8::try_from(facts.protocol).ok().map(protocol_text));
                Arc::new(texts.collect::<StringArray>())
            }
            Storage::IsDns => Arc::new(facts.map(|facts| Some(facts.is_dns)).collect::<BooleanArray>()),
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

fn values<'a, T>(column: &'a [T], range: &Range<usize>) -> std::slice::Iter<'a, T> {
    column.get(range.clone()).unwrap_or_default().iter()
}

fn double(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

fn port(port: i32) -> Option<i32> {
    (port != NO_PORT).then_some(port)
}

fn numbers<K: DictionaryValue>(table: &CodeTable<K>, codes: impl Iterator<Item = u32>) -> Int64Array {
    codes.map(|code| table.number(code)).collect()
}

/// Text by code, copied without being formatted or checked again.
fn texts<K: DictionaryValue>(
    table: &CodeTable<K>,
    codes: impl Iterator<Item = u32>,
) -> Result<StringArray, ArrowError> {
    let mut text = Vec::new();
    let mut offsets = vec![0];
    let mut present = Vec::new();
    for code in codes {
        let value = table.text(code);
        text.extend_from_slice(value.unwrap_or_default());
        offsets.push(offset(&text)?);
        present.push(value.is_some());
    }
    string_array(offsets, text, NullBuffer::from(present))
}

fn sparse(table: &TextTable, column: &SparseCodes, range: &Range<usize>) -> Result<StringArray, ArrowError> {
    let first = column.rows.partition_point(|row| (*row as usize) < range.start);
    let mut held = column.rows.iter().zip(&column.codes).skip(first).peekable();
    let mut text = Vec::new();
    let mut offsets = vec![0];
    let mut present = Vec::with_capacity(range.len());
    for row in range.clone() {
        let code = held.next_if(|(held, _)| **held as usize == row).map(|(_, code)| *code);
        text.extend_from_slice(code.and_then(|code| table.text(code)).unwrap_or_default());
        present.push(code.is_some());
        offsets.push(offset(&text)?);
    }
    string_array(offsets, text, NullBuffer::from(present))
}

fn offset(text: &[u8]) -> Result<i32, ArrowError> {
    i32::try_from(text.len()).map_err(|_| ArrowError::OffsetOverflowError(text.len()))
}

fn string_array(offsets: Vec<i32>, text: Vec<u8>, nulls: NullBuffer) -> Result<StringArray, ArrowError> {
    StringArray::try_new(
        OffsetBuffer::new(ScalarBuffer::from(offsets)),
        Buffer::from(text),
        Some(nulls).filter(|nulls| nulls.null_count() > 0),
    )
}
