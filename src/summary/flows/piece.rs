//! A piece of a flow: packets of one key that touch within the timeout, as far as they were met together.
//!
//! A piece is a key of the aggregator, with all numbers in it: pieces are hardly ever equal, and keys are sorted, spilled and merged
//! anyway. The sums under the key are those of the piece, as often as there are pieces just like it.

use crate::aggregate::Sums;
use crate::summary::key::{Key, KeyReader};

use super::end::{End, read_pair, write_pair};
use super::seen::SeenFlags;

/// What one end sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) packets: i64,
    pub(super) bytes: i64,
    pub(super) seen: SeenFlags,
}

/// A piece of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FlowPiece {
    /// First and last time, in microseconds since the Unix epoch.
    pub(super) first: i64,
    pub(super) last: i64,
    /// What the lower and the upper end sent.
    pub(super) sides: [Side; 2],
}

/// The key of packets in no flow: no address sorts after all that there are.
pub(super) const IN_NO_FLOW: &[u8] = &[0xff];

/// Whether a key is that of packets in no flow.
pub(in crate::summary) fn is_in_no_flow(key: &[u8]) -> bool {
    key == IN_NO_FLOW
}

impl FlowPiece {
    /// Writes the key of its flow and then its own numbers. `ends` may be in any order, with what each sent.
    pub(super) fn write(mut self, [a, b]: [End; 2], protocol: u16, key: &mut Key) -> PairLength {
        if b < a {
            self.sides.reverse();
        }
        write_pair(key, [a.min(b), a.max(b)], protocol);
        let length = PairLength(key.bytes().len());
        key.time(Some(self.first)).number(self.last.saturating_sub(self.first));
        for side in self.sides {
            key.number(side.packets).number(side.bytes).number(side.seen.number());
        }
        length
    }

    /// Reads a key that [`FlowPiece::write`] wrote, as the key of its flow and a piece of as many packets as `sums` has. `None` if it is no
    /// such key: that of packets in no flow, or of a damaged file.
    pub(super) fn read(key: &[u8], sums: Sums) -> Option<(&[u8], Self)> {
        let (_, _, rest) = read_pair(key)?;
        let pair = key.get(..key.len() - rest.len())?;
        let mut reader = KeyReader(rest);
        let first = reader.time()?;
        let last = first.saturating_add(reader.number());
        let mut side = || {
            let (packets, bytes) = (reader.number(), reader.number());
            Side { packets, bytes, seen: SeenFlags::of_number(reader.number()) }
        };
        let mut piece = Self { first, last, sides: [side(), side()] };
        let packets = piece.sides.iter().map(|side| side.packets).fold(0, i64::saturating_add);
        // Pieces just like it are under the same key.
        let times = sums.packets.checked_div(packets).filter(|times| *times > 1).unwrap_or(1);
        for side in &mut piece.sides {
            (side.packets, side.bytes) = (side.packets.saturating_mul(times), side.bytes.saturating_mul(times));
        }
        Some((pair, piece))
    }
}

/// Bytes of the key of a flow, at the beginning of that of a piece.
#[derive(Clone, Copy, Debug)]
pub(super) struct PairLength(pub(super) usize);
