//! The indexes that the entries of a column's dictionary get, in the order of their first rows.

use crate::packets::encode::PAGE_ROWS;

use super::super::code_table::NO_CODE;
use super::column_codes::{KeyPage, Keys};
use super::flow_pages::FlowRows;
use super::numeric::without;

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
    /// Where the indexes and the keys of each page end, and its largest index.
    ends: Vec<(usize, usize, u32)>,
    /// Of a column of flows: the index of each flow, or [`NO_CODE`] for null.
    of_flows: Vec<u32>,
}

/// A page of such a column.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndexedPage<'a> {
    /// The index of each row that is not null.
    pub(super) numbers: &'a [u32],
    /// The keys that occur.
    pub(super) seen: &'a [u32],
    /// The largest index; 0 if there is none.
    pub(super) largest: u32,
}

impl IndexTable {
    /// Numbers the keys of a column. They come page by page. Each is below `space`, or [`NO_CODE`] for null: returns
    /// whether that is so.
    pub(super) fn number(&mut self, keys: Keys<'_>, space: usize, into: &mut Indexed) -> bool {
        into.clear();
        if self.0.len() < space {
            // The system zeroes it page by page, as far as keys are used: most lengths and ports are not.
            self.0 = vec![[0; 2]; space];
        }
        let are_keys = match keys {
            Keys::Dense(keys) => self.pages(keys.chunks(PAGE_ROWS), into),
            Keys::Sparse { .. } => self.pages(keys.pages(PAGE_ROWS).map(KeyPage::own_keys), into),
            Keys::Flows { keys, rows, pages, present } => {
                let rows = rows.chunks(PAGE_ROWS).zip(present.pages()).map(|(rows, present)| present.rows(rows));
                self.flows(keys, rows.zip(pages.pages()), into)
            }
        };
        for key in &into.entries {
            if let Some(slot) = self.0.get_mut(*key as usize) {
                *slot = [0; 2];
            }
        }
        are_keys
    }

    fn pages<'k>(&mut self, pages: impl Iterator<Item = &'k [u32]>, into: &mut Indexed) -> bool {
        let mut are_keys = true;
        for (page, keys) in (1..).zip(pages) {
            are_keys &= self.page(page, keys, into);
            self.end_of_page(into);
        }
        are_keys
    }

    /// Numbers the keys of each page's flows, and looks up those of the rows that have one.
    fn flows<'k>(
        &mut self,
        keys: &[u32],
        pages: impl Iterator<Item = (&'k [u32], &'k [FlowRows])>,
        into: &mut Indexed,
    ) -> bool {
        let mut are_keys = true;
        into.of_flows.resize(keys.len(), NO_CODE);
        for (page, (rows, flows)) in (1..).zip(pages) {
            let mut only = Some(NO_CODE);
            for FlowRows { flow, .. } in flows {
                let key = keys.get(*flow as usize).copied().unwrap_or(NO_CODE);
                let Some(number) = self.key(page, key, into) else {
                    are_keys &= key == NO_CODE;
                    continue;
                };
                only = only.filter(|only| [NO_CODE, number].contains(only)).map(|_| number);
                into.of_flows.get_mut(*flow as usize).into_iter().for_each(|held| *held = number);
            }
            let Indexed { numbers, of_flows, .. } = &mut *into;
            match only {
                Some(number) => numbers.resize(numbers.len() + rows.len(), number),
                None => {
                    numbers.extend(rows.iter().map(|flow| of_flows.get(*flow as usize).copied().unwrap_or(NO_CODE)));
                }
            }
            self.end_of_page(into);
        }
        are_keys
    }

    fn end_of_page(&self, into: &mut Indexed) {
        let start = into.ends.last().map_or(0, |(_, seen, _)| *seen);
        let seen = into.seen.get(start..).unwrap_or_default();
        let numbers = seen.iter().filter_map(|key| self.0.get(*key as usize).map(|[number, _]| number - 1));
        into.ends.push((into.numbers.len(), into.seen.len(), numbers.max().unwrap_or_default()));
    }

    /// The index of a key that a page has; `None` if it is none.
    #[inline]
    fn key(&mut self, page: u32, key: u32, into: &mut Indexed) -> Option<u32> {
        let [number, last] = self.0.get_mut(key as usize)?;
        if *last != page {
            *last = page;
            into.seen.push(key);
            if *number == 0 {
                into.entries.push(key);
                // There are no more entries than keys, which are numbers of 32 bits.
                *number = u32::try_from(into.entries.len()).unwrap_or(NO_CODE);
            }
        }
        Some(*number - 1)
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
        let Some(number) = self.key(page, key, into) else { return key == NO_CODE };
        into.numbers.resize(into.numbers.len() + rows, number);
        true
    }
}

/// Whether all keys are this one. Most columns that are not show it soon.
fn are_all(first: u32, keys: &[u32]) -> bool {
    // Without a branch for each key.
    keys.chunks(64).all(|keys| keys.iter().fold(0, |differs, key| differs | (key ^ first)) == 0)
}

impl Indexed {
    fn clear(&mut self) {
        self.entries.clear();
        self.numbers.clear();
        self.seen.clear();
        self.ends.clear();
        self.of_flows.clear();
    }

    /// The index of a flow's entry, of a column of flows; `None` for null.
    pub(super) fn of_flow(&self, flow: u32) -> Option<usize> {
        self.of_flows.get(flow as usize).filter(|number| **number != NO_CODE).map(|number| *number as usize)
    }

    /// The pages of the column.
    pub(super) fn pages(&self) -> impl Iterator<Item = IndexedPage<'_>> {
        let mut start = (0, 0);
        self.ends.iter().map(move |&(numbers, seen, largest)| {
            let (from, until) = (std::mem::replace(&mut start, (numbers, seen)), (numbers, seen));
            IndexedPage {
                numbers: self.numbers.get(from.0..until.0).unwrap_or_default(),
                seen: self.seen.get(from.1..until.1).unwrap_or_default(),
                largest,
            }
        })
    }

    /// How many rows are not null.
    pub(super) fn values(&self) -> usize {
        self.numbers.len()
    }
}
