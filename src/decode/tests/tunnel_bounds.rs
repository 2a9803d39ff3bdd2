//! How far tunnels are looked into: nesting, cuts, lengths, fragments, and what was not asked for. Frames by hand, as in `tunnels.rs`.

use crate::capture::LinkType;
use crate::config::{Decapsulation, TunnelKind};
use crate::decode::decode_inner;

use super::bytes;
use super::tunnels::{
    MACS, TCP4, TCP4_FOUND, UDP6, UDP6_FOUND, ethernet, everything, shown, shown_of, udp, v4, v4_fragment, v6,
};

#[test]
fn tunnels_in_tunnels() {
    let vxlan = |inner: &[u8]| udp(33333, 4789, &[&bytes("08000000 00002a00")[..], inner].concat());
    // VXLAN in VLAN in VXLAN. The second one has another number.
    let inner = [bytes("0a0000000006 0a0000000005 0800"), bytes(TCP4)].concat();
    let second = udp(33333, 4789, &[&bytes("08000000 00002b00")[..], &inner].concat());
    let first = [bytes(MACS), bytes("8100 0003 86dd"), v6(17, &second)].concat();
    assert_eq!(
        shown(&ethernet(&v4(17, &vxlan(&first)))),
        format!("0a:00:00:00:00:05>0a:00:00:00:00:06 {TCP4_FOUND} VXLAN/VXLAN 0x2b O")
    );
    // MACs and the number are of the innermost that has them: GRE has neither here.
    let gre = [bytes(MACS), bytes("0800"), v4(47, &[bytes("0000 86dd"), bytes(UDP6)].concat())].concat();
    assert_eq!(shown(&ethernet(&v4(17, &vxlan(&gre)))), format!("N {UDP6_FOUND} VXLAN/GRE 0x2a O"));
    // A frame inside whose own tunnel cannot be read.
    let broken = [bytes(MACS), bytes("0800"), v4(47, &bytes("2000 0800"))].concat();
    assert_eq!(shown(&ethernet(&v4(17, &vxlan(&broken)))), "N O GRE - tunnel_cut VXLAN 0x2a O");
}

#[test]
fn eight_levels_and_no_more() {
    let nested = |levels: usize| (0..levels).fold(bytes(TCP4), |inner, _| v4(4, &inner));
    let names = |levels| vec!["IPIP"; levels].join("/");
    assert_eq!(shown(&ethernet(&nested(8))), format!("M {TCP4_FOUND} {} - O", names(8)));
    assert_eq!(shown(&ethernet(&nested(9))), format!("M O IPv4 - tunnels_too_deep {} - O", names(8)));
    assert_eq!(shown(&ethernet(&nested(500))), format!("M O IPv4 - tunnels_too_deep {} - O", names(8)));
    // Two names a level, and a ninth level that is none.
    let frame = |inner: Vec<u8>| [bytes("0000 88be"), bytes(MACS), bytes("0800"), inner].concat();
    let mirrored = (0..8).fold(bytes(TCP4), |inner, _| v4(47, &frame(inner)));
    let names = ["GRE/ERSPAN"; 8].join("/");
    assert_eq!(shown(&ethernet(&mirrored)), format!("N {TCP4_FOUND} {names} - O"));
    let ends = v4(17, &udp(33333, 4789, &bytes("00000000")));
    let mirrored = (0..8).fold(ends, |inner, _| v4(47, &frame(inner)));
    assert_eq!(shown(&ethernet(&mirrored)), format!("N O UDP 33333>4789 - {names} - O"));
}

