//! Decoding: the bytes of one frame become a [`Packet`].
//!
//! In: a link type and the captured bytes. Out: the outermost header's MACs, addresses, protocol and ports, and the DNS
//! message if one is recognised. Decoding never fails and never panics: it stops somewhere, keeps what it has, and says
//! where it stopped ([`Stop`]). A step takes at least one byte off the frame, or leads to one that does, so the frame's
//! length bounds the work, at any depth of tags. Nothing allocates. Tunnels are looked into where that is asked for ([`decode_inner`]).
//! Not here: what lies inside an ICMP error, reassembly, decryption, checksums.
//!
//! ```
//! use parcap::address::IpAddress;
//! use parcap::decode::{decode, protocol_name};
//! use parcap::capture::LinkType;
//!
//! let frame = [
//!     0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
//!     0x1f, 0x90, 0, 9, 0, 8, 0, 0, // UDP
//! ];
//! let packet = decode(LinkType::RAW, &frame);
//! assert_eq!(packet.ip_src, Some(IpAddress::V4(0x0a00_0001)));
//! assert_eq!(packet.protocol.and_then(protocol_name), Some("UDP"));
//! assert_eq!(packet.port_src, Some(8080));
//! assert_eq!(packet.stop, None);
//! ```

mod community_id;
pub mod dns;
mod ethernet;
mod field;
mod hdlc;
mod headers;
mod ip;
mod juniper;
mod lan;
mod link;
mod linux;
mod llc;
mod loopback;
mod packet;
mod payload;
mod ppp;
mod protocol;
mod radio;
mod stop;
mod tags;
#[cfg(test)]
mod tests;
mod tls;
mod transport;
mod tunnels;
mod vendor;
mod wifi;

use crate::capture::LinkType;
use crate::config::Decapsulation;

pub(crate) use community_id::{FlowEnds, flow_between};
pub use community_id::{FlowKey, write_community_id};
pub use packet::{LinkTags, Packet};
pub use protocol::{protocol_name, protocol_number, protocol_text};
pub use stop::Stop;
pub use tunnels::Tunnels;

use payload::Payload;

/// Decodes one frame into a packet of which nothing is known yet, and looks into the tunnels that are asked for. `frame` is what was
/// captured, which may be less than what was on the wire. A packet is large: a function that returns one copies it.
#[inline]
pub fn decode_into<'a>(link_type: LinkType, frame: &'a [u8], asked: &Decapsulation, packet: &mut Packet<'a>) {
    decode_outer(link_type, frame, packet);
    if !asked.is_empty() {
        tunnels::take_off(packet, asked);
    }
}

/// Decodes one frame; see [`Packet`] for what comes out.
///
/// `frame` is what was captured, which may be less than what was on the wire.
#[cfg(any(test, feature = "internal-api"))]
#[must_use]
pub fn decode(link_type: LinkType, frame: &[u8]) -> Packet<'_> {
    let mut packet = Packet::default();
    decode_outer(link_type, frame, &mut packet);
    packet
}

#[inline(never)]
fn decode_outer<'a>(link_type: LinkType, frame: &'a [u8], packet: &mut Packet<'a>) {
    packet.stop = walk(Payload::Link(link_type, frame), packet).err();
}

/// As [`decode`], and then looks into the tunnels that are asked for: what comes out is of the innermost packet that decodes, and
/// its MACs are those of the innermost frame that has them. [`Packet::tunnels`] says what was taken off. If none are asked for, it
/// is [`decode`].
#[cfg(any(test, feature = "internal-api"))]
#[must_use]
pub fn decode_inner<'a>(link_type: LinkType, frame: &'a [u8], asked: &Decapsulation) -> Packet<'a> {
    let mut packet = Packet::default();
    decode_into(link_type, frame, asked, &mut packet);
    packet
}

/// Decodes what is inside a tunnel.
#[inline(never)]
fn decode_payload(payload: Payload<'_>) -> Packet<'_> {
    let mut packet = Packet::default();
    packet.stop = walk(payload, &mut packet).err();
    packet
}

/// Takes one header after another off the frame, up to the IP header or the last known header. Inlined, so that for a frame the first
/// step is known.
#[inline(always)]
fn walk<'a>(frame: Payload<'a>, packet: &mut Packet<'a>) -> Result<(), Stop> {
    let mut next = frame;
    loop {
        next = match next {
            Payload::Link(link_type, bytes) => link::decode(link_type, bytes, packet)?,
            Payload::Ethernet(bytes) => ethernet::decode(bytes, packet)?,
            Payload::EtherType(ether_type, bytes) => {
                packet.tags.ether_type.get_or_insert(ether_type);
                tags::decode(ether_type, bytes, &mut packet.tags)?
            }
            Payload::Llc(bytes) => llc::decode(bytes)?,
            Payload::Snap(bytes) => llc::snap(bytes)?,
            Payload::Nlpid(bytes) => llc::nlpid(bytes)?,
            Payload::Mpls(bytes) => tags::mpls(bytes, &mut packet.tags)?,
            Payload::Ppp(bytes) => ppp::decode(bytes)?,
            Payload::FrameRelay(bytes) => hdlc::frame_relay(bytes)?,
            Payload::Wifi(bytes, datapad) => wifi::decode(bytes, datapad, packet)?,
            Payload::Ip(bytes) => return ip::decode(bytes, packet),
            Payload::Ipv4(bytes) => return ip::v4(bytes, packet),
            Payload::Ipv4OfConnection(bytes) => return ip::v4_of_connection(bytes, packet),
            Payload::Ipv6(bytes) => return ip::v6(bytes, packet),
            Payload::Nothing => return Ok(()),
        };
    }
}
