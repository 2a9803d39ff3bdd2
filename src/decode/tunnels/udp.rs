//! Tunnels over UDP: VXLAN, Geneve, GTP-U, TZSP, MPLS and Teredo; L2TP is in `l2tp.rs`.
//!
//! In: a UDP header and what follows it. Out: the packet inside, if a port and the header agree. The lower one of the two ports
//! is tried first, as Wireshark does. A DNS message on a DNS port that comes first stays one.
//!
//! Source: RFC 7348, draft-ietf-nvo3-vxlan-gpe, draft-smith-vxlan-group-policy; RFC 8926; 3GPP TS 29.281 5.1 and 5.2;
//! RFC 7510; RFC 4380 5.1.1.

use crate::config::{Decapsulation, TunnelKind};
use crate::decode::{tags, transport, vendor};

use super::super::ethernet::MIN_ETHER_TYPE;
use super::super::field::{at_most, be16, be32, octets};
use super::super::packet::Packet;
use super::super::payload::Payload;
use super::super::stop::Stop;
use super::{Entered, Inside, enter, l2tp};

/// The port of VXLAN's Generic Protocol Extension.
const GPE: u16 = 4790;

/// What a header gives: what is inside; nothing, if it can be no such header; or a stop, if it is one and is cut.
pub(super) type Header<'a> = Result<Option<Inside<'a>>, Stop>;

/// The kind of tunnel that has this port.
fn kind_of(port: u16, asked: &Decapsulation) -> Option<TunnelKind> {
    let given = asked.ports().iter().find(|(_, given)| *given == port).map(|(kind, _)| *kind);
    let kind = given.or(match port {
        4789 | 8472 | GPE => Some(TunnelKind::Vxlan),
        6081 => Some(TunnelKind::Geneve),
        2152 => Some(TunnelKind::Gtpu),
        1701 => Some(TunnelKind::L2tp),
        37008 => Some(TunnelKind::Tzsp),
        6635 => Some(TunnelKind::MplsUdp),
        3544 => Some(TunnelKind::Teredo),
        _ => None,
    })?;
    asked.has(kind).then_some(kind)
}

pub(super) fn look_into<'a>(
    bytes: &'a [u8],
    packet: &mut Packet<'a>,
    asked: &Decapsulation,
    is_last: bool,
) -> Result<Entered, Stop> {
    let (Some(src), Some(dst)) = (packet.port_src, packet.port_dst) else { return Ok(Entered::Nothing) };
    let Some((payload, room)) = transport::udp_payload(bytes) else { return Ok(Entered::Nothing) };
    for port in [src.min(dst), src.max(dst)] {
        if packet.dns.is_some() && transport::is_dns_port(port) {
            return Ok(Entered::Nothing);
        }
        let header = match kind_of(port, asked) {
            None => continue,
            Some(TunnelKind::L2tp) => match l2tp::over_udp(payload, room, packet, is_last)? {
                Entered::Nothing => continue,
                found => return Ok(found),
            },
            Some(TunnelKind::Vxlan) if port == GPE => gpe(payload),
            Some(TunnelKind::Vxlan) => vxlan(payload),
            Some(TunnelKind::Geneve) => geneve(payload),
            Some(TunnelKind::Gtpu) => gtp_u(payload, room),
            Some(TunnelKind::Tzsp) => tzsp(payload),
            Some(TunnelKind::MplsUdp) => Ok(mpls(payload)),
            Some(TunnelKind::Teredo) => Ok(teredo(payload, room)),
            Some(TunnelKind::Gre | TunnelKind::Erspan | TunnelKind::Ipip) => continue,
        };
        if let Some(inside) = header? {
            match enter(packet, Inside { room: inside.room.or(room), ..inside }, is_last) {
                Entered::Nothing => {}
                found => return Ok(found),
            }
        }
    }
    Ok(Entered::Nothing)
}

/// Flags, three bytes that are reserved or a group, VNI, a reserved byte; then Ethernet.
fn vxlan(bytes: &[u8]) -> Header<'_> {
    const HAS_VNI: u8 = 0x08;
    const HAS_GROUP: u8 = 0x80;
    let (Some([flags, a, b, c]), Some(vni)) = (octets(bytes, 0), be32(bytes, 4)) else { return Ok(None) };
    let is_plain = flags == HAS_VNI && [a, b, c] == [0; 3];
    // Group policy: of the second byte, "don't learn" and "applied", then the group.
    let has_group = flags == HAS_VNI | HAS_GROUP && a & !0x48 == 0;
    Ok(Some(Inside {
        kind: TunnelKind::Vxlan,
        id: (flags & HAS_VNI != 0).then_some(vni >> 8),
        payload: Payload::Ethernet(bytes.get(8..).unwrap_or_default()),
        room: None,
        is_sure: (is_plain || has_group) && vni & 0xff == 0,
    }))
}

/// Flags, two reserved bytes, the protocol inside, VNI, a reserved byte.
fn gpe(bytes: &[u8]) -> Header<'_> {
    const HAS_VNI: u8 = 0x08;
    const HAS_PROTOCOL: u8 = 0x04;
    const VERSION: u8 = 0x30;
    const RESERVED: u8 = 0xc0;
    let (Some([flags, a, b, protocol]), Some(vni)) = (octets(bytes, 0), be32(bytes, 4)) else { return Ok(None) };
    let rest = bytes.get(8..).unwrap_or_default();
    let payload = match protocol {
        // Plain VXLAN.
        0 if flags & HAS_PROTOCOL == 0 => Payload::Ethernet(rest),
        protocol => tags::next_protocol(protocol, rest),
    };
    Ok(Some(Inside {
        kind: TunnelKind::Vxlan,
        id: (flags & HAS_VNI != 0).then_some(vni >> 8),
        payload,
        room: None,
        is_sure: flags & HAS_VNI != 0 && flags & (VERSION | RESERVED) == 0 && [a, b] == [0; 2] && vni & 0xff == 0,
    }))
}