#[test]
fn what_a_snapshot_length_leaves_of_the_inner_headers_counts() {
    // 14 of Ethernet, 20 of IPv4, 8 of UDP, 8 of VXLAN, 14 of Ethernet; then 40 of IPv4 and TCP.
    let vxlan = ethernet(&v4(17, &udp(33333, 4789, &bytes(&format!("08000000 00002a00 {MACS} 0800 {TCP4}")))));
    let at = |cut: usize| shown(&vxlan[..cut]);
    assert_eq!(at(96), "N 172.16.0.1>172.16.0.2 TCP 40000>443 tcp_cut VXLAN 0x2a O");
    assert_eq!(at(84), "N 172.16.0.1>172.16.0.2 TCP - tcp_cut VXLAN 0x2a O");
    // Half of the inner IP header is none. The frame is whole.
    assert_eq!(at(83), "N O UDP 33333>4789 ipv4_cut VXLAN 0x2a O");
    assert_eq!(at(64), "N O UDP 33333>4789 ipv4_cut VXLAN 0x2a O");
    assert_eq!(at(63), "M O UDP 33333>4789 ethernet_cut - - -");
    assert_eq!(at(49), "M O UDP 33333>4789 - - - -");
    // 14, 20, 4 of GRE, 20 of IPv4, and 6 of TCP.
    let gre = ethernet(&v4(47, &bytes(&format!("0000 0800 {TCP4}"))));
    assert_eq!(shown(&gre[..64]), "M 172.16.0.1>172.16.0.2 TCP 40000>443 tcp_cut GRE - O");
    assert_eq!(shown(&gre[..57]), "M O GRE - ipv4_cut - - -");
    // 14, 40, 8, 8 of GTP-U and 26 of IPv4 and TCP.
    let gtp = ethernet(&v6(17, &udp(2152, 2152, &bytes(&format!("30ff 0028 00000001 {TCP4}")))));
    assert_eq!(shown(&gtp[..96]), "M 172.16.0.1>172.16.0.2 TCP 40000>443 tcp_cut GTPU 0x1 O");
    assert_eq!(shown(&gtp[..64]), "M O UDP 2152>2152 - - - -");
}

#[test]
fn lengths_bound_what_is_inside() {
    let inner = bytes(&format!("08000000 00002a00 {MACS} 0800 {TCP4}"));
    // The UDP length ends within the inner IP header; with the header; and leads beyond the packet.
    let lying = |length: u16| {
        let mut datagram = udp(33333, 4789, &inner);
        datagram[4..6].copy_from_slice(&length.to_be_bytes());
        shown(&ethernet(&v4(17, &datagram)))
    };
    assert_eq!(lying(8 + 8 + 14 + 19), "N O UDP 33333>4789 ipv4_cut VXLAN 0x2a O");
    assert_eq!(lying(8 + 8 + 14 + 20), "N 172.16.0.1>172.16.0.2 TCP - tcp_cut VXLAN 0x2a O");
    assert_eq!(lying(u16::MAX), format!("N {TCP4_FOUND} VXLAN 0x2a O"));
    assert_eq!(lying(0), format!("N {TCP4_FOUND} VXLAN 0x2a O"));
    assert_eq!(lying(7), "M O UDP 33333>4789 udp_malformed - - -");
    // The length of the outer IP packet ends before the ports of the inner one: what follows is a trailer.
    let mut packet = v4(4, &bytes(TCP4));
    packet[2..4].copy_from_slice(&40_u16.to_be_bytes());
    assert_eq!(shown(&ethernet(&packet)), "M 172.16.0.1>172.16.0.2 TCP - tcp_cut IPIP - O");
}

#[test]
fn lengths_of_the_inner_packet_are_its_own() {
    let frame = ethernet(&v4(4, &bytes(TCP4)));
    let packet = everything(&frame);
    assert_eq!((packet.ip_total_length(&frame, 74), packet.payload_length(&frame, 74)), (Some(40), Some(0)));
    assert_eq!((packet.ip_ttl(), packet.ip_id(), packet.tcp_flags()), (Some(64), Some(2), Some(2)));
    // Segmentation offload: the header says 0. Before it are 34 bytes.
    let frame = ethernet(&v4(4, &bytes(&TCP4.replacen("45000028", "45000000", 1))));
    let packet = everything(&frame);
    assert_eq!((packet.ip_total_length(&frame, 5034), packet.payload_length(&frame, 5034)), (Some(5000), Some(4960)));
}

#[test]
fn of_outer_fragments_the_first_one_is_looked_into() {
    let datagram = udp(33333, 4789, &bytes(&format!("08000000 00002a00 {MACS} 0800 {TCP4} 0000000000000000")));
    let (first, later) = datagram.split_at(56);
    assert_eq!(
        shown(&ethernet(&v4_fragment(17, 0x2000, first))),
        "N 172.16.0.1>172.16.0.2 TCP 40000>- tcp_cut VXLAN 0x2a O".replace("40000>-", "40000>443")
    );
    assert_eq!(shown(&ethernet(&v4_fragment(17, 7, later))), "M O UDP - - - - -");
    // A later fragment that looks like a whole tunnel.
    assert_eq!(shown(&ethernet(&v4_fragment(17, 7, &datagram))), "M O UDP - - - - -");
    assert_eq!(shown(&ethernet(&v4_fragment(4, 7, &bytes(TCP4)))), "M O IPv4 - - - - -");
    let fragment = [&bytes("04 00 0008 00000001")[..], &bytes(TCP4)].concat();
    assert_eq!(shown(&ethernet(&v6(44, &fragment))), "M O IPv4 - - - - -");
}

