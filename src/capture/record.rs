//! One packet record, borrowed from the reader's buffer.

use super::link_type::LinkType;
use super::time::Timestamp;

/// A packet record as the capture frames it. Its bytes have not been looked at.
#[derive(Clone, Copy, Debug)]
pub struct PacketRecord<'a> {
    /// When, or `None` if the record carries no time, or one outside the years 1 to 9999.
    pub time: Option<Timestamp>,
    /// Bytes on the wire.
    pub orig_len: u32,
    /// Captured bytes that the record announces. More than `data` where a pcapng block announces more than it has.
    pub cap_len: u32,
    /// The link type, which says what the first byte of `data` begins. `None` for a pcapng packet without an interface.
    pub link_type: Option<LinkType>,
    /// The captured bytes.
    pub data: &'a [u8],
    /// Offset of the record's header in the decompressed capture.
    pub offset: u64,
    /// What is odd about the record itself.
    pub odd: RecordAnomaly,
}

/// What is odd about a record that is framed all the same: any of the five below. Odd is not wrong: each anomaly is
/// counted, and none stops anything.
///
/// ```
/// # use parcap::capture::RecordAnomaly;
/// let odd = RecordAnomaly::NO_INTERFACE | RecordAnomaly::TIME_OUT_OF_RANGE.when(false);
/// assert!(odd.has(RecordAnomaly::NO_INTERFACE) && !odd.has(RecordAnomaly::TIME_OUT_OF_RANGE));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordAnomaly(u8);

impl RecordAnomaly {
    /// A fraction of a second that is a second or more; it was carried.
    pub const FRACTION_CARRIED: Self = Self(1);
    /// A time outside the years 1 to 9999; the record counts as one without a time.
    pub const TIME_OUT_OF_RANGE: Self = Self(1 << 1);
    /// A pcapng packet that names an interface which its section does not have.
    pub const NO_INTERFACE: Self = Self(1 << 2);
    /// A pcapng packet that announces more captured bytes than its block has.
    pub const CAP_LEN_OVER_BLOCK: Self = Self(1 << 3);
    /// More captured bytes than the snapshot length of the capture or interface allows.
    pub const CAP_LEN_OVER_SNAP_LEN: Self = Self(1 << 4);

    /// `self` if `is_so`, otherwise no anomaly.
    #[must_use]
    #[inline]
    pub fn when(self, is_so: bool) -> Self {
        Self(self.0 * u8::from(is_so))
    }

    /// Whether all anomalies of `which` are set.
    #[must_use]
    #[inline]
    pub fn has(self, which: Self) -> bool {
        self.0 & which.0 == which.0
    }

    /// One bit each, in the order above, from the lowest bit on.
    #[must_use]
    #[inline]
    pub fn bits(self) -> u8 {
        self.0
    }
}

impl std::ops::BitOr for RecordAnomaly {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
