//! What a run asks of each capture that a lake holds: a few facts, so that there may be any number of them.

use super::checkpoint::again;
use super::record::InputEntry;

/// Why a run may look at a capture again although its file is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LookAgain {
    /// It was being written, and may have been left as it is.
    Open,
    /// Some of its rows were lost.
    Incomplete,
    /// A part of it could not be read, which may be possible now.
    Unreadable,
    /// It is damaged.
    Damaged,
}

/// A capture of a lake, in short.
#[derive(Clone, Debug)]
pub(crate) struct HeldCapture {
    /// Its number in the lake.
    pub(crate) id: usize,
    /// Bytes of its file.
    pub(crate) size: u64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) modified: i64,
    /// The ETag of an object.
    pub(crate) etag: Option<String>,
    /// The number of the capture whose rows stand for those of this one.
    pub(crate) same_as: Option<usize>,
    /// Its packets.
    pub(crate) packets: u64,
    /// Why it is perhaps not done with.
    pub(crate) again: Option<LookAgain>,
}

impl HeldCapture {
    pub(crate) fn of(entry: &InputEntry) -> Self {
        Self {
            id: entry.id,
            size: entry.input.size,
            modified: entry.input.modified,
            etag: entry.input.etag.clone(),
            same_as: entry.same_as,
            packets: entry.found.records,
            again: again(entry),
        }
    }
}
