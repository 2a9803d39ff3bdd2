//! Framing of pcapng, one block at a time. Packets are handed out. Other blocks are read for what they say, or stepped
//! over.
//!
//! In: a [`ReadBuffer`] that begins with a block, and the section it is in. Out: where the next packet's bytes lie, and
//! the section as it stands for later blocks. A block of an unknown type is stepped over. Name resolution, statistics,
//! decryption secrets and custom blocks say nothing about rows. Source: draft-ietf-opsawg-pcapng sections 3 and 4, and
//! its appendix on the obsolete Packet Block.

use std::sync::Arc;

use byteorder_slice::{BigEndian, LittleEndian};
use pcap_file::pcapng::blocks::block_common::{
    ENHANCED_PACKET_BLOCK, INTERFACE_DESCRIPTION_BLOCK, PACKET_BLOCK, SECTION_HEADER_BLOCK, SIMPLE_PACKET_BLOCK,
};
use pcap_file::pcapng::{PcapNgFormatError, RawBlock, RawBlockParseError};

use crate::capture::appended;
use crate::discover::{Refusal, zeros};

use super::damage::DamageKind;
use super::frame::{Fault, Frame, Halt};
use super::interface::describe;
use super::packet_block::{enhanced_packet, obsolete_packet, simple_packet};
use super::position::Section;
use super::read_buffer::ReadBuffer;
use super::survey::Survey;

/// Bytes of a block around its body: type, length, length again.
const AROUND: usize = 12;
const AROUND_U32: u32 = 12;
/// Packet blocks and interface descriptions longer than this are not believed: libpcap's maximum block size.
pub(super) const MAX_BLOCK: u32 = 16 << 20;
/// The most interfaces of a section: more than any machine has, and all that the Packet Block can number. They are kept
/// for every chunk of the capture that is being read.
pub(super) const MAX_INTERFACES: usize = 1 << 16;
/// The least length of a Section Header Block: its fixed fields.
const SECTION_HEADER_MIN: u32 = 28;

/// Numbers in the byte order of a section.
#[derive(Clone, Copy)]
pub(super) struct ByteOrder {
    pub(super) big_endian: bool,
}

impl ByteOrder {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

/// Blocks without packets that may be longer than [`MAX_BLOCK`]: names, statistics, the system's journal, decryption
/// secrets, custom blocks.
const MAY_BE_LONG: [u32; 6] = [4, 5, 9, 10, 0xbad, 0x4000_0bad];

/// The least length of a block of this kind. For a kind that reads as the magic number of a pcap, in either byte order,
/// no length is enough. So one comparison of lengths is all that a usual block costs.
pub(super) fn least_len(kind: u32) -> u32 {
    match kind {
        0xa1b2_c3d4 | 0xd4c3_b2a1 | 0xa1b2_3c4d | 0x4d3c_b2a1 | 0xa1b2_cd34 | 0x34cd_b2a1 => u32::MAX,
        SECTION_HEADER_BLOCK => SECTION_HEADER_MIN,
        INTERFACE_DESCRIPTION_BLOCK => 20,
        ENHANCED_PACKET_BLOCK | PACKET_BLOCK => 32,
        SIMPLE_PACKET_BLOCK => 16,
        _ => AROUND_U32,
    }
}

/// How blocks are read.
pub(super) struct Reading<'a> {
    /// Reading stops at a block that begins here or later.
    pub(super) limit: u64,
    /// Whether to salvage after a block that is too long to be believed. Then such a block of an unknown kind is damage.
    /// The draft asks to step over it, but a random length would step over all that can be salvaged.
    pub(super) salvaging: bool,
    /// What is noted besides packets.
    pub(super) survey: Option<&'a mut Survey>,
}

/// Reads blocks up to the next packet, which is left whole at the front of the buffer. `None` at the end of the file, or
/// at the first block that begins at `limit` or later.
pub(super) fn next(
    window: &mut ReadBuffer,
    section: &mut Section,
    reading: &mut Reading<'_>,
) -> Result<Option<Frame>, Halt> {
    while window.offset() < reading.limit {
        let held = window.fill(AROUND);
        if held.is_empty() {
            return Ok(None);
        }
        let Some(([t0, t1, t2, t3, l0, l1, l2, l3, m0, m1, m2, m3], _)) = held.split_first_chunk() else {
            return Err(Fault::new(DamageKind::BlockCut, AROUND as u64, held.len() as u64).into());
        };
        let (kind, length, magic) = ([*t0, *t1, *t2, *t3], [*l0, *l1, *l2, *l3], [*m0, *m1, *m2, *m3]);
        if u32::from_be_bytes(kind) == SECTION_HEADER_BLOCK {
            section.big_endian = section_order(magic)?;
        }
        let order = ByteOrder { big_endian: section.big_endian };
        let kind = order.u32(kind);
        if let Some(frame) = block(window, section, order, (kind, order.u32(length)), reading)? {
            return Ok(Some(frame));
        }
    }
    Ok(None)
}

