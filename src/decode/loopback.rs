//! RAW, loopback and IPsec taps of the BSDs, and other headers that give an address family before IP.
//!
//! In: the bytes from the pseudo-header on. Out: the IP payload.
//!
//! Source: <https://www.tcpdump.org/linktypes.html>; Wireshark's `packet-null.c` and `packet-raw.c` for other payloads
//! that are found after NULL and RAW.

use super::ethernet::MIN_ETHER_TYPE;
use super::field::{be32, le32, octets};
use super::payload::{Payload, Step};
use super::stop::Stop;

/// RAW: IP, or PPP where a driver left its header in front. No version of IP begins with PPP's address byte.
pub(super) fn raw(bytes: &[u8]) -> Step<'_> {
    Ok(if bytes.starts_with(&[0xff, 0x03]) { Payload::Ppp(bytes) } else { Payload::Ip(bytes) })
}

/// NULL: an address family of 4 bytes, in the order of the machine that captured.
///
/// A family is under 65,536, so the bytes tell the order. IRIX writes it in the first 2 bytes and zeros in the others. A
/// value that is no family may be an EtherType. Some machines leave a PPP header here.
pub(super) fn null(bytes: &[u8]) -> Step<'_> {
    if bytes.starts_with(&[0xff, 0x03]) {
        return Ok(Payload::Ppp(bytes));
    }
    let (Some(big), Some(little)) = (be32(bytes, 0), le32(bytes, 0)) else {
        return Err(Stop::LinkCut);
    };
    let rest = bytes.get(4..).unwrap_or_default();
    let value = match bytes {
        [0, short @ (2 | 10 | 23 | 24 | 28 | 30), 0, 0, ..] => Ok(u16::from(*short)),
        _ => u16::try_from(big).or(u16::try_from(little)),
    };
    Ok(match value {
        Ok(ether_type @ MIN_ETHER_TYPE..) => Payload::EtherType(ether_type, rest),
        Ok(number) => family(number, rest),
        Err(_) => Payload::Nothing,
    })
}

/// LOOP: an address family of 4 bytes, big-endian.
pub(super) fn loop_back(bytes: &[u8]) -> Step<'_> {
    let number = be32(bytes, 0).ok_or(Stop::LinkCut)?;
    let rest = bytes.get(4..).unwrap_or_default();
    Ok(u16::try_from(number).map_or(Payload::Nothing, |number| family(number, rest)))
}

/// What an address family announces. Each system has its own number for IPv6.
fn family(number: u16, rest: &[u8]) -> Payload<'_> {
    match number {
        2 => Payload::Ipv4(rest),
        // Linux; NetBSD, OpenBSD; FreeBSD; Darwin.
        10 | 24 | 28 | 30 => Payload::Ipv6(rest),
        // Windows' IPv6 is the BSDs' IPX, which begins with a checksum of ffff.
        23 if rest.first().is_some_and(|first| first >> 4 == 6) => Payload::Ipv6(rest),
        _ => Payload::Nothing,
    }
}

/// ENC: an address family in the byte order of the machine that captured, then SPI and flags, 4 bytes each, then IP.
pub(super) fn enc(bytes: &[u8]) -> Step<'_> {
    let rest = bytes.get(12..).ok_or(Stop::LinkCut)?;
    let value = [be32(bytes, 0), le32(bytes, 0)].into_iter().flatten().find_map(|value| u16::try_from(value).ok());
    Ok(value.map_or(Payload::Nothing, |number| family(number, rest)))
}

/// PFLOG: a header that begins with its length and the address family, then IP. The header is padded to a multiple of 4.
pub(super) fn pflog(bytes: &[u8]) -> Step<'_> {
    // The header of OpenBSD 3.4, the oldest.
    const MIN_LEN: u8 = 45;
    match *bytes.first().ok_or(Stop::LinkCut)? {
        len @ MIN_LEN.. => {
            let padded = usize::from(len).next_multiple_of(4);
            let rest = bytes.get(padded..).ok_or(Stop::LinkCut)?;
            Ok(bytes.get(1).map_or(Payload::Nothing, |&number| family(u16::from(number), rest)))
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
