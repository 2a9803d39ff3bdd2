//! Keys and sums in memory: appended as they come, sorted and added up on demand.
//!
//! Sorting once is cheaper here than hashing every key at every stage. What comes in has been added up by row group
//! already, so few keys come twice, and the order is needed in the end anyway.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::bug::bug;
use crate::error::Result;

use super::group::OWNER;

/// What is added up under a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Sum of `length`.
    pub bytes: i64,
    /// Packets.
    pub packets: i64,
    /// Two more numbers, which add up as the group's [`Measure`] says.
    pub more: [i64; 2],
}

/// How the two further numbers of [`Sums`] add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// There are no further numbers.
    Plain,
    /// As sums.
    Add,
    /// The smaller of the first ones, the larger of the second ones: a span of time.
    Span,
}

impl Sums {
    /// The two further numbers of a key without a time, under [`Measure::Span`].
    pub const NO_SPAN: [i64; 2] = [i64::MAX, i64::MIN];

    /// Sums of `bytes` and `packets`.
    #[must_use]
    pub fn of(bytes: i64, packets: i64) -> Self {
        Self { bytes, packets, more: [0; 2] }
    }

    /// The same sums, to be subtracted. Spans cannot be subtracted: owners tell who contributed to them.
    #[must_use]
    pub fn negated(self) -> Self {
        let [a, b] = self.more;
        let negative = i64::saturating_neg;
        Self { bytes: negative(self.bytes), packets: negative(self.packets), more: [negative(a), negative(b)] }
    }

    /// Adds the sums of the same key from another place.
    #[inline]
    pub fn merge(&mut self, other: &Self, measure: Measure) {
        // Lengths come from captures: a crafted one must not end the run.
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.packets = self.packets.saturating_add(other.packets);
        let ([a, b], [x, y]) = (self.more, other.more);
        self.more = match measure {
            Measure::Plain => [0; 2],
            Measure::Add => [a.saturating_add(x), b.saturating_add(y)],
            Measure::Span => [a.min(x), b.max(y)],
        };
    }
}

/// Keys of one group, in memory.
#[derive(Clone, Debug)]
pub struct Buffer {
    measure: Measure,
    /// The keys. After each key come the two further numbers, if it has any. Few groups have them, and smaller entries
    /// are sorted faster.
    keys: Vec<u8>,
    entries: Vec<Entry>,
    /// How many entries are sorted and have distinct keys.
    settled: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The key's first eight bytes as a number. Most comparisons need no more.
    prefix: u64,
    at: u32,
    len: u32,
    bytes: i64,
    packets: i64,
}

/// Bytes of a key that [`Entry::prefix`] holds.
const PREFIX: u32 = 8;
/// Bytes of memory that a group takes without any key.
const AROUND: usize = 256;
/// Bytes of the two further numbers.
const MORE: usize = 16;

impl Buffer {
    /// No keys yet.
    #[must_use]
    pub fn new(measure: Measure) -> Self {
        Self { measure, keys: Vec::new(), entries: Vec::new(), settled: 0 }
    }

    /// Adds under a key.
    #[inline]
    pub fn add(&mut self, key: &[u8], sums: Sums) {
        // The owner spills long before 4 GiB of keys; `settle` looks whether it did.
        let at = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        let len = u32::try_from(key.len()).unwrap_or(u32::MAX);
        self.keys.extend_from_slice(key);
        if self.measure != Measure::Plain {
            self.keys.extend(sums.more.iter().flat_map(|number| number.to_le_bytes()));
        }
        self.entries.push(Entry { prefix: prefix(key), at, len, bytes: sums.bytes, packets: sums.packets });
    }

    /// Adds all keys of another buffer.
    pub fn append(&mut self, other: &Self) {
        let shift = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.keys.extend_from_slice(&other.keys);
        self.entries.extend(other.entries.iter().map(|entry| Entry { at: entry.at.saturating_add(shift), ..*entry }));
    }

    /// Adds all keys to those of another buffer, without the owners at their ends.
    pub(super) fn without_owners_into(&self, into: &mut Self) {
        for (key, sums) in (0..self.len()).filter_map(|place| self.get(place)) {
            into.add(key.split_last_chunk::<OWNER>().map_or(key, |(key, _)| key), sums);
        }
    }

    /// Turns sums that are added into sums that are subtracted.
    pub(super) fn negate(&mut self) {
        for entry in &mut self.entries {
            let sums = sums_of(&self.keys, entry, self.measure).negated();
            (entry.bytes, entry.packets) = (sums.bytes, sums.packets);
            set_more(&mut self.keys, entry, self.measure, sums.more);
        }
    }

