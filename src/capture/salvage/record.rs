//! What makes bytes a credible record of a classic pcap.

use crate::capture::salvage::{LONGEST, Next, RecordRule, RecordTimes};

use super::super::pcap::{orig_len, record_fields};
use super::super::position::FileHeader;
use super::super::time::Timestamp;

/// Wire lengths over this are not credible: the largest that segmentation offload makes, and some.
const MAX_ORIG_LEN: u32 = 1 << 20;

/// Credible records of a capture with this header.
pub(super) struct Records {
    pub(super) header: FileHeader,
    pub(super) known: RecordTimes,
}

impl RecordRule for Records {
    type State = RecordTimes;

    fn state(&self) -> Self::State {
        self.known
    }

    /// A credible record has a fraction below a second, a time that can follow, and at least one captured byte but no
    /// more than there were on the wire.
    fn next(&self, bytes: &[u8], known: &mut Self::State) -> Option<Next> {
        let fields = record_fields(bytes, self.header).ok()?;
        let per_second = if self.header.nanoseconds { 1_000_000_000 } else { 1_000_000 };
        let credible = fields.fraction < per_second
            && (1..=fields.orig_len).contains(&fields.cap_len)
            && fields.orig_len <= MAX_ORIG_LEN
            && known.allow(Timestamp::from_pcap(fields.seconds, fields.fraction, self.header.nanoseconds));
        let len = usize::from(self.header.record_header) + fields.cap_len as usize;
        credible.then_some(Next { len, packet: true })
    }

    fn carries(&self) -> Option<usize> {
        Some(usize::from(self.header.record_header))
    }
}

/// Where the next record would be if the faulty record, with which the bytes begin, were captured whole. Its length on
/// the wire is a second account of how long it is.
pub(super) fn other_length(bytes: &[u8], header: FileHeader) -> Option<usize> {
    let orig_len = orig_len(bytes, header)?;
    let len = usize::from(header.record_header) + orig_len as usize;
    (orig_len > 0 && len <= LONGEST).then_some(len)
}
