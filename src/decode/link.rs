//! Which header a frame begins with, by its link type.
//!
//! In: a link type and the bytes of a frame. Out: the payload after its first header. A link type that is not listed here
//! is not decoded: its rows have times and length, and [`Stop::UnknownLinkType`] counts them. Not here: link types that
//! carry no IP (USB, CAN, Bluetooth, netlink …), link types whose header no public text describes, and link types where
//! the IP header follows a protocol that must be reassembled.
//!
//! Source: <https://www.tcpdump.org/linktypes.html>.

use crate::capture::LinkType;
use crate::decode::{ethernet, hdlc, juniper, lan, linux, loopback, ppp, radio, tags, vendor, wifi};

use super::packet::Packet;
use super::payload::{Payload, Step};
use super::stop::Stop;

#[inline]
pub(super) fn decode<'a>(link_type: LinkType, bytes: &'a [u8], packet: &mut Packet<'a>) -> Step<'a> {
    match link_type {
        LinkType::ETHERNET => ethernet::decode(bytes, packet),

        LinkType::RAW | LinkType::RAW_DLT | LinkType::RAW_OPENBSD => loopback::raw(bytes),
        LinkType::IPV4 => Ok(Payload::Ipv4(bytes)),
        LinkType::IPV6 => Ok(Payload::Ipv6(bytes)),
        LinkType::NULL => loopback::null(bytes),
        LinkType::LOOP => loopback::loop_back(bytes),
        LinkType::ENC => loopback::enc(bytes),
        LinkType::PFLOG => loopback::pflog(bytes),
        LinkType::IPNET => loopback::ipnet(bytes),
        LinkType::SLIP => loopback::slip(bytes),

        LinkType::LINUX_SLL => linux::sll(bytes, packet),
        LinkType::LINUX_SLL2 => linux::sll2(bytes, packet),
        LinkType::NFLOG => linux::nflog(bytes),

        LinkType::PPP | LinkType::PPP_SERIAL => ppp::decode(bytes),
        LinkType::PPP_ETHER => tags::pppoe(bytes),
        LinkType::PPP_PPPD => ppp::after_direction(bytes),
        LinkType::PPP_WITH_DIR => ppp::decode(bytes.get(1..).ok_or(Stop::PppCut)?),
        LinkType::C_HDLC | LinkType::NETBSD_HDLC => hdlc::cisco(bytes),
        LinkType::C_HDLC_WITH_DIR => hdlc::cisco(bytes.get(1..).ok_or(Stop::HdlcCut)?),
        LinkType::FRELAY => hdlc::frame_relay(bytes),
        LinkType::FRELAY_WITH_DIR => hdlc::frame_relay(bytes.get(1..).ok_or(Stop::HdlcCut)?),
        LinkType::MFR => hdlc::multilink_frame_relay(bytes),
        LinkType::MPLS => Ok(Payload::Mpls(bytes)),

        LinkType::IEEE802_11 => wifi::decode(bytes, false, packet),
        LinkType::IEEE802_11_RADIOTAP => radio::radiotap(bytes),
        LinkType::IEEE802_11_PRISM => radio::prism(bytes),
        LinkType::IEEE802_11_AVS => radio::avs(bytes),
        LinkType::PPI => radio::ppi(bytes),

        LinkType::FDDI => lan::fddi(bytes, packet),
        LinkType::IEEE802_5 => lan::token_ring(bytes, packet),
        LinkType::ARCNET_BSD => lan::arcnet(bytes, false),
        LinkType::ARCNET_LINUX => lan::arcnet(bytes, true),
        LinkType::IP_OVER_FC => lan::fibre_channel(bytes, packet),
        LinkType::ATM_RFC1483 => Ok(Payload::Llc(bytes)),
        LinkType::ATM_CLIP => lan::classical_ip(bytes),
        LinkType::SUNATM => lan::sun_atm(bytes),
        LinkType::APPLE_IP_OVER_IEEE1394 => lan::ieee1394(bytes),
        LinkType::IPOIB => lan::infiniband(bytes),

        LinkType::PKTAP => vendor::pktap(bytes),
        LinkType::USER2 => vendor::private_pktap(bytes),
        LinkType::JUNIPER_ETHER
        | LinkType::JUNIPER_PPPOE
        | LinkType::JUNIPER_PPP
        | LinkType::JUNIPER_MLPPP
        | LinkType::JUNIPER_FRELAY
        | LinkType::JUNIPER_MLFR
        | LinkType::JUNIPER_CHDLC
        | LinkType::JUNIPER_ATM1
        | LinkType::JUNIPER_ATM2
        | LinkType::JUNIPER_MONITOR => juniper::decode(link_type, bytes),
        LinkType::DSA_TAG_BRCM | LinkType::DSA_TAG_DSA => vendor::switch_tag(bytes, 4, packet),
        LinkType::DSA_TAG_EDSA => vendor::switch_tag(bytes, 8, packet),
        LinkType::DSA_TAG_BRCM_PREPEND | LinkType::NETANALYZER => {
            Ok(Payload::Ethernet(bytes.get(4..).ok_or(Stop::LinkCut)?))
        }
        // IEEE 802.3 65.1.3.2: the preamble of 8 bytes holds the logical link's identifier.
        LinkType::EPON => Ok(Payload::Ethernet(bytes.get(8..).ok_or(Stop::LinkCut)?)),
        LinkType::NETANALYZER_TRANSPARENT => vendor::preamble(bytes.get(4..).ok_or(Stop::LinkCut)?),
        LinkType::ETHERNET_MPACKET => vendor::preamble(bytes),
        LinkType::TZSP => vendor::tzsp(bytes),
        LinkType::ERF | LinkType::ERF_ETH | LinkType::ERF_POS => vendor::erf(bytes),
        LinkType::DOCSIS => vendor::docsis(bytes, packet),
        LinkType::SYMANTEC_FIREWALL => vendor::symantec(bytes),

        _ => Err(Stop::UnknownLinkType),
    }
}