/// Version and length of the options, flags, EtherType, VNI, a reserved byte, options.
fn geneve(bytes: &[u8]) -> Header<'_> {
    const VERSION: u8 = 0xc0;
    const RESERVED: u8 = 0x3f;
    let (Some([first, flags]), Some(ether_type), Some(vni)) = (octets(bytes, 0), be16(bytes, 2), be32(bytes, 4)) else {
        return Ok(None);
    };
    if first & VERSION != 0 {
        return Ok(None);
    }
    let is_sure = flags & RESERVED == 0 && vni & 0xff == 0 && ether_type >= MIN_ETHER_TYPE;
    let Some(rest) = bytes.get(8 + usize::from(first) * 4..) else {
        return if is_sure { Err(Stop::TunnelCut) } else { Ok(None) };
    };
    let payload = Payload::EtherType(ether_type, rest);
    Ok(Some(Inside { kind: TunnelKind::Geneve, id: Some(vni >> 8), payload, room: None, is_sure }))
}

/// Flags, type, length, TEID; where a flag says so, sequence, N-PDU and the type of the first extension header. Each of these has
/// its length in words first, and the type of the next one last. Only a G-PDU carries a packet of a user.
fn gtp_u(bytes: &[u8], room: Option<usize>) -> Header<'_> {
    const G_PDU: u8 = 255;
    const OPTIONAL: u8 = 0x07;
    const EXTENSION: u8 = 0x04;
    let (Some([flags, G_PDU]), Some(length), Some(teid)) = (octets(bytes, 0), be16(bytes, 2), be32(bytes, 4)) else {
        return Ok(None);
    };
    // Version 1, and GTP rather than GTP'.
    if flags >> 4 != 3 {
        return Ok(None);
    }
    let length = usize::from(length);
    let is_sure = room == Some(length + 8);
    let cut = || if is_sure { Err(Stop::TunnelCut) } else { Ok(None) };
    let mut rest = at_most(bytes.get(8..).unwrap_or_default(), length);
    let mut header_len = 0;
    if flags & OPTIONAL != 0 {
        let [_, _, _, first, after @ ..] = rest else { return cut() };
        let mut next = *first;
        (rest, header_len) = (after, 4);
        while flags & EXTENSION != 0 && next != 0 {
            let Some(len) = rest.first().map(|words| usize::from(*words) * 4) else { return cut() };
            if len == 0 {
                return if is_sure { Err(Stop::TunnelMalformed) } else { Ok(None) };
            }
            let (Some(last), Some(after)) = (rest.get(len - 1), rest.get(len..)) else { return cut() };
            (next, rest, header_len) = (*last, after, header_len + len);
        }
    }
    let payload = match rest {
        // Whether it is IP, Ethernet or PPP was agreed on when the tunnel was made.
        [0x45..=0x4f | 0x60..=0x6f, ..] => Payload::Ip(rest),
        _ => Payload::Nothing,
    };
    let room = Some(length.saturating_sub(header_len));
    Ok(Some(Inside { kind: TunnelKind::Gtpu, id: Some(teid), payload, room, is_sure }))
}

/// Version, type, protocol, tags, frame. Only received frames and frames to be sent are there.
fn tzsp(bytes: &[u8]) -> Header<'_> {
    let [1, 0 | 1, 0, _, ..] = bytes else { return Ok(None) };
    let payload = vendor::tzsp(bytes).map_err(|_| Stop::TunnelCut)?;
    Ok(Some(Inside { kind: TunnelKind::Tzsp, id: None, payload, room: None, is_sure: true }))
}

/// A label stack. Nothing in it can be wrong, so what follows must be right.
fn mpls(bytes: &[u8]) -> Option<Inside<'_>> {
    let payload = Payload::Mpls(bytes);
    Some(Inside { kind: TunnelKind::MplsUdp, id: None, payload, room: None, is_sure: false })
}

/// IPv6, with an authentication header before it, an origin indication, or both in this order.
fn teredo(bytes: &[u8], room: Option<usize>) -> Option<Inside<'_>> {
    const ORIGIN: usize = 8;
    let mut rest = bytes;
    if let [0, 1, id_len, value_len, after @ ..] = rest {
        // After the two: a nonce of 8 bytes, and one of confirmation.
        rest = after.get(usize::from(*id_len) + usize::from(*value_len) + 9..)?;
    }
    if rest.starts_with(&[0, 0]) {
        rest = rest.get(ORIGIN..)?;
    }
    let room = room.and_then(|room| room.checked_sub(bytes.len() - rest.len()));
    let length = be16(rest, 4).map(|length| usize::from(length) + 40);
    let is_sure = rest.first().is_some_and(|first| first >> 4 == 6) && length.is_some() && length == room;
    Some(Inside { kind: TunnelKind::Teredo, id: None, payload: Payload::Ipv6(rest), room, is_sure })
}
