//! What a wireless driver puts in front of an IEEE 802.11 frame: radiotap, Prism, AVS, PPI.
//!
//! In: the bytes from the radio header on. Out: the frame after it, and whether its header is padded. Not here: signal
//! and channel, and taking off the FCS that radiotap and PPI announce. The lengths of LLC and IP bound what is read, and
//! a frame that the snapshot length cut has no FCS although its header announces one.
//!
//! Source: <https://www.radiotap.org/>, <https://www.tcpdump.org/linktypes.html>, "CACE PPI" 1.0.10 section 3.

use crate::capture::LinkType;

use super::field::{be32, le16, le32};
use super::payload::{Payload, Step};
use super::stop::Stop;

/// Version 0, padding, length, presence bits, fields.
pub(super) fn radiotap(bytes: &[u8]) -> Step<'_> {
    const MIN_LEN: usize = 8;
    match bytes.first() {
        Some(0) => {}
        Some(_) => return Err(Stop::RadioMalformed),
        None => return Err(Stop::RadioCut),
    }
    let len = usize::from(le16(bytes, 2).ok_or(Stop::RadioCut)?);
    if len < MIN_LEN {
        return Err(Stop::RadioMalformed);
    }
    let (header, frame) = bytes.split_at_checked(len).ok_or(Stop::RadioCut)?;
    Ok(Payload::Wifi(frame, datapad(header)))
}

/// Whether the flags field says that the 802.11 header is padded to a multiple of 4 bytes.
fn datapad(header: &[u8]) -> bool {
    const TSFT: u32 = 1 << 0;
    const FLAGS: u32 = 1 << 1;
    const MORE_PRESENCE: u32 = 1 << 31;
    const DATAPAD: u8 = 0x20;
    let Some(present) = le32(header, 4).filter(|present| present & FLAGS != 0) else {
        return false;
    };
    let mut at = 8;
    let mut word = present;
    while word & MORE_PRESENCE != 0 {
        let Some(next) = le32(header, at) else {
            return false;
        };
        (word, at) = (next, at + 4);
    }
    if present & TSFT != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    header.get(at).is_some_and(|flags| flags & DATAPAD != 0)
}

/// Prism: a message code and the header's length, in either byte order. Under this link type some drivers write AVS, or
/// no header.
pub(super) fn prism(bytes: &[u8]) -> Step<'_> {
    const AVS_MAGIC: u32 = 0x8021_1000;
    const PRISM_CODES: [u32; 2] = [0x41, 0x44];
    let (Some(big), Some(little)) = (be32(bytes, 0), le32(bytes, 0)) else {
        return Err(Stop::RadioCut);
    };
    match () {
        () if big & 0xffff_f000 == AVS_MAGIC => avs(bytes),
        () if PRISM_CODES.contains(&little) => after(bytes, le32(bytes, 4), 8),
        () if PRISM_CODES.contains(&big) => after(bytes, be32(bytes, 4), 8),
        () => Ok(Payload::Wifi(bytes, false)),
    }
}

/// AVS: a magic number and the header's length, big-endian.
pub(super) fn avs(bytes: &[u8]) -> Step<'_> {
    after(bytes, be32(bytes, 4), 8)
}

fn after(bytes: &[u8], len: Option<u32>, min: usize) -> Step<'_> {
    let len = len.ok_or(Stop::RadioCut)?;
    match usize::try_from(len) {
        Ok(len) if len >= min => Ok(Payload::Wifi(bytes.get(len..).ok_or(Stop::RadioCut)?, false)),
        _ => Err(Stop::RadioMalformed),
    }
}

/// PPI: version 0, flags, length, and the link type of the frame after it.
pub(super) fn ppi(bytes: &[u8]) -> Step<'_> {
    const MIN_LEN: usize = 8;
    let len = usize::from(le16(bytes, 2).ok_or(Stop::RadioCut)?);
    let link_type = le32(bytes, 4).ok_or(Stop::RadioCut)?;
    if len < MIN_LEN {
        return Err(Stop::RadioMalformed);
    }
    let frame = bytes.get(len..).ok_or(Stop::RadioCut)?;
    let link_type = u16::try_from(link_type).map_err(|_| Stop::UnknownLinkType)?;
    Ok(Payload::Link(LinkType(link_type), frame))
}
