//! PPP: the protocol field, with or without the HDLC-like address and control bytes before it.
//!
//! In come the bytes from the address or the protocol field on, out the payload. Compressed and multilink frames end the walk
//! without a stop: their IP header is not there.
//!
//! Source: RFC 1661 2, RFC 1662 3.1, RFC 3518 (bridging).

use super::hdlc;
use super::payload::{Payload, Step};
use super::stop::Stop;

pub(super) fn decode(bytes: &[u8]) -> Step<'_> {
    protocol(match bytes {
        [0xff, 0x03, rest @ ..] => rest,
        _ => bytes,
    })
}

/// HDLC-like framing, where the address byte tells PPP from Cisco HDLC; NetBSD's `PPP_SERIAL` holds both.
pub(super) fn serial(bytes: &[u8]) -> Step<'_> {
    match bytes {
        [0x0f | 0x8f, ..] => hdlc::cisco(bytes),
        [0xff, 0x03, rest @ ..] => protocol(rest),
        [] | [0xff] => Err(Stop::PppCut),
        _ => Ok(Payload::Nothing),
    }
}

/// Linux pppd's frames: a direction in place of the address byte.
pub(super) fn behind_direction(bytes: &[u8]) -> Step<'_> {
    protocol(bytes.get(2..).ok_or(Stop::PppCut)?)
}

/// The protocol field, which is one byte if that is odd, else two.
fn protocol(bytes: &[u8]) -> Step<'_> {
    let (number, rest) = match bytes {
        [low, rest @ ..] if low & 1 != 0 => (u16::from(*low), rest),
        [high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
        _ => return Err(Stop::PppCut),
    };
    match number {
        0x0021 => Ok(Payload::Ipv4(rest)),
        0x0057 => Ok(Payload::Ipv6(rest)),
        0x0281 | 0x0283 => Ok(Payload::Mpls(rest)),
        0x0031 => bridged(rest),
        _ => Ok(Payload::Nothing),
    }
}

/// A bridged frame: flags, MAC type, a LAN number if the flags say so, then Ethernet if the type does.
fn bridged(bytes: &[u8]) -> Step<'_> {
    const LAN_PRESENT: u8 = 0x40;
    let [flags, mac_type, rest @ ..] = bytes else {
        return Err(Stop::PppCut);
    };
    let lan = if flags & LAN_PRESENT == 0 { 0 } else { 4 };
    match mac_type {
        1 => Ok(Payload::Ethernet(rest.get(lan..).ok_or(Stop::PppCut)?)),
        _ => Ok(Payload::Nothing),
    }
}
