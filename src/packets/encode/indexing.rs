//! The indexes that the entries of a column's dictionary get, in the order of their first rows.

use crate::packets::encode::without;

use super::super::code_table::NO_CODE;

/// For each key: its index, and the last page that has it. Both count from 1; 0 is none. The table is reused for column
/// after column.
#[derive(Debug, Default)]
pub(super) struct IndexTable(Vec<[u32; 2]>);

/// A column as indexes of its dictionary's entries.
#[derive(Debug, Default)]
pub(super) struct Indexed {
    /// The key of each entry.
    pub(super) entries: Vec<u32>,
    /// The index of each row that is not null.
    numbers: Vec<u32>,
    /// The keys that occur in each page, page after page.
    seen: Vec<u32>,
    /// Where the indexes and the keys of each page end.
    ends: Vec<(usize, usize)>,
}

/// A page of such a column.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndexedPage<'a> {
    /// The index of each row that is not null.
    pub(super) numbers: &'a [u32],
    /// The keys that occur.
    pub(super) seen: &'a [u32],
}

impl IndexTable {
    /// Numbers the keys of a column. They come page by page. Each is below `space`, or [`NO_CODE`] for null: returns
    /// whether that is so.
    pub(super) fn number<'k>(
        &mut self,
        pages: impl Iterator<Item = &'k [u32]>,
        space: usize,
        into: &mut Indexed,
    ) -> bool {
        into.entries.clear();
        into.numbers.clear();
        into.seen.clear();
        into.ends.clear();
        if self.0.len() < space {
            // The system zeroes it page by page, as far as keys are used: most lengths and ports are not.
            self.0 = vec![[0; 2]; space];
        }
        let mut are_keys = true;
        for (page, keys) in (1..).zip(pages) {
            are_keys &= self.page(page, keys, into);
            into.ends.push((into.numbers.len(), into.seen.len()));
        }
        for key in &into.entries {
            if let Some(slot) = self.0.get_mut(*key as usize) {
                *slot = [0; 2];
            }
        }
        are_keys
    }

    fn page(&mut self, page: u32, keys: &[u32], into: &mut Indexed) -> bool {
        let Indexed { entries, numbers, seen, .. } = into;
        let start = numbers.len();
        if let Some((first, rest)) = keys.split_first()
            && are_all(*first, rest)
        {
            return self.one_key(page, *first, keys.len(), into);
        }
        let (mut nulls, mut are_keys) = (0, true);
        // An iterator of known length, so that memory is reserved once. Nulls are removed afterwards.
        numbers.extend(keys.iter().map(|key| {
            // Null has no slot.
            let Some([number, last]) = self.0.get_mut(*key as usize) else {
                nulls += 1;
                are_keys &= *key == NO_CODE;
                return NO_CODE;
            };
            if *last != page {
                *last = page;
                seen.push(*key);
                if *number == 0 {
                    entries.push(*key);
                    // There are no more entries than keys, which are numbers of 32 bits.
                    *number = u32::try_from(entries.len()).unwrap_or(NO_CODE);
                }
            }
            *number - 1
        }));
        if nulls > 0 {
            let kept = without(numbers.get_mut(start..).unwrap_or_default(), |number| number == NO_CODE).len();
            numbers.truncate(start + kept);
        }
        are_keys
    }

    /// A page whose rows all have one key, or null.
    fn one_key(&mut self, page: u32, key: u32, rows: usize, into: &mut Indexed) -> bool {
        let Some([number, last]) = self.0.get_mut(key as usize) else { return key == NO_CODE };
        *last = page;
        into.seen.push(key);
        if *number == 0 {
            into.entries.push(key);
            // As below.
            *number = u32::try_from(into.entries.len()).unwrap_or(NO_CODE);
        }
        into.numbers.resize(into.numbers.len() + rows, *number - 1);
        true
    }
}

/// Whether all keys are this one. Most columns that are not show it soon.
fn are_all(first: u32, keys: &[u32]) -> bool {
    // Without a branch for each key.
    keys.chunks(64).all(|keys| keys.iter().fold(0, |differs, key| differs | (key ^ first)) == 0)
}

impl Indexed {
    /// The pages of the column.
    pub(super) fn pages(&self) -> impl Iterator<Item = IndexedPage<'_>> {
        let mut start = (0, 0);
        self.ends.iter().map(move |end| {
            let (numbers, seen) = (start.0..end.0, start.1..end.1);
            start = *end;
            IndexedPage {
                numbers: self.numbers.get(numbers).unwrap_or_default(),
                seen: self.seen.get(seen).unwrap_or_default(),
            }
        })
    }

    /// How many rows are not null.
    pub(super) fn values(&self) -> usize {
        self.numbers.len()
    }
}
