//! One frame for each link type and tag: its header by hand in front of the same IP packet.

use crate::capture::LinkType;
use crate::decode::decode;

use super::super::stop::Stop;

/// 10.0.0.1 to 10.0.0.2, UDP 5 to 6, no payload.
const V4: &str = "4500001c00010000401166ce0a0000010a000002 000500060008ebd0";
/// 2001:db8::1 to 2001:db8::2, UDP 5 to 6, no payload.
const V6: &str = "6000000000081140 20010db8000000000000000000000001 20010db8000000000000000000000002 000500060008ebd0";

/// A header in front of IPv4 or IPv6: (name, link type, header in hex, IP version, MACs).
pub(super) struct Case(pub(super) &'static str, pub(super) u16, &'static str, u8, &'static str);

impl Case {
    pub(super) fn frame(&self) -> Vec<u8> {
        crate::decode::tests::bytes(&[self.2, if self.3 == 4 { V4 } else { V6 }].concat())
    }
}

/// The MACs of `M`, destination first, as Ethernet has them.
macro_rules! macs {
    ($rest:literal) => {
        concat!("020000000002 020000000001 ", $rest)
    };
}

#[rustfmt::skip]
pub(super) const PREFIXED: &[Case] = &[
    Case("NULL, big-endian", 0, "00000002", 4, "-"),
    Case("NULL, FreeBSD IPv6", 0, "1c000000", 6, "-"),
    Case("NULL, Darwin IPv6", 0, "1e000000", 6, "-"),
    Case("NULL, an EtherType", 0, "00080000", 4, "-"),
    Case("NULL, IRIX", 0, "00020000", 4, "-"),
    Case("NULL, Windows IPv6", 0, "17000000", 6, "-"),
    Case("NULL, PPP", 0, "ff03 0021", 4, "-"),
    Case("LOOP, OpenBSD IPv6", 108, "00000018", 6, "-"),
    Case("RAW IPv6", 101, "", 6, "-"),
    Case("RAW 14", 14, "", 4, "-"),
    Case("RAW, PPP", 12, "ff03 0057", 6, "-"),
    Case("Ethernet IPv6", 1, macs!("86dd"), 6, "M"),
    Case("VLAN 9100", 1, macs!("9100 0005 0800"), 4, "M"),
    Case("PPPoE in VLAN", 1, macs!("8100 0005 8864 1100 0001 001e 0021"), 4, "M"),
    Case("PPPoE IPv6", 1, macs!("8864 1100 0001 0032 0057"), 6, "M"),
    Case("MPLS IPv6, two labels", 1, macs!("8847 00010040 00011140"), 6, "M"),
    Case("MPLS, channel of IPv4", 1, macs!("8847 0000d140 1000 0021"), 4, "M"),
    Case("MPLS, channel of IPv6", 1, macs!("8847 00010140 1000 0057"), 6, "M"),
    Case("TRILL", 1, macs!("22f3 003f 0001 0002 0a0000000002 0a0000000001 0800"), 4, "M"),
    Case("TRILL, options", 1, macs!("22f3 00bf 0001 0002 00000000 00000000 0a0000000002 0a0000000001 0800"), 4, "M"),
    Case("FabricPath", 1, macs!("8903 0060 0a0000000002 0a0000000001 0800"), 4, "M"),
    Case("802.11 in Ethernet", 1, macs!("2452 0800 0000 0a0000000002 0a0000000001 0e0000000003 0000 aaaa03 000000 0800"), 4, "M"),
    Case("MAC-in-MAC", 1, macs!("88e7 00000001 0a0000000002 0a0000000001 0800"), 4, "M"),
    Case("MACsec, no SCI", 1, macs!("88e5 00 00 00000001 0800"), 4, "M"),
    Case("MACsec, SCI", 1, macs!("88e5 20 00 00000001 0000000000000001 0800"), 4, "M"),
    Case("VN-tag", 1, macs!("8926 00000001 0800"), 4, "M"),
    Case("E-tag", 1, macs!("893f 000000000001 0800"), 4, "M"),
    Case("Cisco metadata", 1, macs!("8909 01 01 0001 0002 0800"), 4, "M"),
    Case("HSR", 1, macs!("892f 0000 0001 0800"), 4, "M"),
    Case("NSH to IPv4", 1, macs!("894f 0002 0201 00000100"), 4, "M"),
    Case("NSH to Ethernet", 1, macs!("894f 0006 0103 00000100 00000000000000000000000000000000 0a0000000002 0a0000000001 0800"), 4, "M"),
    Case("802.3, LLC IP", 1, macs!("001f 060603"), 4, "M"),
    Case("802.3, 802.1H SNAP", 1, macs!("0024 aaaa03 0000f8 0800"), 4, "M"),
    Case("802.3, LLC of a connection", 1, macs!("0025 aaaa 0002 000000 0800"), 4, "M"),
    Case("802.3, bridged", 1, macs!("0036 aaaa03 0080c2 0007 0000 0a0000000002 0a0000000001 0800"), 4, "M"),
    Case("802.3, OSI", 1, macs!("0020 fefe03 cc"), 4, "M"),
    Case("ISL", 1, "01000c000000 00a0c0000000 0040 aaaa03 00a0c0 0002 0000 0000 020000000002 020000000001 0800", 4, "M"),
    Case("SLL", 113, "0000 0001 0006 020000000001 0000 86dd", 6, "02:00:00:00:00:01>-"),
    Case("SLL, VLAN", 113, "0000 0001 0006 020000000001 0000 8100 0005 0800", 4, "02:00:00:00:00:01>-"),
    Case("SLL, PPP", 113, "0000 0200 0000 0000000000000000 0007 0021", 4, "-"),
    Case("SLL, a whole frame", 113, "0000 0304 0000 0000000000000000 0003 020000000002 020000000001 0800", 4, "M"),
    Case("SLL, 802.11", 113, "0000 0321 0000 0000000000000000 0004 0800 0000 020000000002 020000000001 0e0000000003 0000 aaaa03 000000 0800", 4, "M"),
    Case("SLL, radiotap", 113, "0000 0323 0000 0000000000000000 0004 0000 0800 00000000 0800 0000 020000000002 020000000001 0e0000000003 0000 aaaa03 000000 0800", 4, "M"),
    Case("SLL, GRE", 113, "0000 030a 0004 0a00000100000000 86dd", 6, "-"),
    Case("SLL2, no address", 276, "0800 0000 00000001 0304 00 00 0000000000000000", 4, "-"),
    Case("NFLOG", 239, "02 00 0001 0600 0a00 0001 0000 2000 0900", 4, "-"),
    Case("NFLOG, big-endian, IPv6", 239, "0a 00 0001 0006 000a 0001 0000 0034 0009", 6, "-"),
    Case("NFLOG of a bridge", 239, "07 00 0001 0800 0100 0800 0300 2000 0900", 4, "-"),
    Case("NFLOG of a bridge, VLAN", 239, "07 00 0001 0800 0100 8100 0300 2400 0900 0005 0800", 4, "-"),
    Case("NFLOG, sent from here", 239, "02 00 0001 0800 0100 0000 0300 2000 0900", 4, "-"),
    Case("PPP without address", 9, "0021", 4, "-"),
    Case("PPP, protocol of one byte", 9, "ff03 21", 4, "-"),
    Case("PPP, bridged Ethernet", 9, "ff03 0031 00 01 020000000002 020000000001 0800", 4, "M"),
    Case("PPP MPLS", 9, "ff03 0281 00000140", 4, "-"),
    Case("PPP, numbered", 9, "ff13 0021", 4, "-"),
    Case("PPP, Cisco HDLC", 9, "0f00 0800", 4, "-"),
    Case("PPP, an EtherType", 9, "ff03 86dd", 6, "-"),
    Case("PPP, a whole multilink fragment", 9, "ff03 003d c0000001 0021", 4, "-"),
    Case("PPP_SERIAL without address", 50, "0021", 4, "-"),
    Case("PPP_SERIAL", 50, "ff03 0057", 6, "-"),
    Case("PPP_SERIAL, Cisco", 50, "0f00 0800", 4, "-"),
    Case("PPP_ETHER", 51, "1100 0001 001e 0021", 4, "-"),
    Case("PPP_PPPD", 166, "0103 0021", 4, "-"),
    Case("PPP_WITH_DIR", 204, "01 ff03 0021", 4, "-"),
    Case("C_HDLC", 104, "0f00 86dd", 6, "-"),
    Case("C_HDLC, OSI", 104, "0f00 fefe 03 cc", 4, "-"),
    Case("C_HDLC_WITH_DIR", 205, "00 8f00 0800", 4, "-"),
    Case("FRELAY, NLPID", 107, "1841 03 cc", 4, "-"),
    Case("FRELAY, pad and SNAP", 107, "1841 03 00 80 000000 86dd", 6, "-"),
    Case("FRELAY, Cisco", 107, "1841 0800", 4, "-"),
    Case("FRELAY, OSI", 107, "1841 fefe 03 8e", 6, "-"),
    Case("FRELAY, bridged", 107, "1841 03 00 80 0080c2 0007 020000000002 020000000001 0800", 4, "M"),
    Case("FRELAY, 4-byte address", 107, "18401801 03 8e", 6, "-"),
    Case("FRELAY_WITH_DIR", 206, "00 1841 03 cc", 4, "-"),
    Case("MFR", 182, "c001 1841 03 cc", 4, "-"),
    Case("MPLS", 219, "00010140", 4, "-"),
    Case("802.11, to DS", 105, "0801 0000 0e0000000003 020000000001 020000000002 0000 aaaa03 000000 0800", 4, "M"),
    Case("802.11, from DS", 105, "0802 0000 020000000002 0e0000000003 020000000001 0000 aaaa03 000000 0800", 4, "M"),
    Case("802.11, four addresses", 105, "0803 0000 0e0000000003 0e0000000004 020000000002 0000 020000000001 aaaa03 000000 0800", 4, "M"),
    Case("802.11, QoS and HT control", 105, "8880 0000 020000000002 020000000001 0e0000000003 0000 0000 00000000 aaaa03 000000 0800", 4, "M"),
    Case("802.11, A-MSDU", 105, "8801 0000 0e0000000003 0e0000000004 0e0000000003 0000 8000 020000000002 020000000001 0024 aaaa03 000000 0800", 4, "M"),
    Case("802.11, mesh", 105, "8802 0000 020000000002 0e0000000003 020000000001 0000 0001 00 1f 00000001 aaaa03 000000 0800", 4, "M"),
    Case("802.11, padding that nothing tells", 105, "8800 0000 020000000002 020000000001 0e0000000003 0000 0000 0000 aaaa03 000000 0800", 4, "M"),
    Case("radiotap, TSFT and padding", 127, "0000 1100 03000000 0000000000000000 20 8800 0000 020000000002 020000000001 0e0000000003 0000 0000 0000 aaaa03 000000 0800", 4, "M"),
    Case("PRISM", 119, "44000000 08000000 0800 0000 020000000002 020000000001 0e0000000003 0000 aaaa03 000000 0800", 4, "M"),
    Case("PRISM, big-endian", 119, "00000041 00000008 0800 0000 020000000002 020000000001 0e0000000003 0000 aaaa03 000000 0800", 4, "M"),
    Case("PRISM, AVS", 119, "80211001 00000008 0800 0000 020000000002 020000000001 0e0000000003 0000 aaaa03 000000 0800", 4, "M"),
    Case("PRISM, no header", 119, "0800 0000 020000000002 020000000001 0e0000000003 0000 aaaa03 000000 0800", 4, "M"),
    Case("AVS", 163, "80211001 00000008 0800 0000 020000000002 020000000001 0e0000000003 0000 aaaa03 000000 0800", 4, "M"),
    Case("PPI of Ethernet", 192, "0000 0800 01000000 020000000002 020000000001 0800", 4, "M"),
    Case("ENC", 109, "02000000 00000000 00000000", 4, "-"),
    Case("ENC, FreeBSD IPv6, big-endian", 109, "0000001c 00000000 00000000", 6, "-"),
    Case("PFLOG, IPv6", 117, "3d18 0000 00000000000000000000000000000000 00000000000000000000000000000000 00000000000000000000000000000000 000000000000000000000000", 6, "-"),
    Case("PFLOG", 117, "2d02 0000 00000000000000000000000000000000 00000000000000000000000000000000 000000000000000000000000", 4, "-"),
    Case("IPNET", 226, "021a 0000 00000030 00000002 00000000 00000000 00000000", 6, "-"),
    Case("SLIP", 8, "00 000000000000000000000000000000", 4, "-"),
    Case("FDDI", 10, "50 020000000002 020000000001 aaaa03 000000 0800", 4, "M"),
    Case("Token Ring", 6, "1040 020000000002 020000000001 aaaa03 000000 0800", 4, "M"),
    Case("Token Ring, routed", 6, "1040 020000000002 820000000001 0600 0000 0000 aaaa03 000000 0800", 4, "M"),
    Case("ARCNET_BSD", 7, "01 02 d4 00 0001", 4, "-"),
    Case("ARCNET_BSD, exception", 7, "01 02 d4 ff ffffff 00 0001", 4, "-"),
    Case("ARCNET_LINUX", 129, "01 02 0000 c4 00 0001", 6, "-"),
    Case("IP over FC", 122, "1000 020000000002 1000 020000000001 aaaa03 000000 0800", 4, "M"),
    Case("ATM_RFC1483", 100, "aaaa03 000000 0800", 4, "-"),
    Case("ATM_RFC1483, bridged", 100, "aaaa03 0080c2 0007 0000 020000000002 020000000001 0800", 4, "M"),
    Case("ATM_RFC1483, bridged FDDI", 100, "aaaa03 0080c2 000a 000000 50 020000000002 020000000001 aaaa03 000000 0800", 4, "M"),
    Case("ATM_CLIP", 106, "", 4, "-"),
    Case("SUNATM", 123, "02 00 0064 aaaa03 000000 0800", 4, "-"),
    Case("SUNATM, LANE", 123, "01 00 0064 0001 020000000002 020000000001 0800", 4, "M"),
    Case("IEEE 1394", 138, "0000000000000001 0000000000000002 0800", 4, "-"),
    Case("IPOIB", 242, "0000000000000000000000000000000000000000 0000000000000000000000000000000000000000 86dd 0000", 6, "-"),
    Case("PKTAP", 258, "0c000000 01000000 01000000 020000000002 020000000001 0800", 4, "M"),
    Case("PKTAP of Apple's systems", 149, concat!("6c000000 01000000 01000000 000000000000000000000000 000000000000000000000000 000000000000000000000000 000000000000000000000000 000000000000000000000000 000000000000000000000000 000000000000000000000000 000000000000000000000000", macs!("0800")), 4, "M"),
    Case("Juniper ATM1", 137, "4d4743 00 00000000", 4, "-"),
    Case("Juniper ATM2, SNAP", 135, "4d4743 00 0000000000000000 aaaa03 000000 86dd", 6, "-"),
    Case("Juniper ATM1, NLPID", 137, "4d4743 00 00000000 03 cc", 4, "-"),
    Case("Juniper monitoring", 164, "4d4743 00 0000000000000000", 6, "-"),
    Case("Juniper MLPPP", 130, "4d4743 00 0021", 4, "-"),
    Case("Juniper MLFR", 131, "4d4743 00 1841 03 cc", 4, "-"),
    Case("Juniper PPPoE", 167, concat!("4d4743 00", macs!("8864 1100 0001 001e 0021")), 4, "M"),
    Case("Juniper, no link header, MPLS", 178, "4d4743 02 05000000 00010140", 4, "-"),
    Case("Juniper Ethernet, extensions", 178, "4d4743 80 0003 000000 020000000002 020000000001 0800", 4, "M"),
    Case("Juniper PPP", 179, "4d4743 00 0021", 4, "-"),
    Case("Juniper, no link header", 181, "4d4743 02 00000000", 4, "-"),
    Case("DSA", 284, macs!("c0100539 0800"), 4, "M"),
    Case("EDSA", 285, macs!("dada 0000 c0100539 86dd"), 6, "M"),
    Case("Broadcom tag in front", 282, concat!("00000001", macs!("0800")), 4, "M"),
    Case("NETANALYZER", 240, concat!("00000001", macs!("0800")), 4, "M"),
    Case("NETANALYZER_TRANSPARENT", 241, concat!("00000001 55555555555555d5", macs!("0800")), 4, "M"),
    Case("mPacket", 274, concat!("55555555555555e6", macs!("0800")), 4, "M"),
    Case("TZSP", 128, concat!("01 00 0001 0a 01 20 00 01", macs!("0800")), 4, "M"),
    Case("ERF, an extension header", 197, concat!("0000000000000000 82 00 0000 0000 0000 0000000000000000 0000", macs!("0800")), 4, "M"),
    Case("ERF, AAL5", 197, "0000000000000000 04 00 0000 0000 0000 00000000 aaaa03 000000 0800", 4, "-"),
    Case("ERF, channel of AAL5", 197, "0000000000000000 09 00 0000 0000 0000 00000000 00000000 aaaa03 000000 86dd", 6, "-"),
    Case("ERF, channel of HDLC", 197, "0000000000000000 05 00 0000 0000 0000 00000000 ff03 0021", 4, "-"),
    Case("EPON", 259, concat!("5555d555550001aa", macs!("0800")), 4, "M"),
    Case("DOCSIS", 143, concat!("00 00 0000 0000", macs!("0800")), 4, "M"),
    Case("Symantec", 99, "000000000000 0800 000000000000000000000000000000000000000000000000000000000000000000000000", 4, "-"),
];

#[test]
fn each_link_type_leads_to_ip() {
    for case in PREFIXED {
        let ips = if case.3 == 4 { "10.0.0.1>10.0.0.2" } else { "2001:db8::1>2001:db8::2" };
        let want = format!("{} {ips} UDP 5>6 -", case.4);
        assert_eq!(crate::decode::tests::shown(case.1, &case.frame()), want, "{}", case.0);
    }
}

/// What is kept where there is no IP header, or no readable one.
#[rustfmt::skip]
const OTHERS: &[(&str, u16, &str, &str)] = &[
    ("802.11 beacon", 105, "8000 0000 ffffffffffff 020000000001 020000000001 0000 00", "02:00:00:00:00:01>ff:ff:ff:ff:ff:ff - - - -"),
    ("802.11 acknowledgement has no SA and DA", 105, "d400 0000 020000000001", "- - - - -"),
    ("802.11 protected", 105, "0841 0000 0e0000000003 020000000001 020000000002 0000 00000000", "M - - - -"),
    ("802.11 null data", 105, "4801 0000 0e0000000003 020000000001 020000000002 0000", "M - - - -"),
    ("802.11 version 1", 105, "0900 0000", "- - - - wifi_malformed"),
    ("MACsec encrypted", 1, macs!("88e5 0c 00 00000001 0800"), "M - - - -"),
    ("PPPoE discovery", 1, macs!("8863 1109 0000 0000"), "M - - - -"),
    ("PPP compressed", 9, "ff03 00fd 4500", "- - - - -"),
    ("Ethernet pseudowire", 1, macs!("8847 00010140 020000000004 020000000003 0800"), "M - - - -"),
    ("SLIP of another kind", 8, "67676767676767676767676767676767 6767", "- - - - link_malformed"),
    ("RAW of no version", 101, "1000", "- - - - ip_version_unknown"),
    ("NULL, IPX", 0, "17000000 ffff 0022", "- - - - -"),
    ("LOOP is big-endian", 108, "02000000 4500001c", "- - - - -"),
    ("ENC of no family", 109, "00000000 00000000 00000000 4500001c", "- - - - -"),
    ("ENC, another version", 109, "02000000 00000000 00000000 6000", "- - - - ipv4_malformed"),
    ("private link type", 149, "4500001c", "- - - - unknown_link_type"),
    ("802.3, LLC response", 1, macs!("0008 aaab03 000000 0800"), "M - - - -"),
    ("Ethernet II to ISL's address", 1, "01000c000000 020000000001 88cc 0000", "02:00:00:00:00:01>01:00:0c:00:00:00 - - - -"),
    ("SLL, netlink", 113, "0004 0338 0000 0000000000000000 0800 4500", "- - - - -"),
    ("PPP, a multilink fragment", 9, "003d 80000001 0021 4500", "- - - - -"),
    ("SUNATM, LANE control", 123, "01 00 0064 ff00 0101 020000000002 020000000001", "- - - - -"),
    ("FDDI, of the ring", 10, "41 020000000002 020000000001 aaaa03 000000 0800", "M - - - -"),
    ("Juniper, another magic", 137, "4d4744 00 00000000 4500", "- - - - link_malformed"),
    ("MFR, a later fragment", 182, "4001 1841 03 cc 4500", "- - - - -"),
    ("PKTAP, no packet", 258, "0c000000 02000000 01000000 00", "- - - - -"),
    ("PPI cut", 192, "0000 2000 69000000 00", "- - - - radio_cut"),
];

#[test]
fn what_leads_to_no_ip_keeps_what_it_has() {
    for &(name, link_type, frame, want) in OTHERS {
        assert_eq!(crate::decode::tests::shown(link_type, &crate::decode::tests::bytes(frame)), want, "{name}");
    }
}

/// IPv4 and IPv6 headers and their transport; (name, RAW frame, what is found).
#[rustfmt::skip]
const IP: &[(&str, &str, &str)] = &[
    ("source kept, destination cut", "4500001c0001000040110000 0a000001 0a00", "- 10.0.0.1>- UDP - ipv4_cut"),
    ("source cut", "4500001c0001000040110000 0a0000", "- - UDP - ipv4_cut"),
    ("options cut", "4600002400010000401100000a0000010a000002 0101", "- 10.0.0.1>10.0.0.2 UDP - ipv4_cut"),
    ("options", "4600002000010000401100000a0000010a000002 01010101 000500060008ebd0", "- 10.0.0.1>10.0.0.2 UDP 5>6 -"),
    ("IPv4 AH", "4500003400010000403300000a0000010a000002 1104 0000 00000001 00000001 000000000000000000000000 000500060008ebd0", "- 10.0.0.1>10.0.0.2 UDP 5>6 -"),
    ("AH cut", "4500003400010000403300000a0000010a000002 1104 0000", "- 10.0.0.1>10.0.0.2 AH - extension_cut"),
    ("AH too short", "4500003400010000403300000a0000010a000002 1100 0000 00000001 00000001", "- 10.0.0.1>10.0.0.2 AH - extension_malformed"),
    ("later fragment of AH", "4500003400010001403300000a0000010a000002 1104 0000", "- 10.0.0.1>10.0.0.2 AH - -"),
    ("IPv4, destination options", "4500002400010000403c00000a0000010a000002 1100010400000000 000500060008ebd0", "- 10.0.0.1>10.0.0.2 UDP 5>6 -"),
    ("HIP", "4500001400010000408b00000a0000010a000002", "- 10.0.0.1>10.0.0.2 HIP - -"),
    ("Shim6", "4500001400010000408c00000a0000010a000002", "- 10.0.0.1>10.0.0.2 Shim6 - -"),
    ("BIT-EMU", "4500001400010000409300000a0000010a000002", "- 10.0.0.1>10.0.0.2 BIT-EMU - -"),
    ("DCCP", "4500002000010000402100000a0000010a000002 00050006 0300 0000 00000000", "- 10.0.0.1>10.0.0.2 DCCP 5>6 -"),
    ("UDP-Lite cut", "4500001c00010000408800000a0000010a000002 00050006", "- 10.0.0.1>10.0.0.2 UDPLite 5>6 udp_lite_cut"),
    ("no keyword", "4500001400010000409b00000a0000010a000002", "- 10.0.0.1>10.0.0.2 155 - -"),
    ("padding is not ports", "4500001400010000400600000a0000010a000002 000500060000", "- 10.0.0.1>10.0.0.2 TCP - tcp_cut"),
    ("IPv6 destination cut", "6000000000081140 20010db8000000000000000000000001 2001", "- 2001:db8::1>- UDP - ipv6_cut"),
    ("IPv6 chain cut", "6000000000103c40 20010db8000000000000000000000001 20010db8000000000000000000000002 0600010400000000 00", "- 2001:db8::1>2001:db8::2 TCP - tcp_cut"),
    ("IPv6 options cut", "6000000000100040 20010db8000000000000000000000001 20010db8000000000000000000000002 3c00010400000000 0600", "- 2001:db8::1>2001:db8::2 IPv6-Opts - extension_cut"),
    ("IPv6 mobility is the protocol", "6000000000088740 20010db8000000000000000000000001 20010db8000000000000000000000002 3b00000000000000", "- 2001:db8::1>2001:db8::2 Mobility Header - -"),
    ("IPv6 no next header", "6000000000003b40 20010db8000000000000000000000001 20010db8000000000000000000000002", "- 2001:db8::1>2001:db8::2 IPv6-NoNxt - -"),
];

#[test]
fn ip_keeps_what_precedes_the_fault() {
    for &(name, frame, want) in IP {
        assert_eq!(crate::decode::tests::shown(101, &crate::decode::tests::bytes(frame)), want, "{name}");
    }
}

#[test]
fn tcp_after_a_compressed_header_is_tcp() {
    // RFC 1144: 7 is a connection, not a protocol; ports 5 and 6.
    let frame = "002f 4500002800010000400700000a0000010a000002 0005000600000000000000005000200000000000";
    assert_eq!(crate::decode::tests::shown(9, &crate::decode::tests::bytes(frame)), "- 10.0.0.1>10.0.0.2 TCP 5>6 -");
    // 50 is a connection as well; the packet is a later fragment; the header is cut.
    let frame = "002f 4500002800010005403200000a0000010a000002 00050006";
    assert_eq!(crate::decode::tests::shown(9, &crate::decode::tests::bytes(frame)), "- 10.0.0.1>10.0.0.2 TCP - -");
    assert_eq!(
        crate::decode::tests::shown(9, &crate::decode::tests::bytes("002f 4500002800010000400700000a00")),
        "- - TCP - ipv4_cut"
    );
}

#[test]
fn dns_over_tcp_stands_after_its_length() {
    let header = "4500000000010000400600000a0000010a000002 10003500 0000000000000000 5018 2000 0000 0000".replacen(
        "10003500",
        "1000 0035",
        1,
    );
    let message = "00010100000100000000000001610000010001";
    let query = |segment: String| {
        let frame = crate::decode::tests::bytes(&[&header, segment.as_str()].concat());
        let packet = decode(LinkType::RAW, &frame);
        packet.dns.and_then(|dns| dns.query_name()).map(|name| name.to_string())
    };
    assert_eq!(query(format!("0013{message}")).as_deref(), Some("a."));
    assert_eq!(query(format!("ffff{message}")).as_deref(), Some("a."));
    // A length that ends inside the name; a segment without payload; one with half a length.
    assert_eq!(query(format!("000d{message}")), None);
    assert_eq!(query(String::new()), None);
    assert_eq!(query("00".into()), None);
    let stop = |segment: String| {
        decode(LinkType::RAW, &crate::decode::tests::bytes(&[&header, segment.as_str()].concat())).stop
    };
    assert_eq!(stop(format!("0013{message}")), None);
    // A message whose rest is in the next segment; the middle of a message; a length alone.
    assert_eq!(stop("0100 000101000001000100000000 0161 00 0001 0001".into()), Some(Stop::DnsCut));
    assert_eq!(stop("0161 00 0001 0001 c00c 0001 0001".into()), Some(Stop::DnsMidStream));
    assert_eq!(stop("0013".into()), Some(Stop::DnsMidStream));
    assert_eq!(stop(String::new()), None);
}
