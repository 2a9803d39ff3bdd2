//! Tunnels: the packet inside a packet, and the one inside that.
//!
//! In: a packet whose outermost headers are decoded, and which tunnels are looked into. Out: the innermost packet that decodes.
//! A tunnel over IP is known by its protocol number. One over UDP is believed by a port and by a header that can be one. Where
//! reserved bits or lengths speak against the header, an IP header must follow that decodes. A frame without IP inside, such as
//! ARP, gives its MACs, and the rest is that of the packet around it. A later fragment holds no tunnel's header; the first one
//! does. At most [`LEVELS`] tunnels are looked into, and each takes at least one byte, so the frame's length bounds the work.
//! Not here: reassembly of outer fragments, decryption, the packets that ICMP errors quote.

mod gre;
mod l2tp;
mod udp;

use crate::address::IpAddress;
use crate::config::{Decapsulation, TunnelKind};

use super::decode_payload;
use super::field::octets;
use super::packet::Packet;
use super::payload::Payload;
use super::stop::Stop;
use super::transport::UDP;

/// Tunnels in one another that are looked into.
const LEVELS: usize = 8;

const IPV4: u8 = 4;
const IPV6: u8 = 41;
const GRE: u8 = 47;
const L2TP: u8 = 115;

/// The tunnels that a packet was taken out of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tunnels<'a> {
    /// Four bits a name, the outermost one lowest: one more than its place among all kinds. ERSPAN has two, its GRE's too, so
    /// eight levels have up to sixteen.
    names: u64,
    id: Option<u32>,
    /// The outermost IP header, and what follows it. None if nothing was taken off.
    outer: Option<&'a [u8]>,
}

impl Tunnels<'_> {
    const BITS: u32 = 4;

    /// Whether nothing was taken off.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names == 0
    }

    /// Their kinds as one number. Packets with the same number were taken out of the same kinds of tunnels, in the same order.
    #[must_use]
    pub fn names(&self) -> u64 {
        self.names
    }

    /// Their kinds, the outermost first.
    pub fn kinds(&self) -> impl Iterator<Item = TunnelKind> {
        let names = self.names;
        let places = (0..u64::BITS / Self::BITS).map(move |place| names >> (place * Self::BITS) & 0xf);
        places.map_while(|name| TunnelKind::ALL.get(usize::try_from(name).ok()?.checked_sub(1)?).copied())
    }

    /// Writes their names, the outermost first: `VXLAN`, `GRE/ERSPAN`. Nothing if nothing was taken off.
    pub fn write_to(&self, text: &mut Vec<u8>) {
        for (place, kind) in self.kinds().enumerate() {
            text.extend_from_slice(if place > 0 { b"/" } else { b"" });
            text.extend_from_slice(kind.label().as_bytes());
        }
    }

    /// The number of the innermost tunnel that has one: VNI of VXLAN and Geneve, key of GRE (of its version 1, the call), session
    /// of ERSPAN and L2TP, TEID of GTP-U.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.id
    }

    /// Source address of the outermost IP header.
    #[must_use]
    pub fn outer_ip_src(&self) -> Option<IpAddress> {
        self.address(12, 8)
    }

    /// Destination address of the outermost IP header.
    #[must_use]
    pub fn outer_ip_dst(&self) -> Option<IpAddress> {
        self.address(16, 24)
    }

    fn address(&self, at_v4: usize, at_v6: usize) -> Option<IpAddress> {
        let header = self.outer?;
        if header.first()? >> 4 == 6 {
            octets::<16>(header, at_v6).map(IpAddress::from)
        } else {
            octets::<4>(header, at_v4).map(IpAddress::from)
        }
    }

    fn push(&mut self, kind: TunnelKind) {
        let used = u64::BITS - self.names.leading_zeros();
        let place = used.div_ceil(Self::BITS) * Self::BITS;
        // There is room for two names of each level.
        if let Some(name) = (kind as u64 + 1).checked_shl(place) {
            self.names |= name;
        }
    }
}

