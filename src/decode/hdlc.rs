//! Cisco HDLC, Frame Relay, and multi-link Frame Relay.
//!
//! In: the bytes from the address on. Out: the payload that an EtherType or an NLPID announces.
//!
//! Source: RFC 1547 4.3.1, RFC 2427, ITU-T Q.922 3.3, FRF.16 6.

use super::ethernet::MIN_ETHER_TYPE;
use super::payload::{Payload, Step};
use super::stop::Stop;

/// In place of an EtherType: the SAPs of OSI's network layer. As in LLC, a control byte and an NLPID follow.
const OSI: u16 = 0xfefe;
const UNNUMBERED_INFORMATION: u8 = 0x03;

/// Address, control, EtherType.
pub(super) fn cisco(bytes: &[u8]) -> Step<'_> {
    let [_, _, high, low, rest @ ..] = bytes else {
        return Err(Stop::HdlcCut);
    };
    Ok(match (u16::from_be_bytes([*high, *low]), rest) {
        (OSI, [UNNUMBERED_INFORMATION, nlpid @ ..]) => Payload::Nlpid(nlpid),
        // Cut before the control byte, or with another one.
        (OSI, _) => Payload::Nothing,
        (ether_type, _) => Payload::EtherType(ether_type, rest),
    })
}

/// An address of two to four bytes. Then a control byte and an NLPID follow, or, in Cisco's encapsulation, an EtherType.
pub(super) fn frame_relay(bytes: &[u8]) -> Step<'_> {
    /// The bit of an address byte that marks the last one.
    const LAST: u8 = 1;
    let mut rest = bytes;
    for taken in 1.. {
        let [address, after @ ..] = rest else {
            return Err(Stop::HdlcCut);
        };
        rest = after;
        match (address & LAST, taken) {
            (LAST, 2..=4) => break,
            // One byte, or more than four, is no Q.922 address.
            (LAST, _) | (_, 4) => return Ok(Payload::Nothing),
            _ => {}
        }
    }
    match rest {
        // RFC 2427 2: a pad byte of 0 brings the NLPID's payload to an even offset.
        [UNNUMBERED_INFORMATION, 0x00, after @ ..] | [UNNUMBERED_INFORMATION, after @ ..] => Ok(Payload::Nlpid(after)),
        [high, low, after @ ..] => match u16::from_be_bytes([*high, *low]) {
            OSI => match after {
                [UNNUMBERED_INFORMATION, nlpid @ ..] => Ok(Payload::Nlpid(nlpid)),
                _ => Ok(Payload::Nothing),
            },
            ether_type @ MIN_ETHER_TYPE.. => Ok(Payload::EtherType(ether_type, after)),
            _ => Ok(Payload::Nothing),
        },
        _ => Err(Stop::HdlcCut),
    }
}

/// A fragment header of two bytes in front of Frame Relay. Only a frame that is both first and last fragment is whole.
pub(super) fn multilink_frame_relay(bytes: &[u8]) -> Step<'_> {
    const BEGIN_AND_END: u8 = 0xc0;
    const CONTROL: u8 = 0x20;
    let [flags, _, rest @ ..] = bytes else {
        return Err(Stop::HdlcCut);
    };
    Ok(match flags & (BEGIN_AND_END | CONTROL) {
        BEGIN_AND_END => Payload::FrameRelay(rest),
        _ => Payload::Nothing,
    })
}
