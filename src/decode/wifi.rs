//! IEEE 802.11 frames: source and destination address, and the LLC payload of data frames.
//!
//! In: the bytes from the frame control field on. Out: SA and DA as the MACs, wherever the direction bits put them.
//! Control frames have receivers and transmitters but no SA and DA, so no MACs. A protected frame keeps its MACs and is
//! not looked into; neither is a fragment after the first. In an aggregate (A-MSDU) the first subframe counts, as the
//! outermost header does elsewhere.
//!
//! Source: IEEE 802.11-2020 9.2.4 (header), 9.3.2 (data frames and A-MSDU), 9.2.4.8.3 (mesh control).

use super::field::{at_most, be16, octets};
use super::packet::Packet;
use super::payload::{Payload, Step};
use super::stop::Stop;

const TO_DS: u8 = 0x01;
const FROM_DS: u8 = 0x02;
const PROTECTED: u8 = 0x40;
/// In QoS data frames: an HT control field follows.
const ORDER: u8 = 0x80;

/// Bits of a data frame's subtype.
const NO_DATA: u8 = 0x4;
const QOS: u8 = 0x8;

/// Where the four address fields begin.
const ADDRESS_1: usize = 4;
const ADDRESS_2: usize = 10;
const ADDRESS_3: usize = 16;
const ADDRESS_4: usize = 24;

pub(super) fn decode<'a>(bytes: &'a [u8], datapad: bool, packet: &mut Packet<'a>) -> Step<'a> {
    let [control, flags] = octets(bytes, 0).ok_or(Stop::WifiCut)?;
    if control & 0x03 != 0 {
        return Err(Stop::WifiMalformed);
    }
    match control >> 2 & 0x03 {
        // Management: DA and SA come first, whatever the direction bits say.
        0 => {
            packet.set_macs(octets(bytes, ADDRESS_1), octets(bytes, ADDRESS_2));
            if bytes.len() < 24 { Err(Stop::WifiCut) } else { Ok(Payload::Nothing) }
        }
        2 => data(control >> 4, flags, bytes, datapad, packet),
        _ => Ok(Payload::Nothing),
    }
}

fn data<'a>(subtype: u8, flags: u8, bytes: &'a [u8], datapad: bool, packet: &mut Packet<'a>) -> Step<'a> {
    let (dst, src) = match (flags & TO_DS != 0, flags & FROM_DS != 0) {
        (false, false) => (ADDRESS_1, ADDRESS_2),
        (false, true) => (ADDRESS_1, ADDRESS_3),
        (true, false) => (ADDRESS_3, ADDRESS_2),
        (true, true) => (ADDRESS_3, ADDRESS_4),
    };
    let mut header_len = if src == ADDRESS_4 { 30 } else { 24 };
    let qos_control = header_len;
    if subtype & QOS != 0 {
        header_len += if flags & ORDER != 0 { 6 } else { 2 };
    }
    let qos = (subtype & QOS != 0).then(|| octets::<2>(bytes, qos_control)).flatten();
    let aggregate = qos.is_some_and(|[low, _]| low & 0x80 != 0);
    // An aggregate's SA and DA are in its subframes. A frame that is cut before the field that says so may be an
    // aggregate.
    let known = subtype & QOS == 0 || (qos.is_some() && !aggregate);
    if known || flags & PROTECTED != 0 {
        packet.set_macs(octets(bytes, dst), octets(bytes, src));
    }
    if bytes.len() < header_len {
        return Err(Stop::WifiCut);
    }
    let fragment = bytes.get(22).is_some_and(|sequence| sequence & 0x0f != 0);
    if subtype & NO_DATA != 0 || flags & PROTECTED != 0 || fragment {
        return Ok(Payload::Nothing);
    }
    if datapad {
        header_len = header_len.next_multiple_of(4);
    }
    let mut rest = bytes.get(header_len..).ok_or(Stop::WifiCut)?;
    if aggregate {
        return subframe(rest, packet);
    }
    if let (Some([_, high]), Some(mesh)) = (qos, rest.first())
        && flags & FROM_DS != 0
        && high & 0x01 != 0
        && mesh & !0x03 == 0
    {
        // Mesh control: flags, time to live, sequence, and no, one or two more addresses. No LLC header begins like it.
        rest = rest.get(6 + 6 * usize::from(mesh & 0x03)..).ok_or(Stop::WifiCut)?;
    }
    // Some drivers pad the header without saying so. Two zeros as SAPs are LLC's own, and lead to no packet.
    Ok(Payload::Llc(match rest {
        [0, 0, llc @ ..] if llc.starts_with(&[0xaa, 0xaa, 0x03]) => llc,
        _ => rest,
    }))
}

/// The first subframe of an A-MSDU: DA, SA, length, LLC.
fn subframe<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Step<'a> {
    packet.set_macs(octets(bytes, 0), octets(bytes, 6));
    let length = be16(bytes, 12).ok_or(Stop::WifiCut)?;
    let rest = bytes.get(14..).unwrap_or_default();
    Ok(Payload::Llc(at_most(rest, usize::from(length))))
}
