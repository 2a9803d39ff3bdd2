//! Columns that are codes already: pages of indexes and a dictionary, or plain pages where a dictionary would cost more
//! than it saves.

use parquet::basic::Encoding;
use parquet::errors::ParquetError;

use crate::bug::bug;
use crate::packets::encode::{PAGE_BYTES, PAGE_ROWS, Scratch, rle_bitpack};

use super::super::code_table::NO_CODE;
use super::chunk::{Chunk, EncodedColumn, PageFacts};
use super::column_codes::Keys;
use super::compress::{Body, failed};
use super::flow_pages::FlowRows;
use super::indexing::{Indexed, IndexedPage};
use super::value::{Bounds, Value};

/// The most bytes of a dictionary: readers hold it whole in memory.
const DICTIONARY_BYTES: usize = 2 << 20;

/// A column whose keys have been numbered, and its data pages with a dictionary. Columns with the same keys share the
/// pages.
pub(super) struct CodedColumn<'a> {
    keys: Keys<'a>,
    numbered: Indexed,
    pages: Vec<Body>,
}

impl<'a> CodedColumn<'a> {
    /// Numbers the keys of a column, all of them below `space`.
    pub(super) fn new(keys: Keys<'a>, space: usize, scratch: &mut Scratch) -> Result<Self, ParquetError> {
        let mut numbered = std::mem::take(&mut scratch.numbered);
        let are_keys = scratch.slots.number(keys, space, &mut numbered);
        // A table with all codes has one that stands for null.
        if !are_keys || space > NO_CODE as usize {
            return Err(failed(bug!()));
        }
        Ok(Self { keys, numbered, pages: Vec::new() })
    }

    /// The keys that occur.
    pub(super) fn entries(&self) -> &[u32] {
        &self.numbered.entries
    }

    /// Gives back the memory.
    pub(super) fn recycle(self, scratch: &mut Scratch) {
        scratch.numbered = self.numbered;
    }

    /// Encodes a column that has one value for each key that occurs.
    pub(super) fn column<V: Value>(
        &mut self,
        mut chunk: Chunk<V>,
        scratch: &mut Scratch,
        value: impl Fn(u32) -> Option<V>,
    ) -> Result<EncodedColumn, ParquetError> {
        let entries = &self.numbered.entries;
        let lens = entries.iter().map(|key| Some(value(*key)?.plain_len())).collect::<Option<Vec<_>>>();
        // From here on, each key has a value.
        let lens = lens.ok_or_else(|| failed(bug!()))?;
        let dictionary: usize = lens.iter().sum();
        let pages = self.plain_lens::<V>(&lens);
        let plain = pages.iter().sum();
        let numbers = self.numbered.values() * rle_bitpack::index_width(last(entries.len())) as usize / 8;
        if dictionary + numbers > plain || dictionary > DICTIONARY_BYTES {
            self.plain(&mut chunk, scratch, plain, value)?;
            return chunk.close();
        }
        scratch.page.clear();
        entries.iter().filter_map(|key| value(*key)).for_each(|value| value.plain(&mut scratch.page));
        chunk.dictionary(scratch.compressor.body(&scratch.page, Encoding::PLAIN)?, entries.len())?;
        if self.pages.is_empty() {
            self.pages = self.data_pages(chunk.is_optional(), scratch)?;
        }
        let bodies = self.pages.iter().zip(pages);
        for ((keys, page), (body, plain)) in self.keys.pages(PAGE_ROWS).zip(self.numbered.pages()).zip(bodies) {
            let variable_bytes = V::LENGTH_PREFIX.map(|prefix| plain - page.numbers.len() * prefix);
            let facts = PageFacts {
                rows: keys.rows(),
                nulls: keys.rows() - page.numbers.len(),
                bounds: Bounds::of(page.seen.iter().filter_map(|key| value(*key))),
                variable_bytes,
            };
            chunk.page(body.clone(), facts)?;
        }
        chunk.close()
    }

    /// Bytes of the values of each page when written plainly. `lens` has the bytes of each entry.
    fn plain_lens<V: Value>(&self, lens: &[usize]) -> Vec<usize> {
        match self.keys {
            Keys::Flows { pages, .. } if V::LENGTH_PREFIX.is_some() => {
                let len = |flow: &FlowRows| Some(lens.get(self.numbered.of_flow(flow.flow)?)? * flow.rows as usize);
                pages.pages().map(|flows| flows.iter().filter_map(len).sum()).collect()
            }
            _ => self.numbered.pages().map(|page| plain_len::<V>(page.numbers, lens)).collect(),
        }
    }

    /// Pages of indexes. Each page takes as many bits an index as its largest index needs, rounded up.
    fn data_pages(&self, is_optional: bool, scratch: &mut Scratch) -> Result<Vec<Body>, ParquetError> {
        let present = match self.keys {
            Keys::Flows { present, .. } => present.pages(),
            _ => &[],
        };
        let present = present.iter().map(Some).chain(std::iter::repeat(None));
        let pages = self.keys.pages(PAGE_ROWS).zip(self.numbered.pages()).zip(present);
        pages
            .map(|((keys, IndexedPage { numbers, largest, .. }), present)| {
                let Scratch { page, bits, compressor, .. } = scratch;
                page.clear();
                match present {
                    Some(present) if is_optional => page.extend_from_slice(&present.levels),
                    None if is_optional => keys.levels(keys.rows() - numbers.len(), bits, page)?,
                    _ => {}
                }
                let width = rle_bitpack::index_width(largest);
                page.extend(width.to_le_bytes().first());
                rle_bitpack::encode(numbers, width, page);
                compressor.body(page, Encoding::RLE_DICTIONARY)
            })
            .collect()
    }

    /// Plain pages, of `bytes` bytes in all.
    fn plain<V: Value>(
        &self,
        chunk: &mut Chunk<V>,
        scratch: &mut Scratch,
        bytes: usize,
        value: impl Fn(u32) -> Option<V>,
    ) -> Result<(), ParquetError> {
        let Scratch { page, bits, compressor, .. } = scratch;
        let rows = self.keys.rows();
        let a_row = bytes.div_ceil(rows.max(1)).max(1);
        for keys in self.keys.pages((PAGE_BYTES / a_row).clamp(1, PAGE_ROWS)) {
            let values = || keys.keys().filter(|key| *key != NO_CODE).filter_map(&value);
            let nulls = keys.rows() - values().count();
            page.clear();
            if chunk.is_optional() {
                keys.levels(nulls, bits, page)?;
            }
            let levels = page.len();
            values().for_each(|value| value.plain(page));
            let bytes = page.len() - levels;
            let variable_bytes = V::LENGTH_PREFIX.map(|prefix| bytes - (keys.rows() - nulls) * prefix);
            let facts = PageFacts { rows: keys.rows(), nulls, bounds: Bounds::of(values()), variable_bytes };
            chunk.page(compressor.body(page, Encoding::PLAIN)?, facts)?;
        }
        Ok(())
    }
}

/// The index of the last of `entries` entries.
fn last(entries: usize) -> u32 {
    u32::try_from(entries.saturating_sub(1)).unwrap_or(u32::MAX)
}

/// Bytes of the entries with these indexes when written plainly. `lens` has the bytes of each entry.
fn plain_len<V: Value>(numbers: &[u32], lens: &[usize]) -> usize {
    match lens.first() {
        // All are of the same length.
        Some(len) if V::LENGTH_PREFIX.is_none() => numbers.len() * len,
        _ => numbers.iter().filter_map(|number| lens.get(*number as usize)).sum(),
    }
}
