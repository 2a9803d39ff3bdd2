//! Writes records of captures as a pcapng or a pcap.
//!
//! In: records as they were found, each with its interface. Out: the bytes of a capture, little endian. A pcapng has the
//! ticks, lengths and bytes of each record as they were. What a record says depends on its section, so a new section begins
//! where a record could not be said in the one before: one of the Simple Packet Blocks, which are of a section's first
//! interface, or a record that names an interface which its section did not have. Source: draft-ietf-opsawg-pcapng
//! sections 3 and 4, draft-ietf-opsawg-pcap sections 4 and 5. By hand: the library's writer lets no block say more bytes
//! than it has, and damaged captures have such blocks.

use std::collections::HashMap;
use std::io::{self, Write};

use pcap_file::pcapng::blocks::block_common::{
    ENHANCED_PACKET_BLOCK, INTERFACE_DESCRIPTION_BLOCK, SECTION_HEADER_BLOCK, SIMPLE_PACKET_BLOCK,
};

use super::interface::{OPTION_NAME, OPTION_TSOFFSET, OPTION_TSRESOL};
use super::link_type::LinkType;
use super::pcapng::{MAX_BLOCK, MAX_INTERFACES};
use super::position::Interface;
use super::time::Timestamp;

const OPTION_COMMENT: u16 = 1;
const OPTION_USER_APPLICATION: u16 = 4;
/// Bytes of a block of a packet besides its captured bytes.
const AROUND_PACKET: u32 = 32;

/// The blocks that hold packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PacketKind {
    /// With an interface and a time: Enhanced and obsolete Packet Blocks, and records of a pcap.
    Timed,
    /// Of the first interface, and without a time: Simple Packet Blocks.
    Simple,
}

/// A packet to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WrittenPacket<'a> {
    /// How it was framed.
    pub(crate) kind: PacketKind,
    /// The number of its interface in its section, for a packet whose section has no such interface.
    pub(crate) number: u32,
    /// Its time, in the unit of its interface.
    pub(crate) ticks: u64,
    /// Captured bytes, as announced.
    pub(crate) cap_len: u32,
    /// Bytes on the wire.
    pub(crate) orig_len: u32,
    /// The captured bytes.
    pub(crate) data: &'a [u8],
}

/// What a pcap says of all its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PcapForm {
    /// Link type.
    pub(crate) link_type: LinkType,
    /// The snapshot length.
    pub(crate) snap_len: u32,
    /// Whether times are in nanoseconds. Otherwise they are in microseconds.
    pub(crate) nanoseconds: bool,
}

/// Writes a capture.
pub(crate) struct CaptureWriter<W> {
    to: W,
    block: Vec<u8>,
    pcap: Option<PcapForm>,
    section: Option<WrittenSection>,
}

/// The section that is being written.
#[derive(Default)]
struct WrittenSection {
    /// Numbers of interfaces by their place in the caller's list.
    interfaces: HashMap<usize, u32>,
    /// The first one.
    first: Option<usize>,
}

impl<W: Write> CaptureWriter<W> {
    /// The most captured bytes that a packet may have.
    pub(crate) const LONGEST: u32 = MAX_BLOCK - AROUND_PACKET;

    /// A pcapng.
    pub(crate) fn pcapng(to: W) -> Self {
        Self { to, block: Vec::new(), pcap: None, section: None }
    }

    /// A pcap.
    pub(crate) fn pcap(mut to: W, form: PcapForm) -> io::Result<Self> {
        let magic: u32 = if form.nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
        let (version, nothing) = ([2, 0, 4, 0], [0; 8]);
        to.write_all(&[magic.to_le_bytes(), version].concat())?;
        to.write_all(&nothing)?;
        to.write_all(&[form.snap_len.to_le_bytes(), u32::from(form.link_type.0).to_le_bytes()].concat())?;
        Ok(Self { to, block: Vec::new(), pcap: Some(form), section: None })
    }

