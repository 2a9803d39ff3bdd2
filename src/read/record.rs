//! One packet record, borrowed from the reader's buffer.

use super::link_type::LinkType;
use super::time::Timestamp;

/// A packet record as the capture frames it; nothing of its bytes has been looked at.
#[derive(Clone, Copy, Debug)]
pub struct PacketRecord<'a> {
    /// When, or `None` if the record carries no time, or one outside the years 1 to 9999.
    pub time: Option<Timestamp>,
    /// Bytes on the wire.
    pub orig_len: u32,
    /// Bytes that the record says it holds; more than `data` where a pcapng block announces more than it has.
    pub cap_len: u32,
    /// What the first byte of `data` begins; `None` for a pcapng packet without an interface.
    pub link_type: Option<LinkType>,
    /// The captured bytes.
    pub data: &'a [u8],
    /// Offset of the record's header in the unpacked capture.
    pub offset: u64,
    /// What is odd about the record itself.
    pub odd: OddRecord,
}

/// What can be odd about a record that is framed all the same. Odd is not wrong: each is counted, none stops anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OddRecord {
    /// A fraction of a second that is a second or more; it was carried.
    pub fraction_carried: bool,
    /// A time outside the years 1 to 9999; the record counts as one without a time.
    pub time_out_of_range: bool,
    /// A pcapng packet that names an interface which its section does not have.
    pub no_interface: bool,
    /// A pcapng packet that announces more captured bytes than its block has.
    pub cap_len_over_block: bool,
    /// More captured bytes than the snapshot length of the capture or interface allows.
    pub cap_len_over_snap_len: bool,
}
