//! The link-layer type of a frame: which header its bytes begin with.
//!
//! In: the link-type number of a file header or interface description. Out: its name. Each type that is decoded has a
//! documented constant. Every number is a valid value: a number without a name is shown as the number. Not here: the
//! upper bits of a pcap header's field (FCS length). They are taken off when the header is read.
//!
//! Source: <https://www.tcpdump.org/linktypes.html>, libpcap `pcap-common.c`, draft-ietf-opsawg-pcaplinktype.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A LINKTYPE number of libpcap's list.
///
/// Shows as the list's name without its prefix (`ETHERNET`), or as the number where the list has none.
///
/// ```
/// # use parcap::capture::LinkType;
/// assert_eq!(LinkType::ETHERNET.to_string(), "ETHERNET");
/// assert_eq!(LinkType(65000).to_string(), "65000");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: a 4-byte address family in the order of the machine that captured.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Token Ring.
    pub const IEEE802_5: Self = Self(6);
    /// ARCNET, BSD headers.
    pub const ARCNET_BSD: Self = Self(7);
    /// SLIP after a 16-byte header.
    pub const SLIP: Self = Self(8);
    /// PPP, with or without `ff 03`.
    pub const PPP: Self = Self(9);
    /// FDDI.
    pub const FDDI: Self = Self(10);
    /// IP, as some systems number it.
    pub const RAW_DLT: Self = Self(12);
    /// PPP in HDLC-like framing, or Cisco HDLC, by the address byte.
    pub const PPP_SERIAL: Self = Self(50);
    /// A PPPoE header, then PPP.
    pub const PPP_ETHER: Self = Self(51);
    /// Symantec Enterprise Firewall.
    pub const SYMANTEC_FIREWALL: Self = Self(99);
    /// LLC over ATM.
    pub const ATM_RFC1483: Self = Self(100);
    /// IP, the version by its first nibble.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC.
    pub const C_HDLC: Self = Self(104);
    /// IEEE 802.11.
    pub const IEEE802_11: Self = Self(105);
    /// Linux classical IP over ATM.
    pub const ATM_CLIP: Self = Self(106);
    /// Frame Relay.
    pub const FRELAY: Self = Self(107);
    /// OpenBSD loopback: a 4-byte address family, big-endian.
    pub const LOOP: Self = Self(108);
    /// OpenBSD IPsec: a 12-byte header, then IP.
    pub const ENC: Self = Self(109);
    /// NetBSD HDLC, the same as `C_HDLC`.
    pub const NETBSD_HDLC: Self = Self(112);
    /// Linux cooked capture.
    pub const LINUX_SLL: Self = Self(113);
    /// OpenBSD packet filter log.
    pub const PFLOG: Self = Self(117);
    /// IEEE 802.11 after a Prism header.
    pub const IEEE802_11_PRISM: Self = Self(119);
    /// IP over Fibre Channel, RFC 2625.
    pub const IP_OVER_FC: Self = Self(122);
    /// Solaris ATM.
    pub const SUNATM: Self = Self(123);
    /// IEEE 802.11 after radiotap.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// Tazmen sniffer protocol.
    pub const TZSP: Self = Self(128);
    /// ARCNET, Linux headers.
    pub const ARCNET_LINUX: Self = Self(129);
    /// Juniper header, then PPP of a multilink bundle.
    pub const JUNIPER_MLPPP: Self = Self(130);
    /// Juniper header, then Frame Relay of a multilink bundle.
    pub const JUNIPER_MLFR: Self = Self(131);
    /// Juniper header and an 8-byte cookie, then LLC over ATM or IP.
    pub const JUNIPER_ATM2: Self = Self(135);
    /// Juniper header and a 4-byte cookie, then LLC over ATM or IP.
    pub const JUNIPER_ATM1: Self = Self(137);
    /// Apple IP over IEEE 1394.
    pub const APPLE_IP_OVER_IEEE1394: Self = Self(138);
    /// DOCSIS MAC frames.
    pub const DOCSIS: Self = Self(143);
    /// Private use; Apple's systems write PKTAP under it.
    pub const USER2: Self = Self(149);
    /// IEEE 802.11 after an AVS header.
    pub const IEEE802_11_AVS: Self = Self(163);
    /// Juniper header and an 8-byte cookie, then IP.
    pub const JUNIPER_MONITOR: Self = Self(164);
    /// PPP of Linux pppd: a direction byte in place of `ff`.
    pub const PPP_PPPD: Self = Self(166);
    /// Juniper header, then Ethernet with PPPoE.
    pub const JUNIPER_PPPOE: Self = Self(167);
    /// Endace ERF records of Ethernet.
    pub const ERF_ETH: Self = Self(175);
    /// Endace ERF records of packet over SONET.
    pub const ERF_POS: Self = Self(176);
    /// Juniper header, then Ethernet.
    pub const JUNIPER_ETHER: Self = Self(178);
    /// Juniper header, then PPP.
    pub const JUNIPER_PPP: Self = Self(179);
    /// Juniper header, then Frame Relay.
    pub const JUNIPER_FRELAY: Self = Self(180);
    /// Juniper header, then Cisco HDLC.
    pub const JUNIPER_CHDLC: Self = Self(181);
    /// Multi-link Frame Relay, FRF.16.
    pub const MFR: Self = Self(182);
    /// Per-Packet Information: names the link type that follows it.
    pub const PPI: Self = Self(192);
    /// Endace ERF records.
    pub const ERF: Self = Self(197);
    /// PPP after a direction byte.
    pub const PPP_WITH_DIR: Self = Self(204);
    /// Cisco HDLC after a direction byte.
    pub const C_HDLC_WITH_DIR: Self = Self(205);
    /// Frame Relay after a direction byte.
    pub const FRELAY_WITH_DIR: Self = Self(206);
    /// MPLS.
    pub const MPLS: Self = Self(219);
    /// Solaris ipnet.
    pub const IPNET: Self = Self(226);
    /// IPv4.
    pub const IPV4: Self = Self(228);
    /// IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux netfilter log.
    pub const NFLOG: Self = Self(239);
    /// Hilscher netANALYZER: 4 bytes, then Ethernet.
    pub const NETANALYZER: Self = Self(240);
    /// The same, with preamble and SFD.
    pub const NETANALYZER_TRANSPARENT: Self = Self(241);
    /// IP over InfiniBand: a 40-byte GRH, EtherType, 2 bytes.
    pub const IPOIB: Self = Self(242);
    /// Apple PKTAP: names the link type that follows it.
    pub const PKTAP: Self = Self(258);
    /// Ethernet of a passive optical network: the preamble, then Ethernet.
    pub const EPON: Self = Self(259);
    /// Ethernet mPackets, IEEE 802.3br.
    pub const ETHERNET_MPACKET: Self = Self(274);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
    /// Broadcom switch tag inside Ethernet.
    pub const DSA_TAG_BRCM: Self = Self(281);
    /// Broadcom switch tag before Ethernet.
    pub const DSA_TAG_BRCM_PREPEND: Self = Self(282);
    /// Marvell DSA tag inside Ethernet.
    pub const DSA_TAG_DSA: Self = Self(284);
    /// Marvell DSA tag with an EtherType.
    pub const DSA_TAG_EDSA: Self = Self(285);
    /// IP, as OpenBSD numbers it.
    pub const RAW_OPENBSD: Self = Self(14);

    /// The list's name without `LINKTYPE_`, or `None` where the list has no such number.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let at = NAMES.binary_search_by_key(&self.0, |&(number, _)| number).ok()?;
        NAMES.get(at).map(|&(_, name)| name)
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

