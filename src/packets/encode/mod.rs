//! Row groups encoded from codes: pages, dictionaries, statistics and page indexes of the columns.
//!
//! In: [`Rows`], which hold addresses and names as codes into tables of distinct values. Out: an [`EncodedColumn`] for
//! each column of their table. parquet's writer appends it to a file as it is. Always: the values are those of
//! `Rows::batch`. The statistics and indexes are what parquet's own `ArrowWriter` would make, with the same
//! rows in the same pages except for plain text. `tests` compare both.
//!
//! Why not `ArrowWriter`: it interns each value again, dictionary arrays too, and reads each text again for the
//! statistics. That is three quarters of what a conversion costs. What is done here instead:
//!
//! - A code is numbered once for each column, in an array (`indexing.rs`). No value is hashed, compared or copied for a
//!   row. The keys that occur in a page for the first time are noted then, and the bounds of the page are those of their
//!   values.
//! - Of values that follow from the flow, each flow is asked once a page (`flow_pages.rs`): its rows look up what was found. Which rows
//!   are null is found once for all columns that are null in the same flows.
//! - Indexes are bit-packed eight at a time (`rle_bitpack.rs`). The width is that of the largest index of the page,
//!   rounded up to 4, 8 or 16 bits.
//! - An address as text and as a number are the same codes. Where both have the same nulls, they share their compressed
//!   pages (`dictionary.rs`).
//! - A dictionary that would be larger than what it saves, or than readers like, gives way to plain pages.
//! - Columns that rows are looked up by have Bloom filters of their dictionaries' values (`bloom.rs`).
//! - `datetime` is DELTA_BINARY_PACKED, in pages that end where a time jumps (`delta.rs` says why). Doubles are PLAIN,
//!   `is_dns` is bits. BYTE_STREAM_SPLIT would save less than a byte a packet, and Spark before 4.3, fastparquet and
//!   others cannot read it.
//!
//! To change the encoding of a column, change [`RowGroupPages::columns`]. The parts of a page are in `chunk.rs`.

mod bloom;
mod chunk;
mod column_codes;
mod column_keys;
mod compress;
mod delta;
mod dictionary;
mod flow_pages;
mod further;
mod indexing;
mod numeric;
mod plain_columns;
mod rle_bitpack;
#[cfg(test)]
mod tests;
mod value;

use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::errors::ParquetError;
use parquet::schema::types::SchemaDescriptor;

use super::code_table::{CodeTable, DictionaryValue, NO_CODE};
use super::column_storage::{RowField, SMALL, Storage};
use super::further::{FurtherColumn, NO_COUNT};
use super::packed::NO_DATETIME;
use super::rows::Rows;
use super::text_table::{SparseCodes, TextTable};
use crate::bug::bug;
use crate::config::PageCompression;
use crate::decode::protocol_text;

pub(super) use bloom::filter_bytes;
use chunk::Chunk;
pub(crate) use chunk::EncodedColumn;
use column_codes::Keys;
use column_keys::ColumnKeys;
use compress::Compressor;
pub(super) use compress::failed;
use dictionary::CodedColumn;
use flow_pages::{FlowPages, PresentRows};
use indexing::{IndexTable, Indexed};
pub(super) use numeric::encode_counts;
use numeric::numeric;
pub use plain_columns::PlainScratch;
pub(crate) use plain_columns::{PlainColumns, PlainValues};
use value::{Value, plain_doubles, plain_integers};

/// Rows of a data page: the least that a reader which uses the page index reads.
pub(super) const PAGE_ROWS: usize = 20_000;
/// Bytes of a data page before compression, about.
pub(super) const PAGE_BYTES: usize = 1 << 20;
/// Lengths below this are keys of a dictionary. With any longer one, the column is plain; no capture of a network has
/// one.
const LENGTHS: u32 = 1 << 18;

/// Memory that is reused for row group after row group.
pub(super) struct Scratch {
    compressor: Compressor,
    slots: IndexTable,
    numbered: Indexed,
    keys: Vec<u32>,
    flows: FlowPages,
    page: Vec<u8>,
    bits: Vec<u8>,
    integers: Vec<i64>,
    wide: Vec<i64>,
    doubles: Vec<f64>,
}

impl Scratch {
    pub(super) fn new(compression: PageCompression) -> Result<Self, ParquetError> {
        Ok(Self {
            compressor: Compressor::new(compression)?,
            slots: IndexTable::default(),
            numbered: Indexed::default(),
            keys: Vec::new(),
            flows: FlowPages::default(),
            page: Vec::new(),
            bits: Vec::new(),
            integers: Vec::new(),
            wide: Vec::new(),
            doubles: Vec::new(),
        })
    }
}

