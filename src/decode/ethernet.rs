//! Ethernet II and IEEE 802.3: the two MACs and what the type field announces.
//!
//! In: the bytes of a frame from its destination MAC on. Out: its MACs, and the payload of an EtherType or of LLC. A
//! Cisco ISL header in front is stepped over; the MACs are then those of the frame inside. A cut header keeps each MAC
//! that is whole.
//!
//! Source: IEEE 802.3 3.2; for ISL, Wireshark's `packet-isl.c`.

use etherparse::Ethernet2HeaderSlice;

use super::field::{at_most, be16, octets};
use super::packet::Packet;
use super::payload::{Payload, Step};
use super::stop::Stop;

/// The lowest EtherType; lower values are lengths up to 1500, and undefined above that (IEEE 802.3 3.2.6).
pub(super) const MIN_ETHER_TYPE: u16 = 0x600;
const MAX_LENGTH: u16 = 1500;

const ISL_HEADER_LEN: usize = 26;

pub(super) fn decode<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Step<'a> {
    // ISL's destination is one of two multicast addresses. Its fifth byte ends in the type (0: Ethernet). Where Ethernet
    // II has its type, ISL has a length.
    if let [0x01 | 0x0c, 0x00, 0x0c, 0x00, 0x00, kind, ..] = bytes
        && kind >> 4 == 0
        && be16(bytes, 12).is_none_or(|length| length <= MAX_LENGTH)
    {
        return match bytes.get(ISL_HEADER_LEN..) {
            Some(rest) => Ok(Payload::Ethernet(rest)),
            None => Err(Stop::EthernetCut),
        };
    }
    let Ok(header) = Ethernet2HeaderSlice::from_slice(bytes) else {
        packet.set_macs(octets(bytes, 0), octets(bytes, 6));
        return Err(Stop::EthernetCut);
    };
    packet.set_macs(Some(header.destination()), Some(header.source()));
    let rest = bytes.get(header.slice().len()..).unwrap_or_default();
    Ok(typed_or_length(header.ether_type().0, rest))
}

/// What the 16 bits after the MACs or after a VLAN tag announce: an EtherType, or the length of an LLC frame.
#[inline]
pub(super) fn typed_or_length(value: u16, rest: &[u8]) -> Payload<'_> {
    match value {
        MIN_ETHER_TYPE.. => Payload::EtherType(value, rest),
        // Novell's raw 802.3: IPX directly after the length, recognised by its checksum of ffff.
        1..=MAX_LENGTH if !rest.starts_with(&[0xff, 0xff]) => Payload::Llc(at_most(rest, usize::from(value))),
        _ => Payload::Nothing,
    }
}
