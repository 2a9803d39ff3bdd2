//! What makes bytes a credible block of a pcapng section.

use std::sync::Arc;

use pcap_file::pcapng::blocks::block_common::{
    ENHANCED_PACKET_BLOCK, INTERFACE_DESCRIPTION_BLOCK, INTERFACE_STATISTIC_BLOCK, NAME_RESOLUTION_BLOCK, PACKET_BLOCK,
    SECTION_HEADER_BLOCK, SIMPLE_PACKET_BLOCK,
};

use crate::capture::salvage::{LONGEST, Next, RecordRule, RecordTimes};

use super::super::interface::describe;
use super::super::pcapng::{ByteOrder, is_version, least_len, section_order};
use super::super::position::Section;
use super::super::time::Timestamp;

/// Decryption secrets, and the two custom blocks: those to be copied and those not to be.
const OTHER_BLOCKS: [u32; 3] = [0xa, 0xbad, 0x4000_0bad];

/// Credible blocks of a capture after a fault in this section.
pub(super) struct Blocks {
    pub(super) section: Section,
    pub(super) known: RecordTimes,
}

impl RecordRule for Blocks {
    type State = (Section, RecordTimes);

    fn state(&self) -> Self::State {
        (self.section.clone(), self.known)
    }

    /// A credible block has a type that the draft knows, two equal lengths, and what its type asks for. A section header
    /// begins a section of its own.
    fn next(&self, bytes: &[u8], (section, known): &mut Self::State) -> Option<Next> {
        let [t0, t1, t2, t3, l0, l1, l2, l3, m0, m1, m2, m3] = *bytes.first_chunk()?;
        let begins_section = u32::from_be_bytes([t0, t1, t2, t3]) == SECTION_HEADER_BLOCK;
        if begins_section {
            let big_endian = section_order([m0, m1, m2, m3]).ok()?;
            *section = Section { big_endian, interfaces: Arc::default(), gapped: false };
        }
        let order = ByteOrder { big_endian: section.big_endian };
        let kind = order.u32([t0, t1, t2, t3]);
        let len = order.u32([l0, l1, l2, l3]) as usize;
        if len < least_len(kind) as usize || !len.is_multiple_of(4) || len > LONGEST {
            return None;
        }
        let body = bytes.get(8..len - 4)?;
        let trailer = bytes.get(len - 4..len)?.first_chunk()?;
        if order.u32(*trailer) as usize != len {
            return None;
        }
        let packet = match kind {
            ENHANCED_PACKET_BLOCK | PACKET_BLOCK => credible_packet(body, order, kind, section, known)?,
            SIMPLE_PACKET_BLOCK => credible_simple_packet(body, order, section)?,
            SECTION_HEADER_BLOCK => {
                let [_, _, _, _, a, b, c, d] = *body.first_chunk()?;
                is_version(order.u16([a, b]), order.u16([c, d])).then_some(false)?
            }
            INTERFACE_DESCRIPTION_BLOCK => {
                let interface = describe(body, order)?;
                if !section.gapped {
                    Arc::make_mut(&mut section.interfaces).push(interface);
                }
                false
            }
            INTERFACE_STATISTIC_BLOCK | NAME_RESOLUTION_BLOCK => false,
            other => OTHER_BLOCKS.contains(&other).then_some(false)?,
        };
        Some(Next { len, packet })
    }

    /// Never: a block ends with its own length, and a block that a packet carries does not end with the same one.
    fn carries(&self) -> Option<usize> {
        None
    }
}

/// A credible packet block names an interface that the section has, has a time that can follow, holds the bytes that it
/// announces, and has no more than padding and options after them.
fn credible_packet(
    body: &[u8],
    order: ByteOrder,
    kind: u32,
    section: &Section,
    known: &mut RecordTimes,
) -> Option<bool> {
    let ([i0, i1, i2, i3, h0, h1, h2, h3, t0, t1, t2, t3, c0, c1, c2, c3, w0, w1, w2, w3], packet) =
        body.split_first_chunk()?;
    let interface = match kind {
        PACKET_BLOCK => u32::from(order.u16([*i0, *i1])),
        _ => order.u32([*i0, *i1, *i2, *i3]),
    };
    let interface = section.interfaces.get(usize::try_from(interface).ok()?)?;
    let (high, low) = (order.u32([*h0, *h1, *h2, *h3]), order.u32([*t0, *t1, *t2, *t3]));
    let ticks = u64::from(high) << 32 | u64::from(low);
    let time = Timestamp::from_pcapng(ticks, interface.resolution, interface.offset_s)?;
    let (cap_len, orig_len) = (order.u32([*c0, *c1, *c2, *c3]), order.u32([*w0, *w1, *w2, *w3]));
    let after = packet.len().checked_sub((cap_len as usize).next_multiple_of(4))?;
    let credible = (1..=orig_len).contains(&cap_len) && matches!(after, 0 | 4..) && known.allow(time);
    credible.then_some(true)
}

/// A credible simple packet has an interface, and exactly the bytes that the interface's snapshot length leaves of the
/// packet.
fn credible_simple_packet(body: &[u8], order: ByteOrder, section: &Section) -> Option<bool> {
    let (orig_len, packet) = body.split_first_chunk()?;
    let orig_len = order.u32(*orig_len);
    let interface = section.interfaces.first()?;
    let cap_len = if interface.snap_len == 0 { orig_len } else { orig_len.min(interface.snap_len) };
    (cap_len > 0 && packet.len() == (cap_len as usize).next_multiple_of(4)).then_some(true)
}
