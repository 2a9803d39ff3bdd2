//! Frames with tunnels, by hand. Headers of Ethernet, IP and UDP are put around what is written here in hex; what each frame must
//! give follows from its bytes.
//!
//! What is found is said as `macs ips protocol ports stop tunnels number outer`. `M` stands for the MACs of the outer frame, `N`
//! for those of the inner one, `O` for the addresses `10.0.0.1>10.0.0.2` or `2001:db8::1>2001:db8::2` of the outer packet.

use crate::capture::LinkType;
use crate::config::{Decapsulation, TunnelKind};
use crate::decode::{Packet, decode_inner};

use super::{bytes, said};

/// IPv4 from 172.16.0.1 to 172.16.0.2, 40 bytes; TCP from 40000 to 443.
pub(super) const TCP4: &str =
    "4500002800020000400600 00 ac100001 ac100002 9c4001bb 00000001 00000000 5002 2000 00000000";
pub(super) const TCP4_FOUND: &str = "172.16.0.1>172.16.0.2 TCP 40000>443 -";
/// IPv6 from fd00::1 to fd00::2, 53 bytes; UDP from 40001 to 9999.
pub(super) const UDP6: &str = "60000000 000d 11 40 fd000000000000000000000000000001 fd000000000000000000000000000002 \
                               9c41 270f 000d 0000 68656c6c6f";
pub(super) const UDP6_FOUND: &str = "fd00::1>fd00::2 UDP 40001>9999 -";
/// The header of the inner frame.
pub(super) const MACS: &str = "060000000004 060000000003";
/// ARP: a request of 172.16.0.1 for 172.16.0.2.
const ARP: &str = "0806 0001 0800 06 04 0001 060000000003 ac100001 000000000000 ac100002";

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap().to_be_bytes()
}

/// IPv4 from 10.0.0.1 to 10.0.0.2. `fragment` has the flags and the offset.
pub(super) fn v4_fragment(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let [high, low] = fragment.to_be_bytes();
    let header = [0x45, 0, total[0], total[1], 0, 1, high, low, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    [&header, payload].concat()
}

pub(super) fn v4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    v4_fragment(protocol, 0, payload)
}

/// IPv6 from 2001:db8::1 to 2001:db8::2.
pub(super) fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
    let addresses = bytes("20010db8000000000000000000000001 20010db8000000000000000000000002");
    [&[0x60, 0, 0, 0][..], &length(payload), &[next, 64], &addresses, payload].concat()
}

pub(super) fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap().to_be_bytes();
    [&src.to_be_bytes()[..], &dst.to_be_bytes(), &length, &[0, 0], payload].concat()
}

/// The outer frame.
pub(super) fn ethernet(packet: &[u8]) -> Vec<u8> {
    let ether_type = if packet[0] >> 4 == 6 { [0x86, 0xdd] } else { [0x08, 0x00] };
    [&bytes("020000000002 020000000001")[..], &ether_type, packet].concat()
}

pub(super) fn everything(frame: &[u8]) -> Packet<'_> {
    decode_inner(LinkType::ETHERNET, frame, &Decapsulation::all())
}

pub(super) fn shown_of(packet: &Packet<'_>) -> String {
    let tunnels = packet.tunnels;
    let names: Vec<_> = tunnels.kinds().map(TunnelKind::label).collect();
    let names = if names.is_empty() { "-".to_owned() } else { names.join("/") };
    let number = tunnels.id().map_or("-".to_owned(), |id| format!("{id:#x}"));
    let outer = match (tunnels.outer_ip_src(), tunnels.outer_ip_dst()) {
        (Some(src), Some(dst)) => format!("{src}>{dst}"),
        _ => "-".to_owned(),
    };
    assert_eq!(tunnels.is_empty(), outer == "-");
    let text = format!("{} {names} {number} {outer}", said(packet));
    let text = text.replacen("06:00:00:00:00:03>06:00:00:00:00:04", "N", 1);
    text.replace("10.0.0.1>10.0.0.2", "O").replace("2001:db8::1>2001:db8::2", "O")
}

