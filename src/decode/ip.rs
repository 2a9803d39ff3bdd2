//! IPv4 and IPv6: addresses, the protocol after the extension headers, and the payload for the transport layer.
//!
//! In: the bytes from an IP header on. Out: the address, protocol and port fields of the packet. Only the first IP header
//! of a frame comes here, so a tunnel is named by its protocol number. What precedes a fault is kept. The lengths that
//! the header announces bound the payload, so link padding and trailers are not read as ports. Not here: reassembly (a
//! later fragment has no ports), checksums, an ICMP error's embedded packet.
//!
//! Source: RFC 791, RFC 8200, RFC 4302; RFC 1144; RFC 2675 and segmentation offload for a length of 0.

use etherparse::{
    IpAuthHeaderSlice, IpNumber, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice, Ipv6RawExtHeaderSlice,
};

use crate::address::IpAddress;
use crate::decode::transport;

use super::field::{at_most, be16, octets};
use super::packet::Packet;
use super::stop::Stop;

/// IP by its version nibble: for RAW link types, for MPLS, and wherever no other field announces the version.
pub(super) fn decode<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Result<(), Stop> {
    match bytes.first().map(|first| first >> 4) {
        Some(4) => v4(bytes, packet),
        Some(6) => v6(bytes, packet),
        Some(_) => Err(Stop::IpVersionUnknown),
        None => Err(Stop::Ipv4Cut),
    }
}

/// IPv4 where the layer before says so: another version nibble is a fault, not IPv6.
pub(super) fn v4<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Result<(), Stop> {
    v4_as(bytes, None, packet)
}

/// `known` is the protocol, where the layer before says it and the header's field does not.
fn v4_as<'a>(bytes: &'a [u8], known: Option<IpNumber>, packet: &mut Packet<'a>) -> Result<(), Stop> {
    let Ok(header) = Ipv4HeaderSlice::from_slice(bytes) else {
        return v4_cut(bytes, known, packet);
    };
    let header_len = header.slice().len();
    let total_len = usize::from(header.total_len());
    if total_len != 0 && total_len < header_len {
        return Err(Stop::Ipv4Malformed);
    }
    packet.ip = Some(bytes);
    packet.ip_src = Some(header.source().into());
    packet.ip_dst = Some(header.destination().into());
    let protocol = known.unwrap_or(header.protocol());
    packet.protocol = Some(protocol.0);
    // 0: the sender left the length to segmentation offload, so the packet ends where the bytes end.
    let all = if total_len == 0 { bytes } else { at_most(bytes, total_len) };
    let payload = all.get(header_len..).unwrap_or_default();
    if header.fragments_offset().value() != 0 {
        return Ok(());
    }
    extensions(protocol, payload, packet)
}

/// IPv4 in Van Jacobson's "uncompressed TCP" (RFC 1144 3.2.2). Its protocol field holds a connection number, and the
/// protocol is TCP.
pub(super) fn v4_of_connection<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Result<(), Stop> {
    v4_as(bytes, Some(IpNumber::TCP), packet)
}

/// Reads what is left of an IPv4 header that is cut or whose length field is wrong.
///
/// The two lengths are in its first four bytes. Where they contradict each other (a header under 20 bytes, or longer than
/// the packet), nothing precedes the fault.
fn v4_cut<'a>(bytes: &'a [u8], known: Option<IpNumber>, packet: &mut Packet<'a>) -> Result<(), Stop> {
    let first = *bytes.first().ok_or(Stop::Ipv4Cut)?;
    let header_len = usize::from(first & 0x0f) * 4;
    let total_len = be16(bytes, 2).map_or(0, usize::from);
    if first >> 4 != 4 || header_len < 20 || (total_len != 0 && total_len < header_len) {
        return Err(Stop::Ipv4Malformed);
    }
    packet.ip = Some(bytes);
    packet.protocol = bytes.get(9).map(|&field| known.map_or(field, |known| known.0));
    packet.ip_src = octets::<4>(bytes, 12).map(IpAddress::from);
    packet.ip_dst = octets::<4>(bytes, 16).map(IpAddress::from);
    Err(Stop::Ipv4Cut)
}

/// IPv6 where the layer before says so: another version nibble is a fault, not IPv4.
pub(super) fn v6<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Result<(), Stop> {
    let Ok(header) = Ipv6HeaderSlice::from_slice(bytes) else {
        if bytes.first().is_some_and(|first| first >> 4 != 6) {
            return Err(Stop::Ipv6Malformed);
        }
        packet.ip = Some(bytes);
        packet.protocol = bytes.get(6).copied();
        packet.ip_src = octets::<16>(bytes, 8).map(IpAddress::from);
        packet.ip_dst = octets::<16>(bytes, 24).map(IpAddress::from);
        return Err(Stop::Ipv6Cut);
    };
    packet.ip = Some(bytes);
    packet.ip_src = Some(header.source().into());
    packet.ip_dst = Some(header.destination().into());
    packet.protocol = Some(header.next_header().0);
    let rest = bytes.get(header.slice().len()..).unwrap_or_default();
    // 0: a jumbogram, or segmentation offload: the packet ends where the bytes end.
    let payload = match header.payload_length() {
        0 => rest,
        len => at_most(rest, usize::from(len)),
    };
    extensions(header.next_header(), payload, packet)
}

/// Whether this is the number of a header between the IP header and the protocol.
fn is_extension(number: IpNumber) -> bool {
    matches!(
        number,
        IpNumber::IPV6_HEADER_HOP_BY_HOP
            | IpNumber::IPV6_ROUTE_HEADER
            | IpNumber::IPV6_FRAGMENTATION_HEADER
            | IpNumber::IPV6_DESTINATION_OPTIONS
            | IpNumber::AUTHENTICATION_HEADER
    )
}

/// Steps over extension headers, then reads the transport header.
///
/// After IPv4 only AH is defined. The other headers are stepped over there too, because their numbers have no other meaning.
/// `protocol` is set after each whole header, so a cut chain leaves what the last whole one announced. Every header has
/// at least 8 bytes, so the chain ends with the packet.
fn extensions<'a>(first: IpNumber, mut bytes: &'a [u8], packet: &mut Packet<'a>) -> Result<(), Stop> {
    let mut number = first;
    while is_extension(number) {
        let header_len;
        let mut later_fragment = false;
        (number, header_len) = match number {
            IpNumber::IPV6_FRAGMENTATION_HEADER => {
                let header = Ipv6FragmentHeaderSlice::from_slice(bytes);
                let header = header.map_err(|_| Stop::ExtensionCut)?;
                later_fragment = header.fragment_offset().value() != 0;
                (header.next_header(), header.slice().len())
            }
            IpNumber::AUTHENTICATION_HEADER => {
                let header = IpAuthHeaderSlice::from_slice(bytes).map_err(|error| match error {
                    etherparse::err::ip_auth::HeaderSliceError::Len(_) => Stop::ExtensionCut,
                    etherparse::err::ip_auth::HeaderSliceError::Content(_) => Stop::ExtensionMalformed,
                })?;
                (header.next_header(), header.slice().len())
            }
            _ => {
                let header = Ipv6RawExtHeaderSlice::from_slice(bytes);
                let header = header.map_err(|_| Stop::ExtensionCut)?;
                (header.next_header(), header.slice().len())
            }
        };
        packet.protocol = Some(number.0);
        if later_fragment {
            return Ok(());
        }
        bytes = bytes.get(header_len..).unwrap_or_default();
    }
    packet.transport = Some(bytes);
    transport::decode(number.0, bytes, packet)
}