/// The list, by number. 12 and 14 are what some systems write for `RAW`.
#[rustfmt::skip]
const NAMES: &[(u16, &str)] = &[
    (0, "NULL"), (1, "ETHERNET"), (2, "EXP_ETHERNET"), (3, "AX25"), (4, "PRONET"), (5, "CHAOS"),
    (6, "IEEE802_5"), (7, "ARCNET_BSD"), (8, "SLIP"), (9, "PPP"), (10, "FDDI"), (12, "RAW"), (14, "RAW"),
    (50, "PPP_SERIAL"), (51, "PPP_ETHER"), (99, "SYMANTEC_FIREWALL"), (100, "ATM_RFC1483"), (101, "RAW"),
    (102, "SLIP_BSDOS"), (103, "PPP_BSDOS"), (104, "C_HDLC"), (105, "IEEE802_11"), (106, "ATM_CLIP"),
    (107, "FRELAY"), (108, "LOOP"), (109, "ENC"), (110, "LANE8023"), (111, "HIPPI"), (112, "NETBSD_HDLC"),
    (113, "LINUX_SLL"), (114, "LTALK"), (115, "ECONET"), (116, "IPFILTER"), (117, "PFLOG"),
    (118, "CISCO_IOS"), (119, "IEEE802_11_PRISM"), (120, "IEEE802_11_AIRONET"), (121, "HHDLC"),
    (122, "IP_OVER_FC"), (123, "SUNATM"), (124, "RIO"), (125, "PCI_EXP"), (126, "AURORA"),
    (127, "IEEE802_11_RADIOTAP"), (128, "TZSP"), (129, "ARCNET_LINUX"), (130, "JUNIPER_MLPPP"),
    (131, "JUNIPER_MLFR"), (132, "JUNIPER_ES"), (133, "JUNIPER_GGSN"), (134, "JUNIPER_MFR"),
    (135, "JUNIPER_ATM2"), (136, "JUNIPER_SERVICES"), (137, "JUNIPER_ATM1"), (138, "APPLE_IP_OVER_IEEE1394"),
    (139, "MTP2_WITH_PHDR"), (140, "MTP2"), (141, "MTP3"), (142, "SCCP"), (143, "DOCSIS"),
    (144, "LINUX_IRDA"), (145, "IBM_SP"), (146, "IBM_SN"), (147, "USER0"), (148, "USER1"), (149, "USER2"),
    (150, "USER3"), (151, "USER4"), (152, "USER5"), (153, "USER6"), (154, "USER7"), (155, "USER8"),
    (156, "USER9"), (157, "USER10"), (158, "USER11"), (159, "USER12"), (160, "USER13"), (161, "USER14"),
    (162, "USER15"), (163, "IEEE802_11_AVS"), (164, "JUNIPER_MONITOR"), (165, "BACNET_MS_TP"),
    (166, "PPP_PPPD"), (167, "JUNIPER_PPPOE"), (168, "JUNIPER_PPPOE_ATM"), (169, "GPRS_LLC"), (170, "GPF_T"),
    (171, "GPF_F"), (172, "GCOM_T1E1"), (173, "GCOM_SERIAL"), (174, "JUNIPER_PIC_PEER"), (175, "ERF_ETH"),
    (176, "ERF_POS"), (177, "LINUX_LAPD"), (178, "JUNIPER_ETHER"), (179, "JUNIPER_PPP"),
    (180, "JUNIPER_FRELAY"), (181, "JUNIPER_CHDLC"), (182, "MFR"), (183, "JUNIPER_VP"), (184, "A429"),
    (185, "A653_ICM"), (186, "USB_FREEBSD"), (187, "BLUETOOTH_HCI_H4"), (188, "IEEE802_16_MAC_CPS"),
    (189, "USB_LINUX"), (190, "CAN20B"), (191, "IEEE802_15_4_LINUX"), (192, "PPI"),
    (193, "IEEE802_16_MAC_CPS_RADIO"), (194, "JUNIPER_ISM"), (195, "IEEE802_15_4_WITHFCS"), (196, "SITA"),
    (197, "ERF"), (198, "RAIF1"), (199, "IPMB_KONTRON"), (200, "JUNIPER_ST"),
    (201, "BLUETOOTH_HCI_H4_WITH_PHDR"), (202, "AX25_KISS"), (203, "LAPD"), (204, "PPP_WITH_DIR"),
    (205, "C_HDLC_WITH_DIR"), (206, "FRELAY_WITH_DIR"), (207, "LAPB_WITH_DIR"), (209, "IPMB_LINUX"),
    (210, "FLEXRAY"), (211, "MOST"), (212, "LIN"), (213, "X2E_SERIAL"), (214, "X2E_XORAYA"),
    (215, "IEEE802_15_4_NONASK_PHY"), (216, "LINUX_EVDEV"), (217, "GSMTAP_UM"), (218, "GSMTAP_ABIS"),
    (219, "MPLS"), (220, "USB_LINUX_MMAPPED"), (221, "DECT"), (222, "AOS"), (223, "WIHART"), (224, "FC_2"),
    (225, "FC_2_WITH_FRAME_DELIMS"), (226, "IPNET"), (227, "CAN_SOCKETCAN"), (228, "IPV4"), (229, "IPV6"),
    (230, "IEEE802_15_4_NOFCS"), (231, "DBUS"), (232, "JUNIPER_VS"), (233, "JUNIPER_SRX_E2E"),
    (234, "JUNIPER_FIBRECHANNEL"), (235, "DVB_CI"), (236, "MUX27010"), (237, "STANAG_5066_D_PDU"),
    (238, "JUNIPER_ATM_CEMIC"), (239, "NFLOG"), (240, "NETANALYZER"), (241, "NETANALYZER_TRANSPARENT"),
    (242, "IPOIB"), (243, "MPEG_2_TS"), (244, "NG40"), (245, "NFC_LLCP"), (246, "PFSYNC"),
    (247, "INFINIBAND"), (248, "SCTP"), (249, "USBPCAP"), (250, "RTAC_SERIAL"), (251, "BLUETOOTH_LE_LL"),
    (252, "WIRESHARK_UPPER_PDU"), (253, "NETLINK"), (254, "BLUETOOTH_LINUX_MONITOR"),
    (255, "BLUETOOTH_BREDR_BB"), (256, "BLUETOOTH_LE_LL_WITH_PHDR"), (257, "PROFIBUS_DL"), (258, "PKTAP"),
    (259, "EPON"), (260, "IPMI_HPM_2"), (261, "ZWAVE_R1_R2"), (262, "ZWAVE_R3"), (263, "WATTSTOPPER_DLM"),
    (264, "ISO_14443"), (265, "RDS"), (266, "USB_DARWIN"), (267, "OPENFLOW"), (268, "SDLC"),
    (269, "TI_LLN_SNIFFER"), (270, "LORATAP"), (271, "VSOCK"), (272, "NORDIC_BLE"), (273, "DOCSIS31_XRA31"),
    (274, "ETHERNET_MPACKET"), (275, "DISPLAYPORT_AUX"), (276, "LINUX_SLL2"), (277, "SERCOS_MONITOR"),
    (278, "OPENVIZSLA"), (279, "EBHSCR"), (280, "VPP_DISPATCH"), (281, "DSA_TAG_BRCM"),
    (282, "DSA_TAG_BRCM_PREPEND"), (283, "IEEE802_15_4_TAP"), (284, "DSA_TAG_DSA"), (285, "DSA_TAG_EDSA"),
    (286, "ELEE"), (287, "Z_WAVE_SERIAL"), (288, "USB_2_0"), (289, "ATSC_ALP"), (290, "ETW"),
    (291, "NETANALYZER_NG"), (292, "ZBOSS_NCP"), (293, "USB_2_0_LOW_SPEED"), (294, "USB_2_0_FULL_SPEED"),
    (295, "USB_2_0_HIGH_SPEED"), (296, "AUERSWALD_LOG"), (297, "ZWAVE_TAP"), (298, "SILABS_DEBUG_CHANNEL"),
    (299, "FIRA_UCI"),
];

#[cfg(test)]
mod tests {
    use super::{LinkType, NAMES};

    #[test]
    fn the_list_is_sorted_and_without_repeats() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn names() {
        assert_eq!(LinkType(113).to_string(), "LINUX_SLL");
        assert_eq!(LinkType::RAW.name(), Some("RAW"));
        assert_eq!(LinkType(208).name(), None);
        assert_eq!(LinkType(208).to_string(), "208");
    }
}