#[test]
fn what_an_icmp_error_quotes_is_no_tunnel() {
    let quoted = v4(4, &bytes(TCP4));
    let error = [&bytes("0303 0000 00000000")[..], &quoted].concat();
    assert_eq!(shown(&ethernet(&v4(1, &error))), "M O ICMP - - - - -");
}

#[test]
fn only_what_is_asked_for_is_looked_into() {
    let with = |asked: &Decapsulation, frame: &[u8]| shown_of(&decode_inner(LinkType::ETHERNET, frame, asked));
    let vxlan = |port| ethernet(&v4(17, &udp(33333, port, &bytes(&format!("08000000 00002a00 {MACS} 0800 {TCP4}")))));
    let gre = ethernet(&v4(47, &bytes(&format!("0000 0800 {TCP4}"))));
    let mirrored = ethernet(&v4(47, &bytes(&format!("0000 88be {MACS} 0800 {TCP4}"))));
    let some = |kinds: &str| kinds.parse::<Decapsulation>().unwrap();
    assert_eq!(with(&some("vxlan"), &vxlan(4789)), format!("N {TCP4_FOUND} VXLAN 0x2a O"));
    assert_eq!(with(&some("geneve,gre"), &vxlan(4789)), "M O UDP 33333>4789 - - - -");
    assert_eq!(with(&some("vxlan"), &gre), "M O GRE - - - - -");
    assert_eq!(with(&some("gre"), &gre), format!("M {TCP4_FOUND} GRE - O"));
    assert_eq!(with(&some("gre"), &mirrored), "M O GRE - - - - -");
    assert_eq!(with(&some("erspan"), &mirrored), format!("N {TCP4_FOUND} GRE/ERSPAN - O"));
    assert_eq!(with(&some("erspan"), &gre), "M O GRE - - - - -");
    // Ports that are given. One of another kind changes hands.
    let given = some("vxlan,geneve").with_port(TunnelKind::Vxlan, 14789).unwrap();
    assert_eq!(with(&given, &vxlan(14789)), format!("N {TCP4_FOUND} VXLAN 0x2a O"));
    assert_eq!(with(&given, &vxlan(4789)), format!("N {TCP4_FOUND} VXLAN 0x2a O"));
    assert_eq!(with(&some("vxlan"), &vxlan(14789)), "M O UDP 33333>14789 - - - -");
    let taken = some("vxlan,geneve").with_port(TunnelKind::Vxlan, 6081).unwrap();
    assert_eq!(with(&taken, &vxlan(6081)), format!("N {TCP4_FOUND} VXLAN 0x2a O"));
}

/// EtherType, VLANs and label go with the MACs: they are those of the innermost frame. Where there is none, a label may be inside.
#[test]
fn tags_are_those_of_the_innermost_frame() {
    let outer = |packet: &[u8]| [bytes("020000000002 020000000001 8100 0005 0800"), packet.to_vec()].concat();
    let tags = |frame: &[u8]| {
        let tags = everything(frame).tags;
        (tags.ether_type, tags.vlan_id, tags.vlan_inner_id, tags.mpls_label)
    };
    let vxlan = |inner: &[u8]| v4(17, &udp(33333, 4789, &[&bytes("08000000 00002a00")[..], inner].concat()));
    let tagged = [bytes(MACS), bytes("8100 0007 8100 0008 0800"), bytes(TCP4)].concat();
    assert_eq!(tags(&outer(&vxlan(&tagged))), (Some(0x8100), Some(7), Some(8), None));
    let untagged = [bytes(MACS), bytes("0800"), bytes(TCP4)].concat();
    assert_eq!(tags(&outer(&vxlan(&untagged))), (Some(0x0800), None, None, None));
    // GRE holds no frame, and neither does MPLS in UDP.
    assert_eq!(tags(&outer(&v4(47, &bytes(&format!("0000 0800 {TCP4}"))))), (Some(0x8100), Some(5), None, None));
    let labelled = v4(17, &udp(33333, 6635, &bytes(&format!("00012140 {TCP4}"))));
    assert_eq!(tags(&outer(&labelled)), (Some(0x8100), Some(5), None, Some(18)));
}
