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

use super::codes::{CodeTable, Coded};
use super::rows::{NO_DATETIME, NO_PORT, Rows, SparseCodes};
use super::schema::{TimestampUnit, schema};
use super::texts::TextTable;

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
        let datetime = values(&self.datetime, &range).map(|value| (*value != NO_DATETIME).then_some(*value));
        let datetime: ArrayRef = match self.unit {
            TimestampUnit::Us => Arc::new(TimestampMicrosecondArray::from_iter(datetime).with_timezone("UTC")),
            TimestampUnit::Ns => Arc::new(TimestampNanosecondArray::from_iter(datetime).with_timezone("UTC")),
        };
        let columns: Vec<ArrayRef> = vec![
            datetime,
            Arc::new(sparse(&self.names, &self.dns_query, &range)?),
            Arc::new(sparse(&self.names, &self.dns_resp, &range)?),
            Arc::new(texts(&self.ips, &self.ip_dst, &range)?),
            Arc::new(numbers(&self.ips, &self.ip_dst, &range)),
            Arc::new(texts(&self.ips, &self.ip_src, &range)?),
            Arc::new(numbers(&self.ips, &self.ip_src, &range)),
            Arc::new(BooleanArray::from(self.is_dns.get(range.clone()).unwrap_or_default().to_vec())),
            Arc::new(Int64Array::from_iter_values(values(&self.length, &range).copied().map(i64::from))),
            Arc::new(texts(&self.macs, &self.mac_dst, &range)?),
            Arc::new(numbers(&self.macs, &self.mac_dst, &range)),
            Arc::new(texts(&self.macs, &self.mac_src, &range)?),
            Arc::new(numbers(&self.macs, &self.mac_src, &range)),
            Arc::new(ports(&self.port_dst, &range)),
            Arc::new(ports(&self.port_src, &range)),
            Arc::new(protocols(&self.protocol, &range)),
            Arc::new(doubles(&self.time, &range)),
            Arc::new(doubles(&self.time_normed, &range)),
        ];
        debug_assert!(columns.iter().all(|column| column.len() == rows), "one value a row in every column");
        RecordBatch::try_new(schema(self.unit), columns)
    }
}

fn values<'a, T>(column: &'a [T], range: &Range<usize>) -> std::slice::Iter<'a, T> {
    column.get(range.clone()).unwrap_or_default().iter()
}

fn doubles(column: &[f64], range: &Range<usize>) -> Float64Array {
    let values = column.get(range.clone()).unwrap_or_default();
    let nulls = NullBuffer::from_iter(values.iter().map(|value| !value.is_nan()));
    Float64Array::new(ScalarBuffer::from(values.to_vec()), Some(nulls).filter(|nulls| nulls.null_count() > 0))
}

fn ports(column: &[i32], range: &Range<usize>) -> Int32Array {
    values(column, range).map(|port| (*port != NO_PORT).then_some(*port)).collect()
}

fn protocols(column: &[u16], range: &Range<usize>) -> StringArray {
    values(column, range).map(|protocol| u8::try_from(*protocol).ok().map(protocol_text)).collect()
}

fn numbers<K: Coded>(table: &CodeTable<K>, codes: &[u32], range: &Range<usize>) -> Int64Array {
    values(codes, range).map(|code| table.number(*code)).collect()
}

/// Text by code, copied without being formatted or checked again.
fn texts<K: Coded>(table: &CodeTable<K>, codes: &[u32], range: &Range<usize>) -> Result<StringArray, ArrowError> {
    let codes = codes.get(range.clone()).unwrap_or_default();
    let mut text = Vec::with_capacity(codes.len() * 17);
    let mut offsets = Vec::with_capacity(codes.len() + 1);
    offsets.push(0);
    for code in codes {
        text.extend_from_slice(table.text(*code).unwrap_or_default());
        offsets.push(offset(&text)?);
    }
    let nulls = NullBuffer::from_iter(codes.iter().map(|code| table.text(*code).is_some()));
    string_array(offsets, text, nulls)
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
