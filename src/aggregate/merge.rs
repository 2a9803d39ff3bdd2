//! The keys of one group, merged from memory and from runs: each once, in order.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io;

use crate::bug::bug;
use crate::error::{Error, Result};

use super::buffer::{Buffer, Measure, Sums};
use super::run_cursor::Cursor;
use super::spill::Space;

/// Keys between two checks whether to go on.
const STRIDE: u64 = 4096;

/// Where keys come from.
enum MergeSource<'a> {
    Buffer(&'a Buffer, usize),
    SortedRun(Box<Cursor>),
}

impl MergeSource<'_> {
    #[inline]
    fn get(&self) -> Option<(&[u8], Sums)> {
        match self {
            Self::Buffer(held, place) => held.get(*place),
            Self::SortedRun(cursor) => cursor.get(),
        }
    }

    /// Whether equal keys may follow one another.
    #[inline]
    fn may_repeat(&self) -> bool {
        match self {
            Self::Buffer(..) => false,
            Self::SortedRun(cursor) => cursor.may_repeat(),
        }
    }

    #[inline]
    fn advance(&mut self) -> io::Result<()> {
        match self {
            Self::Buffer(_, place) => {
                *place += 1;
                Ok(())
            }
            Self::SortedRun(cursor) => cursor.advance(),
        }
    }
}

/// A source and its current key. The source with the smallest key is the greatest, because the heap is a max-heap.
struct MergeHead {
    key: Vec<u8>,
    source: usize,
}

impl Ord for MergeHead {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

impl PartialOrd for MergeHead {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for MergeHead {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for MergeHead {}

/// Reads keys in order, each with all sums that were added under it.
pub struct Merge<'a> {
    measure: Measure,
    sources: Vec<MergeSource<'a>>,
    heads: BinaryHeap<MergeHead>,
    key: Vec<u8>,
    /// Keys that have been read.
    read: u64,
    space: Space,
}

impl<'a> Merge<'a> {
    /// Merges settled keys in memory and runs.
    pub(super) fn new(measure: Measure, held: Option<&'a Buffer>, cursors: Vec<Cursor>, space: &Space) -> Self {
        let mut sources: Vec<_> = cursors.into_iter().map(|cursor| MergeSource::SortedRun(Box::new(cursor))).collect();
        sources.extend(held.map(|held| MergeSource::Buffer(held, 0)));
        let mut heads = BinaryHeap::new();
        for (source, held) in sources.iter().enumerate() {
            heads.extend(held.get().map(|(key, _)| MergeHead { key: key.to_vec(), source }));
        }
        Self { measure, sources, heads, key: Vec::new(), read: 0, space: space.clone() }
    }

    /// The next key, with its sums; `None` at the end.
    ///
    /// # Errors
    /// If a run cannot be read, or the check says that the work is to end.
    #[inline]
    #[allow(clippy::should_implement_trait, reason = "an iterator could not lend the key")]
    pub fn next(&mut self) -> Result<Option<(&[u8], Sums)>> {
        self.read += 1;
        if self.read.is_multiple_of(STRIDE) {
            self.space.check()?;
        }
        let step = match self.sources.as_mut_slice() {
            // Keys in memory are lent as they are.
            [MergeSource::Buffer(held, place)] => {
                *place += 1;
                return Ok(held.get(*place - 1));
            }
            [only] => step_alone(only, &mut self.key, self.measure),
            _ => self.step(),
        };
        match step {
            Ok(sums) => Ok(sums.map(|sums| (self.key.as_slice(), sums))),
            Err(error) => Err(Error::io("read sums in", self.space.folder())(error)),
        }
    }

    /// Adds up the sums of the smallest key, and puts that key into `key`.
    #[inline]
    fn step(&mut self) -> io::Result<Option<Sums>> {
        let mut sums: Option<Sums> = None;
        while let Some(mut head) = self.heads.peek_mut() {
            if sums.is_some() && head.key != self.key {
                break;
            }
            let impossible = || io::Error::other(bug!());
            let source = self.sources.get_mut(head.source).ok_or_else(impossible)?;
            // A source that has no key has no head.
            let (_, more) = source.get().ok_or_else(impossible)?;
            match &mut sums {
                Some(sums) => sums.merge(&more, self.measure),
                None => {
                    self.key.clone_from(&head.key);
                    sums = Some(more);
                }
            }
            source.advance()?;
            match source.get() {
                Some((key, _)) => {
                    head.key.clear();
                    head.key.extend_from_slice(key);
                }
                None => {
                    PeekMut::pop(head);
                }
            }
        }
        Ok(sums)
    }
}

/// As `step`, with a single source. Equal keys follow one another only if they differed by their owner.
#[inline]
fn step_alone(only: &mut MergeSource<'_>, into: &mut Vec<u8>, measure: Measure) -> io::Result<Option<Sums>> {
    let Some((key, mut sums)) = only.get() else { return Ok(None) };
    into.clear();
    into.extend_from_slice(key);
    only.advance()?;
    while only.may_repeat()
        && let Some((_, more)) = only.get().filter(|(key, _)| key == into)
    {
        sums.merge(&more, measure);
        only.advance()?;
    }
    Ok(Some(sums))
}