pub(super) fn shown(frame: &[u8]) -> String {
    shown_of(&everything(frame))
}

/// What is found in a frame whose outer packet is IPv4, and in the same one over IPv6.
fn over_both(protocol: u8, payload: &[u8]) -> String {
    let [four, six] = [v4(protocol, payload), v6(protocol, payload)].map(|packet| shown(&ethernet(&packet)));
    assert_eq!(four, six);
    four
}

fn over_udp(port: u16, hex: &str) -> String {
    let payload = bytes(hex);
    let found = over_both(17, &udp(33333, port, &payload));
    // Either port may be the tunnel's.
    assert_eq!(over_both(17, &udp(port, 50000, &payload)), found);
    found
}

fn over_gre(hex: &str) -> String {
    over_both(47, &bytes(hex))
}

#[test]
fn vxlan() {
    for (port, header) in [(4789, "08000000 00002a00"), (8472, "08000000 00002a00"), (4790, "0c000003 00002a00")] {
        let found = |hex: &str| over_udp(port, &format!("{header} {MACS} {hex}"));
        assert_eq!(found(&format!("0800 {TCP4}")), format!("N {TCP4_FOUND} VXLAN 0x2a O"));
        assert_eq!(found(&format!("86dd {UDP6}")), format!("N {UDP6_FOUND} VXLAN 0x2a O"));
        assert_eq!(found(&format!("8100 0005 0800 {TCP4}")), format!("N {TCP4_FOUND} VXLAN 0x2a O"));
    }
    // A group policy; the other protocols of the extension; plain VXLAN at its port.
    let group = format!("88080064 00002a00 {MACS} 0800 {TCP4}");
    assert_eq!(over_udp(4789, &group), format!("N {TCP4_FOUND} VXLAN 0x2a O"));
    assert_eq!(over_udp(4790, &format!("0c000001 00002a00 {TCP4}")), format!("M {TCP4_FOUND} VXLAN 0x2a O"));
    assert_eq!(over_udp(4790, &format!("0c000002 00002a00 {UDP6}")), format!("M {UDP6_FOUND} VXLAN 0x2a O"));
    assert_eq!(over_udp(4790, &format!("0c000005 00002a00 00010109 {TCP4}")), format!("M {TCP4_FOUND} VXLAN 0x2a O"));
    let nsh = format!("0c000004 00002a00 0fc2 0101 00000000 {TCP4}");
    assert_eq!(over_udp(4790, &nsh), format!("M {TCP4_FOUND} VXLAN 0x2a O"));
    let plain = format!("08000000 00002a00 {MACS} 0800 {TCP4}");
    assert_eq!(over_udp(4790, &plain), format!("N {TCP4_FOUND} VXLAN 0x2a O"));
}

#[test]
fn a_frame_without_ip_gives_its_macs() {
    let arp = format!("08000000 00002a00 {MACS} {ARP}");
    assert_eq!(shown(&ethernet(&v4(17, &udp(33333, 4789, &bytes(&arp))))), "N O UDP 33333>4789 - VXLAN 0x2a O");
    assert_eq!(over_gre(&format!("0000 6558 {MACS} {ARP}")), "N O GRE - - GRE - O");
    // The version is not that of the EtherType.
    let broken = format!("0000 6558 {MACS} 0800 {UDP6}");
    assert_eq!(over_gre(&broken), "N O GRE - ipv4_malformed GRE - O");
}

