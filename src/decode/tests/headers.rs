//! Further fields of headers, in frames by hand. The values follow from the bytes.

use crate::capture::LinkType;
use crate::decode::{Packet, decode};

use super::bytes;

/// The fields of the IP header: version, ttl, dscp, ecn, id, fragment offset, more fragments, total length, flow label.
fn ip(packet: &Packet<'_>, frame: &[u8], orig_len: u32) -> String {
    let number = |value: Option<u32>| value.map_or("-".to_owned(), |value| value.to_string());
    let fields = [
        number(packet.ip_version().map(u32::from)),
        number(packet.ip_ttl().map(u32::from)),
        number(packet.ip_dscp().map(u32::from)),
        number(packet.ip_ecn().map(u32::from)),
        number(packet.ip_id().map(u32::from)),
        number(packet.ip_fragment_offset().map(u32::from)),
        number(packet.ip_more_fragments().map(u32::from)),
        number(packet.ip_total_length(frame, orig_len)),
        number(packet.ip_flow_label()),
    ];
    fields.join(" ")
}

/// Those of the transport header: flags, seq, ack, window, payload length, type, code.
fn transport(packet: &Packet<'_>, frame: &[u8], orig_len: u32) -> String {
    let number = |value: Option<u32>| value.map_or("-".to_owned(), |value| value.to_string());
    let fields = [
        number(packet.tcp_flags().map(u32::from)),
        number(packet.tcp_seq()),
        number(packet.tcp_ack()),
        number(packet.tcp_window().map(u32::from)),
        number(packet.payload_length(frame, orig_len)),
        number(packet.icmp_type().map(u32::from)),
        number(packet.icmp_code().map(u32::from)),
    ];
    fields.join(" ")
}

/// An Ethernet frame, or as much of it as was captured, and its bytes on the wire.
fn shown(hex: &str, captured: usize, orig_len: u32) -> [String; 2] {
    let frame = bytes(&format!("020000000002 020000000001 {hex}"));
    let frame = &frame[..captured.min(frame.len())];
    let packet = decode(LinkType::ETHERNET, frame);
    [ip(&packet, frame, orig_len), transport(&packet, frame, orig_len)]
}

/// IPv4, 57 bytes; TCP with a header of 32 bytes, SYN ACK ECE AE, and five bytes of payload.
const TCP: &str = "0800 45 b9 0039 1c46 4000 40 06 0000 c0a80001 c0a800c7 \
                   1f90 0050 fffffffe 00000002 8152 1c2a 0000 0000 010101010101010101010101 68656c6c6f";

#[test]
fn tcp_over_ipv4() {
    assert_eq!(shown(TCP, 71, 71), ["4 64 46 1 7238 0 0 57 -", "338 4294967294 2 7210 5 - -"]);
    // Padding of the link and a trailer are no payload.
    assert_eq!(shown(&format!("{TCP} 0000000000"), 76, 76)[1], "338 4294967294 2 7210 5 - -");
}

#[test]
fn what_is_cut_is_null_and_what_a_length_says_is_known() {
    // After the byte with the length of the TCP header, before its window, and before its flags.
    assert_eq!(shown(TCP, 14 + 20 + 14, 71)[1], "338 4294967294 2 - 5 - -");
    assert_eq!(shown(TCP, 14 + 20 + 13, 71)[1], "- 4294967294 2 - 5 - -");
    assert_eq!(shown(TCP, 14 + 20 + 12, 71)[1], "- 4294967294 2 - - - -");
    // Within the IP header: before the time to live, and before the flags.
    assert_eq!(shown(TCP, 14 + 8, 71), ["4 - 46 1 7238 0 0 57 -", "- - - - - - -"]);
    assert_eq!(shown(TCP, 14 + 6, 71)[0], "4 - 46 1 7238 - - 57 -");
    // Nothing of it.
    assert_eq!(shown(TCP, 14, 71), ["- - - - - - - - -", "- - - - - - -"]);
}

