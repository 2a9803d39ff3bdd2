//! TCP, UDP, SCTP, DCCP and UDP-Lite: the two ports, and the payload in which DNS is looked for.
//!
//! In: the protocol number, and the bytes after the IP headers, already bounded by the IP lengths. Out: the ports, and a
//! DNS message on UDP and TCP where either port is 53, 5353 or 5355. A whole port is kept, whatever the rest of its
//! header says. Not here: reassembly of streams, checksums, other protocols on other ports.
//!
//! Source: RFC 9293, RFC 768, RFC 9260, RFC 4340, RFC 3828; RFC 1035 4.2, RFC 6762, RFC 4795.

use etherparse::err::tcp::HeaderSliceError;
use etherparse::{TcpHeaderSlice, UdpHeaderSlice};

use crate::decode::dns;

use super::field::{at_most, be16};
use super::packet::Packet;
use super::stop::Stop;

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const DCCP: u8 = 33;
pub(super) const SCTP: u8 = 132;
pub(super) const UDP_LITE: u8 = 136;

pub(super) fn decode<'a>(number: u8, bytes: &'a [u8], packet: &mut Packet<'a>) -> Result<(), Stop> {
    match number {
        TCP => tcp(bytes, packet),
        UDP => udp(bytes, packet),
        SCTP => ports_of(bytes, packet, 12, Stop::SctpCut),
        // The short form. The long one has four more bytes, but only the ports are read.
        DCCP => ports_of(bytes, packet, 12, Stop::DccpCut),
        UDP_LITE => ports_of(bytes, packet, 8, Stop::UdpLiteCut),
        _ => Ok(()),
    }
}

fn tcp<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Result<(), Stop> {
    match TcpHeaderSlice::from_slice(bytes) {
        Ok(header) => {
            packet.port_src = Some(header.source_port());
            packet.port_dst = Some(header.destination_port());
            if !carries_dns(packet) {
                return Ok(());
            }
            let segment = bytes.get(header.slice().len()..).unwrap_or_default();
            if segment.is_empty() {
                return Ok(());
            }
            let length = be16(segment, 0).ok_or(Stop::DnsMidStream)?;
            let message = segment.get(2..).unwrap_or_default();
            let stop = dns_message(at_most(message, usize::from(length)), packet);
            // Without the segments before it, nothing tells a broken message from the middle of a long one.
            if packet.dns.is_none() { stop.map_err(|_| Stop::DnsMidStream) } else { stop }
        }
        Err(HeaderSliceError::Len(_)) => ports_of(bytes, packet, usize::MAX, Stop::TcpCut),
        Err(HeaderSliceError::Content(_)) => ports_of(bytes, packet, usize::MAX, Stop::TcpMalformed),
    }
}

fn udp<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Result<(), Stop> {
    let Ok(header) = UdpHeaderSlice::from_slice(bytes) else {
        return ports_of(bytes, packet, usize::MAX, Stop::UdpCut);
    };
    packet.port_src = Some(header.source_port());
    packet.port_dst = Some(header.destination_port());
    let (payload, _) = udp_payload(bytes).ok_or(Stop::UdpMalformed)?;
    if !carries_dns(packet) || payload.is_empty() {
        return Ok(());
    }
    dns_message(payload, packet)
}

/// The payload of a UDP datagram as far as it was captured, and its length if the header says it. `None` if the header is cut or
/// contradicts itself.
#[inline]
pub(super) fn udp_payload(datagram: &[u8]) -> Option<(&[u8], Option<usize>)> {
    let (length, rest) = (usize::from(be16(datagram, 4)?), datagram.get(8..)?);
    match length {
        // A jumbogram (RFC 2675), or segmentation offload: the datagram ends where the packet ends.
        0 => Some((rest, None)),
        length => length.checked_sub(8).map(|length| (at_most(rest, length), Some(length))),
    }
}

/// The two ports that all of these headers begin with. The result is `stop` if there are fewer than `header_len` bytes.
fn ports_of(bytes: &[u8], packet: &mut Packet<'_>, header_len: usize, stop: Stop) -> Result<(), Stop> {
    packet.port_src = be16(bytes, 0);
    packet.port_dst = be16(bytes, 2);
    if bytes.len() < header_len { Err(stop) } else { Ok(()) }
}

/// Whether either port is one of DNS, mDNS or LLMNR.
fn carries_dns(packet: &Packet<'_>) -> bool {
    packet.port_src.is_some_and(is_dns_port) || packet.port_dst.is_some_and(is_dns_port)
}

#[inline]
pub(super) fn is_dns_port(port: u16) -> bool {
    matches!(port, 53 | 5353 | 5355)
}

fn dns_message<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Result<(), Stop> {
    let (message, stop) = dns::Message::read(bytes);
    packet.dns = message;
    stop.map_or(Ok(()), Err)
}
