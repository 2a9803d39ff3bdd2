//! IEEE 802.2 LLC, SNAP, and the NLPIDs of ISO 9577: three ways to name the protocol after a MAC header.
//!
//! In: the bytes from the first SAP, OUI or NLPID on. Out: the payload. Other SAPs (STP, NetBEUI, IS-IS …) end the walk
//! without a stop.
//!
//! Source: IEEE 802.2 5.4 (control field), RFC 1042, RFC 2427 (NLPID over Frame Relay), RFC 2684 (bridged frames).

use crate::capture::LinkType;

use super::payload::{Payload, Step};
use super::stop::Stop;

/// LLC that carries information: unnumbered, or of a connection, whose control field has two bytes.
pub(super) fn decode(bytes: &[u8]) -> Step<'_> {
    const UNNUMBERED_INFORMATION: u8 = 0x03;
    let [dsap, ssap, control, rest @ ..] = bytes else {
        return Err(Stop::LlcCut);
    };
    let rest = match *control {
        UNNUMBERED_INFORMATION => rest,
        numbered if numbered & 1 == 0 => rest.get(1..).ok_or(Stop::LlcCut)?,
        _ => return Ok(Payload::Nothing),
    };
    Ok(match (dsap, ssap) {
        // RFC 2684 5.2: two or three bytes of padding bring a bridged frame's addresses to a multiple of four.
        (0xaa, 0xaa) => match rest {
            [0x00, 0x80, 0xc2, 0x00, 0x01 | 0x07, _, _, bridged @ ..] => Payload::Ethernet(bridged),
            [0x00, 0x80, 0xc2, 0x00, 0x04 | 0x0a, _, _, _, bridged @ ..] => Payload::Link(LinkType::FDDI, bridged),
            _ => Payload::Snap(rest),
        },
        // The destination SAP alone says what it is.
        (0x06, _) => Payload::Ipv4(rest),
        (0xfe, _) => Payload::Nlpid(rest),
        _ => Payload::Nothing,
    })
}

/// OUI and protocol. For some OUIs the protocol is an EtherType. For 802.1's it is a bridged frame, without padding, as
/// in RFC 2427.
pub(super) fn snap(bytes: &[u8]) -> Step<'_> {
    let [a, b, c, high, low, rest @ ..] = bytes else {
        return Err(Stop::LlcCut);
    };
    let protocol = u16::from_be_bytes([*high, *low]);
    Ok(match ([*a, *b, *c], protocol) {
        // RFC 1042; 802.1H's bridge tunnel.
        ([0, 0, 0] | [0, 0, 0xf8], super::ethernet::MIN_ETHER_TYPE..) => Payload::EtherType(protocol, rest),
        ([0, 0x80, 0xc2], 0x0001 | 0x0007) => Payload::Ethernet(rest),
        _ => Payload::Nothing,
    })
}

/// A network layer protocol identifier.
pub(super) fn nlpid(bytes: &[u8]) -> Step<'_> {
    let [nlpid, rest @ ..] = bytes else {
        return Err(Stop::LlcCut);
    };
    Ok(match nlpid {
        0x80 => Payload::Snap(rest),
        0x8e => Payload::Ipv6(rest),
        0xcc => Payload::Ipv4(rest),
        0xcf => Payload::Ppp(rest),
        _ => Payload::Nothing,
    })
}
