//! One packet record, borrowed from the reader's buffer.

use std::fmt;

use bitflags::bitflags;

use super::link_type::LinkType;
use super::position::{Framing, Interface};
use super::reader::CaptureReader;
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
    /// Where it is from. One reference: of each record it is handed on, and few are asked.
    pub(super) reader: Option<&'a CaptureReader>,
}

impl<'a> PacketRecord<'a> {
    /// A record of these bytes, all of them captured, that no reader has read: it has neither a time nor a capture.
    #[cfg(feature = "internal-api")]
    #[must_use]
    pub fn of_bytes(link_type: LinkType, data: &'a [u8], offset: u64) -> Self {
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        Self {
            time: None,
            orig_len: length,
            cap_len: length,
            link_type: Some(link_type),
            data,
            offset,
            odd: RecordAnomaly::default(),
            reader: None,
        }
    }

    /// Its number in the capture, from 1. Where the reader began at a guess, its number from there on.
    #[must_use]
    pub fn frame(&self) -> u64 {
        self.reader.map_or(0, |reader| reader.frames_before + reader.frames)
    }

    /// The path of the capture as one line of text. `None` for a stream.
    #[must_use]
    pub fn capture(&self) -> Option<&'a str> {
        self.reader?.name.as_deref()
    }

    /// In a pcapng, the number of its interface in its section.
    #[must_use]
    pub fn interface(&self) -> Option<u32> {
        self.reader?.interface
    }

    /// The interfaces that its section has described so far.
    fn interfaces(&self) -> &'a [Interface] {
        match self.reader.map(|reader| &reader.position.framing) {
            Some(Framing::Pcapng(section)) => &section.interfaces,
            _ => &[],
        }
    }

    /// The name of its interface, if the section gives it one.
    #[must_use]
    pub fn interface_name(&self) -> Option<&'a str> {
        self.interfaces().get(usize::try_from(self.interface()?).ok()?)?.name.as_deref()
    }
}

/// For that of its records.
impl fmt::Debug for CaptureReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaptureReader").field("name", &self.name).field("frames", &self.frames).finish_non_exhaustive()
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
