//! Columns of small tables: plain pages, which are compressed as they come. All tables share one compressor.
//!
//! `ArrowWriter` makes a compressor and a decompressor for each column of each file, and the files of a date are many and small.

use std::ops::Range;

use parquet::basic::{Compression, Encoding};
use parquet::errors::ParquetError;
use parquet::file::statistics::Statistics;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

use super::chunk::{Chunk, EncodedColumn, PageFacts, small};
use super::column_codes::{bits_of, levels};
use super::compress::{Compressor, failed};
use super::value::{Bounds, Value, lower_of, plain_doubles, plain_integers, text_statistics, upper_bound};
use super::{PAGE_BYTES, PAGE_ROWS};
use crate::bug::bug;
use crate::config::{PageCompression, ZSTD_LEVEL};
use crate::packets::properties::compression;

/// Memory for the pages of any number of tables, and their compressor.
pub struct PlainScratch {
    compressor: Compressor,
    compression: Compression,
    page: Vec<u8>,
    bits: Vec<u8>,
}

impl PlainScratch {
    /// For pages as tables have them: ZSTD.
    ///
    /// # Errors
    /// If the compressor cannot be made.
    pub fn new() -> Result<Self, ParquetError> {
        let wanted = PageCompression::Zstd(ZSTD_LEVEL);
        let (compressor, compression) = (Compressor::new(wanted)?, compression(wanted)?);
        Ok(Self { compressor, compression, page: Vec::new(), bits: Vec::new() })
    }
}

/// The values of one column.
#[derive(Clone, Copy)]
pub(crate) enum PlainValues<'a> {
    /// Of type INT64.
    Integers(&'a [Option<i64>]),
    /// Of type DOUBLE. No number is NaN.
    Doubles(&'a [Option<f64>]),
    /// Of type BOOLEAN.
    Flags(&'a [Option<bool>]),
    /// Of type BYTE_ARRAY, in UTF-8: the value of a row.
    Texts(&'a dyn Fn(usize) -> Option<&'a str>),
}

/// A row group of nullable columns while rows come.
pub(crate) struct PlainColumns {
    columns: Vec<PlainChunk>,
    /// Bytes of its pages before compression.
    bytes: usize,
}

enum PlainChunk {
    Integers(Chunk<i64>),
    Doubles(Chunk<f64>),
    Flags(Chunk<bool>),
    Texts(Box<Chunk<TextStart>>),
}

impl PlainColumns {
    /// No rows yet.
    pub(crate) fn new(schema: &SchemaDescriptor, scratch: &PlainScratch) -> Result<Self, ParquetError> {
        let columns = schema.columns().iter().map(|column| PlainChunk::new(column.clone(), scratch.compression));
        Ok(Self { columns: columns.collect::<Result<_, _>>()?, bytes: 0 })
    }

    /// Appends rows of a column. Each column must get the same rows.
    pub(crate) fn push(
        &mut self,
        column: usize,
        values: PlainValues<'_>,
        mut rows: Range<usize>,
        scratch: &mut PlainScratch,
    ) -> Result<(), ParquetError> {
        let chunk = self.columns.get_mut(column).ok_or_else(|| failed(bug!()))?;
        while !rows.is_empty() {
            let page = rows.start..rows.end.min(rows.start + PAGE_ROWS);
            let PlainScratch { page: out, bits, compressor, .. } = &mut *scratch;
            out.clear();
            rows.start = match (&mut *chunk, values) {
                (PlainChunk::Integers(chunk), PlainValues::Integers(values)) => {
                    let values = values.get(page.clone()).ok_or_else(|| failed(bug!()))?;
                    numbers(chunk, values, plain_integers, (out, bits, compressor))?;
                    page.end
                }
                (PlainChunk::Doubles(chunk), PlainValues::Doubles(values)) => {
                    let values = values.get(page.clone()).ok_or_else(|| failed(bug!()))?;
                    numbers(chunk, values, plain_doubles, (out, bits, compressor))?;
                    page.end
                }
                (PlainChunk::Flags(chunk), PlainValues::Flags(values)) => {
                    let values = values.get(page.clone()).ok_or_else(|| failed(bug!()))?;
                    numbers(chunk, values, plain_flags, (out, bits, compressor))?;
                    page.end
                }
                (PlainChunk::Texts(chunk), PlainValues::Texts(value)) => {
                    texts(chunk, page, value, (out, bits, compressor))?
                }
                _ => return Err(failed(bug!())),
            };
            self.bytes += out.len();
        }
        Ok(())
    }

    /// Bytes of its pages before compression.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The columns, to be appended to a file.
    pub(crate) fn close(self) -> Result<Vec<EncodedColumn>, ParquetError> {
        let close = |column| match column {
            PlainChunk::Integers(chunk) => chunk.close(),
            PlainChunk::Doubles(chunk) => chunk.close(),
            PlainChunk::Flags(chunk) => chunk.close(),
            PlainChunk::Texts(chunk) => chunk.close(),
        };
        self.columns.into_iter().map(close).collect()
    }
}

impl PlainChunk {
    fn new(description: ColumnDescPtr, compression: Compression) -> Result<Self, ParquetError> {
        use parquet::basic::Type;
        Ok(match description.physical_type() {
            Type::INT64 => Self::Integers(Chunk::new(description, compression)),
            Type::DOUBLE => Self::Doubles(Chunk::new(description, compression)),
            Type::BOOLEAN => Self::Flags(Chunk::new(description, compression)),
            Type::BYTE_ARRAY => Self::Texts(Box::new(Chunk::new(description, compression))),
            _ => return Err(failed(bug!())),
        })
    }
}

/// Memory for a page, for bits, and the compressor.
type PageMemory<'a> = (&'a mut Vec<u8>, &'a mut Vec<u8>, &'a mut Compressor);

/// Appends booleans: a bit each, the lowest first.
fn plain_flags(values: &[bool], out: &mut Vec<u8>) -> Encoding {
    bits_of(values, |flag| flag, out);
    Encoding::PLAIN
}

/// A page of numbers or booleans.
fn numbers<V: Value>(
    chunk: &mut Chunk<V>,
    values: &[Option<V>],
    plain: impl Fn(&[V], &mut Vec<u8>) -> Encoding,
    (out, bits, compressor): PageMemory<'_>,
) -> Result<(), ParquetError> {
    let rows = values.len();
    let held: Vec<V> = values.iter().copied().flatten().collect();
    let nulls = rows - held.len();
    levels(rows, nulls, bits, out, |bits| bits_of(values, |value| value.is_some(), bits))?;
    let encoding = plain(&held, out);
    let facts = PageFacts { rows, nulls, bounds: Bounds::of(held.into_iter()), variable_bytes: None };
    chunk.page(compressor.body(out, encoding)?, facts)
}

/// A page of texts: as many of `rows` as make a page, but at least one. Returns the row after it.
fn texts<'a>(
    chunk: &mut Chunk<TextStart>,
    rows: Range<usize>,
    value: &dyn Fn(usize) -> Option<&'a str>,
    (out, bits, compressor): PageMemory<'_>,
) -> Result<usize, ParquetError> {
    let (mut values, mut plain_bytes) = (Vec::with_capacity(rows.len()), 0);
    for row in rows.clone() {
        let text = value(row).map(str::as_bytes);
        values.push(text);
        plain_bytes += text.map_or(0, Value::plain_len);
        if plain_bytes >= PAGE_BYTES {
            break;
        }
    }
    let held = || values.iter().copied().flatten();
    let (count, present) = (values.len(), held().count());
    let nulls = count - present;
    levels(count, nulls, bits, out, |bits| bits_of(&values, |text| text.is_some(), bits))?;
    held().for_each(|text| text.plain(out));
    let bounds =
        Bounds::of(held()).map(|Bounds { min, max }| Bounds { min: TextStart::of(min), max: TextStart::of(max) });
    let bytes = held().map(<[u8]>::len).sum();
    let facts = PageFacts { rows: count, nulls, bounds, variable_bytes: Some(bytes) };
    small::<i32>(out.len())?;
    chunk.page(compressor.body(out, Encoding::PLAIN)?, facts)?;
    Ok(rows.start + count)
}