    /// Writes a packet, and before it what a reader must know of its interface. `interface` is its place in the caller's
    /// list, where `described` finds what it is and a comment on it; `None` if its section has no such interface. A pcap
    /// has the `time` of the packet in place of its ticks.
    pub(crate) fn packet<'i>(
        &mut self,
        packet: &WrittenPacket<'_>,
        time: Option<Timestamp>,
        interface: Option<usize>,
        described: impl Fn(usize) -> Option<(&'i Interface, &'i str)>,
    ) -> io::Result<()> {
        if let Some(form) = self.pcap {
            return self.record(packet, time, form);
        }
        let fits = self.section.as_ref().is_some_and(|section| match (packet.kind, interface) {
            (_, None) => section.first.is_none(),
            (PacketKind::Simple, interface) => section.first == interface,
            (PacketKind::Timed, Some(place)) => {
                section.interfaces.contains_key(&place)
                    || section.first.is_some() && section.interfaces.len() < MAX_INTERFACES
            }
        });
        if !fits {
            self.begin_section()?;
        }
        let number = match interface {
            None => packet.number,
            Some(place) => self.number_of(place, described)?,
        };
        self.block.clear();
        if packet.kind == PacketKind::Timed {
            let (high, low) = ((packet.ticks >> 32) as u32, (packet.ticks & 0xffff_ffff) as u32);
            let fields = [number, high, low, packet.cap_len];
            self.block.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
        }
        self.block.extend(packet.orig_len.to_le_bytes());
        self.block.extend(packet.data);
        let is_timed = packet.kind == PacketKind::Timed;
        self.write_block(if is_timed { ENHANCED_PACKET_BLOCK } else { SIMPLE_PACKET_BLOCK })
    }

    /// Ends the capture. Returns what it was written to.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        // Without a packet, a pcapng is one section.
        if self.pcap.is_none() && self.section.is_none() {
            self.begin_section()?;
        }
        Ok(self.to)
    }

    fn record(&mut self, packet: &WrittenPacket<'_>, time: Option<Timestamp>, form: PcapForm) -> io::Result<()> {
        let unfit = || io::Error::new(io::ErrorKind::InvalidData, "a packet does not fit into a pcap");
        let time = time.ok_or_else(unfit)?;
        let seconds = u32::try_from(time.seconds()).map_err(|_| unfit())?;
        let nanos = time.subsec_nanos();
        let fraction = if form.nanoseconds { nanos } else { nanos / 1000 };
        let fields = [seconds, fraction, packet.cap_len, packet.orig_len];
        self.block.clear();
        self.block.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
        self.to.write_all(&self.block)?;
        self.to.write_all(packet.data)
    }

    /// Section 4.1: byte-order magic, version 1.0, a length that is not known.
    fn begin_section(&mut self) -> io::Result<()> {
        self.section = Some(WrittenSection::default());
        self.block.clear();
        self.block.extend([0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
        self.option(OPTION_USER_APPLICATION, concat!("parcap ", env!("CARGO_PKG_VERSION")).as_bytes());
        self.end_options();
        self.write_block(SECTION_HEADER_BLOCK)
    }

    /// The number of an interface in the section, which has it from now on.
    fn number_of<'i>(
        &mut self,
        place: usize,
        described: impl Fn(usize) -> Option<(&'i Interface, &'i str)>,
    ) -> io::Result<u32> {
        let unknown = || io::Error::other("an interface is not known");
        let section = self.section.as_mut().ok_or_else(unknown)?;
        if let Some(number) = section.interfaces.get(&place) {
            return Ok(*number);
        }
        let (interface, comment) = described(place).ok_or_else(unknown)?;
        let number = u32::try_from(section.interfaces.len()).map_err(|_| unknown())?;
        section.interfaces.insert(place, number);
        section.first.get_or_insert(place);
        // Section 4.2.
        self.block.clear();
        self.block.extend(interface.link_type.0.to_le_bytes());
        self.block.extend([0, 0]);
        self.block.extend(interface.snap_len.to_le_bytes());
        self.option(OPTION_COMMENT, comment.as_bytes());
        if let Some(name) = &interface.name {
            self.option(OPTION_NAME, name.as_bytes());
        }
        self.option(OPTION_TSRESOL, &[interface.resolution.0]);
        if interface.offset_s != 0 {
            self.option(OPTION_TSOFFSET, &interface.offset_s.to_le_bytes());
        }
        self.end_options();
        self.write_block(INTERFACE_DESCRIPTION_BLOCK)?;
        Ok(number)
    }

    /// Section 3.5: code, length, value, padding.
    fn option(&mut self, code: u16, value: &[u8]) {
        // Paths are shorter than this, and so are names.
        let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.block.extend(code.to_le_bytes());
        self.block.extend(length.to_le_bytes());
        self.block.extend(value);
        self.pad();
    }

    fn end_options(&mut self) {
        self.block.extend([0; 4]);
    }

    fn pad(&mut self) {
        self.block.resize(self.block.len().next_multiple_of(4), 0);
    }

    /// Section 3.1: type, length, body, length.
    fn write_block(&mut self, kind: u32) -> io::Result<()> {
        self.pad();
        let length = u32::try_from(self.block.len() + 12).map_err(io::Error::other)?.to_le_bytes();
        self.to.write_all(&[kind.to_le_bytes(), length].concat())?;
        self.to.write_all(&self.block)?;
        self.to.write_all(&length)
    }
}