/// Encodes rows, one column at a time, in the order of the table.
pub(super) fn encode(
    rows: &Rows,
    schema: &SchemaDescriptor,
    compression: Compression,
    scratch: &mut Scratch,
) -> Result<Vec<EncodedColumn>, ParquetError> {
    let mut flows = std::mem::take(&mut scratch.flows);
    // Where most rows are flows of their own, it costs more to ask for these.
    let by_flows = rows.flows().len() <= rows.len() / 2;
    if by_flows && !flows.count(&rows.flow, rows.flows().len()) {
        return Err(failed(bug!()));
    }
    let mut group = RowGroupPages {
        rows,
        flows: by_flows.then_some(&flows),
        present: Vec::new(),
        schema,
        compression,
        scratch,
        columns: Vec::with_capacity(schema.num_columns()),
        distinct: Vec::new(),
    };
    group.columns()?;
    group.bloom_filters()?;
    let columns = group.columns;
    scratch.flows = flows;
    if columns.len() == schema.num_columns() { Ok(columns) } else { Err(failed(bug!())) }
}

/// A row group while it is being encoded.
struct RowGroupPages<'a> {
    rows: &'a Rows,
    /// The flows of pages, if there are few.
    flows: Option<&'a FlowPages>,
    present: Vec<Arc<PresentRows>>,
    schema: &'a SchemaDescriptor,
    compression: Compression,
    scratch: &'a mut Scratch,
    columns: Vec<EncodedColumn>,
    /// The distinct keys of the columns that may have a Bloom filter, by their places.
    distinct: Vec<(usize, Vec<u32>)>,
}