#[test]
fn a_port_is_not_enough() {
    // A query for www.example.com, identification 0x0800; to and from the ports of tunnels.
    let query = bytes("0800 0100 0001 0000 0000 0000 03777777 076578616d706c65 03636f6d 00 0001 0001");
    for port in [4789, 8472, 4790, 6081, 2152, 1701, 37008, 6635, 3544] {
        for (src, dst) in [(port, 53), (53, port)] {
            let frame = ethernet(&v4(17, &udp(src, dst, &query)));
            let packet = everything(&frame);
            assert!(packet.dns.is_some() && packet.tunnels.is_empty(), "{port}");
            assert_eq!(packet.stop, None);
        }
        let nothing = over_both(17, &udp(33333, port, &query));
        assert_eq!(nothing, format!("M O UDP 33333>{port} - - - -"));
        assert_eq!(over_both(17, &udp(33333, port, &[])), nothing);
    }
    // Reserved bits are set, and what follows is no IP packet; and where it is one.
    let odd = format!("08000001 00002a00 {MACS}");
    assert_eq!(over_both(17, &udp(33333, 4789, &bytes(&format!("{odd} {ARP}")))), "M O UDP 33333>4789 - - - -");
    assert_eq!(over_udp(4789, &format!("{odd} 0800 {TCP4}")), format!("N {TCP4_FOUND} VXLAN 0x2a O"));
    // It would be longer than the datagram.
    let long = TCP4.replacen("4500 0028", "45002000", 1).replacen("45000028", "45002000", 1);
    let nothing = over_both(17, &udp(33333, 4789, &bytes(&format!("{odd} 0800 {long}"))));
    assert_eq!(nothing, "M O UDP 33333>4789 - - - -");
}

#[test]
fn geneve() {
    assert_eq!(
        over_udp(6081, &format!("0000 6558 00002a00 {MACS} 0800 {TCP4}")),
        format!("N {TCP4_FOUND} GENEVE 0x2a O")
    );
    assert_eq!(over_udp(6081, &format!("0040 86dd 00002a00 {UDP6}")), format!("M {UDP6_FOUND} GENEVE 0x2a O"));
    // Three words of options, some of them critical.
    let options = format!("0340 0800 00002a00 010280020000000000000000 {TCP4}");
    assert_eq!(over_udp(6081, &options), format!("M {TCP4_FOUND} GENEVE 0x2a O"));
    // More options than there are bytes. Version 1.
    let cut = over_both(17, &udp(33333, 6081, &bytes("3f00 0800 00002a00 01028002")));
    assert_eq!(cut, "M O UDP 33333>6081 tunnel_cut - - -");
    let other = over_both(17, &udp(33333, 6081, &bytes(&format!("4000 0800 00002a00 {TCP4}"))));
    assert_eq!(other, "M O UDP 33333>6081 - - - -");
}

#[test]
fn gre_with_all_that_it_may_have() {
    assert_eq!(over_gre(&format!("0000 0800 {TCP4}")), format!("M {TCP4_FOUND} GRE - O"));
    assert_eq!(over_gre(&format!("0000 86dd {UDP6}")), format!("M {UDP6_FOUND} GRE - O"));
    assert_eq!(over_gre(&format!("0000 6558 {MACS} 0800 {TCP4}")), format!("N {TCP4_FOUND} GRE - O"));
    // NVGRE: the key is a subnet of 24 bits and a flow of 8.
    assert_eq!(over_gre(&format!("2000 6558 00002a07 {MACS} 86dd {UDP6}")), format!("N {UDP6_FOUND} GRE 0x2a07 O"));
    assert_eq!(over_gre(&format!("0000 8847 00010009 00011109 {TCP4}")), format!("M {TCP4_FOUND} GRE - O"));
    assert_eq!(over_gre(&format!("0000 880b ff03 0057 {UDP6}")), format!("M {UDP6_FOUND} GRE - O"));
    // Checksum, key, sequence; then a source route of four bytes and the end of routes as well.
    assert_eq!(over_gre(&format!("b000 0800 abcd0000 0000004d 00000009 {TCP4}")), format!("M {TCP4_FOUND} GRE 0x4d O"));
    let routes = "0800 00 04 0a000009 0000 00 00";
    let all = format!("f000 86dd abcd0000 0000004d 00000009 {routes} {UDP6}");
    assert_eq!(over_gre(&all), format!("M {UDP6_FOUND} GRE 0x4d O"));
    // An access point's frame, from 06::3 to 06::4.
    let wifi = "0801 0000 020000000009 060000000003 060000000004 0000 aaaa03 000000";
    assert_eq!(over_gre(&format!("0000 8200 {wifi} 0800 {TCP4}")), format!("N {TCP4_FOUND} GRE - O"));
    // Redirected to a cache, without and with a header.
    assert_eq!(over_gre(&format!("0000 883e {TCP4}")), format!("M {TCP4_FOUND} GRE - O"));
    assert_eq!(over_gre(&format!("0000 883e 00000000 {TCP4}")), format!("M {TCP4_FOUND} GRE - O"));
    // A keepalive, which is empty; routes without end; version 2; and cut headers.
    assert_eq!(over_gre("0000 0000"), "M O GRE - - - - -");
    assert_eq!(over_gre("4000 0800 00000000 0800 00 04 0a000009"), "M O GRE - tunnel_cut - - -");
    assert_eq!(over_gre(&format!("0002 0800 {TCP4}")), "M O GRE - tunnel_malformed - - -");
    assert_eq!(over_gre("2000 0800 0000"), "M O GRE - tunnel_cut - - -");
    assert_eq!(over_gre("00"), "M O GRE - tunnel_cut - - -");
}

