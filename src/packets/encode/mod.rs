//! Row groups encoded from codes: pages, dictionaries, statistics and page indexes of the 18 columns.
//!
//! In: [`Rows`], which hold addresses and names as codes into tables of distinct values. Out: an [`EncodedColumn`] for
//! each column of [`COLUMNS`]. parquet's writer appends it to a file as it is. Always: the values are those of
//! `Rows::batch`. The statistics and indexes are what parquet's own `ArrowWriter` would make, with the same
//! rows in the same pages except for plain text. `tests` compare both.
//!
//! Why not `ArrowWriter`: it interns each value again, dictionary arrays too, and reads each text again for the
//! statistics. That is three quarters of what a conversion costs. What is done here instead:
//!
//! - A code is numbered once for each column, in an array (`indexing.rs`). No value is hashed, compared or copied for a
//!   row. The keys that occur in a page for the first time are noted then, and the bounds of the page are those of their
//!   values.
//! - Indexes are bit-packed eight at a time (`rle_bitpack.rs`). The width is that of the largest index of the page,
//!   rounded up to 4, 8 or 16 bits.
//! - An address as text and as a number are the same codes. Where both have the same nulls, they share their compressed
//!   pages (`dictionary.rs`).
//! - A dictionary that would be larger than what it saves, or than readers like, gives way to plain pages.
//! - `datetime` is DELTA_BINARY_PACKED, in pages that end where a time jumps (`delta.rs` says why). Doubles are PLAIN,
//!   `is_dns` is bits. BYTE_STREAM_SPLIT would save less than a byte a packet, and Spark before 4.3, fastparquet and
//!   others cannot read it.
//!
//! To change the encoding of a column, change [`RowGroupPages::columns`]. The parts of a page are in `chunk.rs`.

mod chunk;
mod column_codes;
mod compress;
mod delta;
mod dictionary;
mod indexing;
mod rle_bitpack;
#[cfg(test)]
mod tests;
mod value;

use parquet::basic::{Compression, Encoding};
use parquet::errors::ParquetError;
use parquet::schema::types::SchemaDescriptor;

use super::code_table::{CodeTable, NO_CODE};
use super::rows::{NO_DATETIME, NO_PORT, NO_PROTOCOL, Rows};
use super::schema::{COLUMNS, DnsName, End, Storage};
use crate::config::PageCompression;
use crate::decode::protocol_text;

pub(super) use chunk::EncodedColumn;
use chunk::{Chunk, PageFacts};
use column_codes::Keys;
use compress::Compressor;
use dictionary::CodedColumn;
use indexing::{IndexTable, Indexed};
use value::{Bounds, Value, plain_doubles, plain_integers};

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
    page: Vec<u8>,
    bits: Vec<u8>,
    integers: Vec<i64>,
    doubles: Vec<f64>,
}