impl RowGroupPages<'_> {
    /// Encodes the columns in order. This says which storage is encoded how.
    fn columns(&mut self) -> Result<(), ParquetError> {
        let rows = self.rows;
        rows.columns.iter().try_for_each(|column| match column.storage {
            Storage::Instant(field) => {
                self.differences(|out| (field.take)(rows, 0..rows.len(), out), |instant| instant == NO_DATETIME)
            }
            Storage::Double(field) => self.doubles(field),
            Storage::Name(field) => self.texts(&rows.names, (field.codes)(rows)),
            Storage::IpText(field) => self.addresses(&rows.ips, field),
            Storage::MacText(field) => self.addresses(&rows.macs, field),
            // Encoded with the text column before it, whose pages it shares.
            Storage::IpNumber(_) | Storage::MacNumber(_) => Ok(()),
            Storage::Small32(field) => self.keyed(field, SMALL as usize, |number| Some(number.cast_signed())),
            Storage::Small64(field) => self.keyed(field, SMALL as usize, |number| Some(i64::from(number))),
            Storage::Wide(field) => self.wide(|out| (field.take)(rows, 0..rows.len(), out)),
            Storage::Counter(field) => {
                self.differences(|out| (field.take)(rows, 0..rows.len(), out), |count| count == NO_COUNT)
            }
            Storage::Flag(field) => self.flags(&mut field.values(rows, &(0..rows.len())).map_err(failed)?),
            Storage::Length(field) => self.lengths(field),
            Storage::Protocol(field) => self.protocols(field),
            Storage::Further(_) => {
                let further = FurtherColumn::find(&rows.further, column.name).map_err(failed)?;
                self.further(&further.values)
            }
        })
    }

    /// The next column of the table, without pages.
    fn chunk<V: Value>(&self) -> Chunk<V> {
        Chunk::new(self.schema.column(self.columns.len()), self.compression)
    }

    /// Two columns: addresses as text, and as numbers where the address has a number.
    fn addresses<K: DictionaryValue>(
        &mut self,
        table: &CodeTable<K>,
        field: RowField<u32>,
    ) -> Result<(), ParquetError> {
        let number = |code| table.number(code);
        let mut keys = self.keys(field)?;
        let mut coded = CodedColumn::new(self.by_rows(&keys), table.distinct(), self.scratch)?;
        self.keep_distinct(coded.entries());
        self.columns.push(coded.column(self.chunk(), self.scratch, |code| table.text(code))?);
        if coded.entries().iter().all(|code| table.number(*code).is_some()) {
            self.columns.push(coded.column(self.chunk(), self.scratch, number)?);
            coded.recycle(self.scratch);
        } else {
            coded.recycle(self.scratch);
            let without = keys.keys.iter_mut().filter(|code| table.number(**code).is_none());
            without.for_each(|code| *code = NO_CODE);
            if keys.present.is_some() {
                keys.present = Some(self.present(&keys.keys)?);
            }
            self.coded(self.by_rows(&keys), table.distinct(), number)?;
        }
        self.scratch.keys = keys.keys;
        Ok(())
    }

    fn texts(&mut self, table: &TextTable, texts: &SparseCodes) -> Result<(), ParquetError> {
        self.coded(further::sparse(texts, self.rows.len())?, table.distinct(), |code| table.text(code))
    }

    fn lengths(&mut self, field: RowField<u32>) -> Result<(), ParquetError> {
        let ColumnKeys { keys: lengths, .. } = self.keys(field)?;
        let column = if lengths.iter().max().is_none_or(|length| *length < LENGTHS) {
            self.coded(Keys::Dense(&lengths), LENGTHS as usize, |length| Some(i64::from(length)))
        } else {
            let fill = |out: &mut Vec<i64>| {
                out.extend(lengths.iter().copied().map(i64::from));
                Some(())
            };
            self.numeric(fill, |_| false, |scratch| &mut scratch.integers, |_| PAGE_ROWS, plain_integers)
        };
        self.scratch.keys = lengths;
        column
    }

    fn protocols(&mut self, field: RowField<u32>) -> Result<(), ParquetError> {
        let texts: Vec<String> = (0..=u8::MAX).map(protocol_text).collect();
        self.keyed(field, texts.len(), |key| texts.get(key as usize).map(String::as_bytes))
    }

    /// A column whose values are keys, each below `space`.
    fn keyed<V: Value>(
        &mut self,
        field: RowField<u32>,
        space: usize,
        value: impl Fn(u32) -> Option<V>,
    ) -> Result<(), ParquetError> {
        let keys = self.keys(field)?;
        let column = self.coded(self.by_rows(&keys), space, value);
        self.scratch.keys = keys.keys;
        column
    }

    fn coded<V: Value>(
        &mut self,
        keys: Keys<'_>,
        space: usize,
        value: impl Fn(u32) -> Option<V>,
    ) -> Result<(), ParquetError> {
        let mut coded = CodedColumn::new(keys, space, self.scratch)?;
        self.keep_distinct(coded.entries());
        self.columns.push(coded.column(self.chunk(), self.scratch, value)?);
        coded.recycle(self.scratch);
        Ok(())
    }

    /// A column of integers as differences. `fill` gives the integers.
    fn differences(
        &mut self,
        fill: impl FnOnce(&mut Vec<i64>) -> Option<()>,
        is_null: impl Fn(i64) -> bool + Copy,
    ) -> Result<(), ParquetError> {
        let page_rows = |values: &[i64]| delta::rows_until_jump(values, PAGE_ROWS, is_null);
        self.numeric(fill, is_null, |scratch| &mut scratch.integers, page_rows, delta::encode_or_plain)
    }

    fn doubles(&mut self, field: RowField<f64>) -> Result<(), ParquetError> {
        let rows = self.rows;
        let fill = |out: &mut Vec<f64>| (field.take)(rows, 0..rows.len(), out);
        self.numeric(fill, f64::is_nan, |scratch| &mut scratch.doubles, |_| PAGE_ROWS, plain_doubles)
    }

    /// A column of numbers without a dictionary. `fill` gives the numbers, some of which stand for null. `held` is memory
    /// for them. `page_rows` gives the most rows of the next page. `encode` appends a page and returns its encoding.
    fn numeric<V: Value>(
        &mut self,
        fill: impl FnOnce(&mut Vec<V>) -> Option<()>,
        is_null: impl Fn(V) -> bool + Copy,
        held: impl Fn(&mut Scratch) -> &mut Vec<V>,
        page_rows: impl Fn(&[V]) -> usize,
        encode: impl Fn(&[V], &mut Vec<u8>) -> Encoding,
    ) -> Result<(), ParquetError> {
        let mut column = std::mem::take(held(self.scratch));
        column.clear();
        fill(&mut column).ok_or_else(|| failed(bug!()))?;
        if column.len() != self.rows.len() {
            return Err(failed(bug!()));
        }
        let encoded = numeric(self.chunk(), self.scratch, &mut column, is_null, page_rows, encode)?;
        *held(self.scratch) = column;
        self.columns.push(encoded);
        Ok(())
    }
}
