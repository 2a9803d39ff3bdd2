//! L2TP, versions 2 and 3.
//!
//! In: the bytes from the L2TP header on. Out: the packet inside. Control messages carry none. Version 2 carries PPP. In version 3
//! the ends agree on what is inside, and no packet tells: cookies of 0, 4 and 8 bytes are tried, with and without the default
//! sublayer of 4 bytes, for Ethernet, then for PPP. The first one counts that leads to an IP packet, or to ARP.
//!
//! Source: RFC 2661 3.1; RFC 3931 4.1, 4.6.

use crate::config::TunnelKind;

use super::super::field::{at_most, be16, be32};
use super::super::packet::Packet;
use super::super::payload::Payload;
use super::super::stop::Stop;
use super::{Entered, Inside, enter};

const CONTROL: u16 = 0x8000;
const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;
const RESERVED: u16 = 0x34f0;
const VERSION: u16 = 0x000f;

/// `room` is what the UDP header says of the length of its payload.
pub(super) fn over_udp<'a>(
    bytes: &'a [u8],
    room: Option<usize>,
    packet: &mut Packet<'a>,
    is_last: bool,
) -> Result<Entered, Stop> {
    let Some(flags) = be16(bytes, 0).filter(|flags| flags & CONTROL == 0) else { return Ok(Entered::Nothing) };
    match flags & VERSION {
        2 => match v2(flags, bytes, room)? {
            Some(inside) => Ok(enter(packet, inside, is_last)),
            None => Ok(Entered::Nothing),
        },
        // Two reserved bytes, then as over IP.
        3 => {
            let room = room.and_then(|room| room.checked_sub(4));
            Ok(v3(bytes.get(4..).unwrap_or_default(), room, packet, is_last))
        }
        _ => Ok(Entered::Nothing),
    }
}

pub(super) fn over_ip<'a>(bytes: &'a [u8], packet: &mut Packet<'a>, is_last: bool) -> Result<Entered, Stop> {
    if bytes.len() < 4 {
        return Err(Stop::TunnelCut);
    }
    Ok(v3(bytes, None, packet, is_last))
}

/// Flags, then, where they say so, length; tunnel and session; sequence numbers; offset and padding.
fn v2(flags: u16, bytes: &[u8], room: Option<usize>) -> Result<Option<Inside<'_>>, Stop> {
    let mut at = 2;
    let mut length = None;
    if flags & LENGTH != 0 {
        length = be16(bytes, at).map(usize::from);
        at += 2;
    }
    let is_sure = flags & RESERVED == 0 && (flags & LENGTH == 0 || length.is_some() && length == room);
    let session = be16(bytes, at + 2).map(u32::from);
    at += 4;
    if flags & SEQUENCE != 0 {
        at += 4;
    }
    if flags & OFFSET != 0 {
        let Some(offset) = be16(bytes, at) else { return if is_sure { Err(Stop::TunnelCut) } else { Ok(None) } };
        at += 2 + usize::from(offset);
    }
    let packet = length.map_or(bytes, |length| at_most(bytes, length));
    let Some(rest) = packet.get(at..) else { return if is_sure { Err(Stop::TunnelCut) } else { Ok(None) } };
    let room = length.or(room).map(|room| room.saturating_sub(at));
    Ok(Some(Inside { kind: TunnelKind::L2tp, id: session, payload: Payload::Ppp(rest), room, is_sure }))
}

/// The session, a cookie, a sublayer, a frame. Session 0 is that of control messages.
fn v3<'a>(bytes: &'a [u8], room: Option<usize>, packet: &mut Packet<'a>, is_last: bool) -> Entered {
    /// A sublayer's first byte: whether the sequence number counts. The others are reserved.
    const SEQUENCED: u8 = 0x40;
    /// EtherType of ARP, then what ARP for IPv4 over Ethernet begins with.
    const ARP: [u8; 8] = [0x08, 0x06, 0, 1, 0x08, 0, 6, 4];
    let Some(session) = be32(bytes, 0).filter(|session| *session != 0) else { return Entered::Nothing };
    for is_ethernet in [true, false] {
        for (cookie, sublayer) in [(0, 0), (4, 0), (8, 0), (0, 4), (4, 4), (8, 4)] {
            let at = 4 + cookie + sublayer;
            let Some(rest) = bytes.get(at..) else { continue };
            if sublayer > 0 && bytes.get(4 + cookie).is_none_or(|first| first & !SEQUENCED != 0) {
                continue;
            }
            let payload = if is_ethernet { Payload::Ethernet(rest) } else { Payload::Ppp(rest) };
            let inside = Inside {
                kind: TunnelKind::L2tp,
                id: Some(session),
                payload,
                room: room.map(|room| room.saturating_sub(at)),
                is_sure: is_ethernet && rest.get(12..).is_some_and(|frame| frame.starts_with(&ARP)),
            };
            match enter(packet, inside, is_last) {
                Entered::Nothing => {}
                found => return found,
            }
        }
    }
    Entered::Nothing
}