    /// Bytes of memory that the keys and sums take, about. Each takes one block from the heap, which includes free room.
    #[must_use]
    pub fn bytes(&self) -> usize {
        AROUND + self.keys.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    /// Sorts by key, and adds up the sums of equal keys.
    ///
    /// # Errors
    /// [`Error::Bug`](crate::error::Error::Bug) if it has more keys than their places can tell apart.
    pub fn settle(&mut self) -> Result<()> {
        if u32::try_from(self.keys.len()).is_err() {
            return Err(bug!());
        }
        if self.settled == self.entries.len() {
            return Ok(());
        }
        let keys = &self.keys;
        // Stable, for its speed: much of what comes in is in order already, and its runs are merged.
        self.entries.sort_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| compare_rest(keys, a, b)));
        let (before, measure) = (self.entries.len(), self.measure);
        let keys = &mut self.keys;
        self.entries.dedup_by(|next, kept| {
            let same = next.prefix == kept.prefix && compare_rest(keys, next, kept) == Ordering::Equal;
            if same {
                let mut sums = sums_of(keys, kept, measure);
                sums.merge(&sums_of(keys, next, measure), measure);
                (kept.bytes, kept.packets) = (sums.bytes, sums.packets);
                set_more(keys, kept, measure, sums.more);
            }
            same
        });
        if self.entries.len() < before {
            self.compact();
            self.entries.shrink_to(self.entries.len() * 2);
        }
        self.settled = self.entries.len();
        Ok(())
    }

    /// Gives up the free room of its memory, but a quarter of what it holds. Room doubles as keys come, so half of what a limit counts
    /// may be free, and keys would be spilled that fit.
    pub(super) fn trim(&mut self) {
        self.keys.shrink_to(self.keys.len() + self.keys.len() / 4);
        self.entries.shrink_to(self.entries.len() + self.entries.len() / 4);
    }

    /// Removes the bytes of keys that were added up, unless they are few: those cost less than a copy of the others.
    fn compact(&mut self) {
        let more = if self.measure == Measure::Plain { 0 } else { MORE };
        let live: usize = self.entries.iter().map(|entry| entry.len as usize + more).sum();
        if self.keys.len() - live <= live / 4 {
            return;
        }
        let mut keys = Vec::with_capacity(live);
        for entry in &mut self.entries {
            let at = entry.at as usize;
            entry.at = u32::try_from(keys.len()).unwrap_or(u32::MAX);
            keys.extend_from_slice(self.keys.get(at..at + entry.len as usize + more).unwrap_or_default());
        }
        self.keys = keys;
    }

    /// How many keys it holds. After [`Buffer::settle`], they are distinct.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A key and its sums by their place. In order after [`Buffer::settle`].
    #[must_use]
    #[inline]
    pub fn get(&self, place: usize) -> Option<(&[u8], Sums)> {
        let entry = self.entries.get(place)?;
        Some((slice(&self.keys, entry), sums_of(&self.keys, entry, self.measure)))
    }
}

fn slice<'a>(keys: &'a [u8], entry: &Entry) -> &'a [u8] {
    let at = entry.at as usize;
    keys.get(at..at + entry.len as usize).unwrap_or_default()
}

/// Compares two keys whose first eight bytes, or all if they have fewer, are the same. The eight bytes after them are compared as one
/// number: most keys differ there or have no more, and comparing bytes is a call.
#[inline]
fn compare_rest(keys: &[u8], a: &Entry, b: &Entry) -> Ordering {
    match (second(keys, a), second(keys, b)) {
        (Some(x), Some(y)) if x != y => x.cmp(&y),
        // Equal numbers of two keys that end within them: one key is the other with zeros at its end.
        (Some(_), Some(_)) if a.len.max(b.len) <= 2 * PREFIX => a.len.cmp(&b.len),
        _ => slice(keys, a).cmp(slice(keys, b)),
    }
}

/// The bytes from the ninth to the sixteenth as a number, with zeros after the key. `None` if the number cannot be read at once.
#[inline]
fn second(keys: &[u8], entry: &Entry) -> Option<u64> {
    let Some(left) = entry.len.checked_sub(PREFIX) else { return Some(0) };
    let bytes = keys.get(entry.at as usize + PREFIX as usize..)?.first_chunk()?;
    // What follows the key in memory is shifted out. Eight bytes and none are shifts that there are, too.
    let beyond = PREFIX.saturating_sub(left) * 8;
    let number = u64::from_be_bytes(*bytes).checked_shr(beyond).unwrap_or(0);
    Some(number.checked_shl(beyond).unwrap_or(0))
}

/// Where the two further numbers of an entry are.
fn place_of_more(entry: &Entry) -> std::ops::Range<usize> {
    let end = entry.at as usize + entry.len as usize;
    end..end + MORE
}

fn sums_of(keys: &[u8], entry: &Entry, measure: Measure) -> Sums {
    let mut more = [0; 2];
    if measure != Measure::Plain {
        let bytes = keys.get(place_of_more(entry)).and_then(|bytes| bytes.split_first_chunk::<8>());
        if let Some((first, second)) = bytes {
            more = [i64::from_le_bytes(*first), second.first_chunk().map_or(0, |second| i64::from_le_bytes(*second))];
        }
    }
    Sums { bytes: entry.bytes, packets: entry.packets, more }
}

fn set_more(keys: &mut [u8], entry: &Entry, measure: Measure, more: [i64; 2]) {
    if measure != Measure::Plain
        && let Some(place) = keys.get_mut(place_of_more(entry))
    {
        let bytes = more.iter().flat_map(|number| number.to_le_bytes());
        place.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    }
}

#[inline]
fn prefix(key: &[u8]) -> u64 {
    if let Some(first) = key.first_chunk::<8>() {
        return u64::from_be_bytes(*first);
    }
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(bytes)
}
