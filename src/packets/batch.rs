//! Collected rows become Arrow arrays.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    TimestampNanosecondArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::error::ArrowError;

use crate::decode::protocol_text;

use super::code_table::{CodeTable, DictionaryValue};
use super::rows::{NO_DATETIME, NO_PORT, Rows, SparseCodes};
use super::schema::schema;
use super::text_table::TextTable;
use crate::config::TimestampUnit;

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
    pub fn batch(&self, range: Range<usize>) -> Result<RecordBatch, ArrowError> {
        let rows = range.len();
        let times = values(&self.times, &range);
        let datetime = times.clone().map(|times| (times.datetime != NO_DATETIME).then_some(times.datetime));
        let datetime: ArrayRef = match self.unit {
            TimestampUnit::Us => Arc::new(TimestampMicrosecondArray::from_iter(datetime).with_timezone("UTC")),
            TimestampUnit::Ns => Arc::new(TimestampNanosecondArray::from_iter(datetime).with_timezone("UTC")),
        };
        let (ip, mac) = (values(&self.ip, &range), values(&self.mac, &range));
        let (ip_dst, ip_src) = (ip.clone().map(|[dst, _]| *dst), ip.map(|[_, src]| *src));
        let (mac_dst, mac_src) = (mac.clone().map(|[dst, _]| *dst), mac.map(|[_, src]| *src));
        let (ports, facts) = (values(&self.ports, &range), values(&self.facts, &range));
        let double = |value: f64| (!value.is_nan()).then_some(value);
        let columns: Vec<ArrayRef> = vec![
            datetime,
            Arc::new(sparse(&self.names, &self.dns_query, &range)?),
            Arc::new(sparse(&self.names, &self.dns_resp, &range)?),
            Arc::new(texts(&self.ips, ip_dst.clone())?),
            Arc::new(numbers(&self.ips, ip_dst)),
            Arc::new(texts(&self.ips, ip_src.clone())?),
            Arc::new(numbers(&self.ips, ip_src)),
            Arc::new(facts.clone().map(|facts| Some(facts.is_dns)).collect::<BooleanArray>()),
            Arc::new(Int64Array::from_iter_values(facts.clone().map(|facts| i64::from(facts.length)))),
            Arc::new(texts(&self.macs, mac_dst.clone())?),
            Arc::new(numbers(&self.macs, mac_dst)),
            Arc::new(texts(&self.macs, mac_src.clone())?),
            Arc::new(numbers(&self.macs, mac_src)),
            Arc::new(ports.clone().map(|ports| port(ports.dst)).collect::<Int32Array>()),
            Arc::new(ports.map(|ports| port(ports.src)).collect::<Int32Array>()),
            Arc::new(facts.map(|facts| u8::try_from(facts.protocol).ok().map(protocol_text)).collect::<StringArray>()),
            Arc::new(times.clone().map(|times| double(times.time)).collect::<Float64Array>()),
            Arc::new(times.map(|times| double(times.time_normed)).collect::<Float64Array>()),
        ];
        debug_assert!(columns.iter().all(|column| column.len() == rows), "one value a row in every column");
        RecordBatch::try_new(schema(self.unit), columns)
    }
}

fn values<'a, T>(column: &'a [T], range: &Range<usize>) -> std::slice::Iter<'a, T> {
    column.get(range.clone()).unwrap_or_default().iter()
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