#[test]
fn pptp() {
    // Version 1 with key, sequence and acknowledgment. The key is the length of the payload, 44, and the call.
    let data = format!("3081 880b 002c 0102 00000005 00000006 ff03 0021 {TCP4}");
    assert_eq!(over_gre(&data), format!("M {TCP4_FOUND} GRE 0x102 O"));
    // The length bounds the payload: 24 bytes are an IPv4 header.
    let short = data.replacen("002c", "0018", 1);
    assert_eq!(over_gre(&short), "M 172.16.0.1>172.16.0.2 TCP - tcp_cut GRE 0x102 O");
    // MikroTik's: Ethernet, and tunnel 258 in little endian.
    let eoip = format!("2001 6400 0036 0201 {MACS} 0800 {TCP4}");
    assert_eq!(over_gre(&eoip), format!("N {TCP4_FOUND} GRE 0x102 O"));
    // An acknowledgment alone.
    assert_eq!(over_gre("2081 880b 0000 0102 00000006"), "M O GRE - - - - -");
}

#[test]
fn erspan() {
    let inner = format!("{MACS} 8100 0005 0800 {TCP4}");
    let found = |number: &str| format!("N {TCP4_FOUND} GRE/ERSPAN {number} O");
    assert_eq!(over_gre(&format!("0000 88be {inner}")), found("-"));
    assert_eq!(over_gre(&format!("2000 88be 00000007 {inner}")), found("0x7"));
    assert_eq!(over_gre(&format!("1000 88be 00000005 1064 0123 00000007 {inner}")), found("0x123"));
    assert_eq!(over_gre(&format!("1000 22eb 00000005 2064 0123 00000001 0000 8000 {inner}")), found("0x123"));
    // With the subheader of a platform.
    let subheader = "2064 f923 00000001 0000 8001 0c000001 00000002";
    assert_eq!(over_gre(&format!("1000 22eb 00000005 {subheader} {inner}")), found("0x123"));
    // Without an Ethernet header.
    let ip = format!("1000 22eb 00000005 2064 0123 00000001 0000 0800 {UDP6}");
    assert_eq!(over_gre(&ip), format!("M {UDP6_FOUND} GRE/ERSPAN 0x123 O"));
    assert_eq!(over_gre(&format!("1000 88be 00000005 3064 0123 00000007 {inner}")), "M O GRE - tunnel_malformed - - -");
    assert_eq!(over_gre("1000 22eb 00000005 2064 0123 00000001 0000 8001 0c00"), "M O GRE - tunnel_cut - - -");
}

#[test]
fn ip_in_ip() {
    for outer in [v4, v6] {
        assert_eq!(shown(&ethernet(&outer(4, &bytes(TCP4)))), format!("M {TCP4_FOUND} IPIP - O"));
        assert_eq!(shown(&ethernet(&outer(41, &bytes(UDP6)))), format!("M {UDP6_FOUND} IPIP - O"));
        assert_eq!(shown(&ethernet(&outer(4, &bytes(UDP6)))), "M O IPv4 - ipv4_malformed - - -");
    }
    // After extension headers.
    let options = [&bytes("04 00 0104 00000000")[..], &bytes(TCP4)].concat();
    assert_eq!(shown(&ethernet(&v6(60, &options))), format!("M {TCP4_FOUND} IPIP - O"));
}

