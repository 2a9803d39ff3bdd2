//! What was seen of the packets that one end sent, as bits that add up in any order.

use std::ops::BitOr;

use crate::packets::NO_TCP_FLAGS;

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SeenFlags(u16);

const SYN: u16 = 2;
const ACK: u16 = 16;
/// The nine flags of TCP (RFC 9293, section 3.1; the ninth is of RFC 3540).
const FLAGS: u16 = 0x1ff;
/// A packet had flags.
const HAS_FLAGS: u16 = 1 << 9;
/// A packet had SYN and not ACK: it opens a connection.
const OPENS: u16 = 1 << 10;
/// A packet has the first time of all.
const IS_FIRST: u16 = 1 << 11;
/// One of those opens a connection.
const OPENS_FIRST: u16 = 1 << 12;

impl SeenFlags {
    pub(super) const NONE: Self = Self(0);

    /// Of the first packet of all, with these flags, [`NO_TCP_FLAGS`] for none.
    #[inline]
    pub(super) fn of(flags: u16) -> Self {
        let Self(seen) = Self::of_later(flags);
        let opens = if seen & OPENS == 0 { 0 } else { OPENS_FIRST };
        Self(seen | IS_FIRST | opens)
    }

    /// Of a packet that another one came before.
    #[inline]
    pub(super) fn of_later(flags: u16) -> Self {
        if flags == NO_TCP_FLAGS {
            return Self::NONE;
        }
        let opens = if flags & (SYN | ACK) == SYN { OPENS } else { 0 };
        Self(flags & FLAGS | HAS_FLAGS | opens)
    }

    /// The same, where another packet came before.
    #[inline]
    pub(super) fn later(self) -> Self {
        Self(self.0 & !(IS_FIRST | OPENS_FIRST))
    }

    /// As a number, and back.
    pub(super) fn number(self) -> i64 {
        self.0.into()
    }

    pub(super) fn of_number(number: i64) -> Self {
        Self(u16::try_from(number).unwrap_or(0))
    }

    /// All flags that were seen.
    pub(super) fn flags(self) -> u16 {
        self.0 & FLAGS
    }

    pub(super) fn has_flags(self) -> bool {
        self.0 & HAS_FLAGS != 0
    }

    pub(super) fn opens(self) -> bool {
        self.0 & OPENS != 0
    }

    pub(super) fn is_first(self) -> bool {
        self.0 & IS_FIRST != 0
    }

    pub(super) fn opens_first(self) -> bool {
        self.0 & OPENS_FIRST != 0
    }
}

impl BitOr for SeenFlags {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
