//! IEEE 802.2 LLC, SNAP, and the NLPIDs of ISO 9577: three ways to name the protocol behind a MAC header.
//!
//! In come the bytes from the first SAP, OUI or NLPID on, out the payload. Other SAPs (STP, NetBEUI, IS-IS …) end the walk
//! without a stop.
//!
//! Source: IEEE 802.2, RFC 1042, RFC 2427 (NLPID over Frame Relay), RFC 2684 (bridged frames).

use super::field::be16;
use super::payload::{Payload, Step};
use super::stop::Stop;

/// LLC with an unnumbered information control byte; other frames carry no datagram.
pub(super) fn decode(bytes: &[u8]) -> Step<'_> {
    const UNNUMBERED_INFORMATION: u8 = 0x03;
    let [dsap, ssap, control, rest @ ..] = bytes else {
        return Err(Stop::LlcCut);
    };
    if *control != UNNUMBERED_INFORMATION {
        return Ok(Payload::Nothing);
    }
    Ok(match (dsap & 0xfe, ssap & 0xfe) {
        (0xaa, 0xaa) => Payload::Snap(rest),
        (0x06, 0x06) => Payload::Ipv4(rest),
        (0xfe, 0xfe) => Payload::Nlpid(rest),
        _ => Payload::Nothing,
    })
}

/// OUI and protocol: an EtherType for the OUIs that say so, a bridged frame for 802.1's.
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

/// LLC over ATM: as [`decode`], but a bridged frame stands behind two bytes of padding.
pub(super) fn atm(bytes: &[u8]) -> Step<'_> {
    if bytes.starts_with(&[0xaa, 0xaa, 0x03, 0x00, 0x80, 0xc2])
        && let Some(0x0001 | 0x0007) = be16(bytes, 6)
    {
        return Ok(Payload::Ethernet(bytes.get(10..).ok_or(Stop::LlcCut)?));
    }
    Ok(Payload::Llc(bytes))
}