#[test]
fn gtp_u() {
    let g_pdu =
        |flags: &str, length: u16, rest: &str| over_udp(2152, &format!("{flags} ff {length:04x} deadbeef {rest}"));
    assert_eq!(g_pdu("30", 40, TCP4), format!("M {TCP4_FOUND} GTPU 0xdeadbeef O"));
    assert_eq!(g_pdu("30", 53, UDP6), format!("M {UDP6_FOUND} GTPU 0xdeadbeef O"));
    // A sequence number; an N-PDU number; no extension although there is room for its type.
    for flags in ["32", "31", "34"] {
        assert_eq!(g_pdu(flags, 44, &format!("0005 00 00 {TCP4}")), format!("M {TCP4_FOUND} GTPU 0xdeadbeef O"));
    }
    // A PDU session container of one word, then an unknown one of two.
    let extensions = format!("0005 00 85 01 0009 c0 02 000000000000 00 {TCP4}");
    assert_eq!(g_pdu("34", 56, &extensions), format!("M {TCP4_FOUND} GTPU 0xdeadbeef O"));
}

#[test]
fn gtp_u_that_carries_no_packet() {
    let found = |hex: &str| over_both(17, &udp(33333, 2152, &bytes(hex)));
    // An echo request, and one of version 2. A packet of something else than IP.
    assert_eq!(found("3201 0004 00000000 0005 00 00"), "M O UDP 33333>2152 - - - -");
    assert_eq!(found(&format!("48ff 0028 deadbeef {TCP4}")), "M O UDP 33333>2152 - - - -");
    assert_eq!(found("30ff 0006 deadbeef ff03c0210101"), "M O UDP 33333>2152 - - - -");
    assert_eq!(found("34ff 0008 deadbeef 0005 00 85 7f 0009 c0"), "M O UDP 33333>2152 tunnel_cut - - -");
    // An extension header of no words leads nowhere.
    let endless = format!("34ff 0030 deadbeef 0005 00 85 00 0009 00 {TCP4}");
    assert_eq!(found(&endless), "M O UDP 33333>2152 tunnel_malformed - - -");
    // The length is wrong, and what follows is IP nevertheless; less than all of it.
    assert_eq!(found(&format!("30ff 0029 deadbeef {TCP4}")), format!("M {TCP4_FOUND} GTPU 0xdeadbeef O"));
    let short = found(&format!("30ff 0014 deadbeef {TCP4}"));
    assert_eq!(short, "M O UDP 33333>2152 - - - -");
}

#[test]
fn l2tp_version_2() {
    let found = |hex: &str| over_udp(1701, hex);
    let wanted = format!("M {TCP4_FOUND} L2TP 0x4 O");
    assert_eq!(found(&format!("0002 0003 0004 ff03 0021 {TCP4}")), wanted);
    assert_eq!(found(&format!("0002 0003 0004 21 {TCP4}")), wanted);
    // A length; then sequence numbers, and an offset of four bytes.
    assert_eq!(found(&format!("4002 0034 0003 0004 ff03 0021 {TCP4}")), wanted);
    let all = format!("4a02 003e 0003 0004 0001 0002 0004 aabbccdd ff03 0021 {TCP4}");
    assert_eq!(found(&all), wanted);
    assert_eq!(found(&format!("0002 0003 0004 ff03 0057 {UDP6}")), format!("M {UDP6_FOUND} L2TP 0x4 O"));
    // A control message; LCP; an offset that leads out.
    let nothing = |hex: &str| over_both(17, &udp(33333, 1701, &bytes(hex)));
    assert_eq!(nothing("c802 000c 0003 0000 0000 0000"), "M O UDP 33333>1701 - - - -");
    assert_eq!(nothing("0002 0003 0004 ff03 c021 0101 0004"), "M O UDP 33333>1701 - - - -");
    assert_eq!(nothing("0202 0003 0004 ffff 00"), "M O UDP 33333>1701 tunnel_cut - - -");
}