/// Bytes of a text that are kept for statistics: more than those have.
const KEPT: usize = 68;

/// The beginning of a text, for statistics. They have no more of a long text, so of texts that begin alike only the lengths are told
/// apart.
#[derive(Clone, Copy)]
struct TextStart {
    bytes: [u8; KEPT],
    /// How many bytes are kept.
    kept: usize,
    /// Bytes of the whole text.
    len: usize,
}

impl TextStart {
    fn of(text: &[u8]) -> Self {
        let kept = match str::from_utf8(text) {
            Ok(text) => text.floor_char_boundary(KEPT),
            Err(_) => text.len().min(KEPT),
        };
        let mut bytes = [0; KEPT];
        bytes.iter_mut().zip(text.iter().take(kept)).for_each(|(to, from)| *to = *from);
        Self { bytes, kept, len: text.len() }
    }

    fn get(&self) -> &[u8] {
        self.bytes.get(..self.kept).unwrap_or_default()
    }

    /// An upper bound of a text of which not all is kept, where its beginning gives none: no character of it can be incremented. The
    /// greatest character, once more than the text can have it.
    fn beyond(&self) -> Option<Vec<u8>> {
        let has_none = self.kept < self.len && upper_bound(self.get()).is_none();
        has_none.then(|| char::MAX.to_string().repeat(self.len / char::MAX.len_utf8() + 1).into_bytes())
    }
}

impl Value for TextStart {
    const LENGTH_PREFIX: Option<usize> = <&[u8]>::LENGTH_PREFIX;

    fn plain_len(self) -> usize {
        self.get().plain_len()
    }

    fn plain(self, out: &mut Vec<u8>) {
        self.get().plain(out);
    }

    fn is_less(self, other: Self) -> bool {
        (self.get(), self.len) < (other.get(), other.len)
    }

    fn lower(self) -> Vec<u8> {
        self.get().lower()
    }

    fn upper(self) -> Vec<u8> {
        self.beyond().unwrap_or_else(|| self.get().upper())
    }

    fn statistics(bounds: Option<Bounds<Self>>, nulls: u64) -> Statistics {
        let Some(Bounds { min, max }) = &bounds else { return <&[u8]>::statistics(None, nulls) };
        match max.beyond() {
            None => Value::statistics(Some(Bounds { min: min.get(), max: max.get() }), nulls),
            Some(beyond) => text_statistics(Some(lower_of(min.get())), Some((beyond, false)), nulls),
        }
    }
}
