//! Pseudo-headers and tags of single makers: Apple, Marvell, Broadcom, Hilscher, Endace and others.
//!
//! In: the bytes from the pseudo-header on. Out: the payload, and the MACs where a switch tag follows them.
//!
//! Source: <https://www.tcpdump.org/linktypes.html> and its pages; tcpdump's `print-dsa.c`,
//! `print-symantec.c`; Endace "ERF types reference"; IEEE 802.3br 99.3 for mPackets.

use crate::capture::LinkType;
use crate::decode::{ppp, tags};

use super::field::{be16, le32, octets};
use super::packet::Packet;
use super::payload::{Payload, Step};
use super::stop::Stop;

/// PKTAP: header length, record type, link type, and more.
pub(super) fn pktap(bytes: &[u8]) -> Step<'_> {
    const MIN_LEN: usize = 12;
    const PACKET: u32 = 1;
    let word = |at| le32(bytes, at).ok_or(Stop::LinkCut);
    let (len, record, link_type) = (word(0)?, word(4)?, word(8)?);
    let len = usize::try_from(len).ok().filter(|&len| len >= MIN_LEN);
    let len = len.ok_or(Stop::LinkMalformed)?;
    if record != PACKET {
        return Ok(Payload::Nothing);
    }
    let frame = bytes.get(len..).ok_or(Stop::LinkCut)?;
    let link_type = u16::try_from(link_type).map_err(|_| Stop::UnknownLinkType)?;
    Ok(Payload::Link(LinkType(link_type), frame))
}

/// Link type 149 is free for private use, and Apple's systems write PKTAP under it. It is taken for PKTAP if the header's
/// length and record type are PKTAP's.
pub(super) fn private_pktap(bytes: &[u8]) -> Step<'_> {
    /// The header has 108 bytes, in later versions more.
    const LENS: std::ops::RangeInclusive<u32> = 108..=512;
    match (le32(bytes, 0), le32(bytes, 4)) {
        (Some(len), Some(0 | 1)) if LENS.contains(&len) => pktap(bytes),
        _ => Err(Stop::UnknownLinkType),
    }
}

/// Ethernet with a switch tag of `len` bytes between the MACs and the type field.
pub(super) fn switch_tag<'a>(bytes: &'a [u8], len: usize, packet: &mut Packet<'a>) -> Step<'a> {
    packet.set_macs(octets(bytes, 0), octets(bytes, 6));
    tags::tagged(bytes.get(12..).ok_or(Stop::EthernetCut)?, len)
}

/// Preamble of up to 8 bytes and a start delimiter in front of Ethernet: netANALYZER's transparent frames, and mPackets.
pub(super) fn preamble(bytes: &[u8]) -> Step<'_> {
    const PREAMBLE: u8 = 0x55;
    let start = bytes.iter().take(8).position(|&byte| byte != PREAMBLE).ok_or(Stop::LinkCut)?;
    Ok(match bytes.get(start) {
        // Express, and the first fragments of preemptible frames. Other delimiters continue a frame.
        Some(0xd5 | 0xe6 | 0x4c | 0x7f | 0xb3) => Payload::Ethernet(bytes.get(start + 1..).unwrap_or_default()),
        _ => Payload::Nothing,
    })
}

/// TZSP: version, type, protocol, tags up to the end tag, then the frame.
pub(super) fn tzsp(bytes: &[u8]) -> Step<'_> {
    const PADDING: u8 = 0;
    const END: u8 = 1;
    let protocol = be16(bytes, 2).ok_or(Stop::LinkCut)?;
    let mut rest = bytes.get(4..).unwrap_or_default();
    loop {
        rest = match rest {
            [END, frame @ ..] => {
                return Ok(match protocol {
                    1 => Payload::Ethernet(frame),
                    18 => Payload::Wifi(frame, false),
                    119 => Payload::Link(LinkType::IEEE802_11_PRISM, frame),
                    127 => Payload::Link(LinkType::IEEE802_11_AVS, frame),
                    _ => Payload::Nothing,
                });
            }
            [PADDING, after @ ..] => after,
            [_, len, after @ ..] => after.get(usize::from(*len)..).ok_or(Stop::LinkCut)?,
            _ => return Err(Stop::LinkCut),
        };
    }
}

/// ERF: a 16-byte record header, extension headers, the frame. An extension header has 8 bytes; another one follows while
/// the top bit of its first byte is set.
pub(super) fn erf(bytes: &[u8]) -> Step<'_> {
    const MORE: u8 = 0x80;
    let kind = *bytes.get(8).ok_or(Stop::LinkCut)?;
    let mut rest = bytes.get(16..).ok_or(Stop::LinkCut)?;
    let mut more = kind & MORE != 0;
    while more {
        more = rest.first().ok_or(Stop::LinkCut)? & MORE != 0;
        rest = rest.get(8..).ok_or(Stop::LinkCut)?;
    }
    match kind & !MORE {
        // HDLC of packet over SONET, plain and with the colours of a classifier.
        1 | 10 | 15 | 17 => ppp::decode(rest),
        // The same after a multi-channel header; an AAL5 packet after an ATM cell's header, and after both.
        5 => ppp::decode(rest.get(4..).ok_or(Stop::LinkCut)?),
        4 => Ok(Payload::Llc(rest.get(4..).ok_or(Stop::LinkCut)?)),
        9 => Ok(Payload::Llc(rest.get(8..).ok_or(Stop::LinkCut)?)),
        // Ethernet in the same forms, after an offset and a pad byte.
        2 | 11 | 16 | 20 => Ok(Payload::Ethernet(rest.get(2..).ok_or(Stop::LinkCut)?)),
        22 => Ok(Payload::Ipv4(rest)),
        23 => Ok(Payload::Ipv6(rest)),
        _ => Ok(Payload::Nothing),
    }
}

/// DOCSIS: frame control, parameter, length, header check, Ethernet. An extended header may mean that everything after
/// the MACs is encrypted, so only the MACs are read then.
pub(super) fn docsis<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Step<'a> {
    const PACKET_PDU: u8 = 0x00;
    const EXTENDED: u8 = 0x01;
    let [control, parameter] = octets(bytes, 0).ok_or(Stop::LinkCut)?;
    match (control & 0xc0, control & EXTENDED) {
        (PACKET_PDU, 0) => Ok(Payload::Ethernet(bytes.get(6..).ok_or(Stop::LinkCut)?)),
        (PACKET_PDU, _) => {
            let at = 6 + usize::from(parameter);
            packet.set_macs(octets(bytes, at), octets(bytes, at + 6));
            Ok(Payload::Nothing)
        }
        _ => Ok(Payload::Nothing),
    }
}

/// Symantec Enterprise Firewall: 44 bytes, an EtherType among them.
pub(super) fn symantec(bytes: &[u8]) -> Step<'_> {
    let ether_type = be16(bytes, 6).ok_or(Stop::LinkCut)?;
    Ok(Payload::EtherType(ether_type, bytes.get(44..).ok_or(Stop::LinkCut)?))
}