/// Reads one block. A packet is returned and left in the buffer; any other block is consumed.
fn block(
    window: &mut ReadBuffer,
    section: &mut Section,
    order: ByteOrder,
    (kind, length): (u32, u32),
    reading: &mut Reading<'_>,
) -> Result<Option<Frame>, Halt> {
    let mut needed = least_len(kind);
    if length < needed {
        needed = unusual(window, length, needed)?;
    }
    if length > MAX_BLOCK {
        if needed > AROUND_U32 || (reading.salvaging && !MAY_BE_LONG.contains(&kind)) {
            return Err(Fault::new(DamageKind::BlockTooLong, u64::from(length), u64::from(MAX_BLOCK)).into());
        }
        if let Some(survey) = &mut reading.survey {
            survey.block(kind);
        }
        step_over(window, order, length)?;
        return Ok(None);
    }
    let total = padded(length);
    let held = window.fill(total);
    let Some(block) = held.get(..total) else {
        return Err(Fault::new(DamageKind::BlockCut, u64::from(length), held.len() as u64).into());
    };
    let body = body(block, order, length)?;
    let frame = match kind {
        ENHANCED_PACKET_BLOCK => Some(enhanced_packet(body, order, &section.interfaces, total)),
        SIMPLE_PACKET_BLOCK => Some(simple_packet(body, order, &section.interfaces, total)),
        PACKET_BLOCK => Some(obsolete_packet(body, order, &section.interfaces, total)),
        INTERFACE_DESCRIPTION_BLOCK => {
            if let Some(interface) = describe(body, order) {
                let numbered = !section.gapped;
                if numbered && section.interfaces.len() >= MAX_INTERFACES {
                    let (announced, plausible) = (section.interfaces.len() as u64 + 1, MAX_INTERFACES as u64);
                    return Err(Fault::new(DamageKind::TooManyInterfaces, announced, plausible).into());
                }
                if let Some(survey) = &mut reading.survey {
                    survey.interface(body, order, &interface, numbered);
                }
                if numbered {
                    Arc::make_mut(&mut section.interfaces).push(interface);
                }
            }
            None
        }
        SECTION_HEADER_BLOCK => {
            section_version(body, order)?;
            section.interfaces = Arc::default();
            section.gapped = false;
            if let Some(survey) = &mut reading.survey {
                survey.section(body, order);
            }
            None
        }
        _ => {
            if let Some(survey) = &mut reading.survey {
                survey.block(kind);
            }
            None
        }
    };
    match frame {
        Some(frame) => {
            let too_short = || Fault::new(DamageKind::BlockTooShort, u64::from(length), u64::from(needed));
            frame.map(Some).ok_or_else(|| too_short().into())
        }
        None => {
            window.consume(total);
            Ok(None)
        }
    }
}

/// Decides on a block that is shorter than any of its kind. Another capture, bytes that were never written, and a block
/// that cannot be right are a `Halt`. Otherwise the length that the block needs is returned.
#[cold]
#[inline(never)]
fn unusual(window: &mut ReadBuffer, length: u32, needed: u32) -> Result<u32, Halt> {
    if needed == u32::MAX
        && let Some(begun) = appended::begins(window.fill(appended::HEADER))?
    {
        return Err(Halt::Begins(begun));
    }
    if window.bytes().get(..AROUND).is_some_and(|bytes| zeros(bytes) == AROUND) {
        return Err(Fault::zeros(0).into());
    }
    // A kind that only looks like the beginning of a pcap.
    let needed = if needed == u32::MAX { AROUND_U32 } else { needed };
    if length < needed {
        return Err(Fault::new(DamageKind::BlockTooShort, u64::from(length), u64::from(needed)).into());
    }
    Ok(needed)
}

/// The length with padding. Some writers announce a length that is no multiple of 4 and pad all the same; Wireshark reads
/// them so.
fn padded(length: u32) -> usize {
    // Not in 32 bits: the largest lengths would overflow.
    (length as usize).next_multiple_of(4)
}

