//! A column as keys, one page at a time, and its definition levels.

use std::ops::Range;

use parquet::errors::ParquetError;

use crate::bug::bug;
use crate::packets::encode::rle_bitpack;

use super::super::code_table::NO_CODE;
use super::chunk::small;
use super::compress::failed;
use super::flow_pages::{FlowPages, PresentRows};

/// The keys of a column's rows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keys<'a> {
    /// One for each row; [`NO_CODE`] for null.
    Dense(&'a [u32]),
    /// One for each flow, [`NO_CODE`] for null; and the flow of each row, with those of each page.
    Flows { keys: &'a [u32], rows: &'a [u32], pages: &'a FlowPages, present: &'a PresentRows },
    /// A column that few rows have: which rows those are, in order, and the key of each.
    Sparse { at: &'a [u32], keys: &'a [u32], rows: usize },
}

/// The keys of the rows of one page.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyPage<'a> {
    keys: Keys<'a>,
    /// The first row of the page. A sparse column counts from it.
    first: usize,
}

impl<'a> Keys<'a> {
    pub(super) fn rows(self) -> usize {
        match self {
            Self::Dense(rows) | Self::Flows { rows, .. } => rows.len(),
            Self::Sparse { rows, .. } => rows,
        }
    }

    /// Pages of `size` rows each; the last one has the rest.
    pub(super) fn pages(self, size: usize) -> impl Iterator<Item = KeyPage<'a>> {
        let rows = self.rows();
        (0..rows).step_by(size.max(1)).map(move |start| self.page(start..rows.min(start + size)))
    }

    fn page(self, range: Range<usize>) -> KeyPage<'a> {
        let first = range.start;
        let keys = match self {
            Self::Dense(keys) => Self::Dense(keys.get(range).unwrap_or_default()),
            Self::Flows { keys, rows, pages, present } => {
                Self::Flows { keys, rows: rows.get(range).unwrap_or_default(), pages, present }
            }
            Self::Sparse { at, keys, .. } => {
                let before = |row: usize| at.partition_point(|at| (*at as usize) < row);
                let held = before(range.start)..before(range.end);
                Self::Sparse {
                    at: at.get(held.clone()).unwrap_or_default(),
                    keys: keys.get(held).unwrap_or_default(),
                    rows: range.len(),
                }
            }
        };
        KeyPage { keys, first }
    }
}

impl<'a> KeyPage<'a> {
    pub(super) fn rows(self) -> usize {
        self.keys.rows()
    }

    /// The keys in order; [`NO_CODE`] for null. Of flows, those of the rows are looked up.
    pub(super) fn keys(self) -> impl Iterator<Item = u32> + Clone {
        let (keys, rows) = match self.keys {
            Keys::Dense(keys) | Keys::Sparse { keys, .. } => (keys, [].as_slice()),
            Keys::Flows { keys, rows, .. } => (keys, rows),
        };
        let own = keys.iter().copied().take(if rows.is_empty() { keys.len() } else { 0 });
        own.chain(rows.iter().map(|flow| keys.get(*flow as usize).copied().unwrap_or(NO_CODE)))
    }

    /// The keys of rows that have their own, without nulls if few rows have any.
    pub(super) fn own_keys(self) -> &'a [u32] {
        match self.keys {
            Keys::Dense(keys) | Keys::Sparse { keys, .. } => keys,
            Keys::Flows { .. } => &[],
        }
    }

    /// Appends the levels of the page, of which `nulls` rows are null.
    pub(super) fn levels(self, nulls: usize, bits: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<(), ParquetError> {
        levels(self.rows(), nulls, bits, out, |bits| match self.keys {
            Keys::Dense(keys) => bits_of(keys, |key| key != NO_CODE, bits),
            Keys::Flows { keys, rows, .. } => {
                bits_of(rows, |flow| keys.get(flow as usize).is_some_and(|key| *key != NO_CODE), bits);
            }
            Keys::Sparse { at, rows, .. } => {
                bits.resize(rows.div_ceil(8), 0);
                for at in at.iter().map(|at| *at as usize - self.first) {
                    if let Some(byte) = bits.get_mut(at / 8) {
                        *byte |= 1 << (at % 8);
                    }
                }
            }
        })
    }
}

/// Appends the definition levels of a page of an optional column: one bit a row, set if the row is not null. `fill` is
/// asked for the bits only where there are both nulls and values.
///
/// Source: Parquet format, `README.md`, "Definition levels". In a data page of version 1, four bytes before the levels
/// hold their length.
pub(super) fn levels(
    rows: usize,
    nulls: usize,
    bits: &mut Vec<u8>,
    out: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>),
) -> Result<(), ParquetError> {
    let start = out.len();
    out.extend_from_slice(&[0; size_of::<u32>()]);
    let begin = out.len();
    if nulls == 0 || nulls == rows {
        rle_bitpack::repeat(u32::from(nulls == 0), rows, 1, out);
    } else {
        bits.clear();
        fill(bits);
        rle_bitpack::encode_levels(bits, rows, out);
    }
    let bytes: u32 = small(out.len() - begin)?;
    let place = out.get_mut(start..).and_then(|out| out.first_chunk_mut());
    *place.ok_or_else(|| failed(bug!()))? = bytes.to_le_bytes();
    Ok(())
}

/// Appends one bit a value, the first in the lowest bit of its byte.
pub(super) fn bits_of<T: Copy>(values: &[T], is_set: impl Fn(T) -> bool, out: &mut Vec<u8>) {
    out.extend(values.chunks(8).map(|eight| {
        let places = eight.iter().zip(0..);
        places.fold(0, |byte, (value, place)| byte | u8::from(is_set(*value)) << place)
    }));
}
