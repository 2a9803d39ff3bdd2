//! Loopback and IPsec taps of the BSDs, and other headers of an address family in front of IP.
//!
//! In come the bytes from the pseudo-header on, out the IP payload.
//!
//! Source: <https://www.tcpdump.org/linktypes.html>; Wireshark's `packet-null.c` for what else is found behind NULL.

use super::ethernet::MIN_ETHER_TYPE;
use super::field::{be32, le32, octets};
use super::payload::{Payload, Step};
use super::stop::Stop;

/// NULL and LOOP: an address family of 4 bytes, in either order.
///
/// The order is the capturing machine's for NULL and big-endian for LOOP, but writers differ; a family is under 65,536, so
/// the bytes tell. A value that is no family may be an EtherType, and some machines leave a PPP header here.
pub(super) fn null(bytes: &[u8]) -> Step<'_> {
    if bytes.starts_with(&[0xff, 0x03]) {
        return Ok(Payload::Ppp(bytes));
    }
    let (Some(big), Some(little)) = (be32(bytes, 0), le32(bytes, 0)) else {
        return Err(Stop::LinkCut);
    };
    let rest = bytes.get(4..).unwrap_or_default();
    let family = u16::try_from(big).or(u16::try_from(little));
    Ok(match family {
        Ok(2) => Payload::Ipv4(rest),
        // Linux; Windows; NetBSD, OpenBSD; FreeBSD; Darwin.
        Ok(10 | 23 | 24 | 28 | 30) => Payload::Ipv6(rest),
        Ok(ether_type @ MIN_ETHER_TYPE..) => Payload::EtherType(ether_type, rest),
        _ => Payload::Nothing,
    })
}

/// ENC: address family, SPI and flags of 4 bytes each, then IP.
pub(super) fn enc(bytes: &[u8]) -> Step<'_> {
    Ok(Payload::Ip(bytes.get(12..).ok_or(Stop::LinkCut)?))
}

/// PFLOG: a header that begins with its length, which is filled up to a multiple of 4, then IP.
pub(super) fn pflog(bytes: &[u8]) -> Step<'_> {
    // OpenBSD 3.4's, the oldest.
    const MIN_LEN: u8 = 45;
    match *bytes.first().ok_or(Stop::LinkCut)? {
        len @ MIN_LEN.. => {
            let padded = usize::from(len).next_multiple_of(4);
            Ok(Payload::Ip(bytes.get(padded..).ok_or(Stop::LinkCut)?))
        }
        _ => Err(Stop::LinkMalformed),
    }
}

/// Solaris ipnet: version, family, hook type, length, two interfaces, two zones, then IP.
pub(super) fn ipnet(bytes: &[u8]) -> Step<'_> {
    let [_, family] = octets(bytes, 0).ok_or(Stop::LinkCut)?;
    let rest = bytes.get(24..).ok_or(Stop::LinkCut)?;
    Ok(match family {
        2 => Payload::Ipv4(rest),
        26 => Payload::Ipv6(rest),
        _ => Payload::Nothing,
    })
}

/// SLIP: direction, 15 bytes of what a compressed header was, then IP.
pub(super) fn slip(bytes: &[u8]) -> Step<'_> {
    match *bytes.first().ok_or(Stop::LinkCut)? {
        0 | 1 => Ok(Payload::Ip(bytes.get(16..).ok_or(Stop::LinkCut)?)),
        // Neither received nor sent: not this header.
        _ => Err(Stop::LinkMalformed),
    }
}
