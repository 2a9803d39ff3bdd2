//! Everything a reader must know to go on in the middle of a capture.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::link_type::LinkType;
use super::resolution::Resolution;
use super::time::Timestamp;

/// A place between two records, with what the bytes before it said.
///
/// Two readers that start from equal positions read the same records. That proves the guessed start of a chunk: the chunk
/// before it must end in an equal position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Offset in the decompressed capture of the next record header or block.
    pub offset: u64,
    /// How the bytes from there on are framed.
    pub framing: Framing,
    /// Time of the capture's first record that has one.
    pub first_time: Option<Timestamp>,
    /// Whether nothing can follow: the capture was damaged before this.
    pub ended: bool,
}

/// How records are framed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Framing {
    /// No bytes, no records.
    Empty,
    /// Classic pcap.
    Pcap(FileHeader),
    /// pcapng, inside a section.
    Pcapng(Section),
}

/// What the 24 bytes at the beginning of a classic pcap say (draft-ietf-opsawg-pcap section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHeader {
    /// Byte order of the headers.
    pub big_endian: bool,
    /// Whether fractions are nanoseconds; otherwise they are microseconds.
    pub nanoseconds: bool,
    /// Bytes of a record header: 16, or 24 in the modified format.
    pub record_header: u8,
    /// Which of a record's two lengths comes first.
    pub length_order: LengthOrder,
    /// The snapshot length, 0 for unlimited.
    pub snap_len: u32,
    /// The link type, without the FCS bits above it.
    pub link_type: LinkType,
}

/// The order of the two lengths in a record header. Old writers disagreed (libpcap, sf-pcap.c).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LengthOrder {
    /// Captured length first: version 2.4, and all that is written today.
    CapLenFirst,
    /// Wire length first: before version 2.3.
    OrigLenFirst,
    /// Version 2.3, written in both orders: the captured length is the smaller one.
    SmallerIsCapLen,
}

/// A section of a pcapng capture (draft-ietf-opsawg-pcapng section 4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Byte order of its blocks.
    pub big_endian: bool,
    /// The interfaces that it has described so far.
    pub interfaces: Arc<Vec<Interface>>,
    /// Whether bytes of it were stepped over. The numbers of interfaces described after that are not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gapped: bool,
}

/// What an Interface Description Block says (draft-ietf-opsawg-pcapng section 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Link type of its packets.
    pub link_type: LinkType,
    /// Its snapshot length, 0 for unlimited.
    pub snap_len: u32,
    /// Unit of its timestamps.
    pub resolution: Resolution,
    /// Seconds to add to each of its timestamps.
    pub offset_s: i64,
    /// Its name, of at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
}

impl Position {
    /// Forgets the names of interfaces, for a manifest that need not have them.
    pub fn forget_names(&mut self) {
        if let Framing::Pcapng(section) = &mut self.framing
            && section.interfaces.iter().any(|interface| interface.name.is_some())
        {
            Arc::make_mut(&mut section.interfaces).iter_mut().for_each(|interface| interface.name = None);
        }
    }
}
