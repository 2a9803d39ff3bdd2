//! Texts that few rows have, each distinct text once.

use std::hash::BuildHasher as _;
use std::ops::Range;

use hashbrown::HashTable;

use super::code_table::NO_CODE;

/// Bytes of memory that a text takes besides itself, about.
const PER_TEXT: usize = 24;

/// Distinct texts in the order of their first appearance.
#[derive(Debug, Default)]
pub struct TextTable {
    /// Codes by the hash of their text.
    codes: HashTable<u32>,
    /// Seeded again for each table, because names come from captures. Codes do not depend on it.
    hasher: foldhash::fast::RandomState,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl TextTable {
    /// The code of the text that `write` appends. A text that has not been seen gets a new one.
    pub fn code(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> u32 {
        let start = self.ends.last().copied().unwrap_or(0);
        write(&mut self.text);
        let Self { codes, hasher, text, ends } = self;
        let text_of = |code: u32| Texts { bytes: text, ends }.get(code).unwrap_or_default();
        let new = text.get(start..).unwrap_or_default();
        let hash = |text: &[u8]| hasher.hash_one(text);
        let hash_of_new = hash(new);
        if let Some(&code) = codes.find(hash_of_new, |code| text_of(*code) == new) {
            text.truncate(start);
            return code;
        }
        // A row group has far fewer than 2^32 rows. A table with more texts is refused when it is encoded.
        let code = u32::try_from(ends.len()).unwrap_or(NO_CODE);
        codes.insert_unique(hash_of_new, code, |code| hash(text_of(*code)));
        ends.push(text.len());
        code
    }

    /// Distinct texts.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.ends.len()
    }

    /// The text of a code.
    #[must_use]
    pub fn text(&self, code: u32) -> Option<&[u8]> {
        self.texts().get(code)
    }

    /// All texts.
    pub(super) fn texts(&self) -> Texts<'_> {
        Texts { bytes: &self.text, ends: &self.ends }
    }

    /// Bytes of memory that the texts take, about.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * PER_TEXT
    }

    /// Bytes of memory that are allocated for texts, about.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * PER_TEXT
    }

    /// Forgets every text and keeps the memory.
    pub fn clear(&mut self) {
        self.codes.clear();
        self.text.clear();
        self.ends.clear();
    }
}

/// Codes in a [`TextTable`], for a column that few rows have.
#[derive(Debug, Default)]
pub(crate) struct SparseCodes {
    /// The rows that have a text, in order.
    pub(crate) rows: Vec<u32>,
    /// The code of each.
    pub(crate) codes: Vec<u32>,
}

impl SparseCodes {
    /// Bytes of memory that the codes take.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.rows.len() * 8
    }

    /// Bytes of memory that are allocated for codes.
    pub(super) fn kept(&self) -> usize {
        self.rows.capacity() * 8
    }

    pub(super) fn push(&mut self, row: usize, code: u32) {
        // A row group has far fewer than 2^32 rows. What has more is refused when it is encoded.
        self.rows.push(u32::try_from(row).unwrap_or(u32::MAX));
        self.codes.push(code);
    }

    /// The codes of some rows; [`NO_CODE`] for those without a text.
    pub(super) fn of_rows(&self, range: &Range<usize>) -> Vec<u32> {
        let mut codes = vec![NO_CODE; range.len()];
        self.in_rows(range, |row, code| codes.get_mut(row).map(|place| *place = code));
        codes
    }

    /// Hands on the codes of some rows, each with its place among them.
    pub(super) fn in_rows<T>(&self, range: &Range<usize>, mut take: impl FnMut(usize, u32) -> T) {
        let first = self.rows.partition_point(|row| (*row as usize) < range.start);
        let rows = self.rows.iter().zip(&self.codes).skip(first);
        for (row, code) in rows.take_while(|(row, _)| (**row as usize) < range.end) {
            take(*row as usize - range.start, *code);
        }
    }

    /// The code of a row, if it has one.
    pub(super) fn of_row(&self, row: usize) -> Option<u32> {
        let row = u32::try_from(row).ok().filter(|_| !self.rows.is_empty())?;
        self.codes.get(self.rows.binary_search(&row).ok()?).copied()
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.codes.clear();
    }
}

/// Texts by their codes, one after another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Texts<'a> {
    pub(super) bytes: &'a [u8],
    /// Where each ends.
    pub(super) ends: &'a [usize],
}

impl<'a> Texts<'a> {
    /// The text of a code.
    #[inline]
    pub(super) fn get(self, code: u32) -> Option<&'a [u8]> {
        let code = code as usize;
        let end = *self.ends.get(code)?;
        let start = if code == 0 { 0 } else { *self.ends.get(code - 1)? };
        self.bytes.get(start..end)
    }

    /// All of them, in the order of their codes.
    pub(super) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(self.ends).map(move |(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }
}
