//! GRE, and ERSPAN in it.
//!
//! In: the bytes from the GRE header on. Out: the packet inside. The protocol field says what it is; where it is one of ERSPAN's,
//! the frame is mirrored and ERSPAN is what is asked about.
//!
//! Source: RFC 2784 and RFC 2890; RFC 1701 (routing); RFC 2637 4.1 (version 1); RFC 7637; draft-foschiano-erspan-03;
//! draft-wilson-wrec-wccp-v2-01 4.15 (redirect header).

use crate::config::{Decapsulation, TunnelKind};

use super::super::field::{at_most, be16, be32, octets};
use super::super::packet::Packet;
use super::super::payload::Payload;
use super::super::stop::Stop;
use super::{Entered, Inside, enter};

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

const ERSPAN: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;

pub(super) fn look_into<'a>(
    bytes: &'a [u8],
    packet: &mut Packet<'a>,
    asked: &Decapsulation,
    is_last: bool,
) -> Result<Entered, Stop> {
    let protocol = be16(bytes, 2);
    let kind = if matches!(protocol, Some(ERSPAN | ERSPAN_III)) { TunnelKind::Erspan } else { TunnelKind::Gre };
    if !asked.has(kind) {
        return Ok(Entered::Nothing);
    }
    let header = header(bytes).ok_or(Stop::TunnelCut)?;
    if header.flags & VERSION > 1 {
        return Err(Stop::TunnelMalformed);
    }
    let rest = header.rest;
    let (id, payload) = match header.protocol {
        ERSPAN if header.flags & SEQUENCE == 0 => (None, Payload::Ethernet(rest)),
        ERSPAN | ERSPAN_III => erspan(rest)?,
        0x0800 => (None, Payload::Ipv4(rest)),
        0x86dd => (None, Payload::Ipv6(rest)),
        // An acknowledgment of PPTP has no payload.
        0x880b if rest.is_empty() && header.flags & VERSION == 1 => (None, Payload::Nothing),
        0x880b | 0x6558 | 0x8847 | 0x8848 | 0x894f => (None, Payload::EtherType(header.protocol, rest)),
        // MikroTik's Ethernet over IP. The number after the length is little-endian there.
        0x6400 => (header.id.map(|id| id.swap_bytes() >> 16), Payload::Ethernet(rest)),
        0x6559 => (None, Payload::FrameRelay(rest)),
        // Frames of Aruba's access points, by their queue.
        0x8200..=0x8370 if header.protocol & 0xf == 0 => (None, Payload::Wifi(rest, false)),
        0x883e => (None, wccp(rest)),
        _ => (None, Payload::Nothing),
    };
    let id = id.or(header.id);
    Ok(enter(packet, Inside { kind, id, payload, room: None, is_sure: true }, is_last))
}

/// The fields that say what follows.
struct GreHeader<'a> {
    flags: u16,
    protocol: u16,
    /// The key, or in version 1 the call.
    id: Option<u32>,
    rest: &'a [u8],
}

/// `None` if the header is cut.
fn header(bytes: &[u8]) -> Option<GreHeader<'_>> {
    let (flags, protocol) = (be16(bytes, 0)?, be16(bytes, 2)?);
    let is_version_1 = flags & VERSION == 1;
    let mut at = 4;
    if flags & (CHECKSUM | ROUTING) != 0 {
        at += 4;
    }
    let mut id = None;
    let mut length = None;
    if flags & KEY != 0 {
        let key = be32(bytes, at)?;
        at += 4;
        if is_version_1 {
            (id, length) = (Some(key & 0xffff), usize::try_from(key >> 16).ok());
        } else {
            id = Some(key);
        }
    }
    if flags & SEQUENCE != 0 {
        at += 4;
    }
    if is_version_1 && flags & ACKNOWLEDGMENT != 0 {
        at += 4;
    }
    let mut rest = bytes.get(at..)?;
    if flags & ROUTING != 0 {
        rest = after_routes(rest)?;
    }
    Some(GreHeader { flags, protocol, id, rest: length.map_or(rest, |length| at_most(rest, length)) })
}

/// Source routes: address family, offset, length, then that many bytes. The last one has no family and no bytes.
fn after_routes(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    loop {
        let [high, low, _, len, after @ ..] = rest else { return None };
        if [*high, *low, *len] == [0; 3] {
            return Some(after);
        }
        rest = after.get(usize::from(*len)..)?;
    }
}

/// The session, and what is inside. The version in the header counts: 1 is type II, 2 is type III.
fn erspan(bytes: &[u8]) -> Result<(Option<u32>, Payload<'_>), Stop> {
    const IP: u8 = 2;
    const SUBHEADER: u8 = 0x01;
    let [version, _, high, low] = octets(bytes, 0).ok_or(Stop::TunnelCut)?;
    let session = Some(u32::from(u16::from_be_bytes([high, low]) & 0x03ff));
    match version >> 4 {
        1 => Ok((session, Payload::Ethernet(bytes.get(8..).ok_or(Stop::TunnelCut)?))),
        2 => {
            let [first, last] = octets(bytes, 10).ok_or(Stop::TunnelCut)?;
            // A platform's subheader, of eight bytes whatever the platform.
            let len = if last & SUBHEADER == 0 { 12 } else { 20 };
            let rest = bytes.get(len..).ok_or(Stop::TunnelCut)?;
            Ok(match first >> 2 & 0x1f {
                0 => (session, Payload::Ethernet(rest)),
                IP => (session, Payload::Ip(rest)),
                _ => (session, Payload::Nothing),
            })
        }
        _ => Err(Stop::TunnelMalformed),
    }
}

/// A packet that a router redirects to a cache. Version 2 puts four bytes before it, which never begin like IPv4.
fn wccp(bytes: &[u8]) -> Payload<'_> {
    match bytes {
        [0x45..=0x4f, ..] => Payload::Ipv4(bytes),
        [_, _, _, _, rest @ ..] => Payload::Ip(rest),
        _ => Payload::Nothing,
    }
}
