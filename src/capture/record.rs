//! One packet record, borrowed from the reader's buffer.

use bitflags::bitflags;

use super::link_type::LinkType;
use super::position::Interface;
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
    /// Its number in the capture, from 1. Where the reader began at a guess, its number from there on.
    pub frame: u64,
    /// The path of the capture as one line of text. `None` for a stream.
    pub capture: Option<&'a str>,
    /// In a pcapng, the number of its interface in its section.
    pub interface: Option<u32>,
    /// The interfaces that its section has described so far.
    pub interfaces: &'a [Interface],
}

impl PacketRecord<'_> {
    /// The name of its interface, if the section gives it one.
    #[must_use]
    pub fn interface_name(&self) -> Option<&str> {
        self.interfaces.get(usize::try_from(self.interface?).ok()?)?.name.as_deref()
    }
}

bitflags! {
    /// What is odd about a record that is framed all the same. Odd is not wrong: each anomaly is counted, and none stops
    /// anything. One bit each, from the lowest on.
    ///
    /// ```
    /// # use parcap::capture::RecordAnomaly;
    /// let odd = RecordAnomaly::NO_INTERFACE | RecordAnomaly::TIME_OUT_OF_RANGE.when(false);
    /// assert_eq!(odd, RecordAnomaly::NO_INTERFACE);
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct RecordAnomaly: u8 {
        /// A fraction of a second that is a second or more; it was carried.
        const FRACTION_CARRIED = 1;
        /// A time outside the years 1 to 9999; the record counts as one without a time.
        const TIME_OUT_OF_RANGE = 1 << 1;
        /// A pcapng packet that names an interface which its section does not have.
        const NO_INTERFACE = 1 << 2;
        /// A pcapng packet that announces more captured bytes than its block has.
        const CAP_LEN_OVER_BLOCK = 1 << 3;
        /// More captured bytes than the snapshot length of the capture or interface allows.
        const CAP_LEN_OVER_SNAP_LEN = 1 << 4;
    }
}

impl RecordAnomaly {
    /// `self` if `is_so`, otherwise no anomaly.
    #[must_use]
    #[inline]
    pub fn when(self, is_so: bool) -> Self {
        // Without a branch: this is asked of each record.
        Self::from_bits_retain(self.bits() * u8::from(is_so))
    }
}
