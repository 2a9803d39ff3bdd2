//! Tables of distinct values: every address of a row group once, and per row only its code.
//!
//! An address occurs in thousands of rows. Its text is written once here, however often it occurs. Code that counts by
//! address counts in an array, by code.

use std::hash::{BuildHasher as _, Hash};
use std::io::Write as _;

use hashbrown::HashTable;

use crate::address::{IpAddress, MacAddr};

use super::text_table::Texts;

/// The code of a row without a value.
pub const NO_CODE: u32 = u32::MAX;

/// Bytes of memory that a value takes besides its text, about: the value twice, its code, the end of its text, and the
/// free room of hash tables.
const PER_VALUE: usize = 80;

/// Recent values that are searched before the hash table is.
const RECENT: usize = 64;

/// Distinct values in the order of their first appearance, each with its text.
#[derive(Debug)]
pub struct CodeTable<K> {
    /// Codes by the hash of their value.
    codes: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    /// Values that were asked for lately, by [`DictionaryValue::place`], and their codes. New flows often share an address with a new
    /// one before them: those of a scan share all but one.
    recent: [(Option<K>, u32); RECENT],
    keys: Vec<K>,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl<K: Copy> Default for CodeTable<K> {
    fn default() -> Self {
        Self {
            codes: HashTable::default(),
            hasher: foldhash::fast::RandomState::default(),
            recent: [(None, NO_CODE); RECENT],
            keys: Vec::new(),
            text: Vec::new(),
            ends: Vec::new(),
        }
    }
}

/// A value that a table can hold.
pub trait DictionaryValue: Copy + Eq + Hash {
    /// Appends its text.
    fn write_text(self, text: &mut Vec<u8>);
    /// Its number, where its integer column has one.
    fn number(self) -> Option<i64>;
    /// A number whose lowest bits tell it from most other values of the same traffic.
    fn place(self) -> usize;
}

impl DictionaryValue for IpAddress {
    fn write_text(self, text: &mut Vec<u8>) {
        self.write_to(text);
    }

    fn number(self) -> Option<i64> {
        match self {
            Self::V4(bits) => Some(i64::from(bits)),
            Self::V6(_) => None,
        }
    }

    #[inline]
    fn place(self) -> usize {
        match self {
            Self::V4(bits) => (bits ^ bits >> 8 ^ bits >> 16) as usize,
            // Hosts differ in the last half, and there in the last bytes.
            Self::V6(bits) => low(bits ^ bits >> 16),
        }
    }
}

impl DictionaryValue for MacAddr {
    fn write_text(self, text: &mut Vec<u8>) {
        // Writing to a vector cannot fail.
        let _ = write!(text, "{self}");
    }

    fn number(self) -> Option<i64> {
        i64::try_from(self.0).ok()
    }

    #[inline]
    fn place(self) -> usize {
        low(u128::from(self.0 ^ self.0 >> 8))
    }
}

/// Some of the low bits.
#[inline]
fn low(bits: u128) -> usize {
    let [low, high, ..] = bits.to_le_bytes();
    usize::from(u16::from_le_bytes([low, high]))
}

impl<K: DictionaryValue> CodeTable<K> {
    /// The code of a value. A value that has not been seen gets a new one.
    #[inline]
    pub fn code(&mut self, value: Option<K>) -> u32 {
        let Some(key) = value else { return NO_CODE };
        let place = key.place() % RECENT;
        match self.recent.get(place) {
            Some((Some(held), code)) if *held == key => *code,
            _ => self.look_up(key, place),
        }
    }

    fn look_up(&mut self, key: K, place: usize) -> u32 {
        let code = self.find_or_insert(key);
        if let Some(recent) = self.recent.get_mut(place) {
            *recent = (Some(key), code);
        }
        code
    }

    fn find_or_insert(&mut self, key: K) -> u32 {
        let hash = self.hasher.hash_one(key);
        match self.codes.find(hash, |code| self.keys.get(*code as usize) == Some(&key)) {
            Some(code) => *code,
            None => self.insert(key, hash),
        }
    }

    #[cold]
    fn insert(&mut self, key: K, hash: u64) -> u32 {
        // A row group has far fewer than 2^32 rows. A table with more values is refused when it is encoded.
        let code = u32::try_from(self.keys.len()).unwrap_or(NO_CODE);
        self.keys.push(key);
        let Self { codes, hasher, keys, .. } = self;
        codes.insert_unique(hash, code, |code| keys.get(*code as usize).map_or(0, |key| hasher.hash_one(key)));
        key.write_text(&mut self.text);
        self.ends.push(self.text.len());
        code
    }

    /// Distinct values.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.keys.len()
    }

    /// The value of a code; `None` for [`NO_CODE`].
    #[must_use]
    pub fn key(&self, code: u32) -> Option<K> {
        self.keys.get(code as usize).copied()
    }

    /// The number of a code; `None` for [`NO_CODE`], and for a value that has none.
    #[must_use]
    #[inline]
    pub fn number(&self, code: u32) -> Option<i64> {
        self.key(code).and_then(K::number)
    }

    /// The text of a code; `None` for [`NO_CODE`].
    #[must_use]
    #[inline]
    pub fn text(&self, code: u32) -> Option<&[u8]> {
        self.texts().get(code)
    }

    /// The texts of all values.
    #[inline]
    pub(super) fn texts(&self) -> Texts<'_> {
        Texts { bytes: &self.text, ends: &self.ends }
    }

    /// Bytes of memory that the values take, about.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> usize {
        self.keys.len() * PER_VALUE + self.text.len()
    }

    /// Bytes of memory that are allocated for values, about.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.keys.capacity() * PER_VALUE + self.text.capacity()
    }

    /// Forgets every value and keeps the memory.
    pub fn clear(&mut self) {
        self.codes.clear();
        self.recent = [(None, NO_CODE); RECENT];
        self.keys.clear();
        self.text.clear();
        self.ends.clear();
    }
}
