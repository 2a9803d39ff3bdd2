//! Further fields of the headers that decoding has found. They are read where somebody asks for them, and nowhere else.
//!
//! In: a [`Packet`]. Out: numbers as the headers have them. `None` where there is no such header, and where it is cut before the
//! field.
//!
//! Source: RFC 791, RFC 8200, RFC 2474 (DSCP), RFC 3168 (ECN); RFC 9293, RFC 9768 (AE), RFC 4340, RFC 792, RFC 4443.

use etherparse::IpNumber;

use super::field::{be16, be32};
use super::packet::Packet;
use super::transport::{DCCP, SCTP, TCP, UDP, UDP_LITE};

pub(super) const ICMP: u8 = 1;
pub(super) const ICMP_V6: u8 = 58;
/// Bytes of an IPv6 header.
const V6_HEADER: u16 = 40;

/// The IP header, and what follows it.
#[derive(Clone, Copy)]
enum IpHeader<'a> {
    V4(&'a [u8]),
    V6(&'a [u8]),
}

impl<'a> Packet<'a> {
    #[inline]
    fn ip_header(&self) -> Option<IpHeader<'a>> {
        let bytes = self.ip?;
        Some(if bytes.first()? >> 4 == 6 { IpHeader::V6(bytes) } else { IpHeader::V4(bytes) })
    }

    /// The version of the IP header: 4 or 6.
    #[must_use]
    #[inline]
    pub fn ip_version(&self) -> Option<u8> {
        Some(if matches!(self.ip_header()?, IpHeader::V6(_)) { 6 } else { 4 })
    }

    /// Its time to live, or hop limit.
    #[must_use]
    #[inline]
    pub fn ip_ttl(&self) -> Option<u8> {
        match self.ip_header()? {
            IpHeader::V4(bytes) => bytes.get(8).copied(),
            IpHeader::V6(bytes) => bytes.get(7).copied(),
        }
    }

    /// Its type of service, or traffic class.
    #[must_use]
    #[inline]
    pub fn traffic_class(&self) -> Option<u8> {
        match self.ip_header()? {
            IpHeader::V4(bytes) => bytes.get(1).copied(),
            IpHeader::V6(bytes) => be16(bytes, 0)?.checked_shr(4)?.to_be_bytes().last().copied(),
        }
    }

    /// Its differentiated services code point.
    #[must_use]
    #[inline]
    pub fn ip_dscp(&self) -> Option<u8> {
        Some(self.traffic_class()? >> 2)
    }

    /// Its two bits of explicit congestion notification.
    #[must_use]
    #[inline]
    pub fn ip_ecn(&self) -> Option<u8> {
        Some(self.traffic_class()? & 3)
    }

    /// The identification of IPv4.
    #[must_use]
    #[inline]
    pub fn ip_id(&self) -> Option<u16> {
        match self.ip_header()? {
            IpHeader::V4(bytes) => be16(bytes, 4),
            IpHeader::V6(_) => None,
        }
    }

    /// Where the bytes of a fragment belong in the whole, in units of eight bytes, as the header has it. 0 if IPv4 is not fragmented;
    /// IPv6 then has no such field.
    #[must_use]
    #[inline]
    pub fn ip_fragment_offset(&self) -> Option<u16> {
        match self.ip_header()? {
            IpHeader::V4(bytes) => Some(be16(bytes, 6)? & 0x1fff),
            IpHeader::V6(bytes) => Some(be16(fragment_header(bytes)?, 2)? >> 3),
        }
    }

    /// Whether more fragments follow.
    #[must_use]
    #[inline]
    pub fn ip_more_fragments(&self) -> Option<bool> {
        match self.ip_header()? {
            IpHeader::V4(bytes) => Some(be16(bytes, 6)? & 0x2000 != 0),
            IpHeader::V6(bytes) => Some(be16(fragment_header(bytes)?, 2)? & 1 != 0),
        }
    }

    /// Bytes of the IP packet as its header says, with the header. Where IPv4 says 0 (segmentation offload) it is all that was on
    /// the wire. `frame` is the frame that was decoded, `orig_len` its bytes on the wire.
    #[must_use]
    #[inline]
    pub fn ip_total_length(&self, frame: &[u8], orig_len: u32) -> Option<u32> {
        match self.ip_header()? {
            IpHeader::V4(bytes) if be16(bytes, 2)? == 0 => orig_len.checked_sub(distance(frame, bytes)?),
            _ => self.announced_length(),
        }
    }

    /// Bytes of the IP packet as its header says, 0 if IPv4 does not.
    pub(super) fn announced_length(&self) -> Option<u32> {
        Some(match self.ip_header()? {
            IpHeader::V4(bytes) => u32::from(be16(bytes, 2)?),
            IpHeader::V6(bytes) => u32::from(be16(bytes, 4)?) + u32::from(V6_HEADER),
        })
    }

    /// The flow label of IPv6.
    #[must_use]
    #[inline]
    pub fn ip_flow_label(&self) -> Option<u32> {
        match self.ip_header()? {
            IpHeader::V4(_) => None,
            IpHeader::V6(bytes) => Some(be32(bytes, 0)? & 0x000f_ffff),
        }
    }

    /// Whether it has the beginning of a TCP header.
    #[must_use]
    #[inline]
    pub fn is_tcp(&self) -> bool {
        self.protocol == Some(TCP) && self.transport.is_some()
    }

    /// What follows the IP headers, if it is of this protocol.
    #[inline]
    fn of_protocol(&self, protocol: u8) -> Option<&'a [u8]> {
        self.transport.filter(|_| self.protocol == Some(protocol))
    }

    /// The nine flags of TCP: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128, AE 256.
    #[must_use]
    #[inline]
    pub fn tcp_flags(&self) -> Option<u16> {
        Some(be16(self.of_protocol(TCP)?, 12)? & 0x01ff)
    }

    /// The sequence number of TCP.
    #[must_use]
    #[inline]
    pub fn tcp_seq(&self) -> Option<u32> {
        be32(self.of_protocol(TCP)?, 4)
    }

    /// The acknowledgment number of TCP, whether its flag is set or not.
    #[must_use]
    #[inline]
    pub fn tcp_ack(&self) -> Option<u32> {
        be32(self.of_protocol(TCP)?, 8)
    }

    /// The window of TCP, as it was sent.
    #[must_use]
    #[inline]
    pub fn tcp_window(&self) -> Option<u16> {
        be16(self.of_protocol(TCP)?, 14)
    }

    #[inline]
    fn icmp(&self) -> Option<&'a [u8]> {
        self.of_protocol(ICMP).or_else(|| self.of_protocol(ICMP_V6))
    }

    /// The type of an ICMP or ICMPv6 message.
    #[must_use]
    #[inline]
    pub fn icmp_type(&self) -> Option<u8> {
        self.icmp()?.first().copied()
    }

    /// The code of an ICMP or ICMPv6 message.
    #[must_use]
    #[inline]
    pub fn icmp_code(&self) -> Option<u8> {
        self.icmp()?.get(1).copied()
    }

    /// Bytes that the length of the IP packet leaves after the header of TCP, UDP, SCTP, DCCP or UDP-Lite, captured or not.
    /// `frame` and `orig_len` are as in [`Packet::ip_total_length`]. They tell the length where the IP header says 0 (segmentation
    /// offload, jumbograms), and where it says more than there was.
    #[must_use]
    #[inline]
    pub fn payload_length(&self, frame: &[u8], orig_len: u32) -> Option<u32> {
        let (ip, transport) = (self.ip?, self.transport?);
        let header = match self.protocol? {
            TCP => u32::from(transport.get(12)? >> 4) * 4,
            DCCP => u32::from(*transport.get(4)?) * 4,
            UDP | UDP_LITE if transport.len() >= 8 => 8,
            SCTP if transport.len() >= 12 => 12,
            _ => return None,
        };
        let on_wire = orig_len.checked_sub(distance(frame, ip)?)?;
        let says_nothing = matches!(self.ip_header()?, IpHeader::V6(bytes) if be16(bytes, 4)? == 0);
        let length = if says_nothing { on_wire } else { self.ip_total_length(frame, orig_len)?.min(on_wire) };
        length.checked_sub(distance(ip, transport)?)?.checked_sub(header)
    }
}

/// Bytes from the beginning of a slice to that of another one within it.
#[inline]
fn distance(whole: &[u8], part: &[u8]) -> Option<u32> {
    u32::try_from(part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?).ok()
}

/// The fragment header of an IPv6 packet, and what follows it.
fn fragment_header(packet: &[u8]) -> Option<&[u8]> {
    let mut number = IpNumber(*packet.get(6)?);
    let mut rest = packet.get(usize::from(V6_HEADER)..)?;
    // Each header has at least eight bytes, so this ends with the packet.
    loop {
        let words = usize::from(*rest.get(1)?);
        let length = match number {
            IpNumber::IPV6_FRAGMENTATION_HEADER => return Some(rest),
            IpNumber::AUTHENTICATION_HEADER => (words + 2) * 4,
            IpNumber::IPV6_HEADER_HOP_BY_HOP | IpNumber::IPV6_ROUTE_HEADER | IpNumber::IPV6_DESTINATION_OPTIONS => {
                (words + 1) * 8
            }
            _ => return None,
        };
        number = IpNumber(*rest.first()?);
        rest = rest.get(length..)?;
    }
}