#[test]
fn a_length_that_says_nothing_or_too_much_gives_way_to_the_bytes_on_the_wire() {
    let offload = TCP.replacen("0039", "0000", 1);
    assert_eq!(shown(&offload, 66, 14 + 52 + 3000), ["4 64 46 1 7238 0 0 3052 -", "338 4294967294 2 7210 3000 - -"]);
    let too_much = TCP.replacen("0039", "ffff", 1);
    assert_eq!(shown(&too_much, 71, 71)[1], "338 4294967294 2 7210 5 - -");
    // A header of TCP that does not fit the length.
    let too_little = TCP.replacen("0039", "0030", 1);
    assert_eq!(shown(&too_little, 71, 71)[1], "338 4294967294 2 7210 - - -");
}

#[test]
fn fragments_of_ipv4() {
    let udp = "0035 cfc7 0010 0000 0102030405060708";
    let first = format!("0800 45 00 0024 abcd 2000 01 11 0000 0a000001 0a000002 {udp}");
    assert_eq!(shown(&first, 50, 50), ["4 1 0 0 43981 0 1 36 -", "- - - - 8 - -"]);
    let later = format!("0800 45 00 0024 abcd 00b9 01 11 0000 0a000001 0a000002 {udp}");
    assert_eq!(shown(&later, 50, 50), ["4 1 0 0 43981 185 0 36 -", "- - - - - - -"]);
}

#[test]
fn ipv6_and_its_fragments() {
    let addresses = "20010db8000000000000000000000001 20010db8000000000000000000000002";
    let plain = format!("86dd 6b8abcde 000c 11 ff {addresses} 0400 0401 000c 0000 01020304");
    assert_eq!(shown(&plain, 66, 66), ["6 255 46 0 - - - 52 703710", "- - - - 4 - -"]);
    // Hop-by-hop options, then a fragment header: the first one, of which more follow.
    let options = "2c 00 0104 00000000";
    let first =
        format!("86dd 60300000 001c 00 40 {addresses} {options} 11 00 0001 12345678 0400 0401 0100 0000 01020304");
    assert_eq!(shown(&first, 82, 82), ["6 64 0 3 - 0 1 68 0", "- - - - 4 - -"]);
    // 185 times eight bytes into the whole, the last one.
    let last =
        format!("86dd 60000000 001c 00 40 {addresses} {options} 11 00 05c8 12345678 0400 0401 0100 0000 01020304");
    assert_eq!(shown(&last, 82, 82), ["6 64 0 0 - 185 0 68 0", "- - - - - - -"]);
    // Options that lead beyond the packet.
    let lying = first.replacen("2c 00", "2c ff", 1);
    assert_eq!(shown(&lying, 82, 82), ["6 64 0 3 - - - 68 0", "- - - - - - -"]);
}

#[test]
fn messages_of_icmp() {
    let v4 = "0800 45 00 001c 0001 0000 40 01 0000 0a000001 0a000002 0301 0000 00000000";
    assert_eq!(shown(v4, 42, 42)[1], "- - - - - 3 1");
    assert_eq!(shown(v4, 35, 42)[1], "- - - - - 3 -");
    let addresses = "20010db8000000000000000000000001 20010db8000000000000000000000002";
    let v6 = format!("86dd 60000000 0008 3a 40 {addresses} 8000 0000 00010002");
    assert_eq!(shown(&v6, 62, 62)[1], "- - - - - 128 0");
}

#[test]
fn the_headers_of_sctp_dccp_and_udp_lite_are_no_payload() {
    let over = |protocol: &str, total: &str, rest: &str| {
        shown(&format!("0800 45 00 {total} 0001 0000 40 {protocol} 0000 0a000001 0a000002 {rest}"), 200, 200)[1].clone()
    };
    assert_eq!(over("84", "0024", "0007 0007 00000000 00000000 0b000004"), "- - - - 4 - -");
    // Four words of header.
    assert_eq!(over("21", "0028", "0007 0007 04 00 0000 00000000 00000000 01020304"), "- - - - 4 - -");
    assert_eq!(over("88", "0020", "0007 0007 0008 0000 01020304"), "- - - - 4 - -");
}
