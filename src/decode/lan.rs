//! Other local networks: FDDI, Token Ring, ARCNET, ATM, Fibre Channel, IEEE 1394, InfiniBand.
//!
//! In: the bytes from the MAC or pseudo-header on. Out: the payload, and the MACs where the network has 48-bit ones.
//!
//! Source: <https://www.tcpdump.org/linktypes.html>; ISO 9314-2, IEEE 802.5, RFC 1201, RFC 2625, RFC 2684, RFC 4391; tcpdump's
//! `print-arcnet.c`, `print-ipoib.c`.

use super::field::{be16, octets};
use super::packet::Packet;
use super::payload::{Payload, Step};
use super::stop::Stop;

/// Frame control, destination, source, LLC.
pub(super) fn fddi<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Step<'a> {
    packet.set_macs(octets(bytes, 1), octets(bytes, 7));
    let rest = bytes.get(13..).ok_or(Stop::EthernetCut)?;
    Ok(match bytes.first() {
        // Asynchronous LLC frames. Synchronous ones (d0) are not used for datagrams; the others are the ring's own.
        Some(control) if control & 0xf0 == 0x50 => Payload::Llc(rest),
        _ => Payload::Nothing,
    })
}

/// Access control, frame control, destination, source, a route if the source's top bit says so, LLC.
pub(super) fn token_ring<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Step<'a> {
    let source = octets::<6>(bytes, 8);
    let unrouted = source.map(|[first, rest @ ..]| {
        let [b, c, d, e, f] = rest;
        [first & 0x7f, b, c, d, e, f]
    });
    packet.set_macs(octets(bytes, 2), unrouted);
    let rest = bytes.get(14..).ok_or(Stop::EthernetCut)?;
    let routed = source.is_some_and(|[first, ..]| first & 0x80 != 0);
    let route = match rest.first() {
        Some(control) if routed => usize::from(control & 0x1f),
        _ => 0,
    };
    let rest = rest.get(route..).ok_or(Stop::EthernetCut)?;
    Ok(match bytes.get(1) {
        Some(control) if control & 0xc0 == 0x40 => Payload::Llc(rest),
        _ => Payload::Nothing,
    })
}

/// ARCNET: two 8-bit addresses, in Linux's form two bytes more, then the type and a fragment header.
pub(super) fn arcnet(bytes: &[u8], linux: bool) -> Step<'_> {
    const EXCEPTION: u8 = 0xff;
    let type_at = if linux { 4 } else { 2 };
    let kind = *bytes.get(type_at).ok_or(Stop::LinkCut)?;
    let rest = bytes.get(type_at + 1..).unwrap_or_default();
    // RFC 1051's types have no fragment header.
    if kind == 0xf0 {
        return Ok(Payload::Ipv4(rest));
    }
    // Split flag and sequence; an exception packet has padding before them.
    let flag = *rest.first().ok_or(Stop::LinkCut)?;
    let (flag, rest) =
        if flag == EXCEPTION && !linux { (rest.get(4).copied(), rest.get(7..)) } else { (Some(flag), rest.get(3..)) };
    let rest = rest.ok_or(Stop::LinkCut)?;
    Ok(match (kind, flag) {
        // An odd split flag is a first fragment; even ones above 0 are later fragments.
        (_, Some(flag)) if flag != 0 && flag & 1 == 0 => Payload::Nothing,
        (0xd4, _) => Payload::Ipv4(rest),
        (0xc4, _) => Payload::Ipv6(rest),
        _ => Payload::Nothing,
    })
}

/// IP over Fibre Channel: two 64-bit addresses, whose lower 48 bits are MACs in the form 1000, then LLC.
pub(super) fn fibre_channel<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Step<'a> {
    let mac = |at| {
        let naa = be16(bytes, at)?;
        octets::<6>(bytes, at + 2).filter(|_| naa == 0x1000)
    };
    packet.set_macs(mac(0), mac(8));
    Ok(Payload::Llc(bytes.get(16..).ok_or(Stop::LinkCut)?))
}

/// Linux classical IP over ATM: LLC and SNAP, or IP itself.
pub(super) fn classical_ip(bytes: &[u8]) -> Step<'_> {
    if bytes.starts_with(&[0xaa, 0xaa, 0x03]) { Ok(Payload::Llc(bytes)) } else { Ok(Payload::Ip(bytes)) }
}

/// SunATM: flags with the traffic type, VPI, VCI.
pub(super) fn sun_atm(bytes: &[u8]) -> Step<'_> {
    const LANE: u8 = 1;
    const LLC: u8 = 2;
    /// In place of a client number: a control frame (LAN Emulation 1.0, 4.5).
    const LANE_CONTROL: [u8; 2] = [0xff, 0x00];
    let flags = *bytes.first().ok_or(Stop::LinkCut)?;
    let rest = bytes.get(4..).ok_or(Stop::LinkCut)?;
    match flags & 0x0f {
        LANE if rest.starts_with(&LANE_CONTROL) => Ok(Payload::Nothing),
        // A LAN emulation client number, then Ethernet.
        LANE => Ok(Payload::Ethernet(rest.get(2..).ok_or(Stop::LinkCut)?)),
        LLC => Ok(Payload::Llc(rest)),
        _ => Ok(Payload::Nothing),
    }
}

/// Apple's IP over IEEE 1394: two 64-bit addresses and an EtherType.
pub(super) fn ieee1394(bytes: &[u8]) -> Step<'_> {
    let ether_type = be16(bytes, 16).ok_or(Stop::LinkCut)?;
    Ok(Payload::EtherType(ether_type, bytes.get(18..).unwrap_or_default()))
}

/// IP over InfiniBand: a global route header of 40 bytes, an EtherType, 2 reserved bytes.
pub(super) fn infiniband(bytes: &[u8]) -> Step<'_> {
    let ether_type = be16(bytes, 40).ok_or(Stop::LinkCut)?;
    Ok(Payload::EtherType(ether_type, bytes.get(44..).ok_or(Stop::LinkCut)?))
}
