//! Juniper's pseudo-header, in front of what one of its interface cards saw.
//!
//! In: a Juniper link type and the bytes from the magic number on. Out: the payload: a frame, or, after the cookie that
//! the card left, IP, LLC or PPP by its first bytes. Not here: cards whose cookie no public text describes (services,
//! GGSN, ISM, VP, virtual services, SRX …).
//!
//! Source: tcpdump's `print-juniper.c`; <https://www.tcpdump.org/linktypes.html>.

use crate::capture::LinkType;
use crate::decode::hdlc;

use super::field::{be16, le32};
use super::payload::{Payload, Step};
use super::stop::Stop;

/// A magic number, flags, extensions with their length. Then a frame by the link type, or a protocol number and the
/// packet.
pub(super) fn decode(link_type: LinkType, bytes: &[u8]) -> Step<'_> {
    const EXTENSIONS: u8 = 0x80;
    const NO_LINK_HEADER: u8 = 0x02;
    /// The protocol number of a label stack. IP tells its version itself.
    const MPLS: u32 = 5;
    let [m, g, c, flags, rest @ ..] = bytes else {
        return Err(Stop::LinkCut);
    };
    if [*m, *g, *c] != *b"MGC" {
        return Err(Stop::LinkMalformed);
    }
    let mut rest = rest;
    if flags & EXTENSIONS != 0 {
        let len = usize::from(be16(rest, 0).ok_or(Stop::LinkCut)?);
        rest = rest.get(2 + len..).ok_or(Stop::LinkCut)?;
    }
    if flags & NO_LINK_HEADER != 0 {
        let packet = rest.get(4..).ok_or(Stop::LinkCut)?;
        return Ok(match le32(rest, 0) {
            Some(MPLS) => Payload::Mpls(packet),
            _ => Payload::Ip(packet),
        });
    }
    match link_type {
        LinkType::JUNIPER_PPP | LinkType::JUNIPER_MLPPP => Ok(Payload::Ppp(rest)),
        LinkType::JUNIPER_FRELAY => Ok(Payload::FrameRelay(rest)),
        LinkType::JUNIPER_CHDLC => hdlc::cisco(rest),
        LinkType::JUNIPER_ATM1 => Ok(after_cookie(rest.get(4..).ok_or(Stop::LinkCut)?)),
        LinkType::JUNIPER_ATM2 | LinkType::JUNIPER_MONITOR => Ok(after_cookie(rest.get(8..).ok_or(Stop::LinkCut)?)),
        // Two bytes of a bundle's link, then the same as Frame Relay after its address.
        LinkType::JUNIPER_MLFR => Ok(after_cookie(rest.get(2..).ok_or(Stop::LinkCut)?)),
        // JUNIPER_ETHER and JUNIPER_PPPOE.
        _ => Ok(Payload::Ethernet(rest)),
    }
}

/// IP, LLC with SNAP, or a control byte and an NLPID. Only the first bytes tell which.
fn after_cookie(bytes: &[u8]) -> Payload<'_> {
    match bytes {
        [0xaa, 0xaa, 0x03, ..] | [0xfe, 0xfe, 0x03, ..] => Payload::Llc(bytes),
        [0x03, nlpid @ ..] => Payload::Nlpid(nlpid),
        [0x45..=0x4f | 0x60..=0x6f, ..] => Payload::Ip(bytes),
        _ => Payload::Nothing,
    }
}
