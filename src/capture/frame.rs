//! What both framings share: where the next record lies in the buffer, or what is wrong there.

use std::ops::Range;

use super::appended::Begun;
use super::damage::DamageKind;
use super::link_type::LinkType;
use super::record::RecordAnomaly;
use super::time::Timestamp;

/// A whole record at the front of the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) time: Option<Timestamp>,
    pub(super) orig_len: u32,
    pub(super) cap_len: u32,
    pub(super) link_type: Option<LinkType>,
    /// Number of its interface in its section, in a pcapng.
    pub(super) interface: Option<u32>,
    /// Where the captured bytes lie, counted from the buffer's first byte.
    pub(super) data: Range<usize>,
    /// Bytes of the record, header and padding included.
    pub(super) total: usize,
    pub(super) odd: RecordAnomaly,
}

/// Why there is no next record although the bytes have not ended.
#[derive(Debug)]
pub(super) enum Halt {
    /// Something is wrong there.
    Fault(Fault),
    /// Another capture begins there.
    Begins(Begun),
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A [`super::damage::Damage`] that does not know yet where it is.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: DamageKind,
    pub(super) announced: u64,
    pub(super) found: u64,
    pub(super) detail: Option<String>,
    /// Where the fault is, if not at the front of the buffer.
    pub(super) offset: Option<u64>,
}

impl Fault {
    pub(super) fn new(kind: DamageKind, announced: u64, found: u64) -> Self {
        Self { kind, announced, found, detail: None, offset: None }
    }

    /// Zeros after the first `written` bytes of a header. How many zeros there are is not known yet.
    pub(super) fn zeros(written: usize) -> Self {
        Self::new(DamageKind::ZeroGap, 0, written as u64)
    }
}
