//! The fixed part of a resource record, between its owner name and its data.
//!
//! Source: RFC 1035 4.1.3.

use super::super::field::be16;

/// Record types that are looked at.
pub(super) const A: u16 = 1;
pub(super) const CNAME: u16 = 5;
pub(super) const AAAA: u16 = 28;
/// The pseudo-record of EDNS (RFC 6891): it names nothing.
pub(super) const OPT: u16 = 41;

/// A record whose fixed part is whole.
pub(super) struct Record {
    pub(super) kind: u16,
    /// Offset of its data in the message.
    pub(super) data: usize,
    /// Offset after its data. It may lie after the end of a cut message.
    pub(super) end: usize,
}

impl Record {
    /// Reads the fixed part that begins at `at`, after the owner name.
    pub(super) fn read(message: &[u8], at: usize) -> Option<Self> {
        let data = at + 10;
        let length = usize::from(be16(message, at + 8)?);
        Some(Self { kind: be16(message, at)?, data, end: data + length })
    }
}
