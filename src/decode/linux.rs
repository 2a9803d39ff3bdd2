//! Linux pseudo-headers: cooked captures (SLL, SLL2) and the netfilter log.
//!
//! In: the bytes from the pseudo-header on. Out: the payload, and for cooked captures the link address as source MAC.
//!
//! Source: <https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html>, `..._SLL2.html`, `..._NFLOG.html`;
//! `linux/netfilter/nfnetlink_log.h`.

use crate::capture::LinkType;

use super::ethernet::MIN_ETHER_TYPE;
use super::field::{at_most, be16, le16, octets};
use super::packet::Packet;
use super::payload::{Payload, Step};
use super::stop::Stop;

/// ARP hardware types whose frame follows the cooked header unchanged, or that hold no packet.
const ARPHRD_IEEE80211: u16 = 801;
const ARPHRD_IEEE80211_RADIOTAP: u16 = 803;
const ARPHRD_NETLINK: u16 = 824;

/// Protocols of `linux/if_ether.h` that are no EtherTypes.
const ETH_P_ALL: u16 = 3;
const ETH_P_802_2: u16 = 4;
const ETH_P_WAN_PPP: u16 = 7;

/// Packet type, ARP hardware type, address length, 8 bytes of address, protocol.
pub(super) fn sll<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Step<'a> {
    if be16(bytes, 4) == Some(6) {
        packet.set_macs(None, octets(bytes, 6));
    }
    let rest = bytes.get(16..).ok_or(Stop::LinkCut)?;
    Ok(cooked(be16(bytes, 14), be16(bytes, 2), rest))
}

/// Protocol, 2 reserved bytes, interface, ARP hardware type, packet type, address length, 8 bytes of address.
pub(super) fn sll2<'a>(bytes: &'a [u8], packet: &mut Packet<'a>) -> Step<'a> {
    if bytes.get(11) == Some(&6) {
        packet.set_macs(None, octets(bytes, 12));
    }
    let rest = bytes.get(20..).ok_or(Stop::LinkCut)?;
    Ok(cooked(be16(bytes, 0), be16(bytes, 8), rest))
}

fn cooked(protocol: Option<u16>, hardware: Option<u16>, rest: &[u8]) -> Payload<'_> {
    match (protocol, hardware) {
        (_, Some(ARPHRD_IEEE80211_RADIOTAP)) => Payload::Link(LinkType::IEEE802_11_RADIOTAP, rest),
        // For netlink, the protocol is netlink's family.
        (_, Some(ARPHRD_NETLINK)) => Payload::Nothing,
        (Some(ether_type @ MIN_ETHER_TYPE..), _) => Payload::EtherType(ether_type, rest),
        (Some(ETH_P_802_2), Some(ARPHRD_IEEE80211)) => Payload::Wifi(rest, false),
        (Some(ETH_P_802_2), _) => Payload::Llc(rest),
        (Some(ETH_P_WAN_PPP), _) => Payload::Ppp(rest),
        // No text describes it, but where it is found a whole frame follows.
        (Some(ETH_P_ALL), _) => Payload::Ethernet(rest),
        _ => Payload::Nothing,
    }
}

/// Family, version, resource, then type-length-values. One value holds the packet; a value before it holds the packet's
/// EtherType. Where that is 0, as for packets that this machine sends, the family says what the packet is.
pub(super) fn nflog(bytes: &[u8]) -> Step<'_> {
    const PACKET_HEADER: u16 = 1;
    const PAYLOAD: u16 = 9;
    const TLV_HEADER_LEN: usize = 4;
    let family = *bytes.first().ok_or(Stop::LinkCut)?;
    let mut rest = bytes.get(4..).ok_or(Stop::LinkCut)?;
    let mut ether_type = 0;
    while !rest.is_empty() {
        let (Some(length), Some(kind)) = (le16(rest, 0), le16(rest, 2)) else {
            return Err(Stop::LinkCut);
        };
        // Byte order of the machine that captured. Types are small, so in the other order they are 256 or more.
        let (length, kind) = match kind {
            0x100.. if kind.trailing_zeros() >= 8 => (length.swap_bytes(), kind.swap_bytes()),
            _ => (length, kind),
        };
        let length = usize::from(length);
        if length < TLV_HEADER_LEN {
            return Err(Stop::LinkMalformed);
        }
        let value = at_most(rest, length).get(TLV_HEADER_LEN..).unwrap_or_default();
        match kind {
            PACKET_HEADER => ether_type = be16(value, 0).unwrap_or(0),
            PAYLOAD => {
                return Ok(match (ether_type, family) {
                    (1.., _) => Payload::EtherType(ether_type, value),
                    (_, 2) => Payload::Ipv4(value),
                    (_, 10) => Payload::Ipv6(value),
                    _ => Payload::Nothing,
                });
            }
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).ok_or(Stop::LinkCut)?;
    }
    Ok(Payload::Nothing)
}