#[test]
fn l2tp_version_3() {
    let wanted = format!("N {TCP4_FOUND} L2TP 0x11 O");
    for cookie in ["", "01020304", "0102030405060708"] {
        for sublayer in ["", "40000001"] {
            let rest = format!("00000011 {cookie} {sublayer} {MACS} 0800 {TCP4}");
            assert_eq!(over_both(115, &bytes(&rest)), wanted, "{cookie} {sublayer}");
            assert_eq!(over_udp(1701, &format!("0003 0000 {rest}")), wanted, "{cookie} {sublayer}");
        }
        let ppp = format!("00000011 {cookie} ff03 0057 {UDP6}");
        assert_eq!(over_both(115, &bytes(&ppp)), format!("M {UDP6_FOUND} L2TP 0x11 O"));
        let arp = format!("00000011 {cookie} {MACS} {ARP}");
        assert_eq!(over_both(115, &bytes(&arp)), "N O L2TP - - L2TP 0x11 O");
    }
    // A control message; a frame that is neither.
    assert_eq!(over_both(115, &bytes("00000000 c803 0014 00000001 0000 0000")), "M O L2TP - - - - -");
    assert_eq!(over_both(115, &bytes("00000011 4242 03 0000000000000000")), "M O L2TP - - - - -");
    assert_eq!(over_both(115, &bytes("0000")), "M O L2TP - tunnel_cut - - -");
}

#[test]
fn tzsp() {
    // A received frame after a tag, padding and the end; one of IEEE 802.11, from 06::3 to 06::4.
    let found = over_udp(37008, &format!("01 00 0001 0a0133 00 01 {MACS} 0800 {TCP4}"));
    assert_eq!(found, format!("N {TCP4_FOUND} TZSP - O"));
    let wifi = "0801 0000 020000000009 060000000003 060000000004 0000 aaaa03 000000";
    assert_eq!(over_udp(37008, &format!("01 00 0012 01 {wifi} 0800 {TCP4}")), format!("N {TCP4_FOUND} TZSP - O"));
    let nothing = |hex: &str| over_both(17, &udp(33333, 37008, &bytes(hex)));
    assert_eq!(nothing("01 04 0000 01"), "M O UDP 33333>37008 - - - -");
    assert_eq!(nothing("01 00 0001 0aff"), "M O UDP 33333>37008 tunnel_cut - - -");
}

#[test]
fn mpls_in_udp() {
    assert_eq!(over_udp(6635, &format!("00010009 00011109 {TCP4}")), format!("M {TCP4_FOUND} MPLSUDP - O"));
    assert_eq!(over_udp(6635, &format!("00010109 {UDP6}")), format!("M {UDP6_FOUND} MPLSUDP - O"));
    // A pseudowire.
    let nothing = over_both(17, &udp(33333, 6635, &bytes(&format!("00010109 {MACS} 0800 {TCP4}"))));
    assert_eq!(nothing, "M O UDP 33333>6635 - - - -");
}

#[test]
fn teredo() {
    let wanted = format!("M {UDP6_FOUND} TEREDO - O");
    let origin = "0000 7fff f5ffffff";
    for header in [
        String::new(),
        origin.to_owned(),
        "0001 00 00 0102030405060708 00".to_owned(),
        format!("0001 00 00 0102030405060708 00 {origin}"),
        format!("0001 03 04 aabbcc 01020304 0102030405060708 01 {origin}"),
    ] {
        assert_eq!(over_udp(3544, &format!("{header} {UDP6}")), wanted, "{header}");
    }
    // A bubble has no payload.
    let bubble = "60000000 0000 3b 15 fd000000000000000000000000000001 fd000000000000000000000000000002";
    assert_eq!(over_udp(3544, bubble), "M fd00::1>fd00::2 IPv6-NoNxt - - TEREDO - O");
    let nothing = over_both(17, &udp(33333, 3544, &bytes("0001 ffff 0102")));
    assert_eq!(nothing, "M O UDP 33333>3544 - - - -");
}