/// What a tunnel's header says.
#[derive(Clone, Copy, Debug)]
struct Inside<'a> {
    kind: TunnelKind,
    /// Its number, if the header has one.
    id: Option<u32>,
    payload: Payload<'a>,
    /// Bytes of the payload, captured or not, if the headers around it say how many there can be.
    room: Option<usize>,
    /// Whether this can be no other header. Otherwise only an IP header that decodes proves it.
    is_sure: bool,
}

/// What came of looking into a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entered {
    /// An IP packet, which may hold a tunnel in turn.
    Packet,
    /// A frame without an IP packet that decodes; or the tunnel is one too many.
    End,
    /// Nothing. It may be another tunnel.
    Nothing,
}

/// Takes tunnels off, as long as the packet inside decodes. Where it does not, the packet stays as it is, with the stop of the
/// header that could not be read.
pub(super) fn take_off(packet: &mut Packet<'_>, asked: &Decapsulation) {
    for level in 0..=LEVELS {
        match look_into(packet, asked, level == LEVELS) {
            Ok(Entered::Packet) => {}
            Ok(Entered::End | Entered::Nothing) => return,
            Err(stop) => {
                packet.stop = Some(stop);
                return;
            }
        }
    }
}

/// Looks for a tunnel in what follows the IP header.
fn look_into<'a>(packet: &mut Packet<'a>, asked: &Decapsulation, is_last: bool) -> Result<Entered, Stop> {
    let (Some(protocol), Some(bytes)) = (packet.protocol, packet.transport) else { return Ok(Entered::Nothing) };
    let ip = |payload| Inside { kind: TunnelKind::Ipip, id: None, payload, room: None, is_sure: true };
    match protocol {
        UDP => udp::look_into(bytes, packet, asked, is_last),
        IPV4 if asked.has(TunnelKind::Ipip) => Ok(enter(packet, ip(Payload::Ipv4(bytes)), is_last)),
        IPV6 if asked.has(TunnelKind::Ipip) => Ok(enter(packet, ip(Payload::Ipv6(bytes)), is_last)),
        GRE => gre::look_into(bytes, packet, asked, is_last),
        L2TP if asked.has(TunnelKind::L2tp) => l2tp::over_ip(bytes, packet, is_last),
        _ => Ok(Entered::Nothing),
    }
}

/// Decodes the payload of a tunnel. If it is an IP packet, that one takes the place of the packet around it.
fn enter<'a>(packet: &mut Packet<'a>, inside: Inside<'a>, is_last: bool) -> Entered {
    let inner = decode_payload(inside.payload);
    let has_ip = inner.ip_src.is_some() && inner.ip_dst.is_some();
    let has_macs = inner.mac_src.is_some() && inner.mac_dst.is_some() && inner.stop != Some(Stop::EthernetCut);
    if !(has_ip && (inside.is_sure || fits(&inner, inside.room)) || has_macs && inside.is_sure) {
        if inside.is_sure && inner.stop.is_some() {
            packet.stop = inner.stop;
        }
        return Entered::Nothing;
    }
    if is_last {
        packet.stop = Some(Stop::TunnelsTooDeep);
        return Entered::End;
    }
    let mut tunnels = packet.tunnels;
    tunnels.outer = tunnels.outer.or(packet.ip);
    if inside.kind == TunnelKind::Erspan {
        tunnels.push(TunnelKind::Gre);
    }
    tunnels.push(inside.kind);
    tunnels.id = inside.id.or(tunnels.id);
    if has_ip {
        let macs = if has_macs { (inner.mac_src, inner.mac_dst) } else { (packet.mac_src, packet.mac_dst) };
        let tags = if has_macs { inner.tags } else { packet.tags.with_label(inner.tags) };
        *packet = Packet { mac_src: macs.0, mac_dst: macs.1, tags, tunnels, ..inner };
        return Entered::Packet;
    }
    // The MACs of a frame without IP.
    let Packet { mac_src, mac_dst, tags, stop, .. } = inner;
    *packet = Packet { mac_src, mac_dst, tags, tunnels, stop, ..*packet };
    Entered::End
}

/// Whether an IP packet is no longer than there is room for.
fn fits(inner: &Packet<'_>, room: Option<usize>) -> bool {
    let length = inner.announced_length().and_then(|length| usize::try_from(length).ok());
    match (length, room) {
        (Some(length), Some(room)) => length <= room,
        _ => true,
    }
}