impl Scratch {
    pub(super) fn new(compression: PageCompression) -> Result<Self, ParquetError> {
        Ok(Self {
            compressor: Compressor::new(compression)?,
            slots: IndexTable::default(),
            numbered: Indexed::default(),
            keys: Vec::new(),
            page: Vec::new(),
            bits: Vec::new(),
            integers: Vec::new(),
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
    let mut group =
        RowGroupPages { rows, schema, compression, scratch, columns: Vec::with_capacity(schema.num_columns()) };
    group.columns()?;
    Ok(group.columns)
}

/// A row group while it is being encoded.
struct RowGroupPages<'a> {
    rows: &'a Rows,
    schema: &'a SchemaDescriptor,
    compression: Compression,
    scratch: &'a mut Scratch,
    columns: Vec<EncodedColumn>,
}

impl RowGroupPages<'_> {
    /// Encodes the columns in order. This says which column is encoded how.
    fn columns(&mut self) -> Result<(), ParquetError> {
        let rows = self.rows;
        COLUMNS.iter().try_for_each(|column| match column.storage {
            Storage::Datetime => self.datetime(rows.times.iter().map(|times| times.datetime)),
            Storage::Time => self.doubles(rows.times.iter().map(|times| times.time)),
            Storage::TimeNormed => self.doubles(rows.times.iter().map(|times| times.time_normed)),
            Storage::DnsName(DnsName::Query) => self.names(&rows.dns_query),
            Storage::DnsName(DnsName::Response) => self.names(&rows.dns_resp),
            // Which end it is is asked once a column, not once a row.
            Storage::IpText(End::Destination) => self.addresses(&rows.ips, rows.ip.iter().map(|[dst, _]| *dst)),
            Storage::IpText(End::Source) => self.addresses(&rows.ips, rows.ip.iter().map(|[_, src]| *src)),
            Storage::MacText(End::Destination) => self.addresses(&rows.macs, rows.mac.iter().map(|[dst, _]| *dst)),
            Storage::MacText(End::Source) => self.addresses(&rows.macs, rows.mac.iter().map(|[_, src]| *src)),
            // Encoded with the text column before it, whose pages it shares.
            Storage::IpNumber(_) | Storage::MacNumber(_) => Ok(()),
            Storage::Port(End::Destination) => self.ports(rows.ports.iter().map(|ports| ports.dst)),
            Storage::Port(End::Source) => self.ports(rows.ports.iter().map(|ports| ports.src)),
            Storage::Length => self.lengths(rows.facts.iter().map(|facts| facts.length)),
            Storage::Protocol => self.protocols(rows.facts.iter().map(|facts| facts.protocol)),
            Storage::IsDns => self.flags(rows.facts.iter().map(|facts| facts.is_dns)),
        })
    }

    /// The next column of the table, without pages.
    fn chunk<V: Value>(&self) -> Chunk<V> {
        Chunk::new(self.schema.column(self.columns.len()), self.compression)
    }

    /// Two columns: addresses as text, and as numbers where the address has a number.
    fn addresses<K: super::code_table::DictionaryValue>(
        &mut self,
        table: &CodeTable<K>,
        codes: impl Iterator<Item = u32>,
    ) -> Result<(), ParquetError> {
        let text = |code| table.text(code).unwrap_or_default();
        let number = |code| table.number(code).unwrap_or_default();
        let mut keys = std::mem::take(&mut self.scratch.keys);
        keys.clear();
        keys.extend(codes);
        let mut coded = CodedColumn::new(Keys::Dense(&keys), table.distinct(), self.scratch);
        self.columns.push(coded.column(self.chunk(), self.scratch, text)?);
        if coded.entries().iter().all(|code| table.number(*code).is_some()) {
            self.columns.push(coded.column(self.chunk(), self.scratch, number)?);
            coded.recycle(self.scratch);
        } else {
            coded.recycle(self.scratch);
            keys.iter_mut().filter(|code| table.number(**code).is_none()).for_each(|code| *code = NO_CODE);
            self.coded(Keys::Dense(&keys), table.distinct(), number)?;
        }
        self.scratch.keys = keys;
        Ok(())
    }

    fn names(&mut self, names: &super::rows::SparseCodes) -> Result<(), ParquetError> {
        let table = &self.rows.names;
        let keys = Keys::Sparse { at: &names.rows, keys: &names.codes, rows: self.rows.len() };
        self.coded(keys, table.distinct(), |code| table.text(code).unwrap_or_default())
    }

    fn lengths(&mut self, lengths: impl Iterator<Item = u32> + Clone) -> Result<(), ParquetError> {
        if lengths.clone().max().is_none_or(|length| length < LENGTHS) {
            return self.keyed(lengths, LENGTHS as usize, i64::from);
        }
        self.numeric(lengths.map(i64::from), |_| false, |scratch| &mut scratch.integers, |_| PAGE_ROWS, plain_integers)
    }

    fn ports(&mut self, ports: impl Iterator<Item = i32>) -> Result<(), ParquetError> {
        const { assert!(NO_PORT.cast_unsigned() == NO_CODE, "no port is no key") };
        self.keyed(ports.map(i32::cast_unsigned), 1 << 16, u32::cast_signed)
    }

    fn protocols(&mut self, protocols: impl Iterator<Item = u16>) -> Result<(), ParquetError> {
        let keys = protocols.map(|number| if number == NO_PROTOCOL { NO_CODE } else { u32::from(number) });
        let texts: Vec<String> = (0..=u8::MAX).map(protocol_text).collect();
        self.keyed(keys, texts.len(), |key| texts.get(key as usize).map_or_else(Default::default, String::as_bytes))
    }

    /// A column whose keys are made here.
    fn keyed<V: Value>(
        &mut self,
        keys: impl Iterator<Item = u32>,
        space: usize,
        value: impl Fn(u32) -> V,
    ) -> Result<(), ParquetError> {
        let mut held = std::mem::take(&mut self.scratch.keys);
        held.clear();
        held.extend(keys);
        let column = self.coded(Keys::Dense(&held), space, value);
        self.scratch.keys = held;
        column
    }

    fn coded<V: Value>(&mut self, keys: Keys<'_>, space: usize, value: impl Fn(u32) -> V) -> Result<(), ParquetError> {
        let mut coded = CodedColumn::new(keys, space, self.scratch);
        self.columns.push(coded.column(self.chunk(), self.scratch, value)?);
        coded.recycle(self.scratch);
        Ok(())
    }

    fn datetime(&mut self, values: impl Iterator<Item = i64>) -> Result<(), ParquetError> {
        let is_null = |value| value == NO_DATETIME;
        let page_rows = |values: &[i64]| delta::rows_until_jump(values, PAGE_ROWS, is_null);
        self.numeric(values, is_null, |scratch| &mut scratch.integers, page_rows, delta::encode_or_plain)
    }

    fn doubles(&mut self, values: impl Iterator<Item = f64>) -> Result<(), ParquetError> {
        self.numeric(values, f64::is_nan, |scratch| &mut scratch.doubles, |_| PAGE_ROWS, plain_doubles)
    }

    /// A column of numbers without a dictionary. Some numbers stand for null. `held` is memory for the others.
    /// `page_rows` gives the most rows of the next page. `encode` appends a page and returns its encoding.
    fn numeric<V: Value>(
        &mut self,
        values: impl Iterator<Item = V>,
        is_null: impl Fn(V) -> bool + Copy,
        held: impl Fn(&mut Scratch) -> &mut Vec<V>,
        page_rows: impl Fn(&[V]) -> usize,
        encode: impl Fn(&[V], &mut Vec<u8>) -> Encoding,
    ) -> Result<(), ParquetError> {
        let mut chunk = self.chunk();
        let mut column = std::mem::take(held(self.scratch));
        column.clear();
        column.extend(values);
        let mut rest = column.as_mut_slice();
        while !rest.is_empty() {
            let (values, after) = rest.split_at_mut(page_rows(rest).min(rest.len()));
            rest = after;
            let Scratch { page, bits, compressor, .. } = &mut *self.scratch;
            page.clear();
            let rows = values.len();
            let nulls = values.iter().filter(|value| is_null(**value)).count();
            if chunk.is_optional() {
                column_codes::levels(rows, nulls, bits, page, |bits| {
                    column_codes::bits_of(values, |value| !is_null(value), bits)
                });
            }
            let values = if nulls > 0 { without(values, is_null) } else { &*values };
            let encoding = encode(values, page);
            let bounds = Bounds::of(values.iter().copied());
            let facts = PageFacts { rows, nulls, bounds, variable_bytes: None };
            chunk.page(compressor.numbers(page, encoding)?, facts)?;
        }
        *held(self.scratch) = column;
        self.columns.push(chunk.close()?);
        Ok(())
    }

    fn flags(&mut self, flags: impl Iterator<Item = bool>) -> Result<(), ParquetError> {
        let mut chunk = self.chunk();
        let flags: Vec<bool> = flags.collect();
        for flags in flags.chunks(PAGE_ROWS) {
            let Scratch { page, compressor, .. } = &mut *self.scratch;
            page.clear();
            column_codes::bits_of(flags, |flag| flag, page);
            let bounds = Bounds::of(flags.iter().copied());
            let facts = PageFacts { rows: flags.len(), nulls: 0, bounds, variable_bytes: None };
            chunk.page(compressor.body(page, Encoding::PLAIN)?, facts)?;
        }
        self.columns.push(chunk.close()?);
        Ok(())
    }
}

/// The values without nulls. Nulls are moved to the end.
fn without<V: Copy>(values: &mut [V], is_null: impl Fn(V) -> bool) -> &[V] {
    let mut kept = 0;
    for at in 0..values.len() {
        if let Some(value) = values.get(at).copied().filter(|value| !is_null(*value)) {
            if let Some(place) = values.get_mut(kept) {
                *place = value;
            }
            kept += 1;
        }
    }
    values.get(..kept).unwrap_or_default()
}