/// The body of a whole block, after the check that its two lengths agree.
fn body(block: &[u8], order: ByteOrder, length: u32) -> Result<&[u8], Fault> {
    let total = block.len();
    let trailer = block.last_chunk().map_or(0, |bytes| order.u32(*bytes));
    let differ = || Fault::new(DamageKind::BlockLengthsDiffer, u64::from(length), u64::from(trailer));
    if total != length as usize {
        // The library refuses unaligned lengths.
        return if trailer == length { block.get(8..total - 4).ok_or_else(differ) } else { Err(differ()) };
    }
    let parsed = if order.big_endian {
        RawBlock::from_slice::<BigEndian>(block)
    } else {
        RawBlock::from_slice::<LittleEndian>(block)
    };
    match parsed {
        Ok((_, RawBlock { body: std::borrow::Cow::Borrowed(body), .. })) => Ok(body),
        Err(RawBlockParseError::InvalidFormat(PcapNgFormatError::BlockLengthMismatch(..))) => Err(differ()),
        Ok(_) | Err(_) => Err(Fault::new(DamageKind::BlockTooShort, u64::from(length), AROUND as u64)),
    }
}

/// Steps over a block that is too long to buffer and says nothing about rows.
fn step_over(window: &mut ReadBuffer, order: ByteOrder, length: u32) -> Result<(), Fault> {
    let offset = Some(window.offset());
    let before_trailer = padded(length) as u64 - 4;
    let skipped = window.skip(before_trailer);
    let held = window.fill(4);
    let Some(trailer) = held.first_chunk().map(|bytes| order.u32(*bytes)) else {
        let found = skipped + held.len() as u64;
        return Err(Fault { offset, ..Fault::new(DamageKind::BlockCut, u64::from(length), found) });
    };
    if trailer != length {
        let fault = Fault::new(DamageKind::BlockLengthsDiffer, u64::from(length), u64::from(trailer));
        return Err(Fault { offset, ..fault });
    }
    window.consume(4);
    Ok(())
}

/// The first section header is checked before the capture is accepted. The framing reads it again.
pub(super) fn first_section(window: &mut ReadBuffer) -> Result<Section, Refusal> {
    const NEEDED: usize = 28;
    let held = window.fill(NEEDED);
    let Some((head, _)) = held.split_first_chunk::<NEEDED>() else {
        return Err(Refusal::HeaderCut { needed: NEEDED as u64, found: held.len() as u64 });
    };
    let [_, _, _, _, _, _, _, _, m0, m1, m2, m3, v0, v1, v2, v3, ..] = *head;
    let unreadable = |fault: Fault| Refusal::NotACapture {
        found: format!("a pcapng section header that cannot be read: {}", fault.detail.unwrap_or_default()),
    };
    let big_endian = section_order([m0, m1, m2, m3]).map_err(unreadable)?;
    let order = ByteOrder { big_endian };
    let (major, minor) = (order.u16([v0, v1]), order.u16([v2, v3]));
    if !is_version(major, minor) {
        return Err(Refusal::Version { major, minor });
    }
    Ok(Section { big_endian, interfaces: Arc::default(), gapped: false })
}

/// The byte order that a section header's magic stands for.
pub(super) fn section_order(magic: [u8; 4]) -> Result<bool, Fault> {
    match magic {
        [0x1a, 0x2b, 0x3c, 0x4d] => Ok(true),
        [0x4d, 0x3c, 0x2b, 0x1a] => Ok(false),
        other => {
            let mut fault = Fault::new(DamageKind::SectionHeader, 0, 0);
            fault.detail = Some(format!("its byte-order magic is {:08x}", u32::from_be_bytes(other)));
            Err(fault)
        }
    }
}

/// Versions 1.0 and 1.2 exist (section 4.1 of the draft; some writers said 1.2 and meant 1.0).
pub(super) fn is_version(major: u16, minor: u16) -> bool {
    major == 1 && matches!(minor, 0 | 2)
}

fn section_version(body: &[u8], order: ByteOrder) -> Result<(), Fault> {
    let version = body.get(4..8).and_then(|bytes| bytes.first_chunk::<4>());
    if let Some(&[a, b, c, d]) = version {
        let (major, minor) = (order.u16([a, b]), order.u16([c, d]));
        if is_version(major, minor) {
            return Ok(());
        }
        let mut fault = Fault::new(DamageKind::SectionHeader, 0, 0);
        fault.detail = Some(format!("its version is {major}.{minor}, not 1.0 or 1.2"));
        return Err(fault);
    }
    Err(Fault::new(DamageKind::SectionHeader, 0, 0))
}
