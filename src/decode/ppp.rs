//! PPP: the protocol field, with or without the HDLC-like address and control bytes before it.
//!
//! In: the bytes from the address or the protocol field on. Out: the payload. Compressed frames and fragments of a
//! multilink bundle end the walk without a stop: they do not hold their IP header.
//!
//! Source: RFC 1661 2, RFC 1662 3.1, RFC 1144 (header compression), RFC 1990 (multilink), RFC 3518 (bridging).

use crate::decode::hdlc;

use super::payload::{Payload, Step};
use super::stop::Stop;

pub(super) fn decode(bytes: &[u8]) -> Step<'_> {
    match bytes {
        // The all-stations address, and a control byte that is 03 unless the link numbers its frames (RFC 1663).
        [0xff, _, rest @ ..] => protocol(rest),
        [0xff] => Err(Stop::PppCut),
        // Cisco HDLC's addresses. They are not assigned as compressed protocol numbers.
        [0x0f | 0x8f, ..] => hdlc::cisco(bytes),
        _ => protocol(bytes),
    }
}

/// Linux pppd's frames: a direction in place of the address byte.
pub(super) fn after_direction(bytes: &[u8]) -> Step<'_> {
    protocol(bytes.get(2..).ok_or(Stop::PppCut)?)
}

/// The protocol field. It has one byte if that byte is odd, otherwise two.
fn protocol(bytes: &[u8]) -> Step<'_> {
    let (number, rest) = match bytes {
        [low, rest @ ..] if low & 1 != 0 => (u16::from(*low), rest),
        [high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
        _ => return Err(Stop::PppCut),
    };
    match number {
        // EtherTypes are no PPP numbers, but some routers write them.
        0x0021 | 0x0800 => Ok(Payload::Ipv4(rest)),
        0x0057 | 0x86dd => Ok(Payload::Ipv6(rest)),
        0x002f => Ok(Payload::Ipv4OfConnection(rest)),
        0x003d => multilink(rest),
        0x0281 | 0x0283 => Ok(Payload::Mpls(rest)),
        0x0031 => bridged(rest),
        _ => Ok(Payload::Nothing),
    }
}

/// A multilink fragment (RFC 1990 3). Only a fragment that is both first and last is a whole packet. Its header is the
/// long one unless the ends agreed otherwise, which no frame tells.
fn multilink(bytes: &[u8]) -> Step<'_> {
    const BEGIN_AND_END: u8 = 0xc0;
    let flags = *bytes.first().ok_or(Stop::PppCut)?;
    if flags & BEGIN_AND_END != BEGIN_AND_END {
        return Ok(Payload::Nothing);
    }
    Ok(Payload::Ppp(bytes.get(4..).ok_or(Stop::PppCut)?))
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
