//! Tunnels in one another, and any bytes as a frame in which tunnels are looked into.
//!
//! Laws:
//! - asking for nothing is decoding; looking again finds the same;
//! - what is said of a packet inside holds of any packet: `frame.rs`;
//! - the outer addresses are those that decoding finds, and are there exactly if a tunnel was taken off;
//! - a row takes the packet, with all columns;
//! - cut: what is taken off a frame that is cut has the outer addresses of the whole one.

use parcap::capture::LinkType;
use parcap::config::Decapsulation;
use parcap::decode::{decode, decode_inner};

use super::{frame, mixed};

/// Headers of tunnels: the protocol, the UDP port or 0, and the bytes. What is inside is Ethernet if the last one says so.
const HEADERS: [(u8, u16, &[u8], bool); 16] = [
    (17, 4789, &[8, 0, 0, 0, 0, 0, 42, 0], true),
    (17, 4790, &[12, 0, 0, 3, 0, 0, 42, 0], true),
    (17, 4790, &[12, 0, 0, 4, 0, 0, 42, 0, 0x0f, 0xc2, 1, 1, 0, 0, 0, 0], false),
    (17, 6081, &[1, 0, 0x65, 0x58, 0, 0, 42, 0, 1, 2, 0, 0], true),
    (17, 2152, &[0x34, 255, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 9, 0], false),
    (17, 1701, &[0, 2, 0, 3, 0, 4, 0xff, 3, 0, 0x21], false),
    (17, 1701, &[0, 3, 0, 0, 0, 0, 0, 17, 1, 2, 3, 4], true),
    (17, 37008, &[1, 0, 0, 1, 10, 1, 51, 1], true),
    (17, 6635, &[0, 1, 1, 9], false),
    (17, 3544, &[0, 1, 1, 1, 0xaa, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, 0], false),
    (47, 0, &[0x70, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 77, 0, 0, 0, 9, 8, 0, 0, 4, 10, 0, 0, 9, 0, 0, 0, 0], false),
    (47, 0, &[0x10, 0, 0x22, 0xeb, 0, 0, 0, 5, 0x20, 0x64, 1, 0x23, 0, 0, 0, 1, 0, 0, 0x80, 1, 12, 0, 0, 1, 0, 0, 0, 2], true),
    (47, 0, &[0x30, 0x81, 0x88, 0x0b, 1, 0, 1, 2, 0, 0, 0, 5, 0, 0, 0, 6, 0xff, 3, 0, 0x21], false),
    (4, 0, &[], false),
    (41, 0, &[], false),
    (115, 0, &[0, 0, 0, 17], true),
];

/// Bytes of a frame that nesting does not go beyond.
const MOST: usize = 4096;

/// Asserts every law. The first byte says how many tunnels are put around the rest, one byte of which each of them takes; 0 for none,
/// then the rest is the frame.
pub fn check(bytes: &[u8]) {
    let Some((levels, rest)) = bytes.split_first() else { return };
    let levels = usize::from(levels % 16);
    if levels == 0 {
        check_frame(rest);
        return;
    }
    let Some((kinds, inside)) = rest.split_at_checked(levels) else { return };
    let mut packet = inside.to_vec();
    for kind in kinds {
        packet = wrapped(*kind, packet);
    }
    let is_v6 = packet.first().is_some_and(|first| first >> 4 == 6);
    let ether_type: [u8; 2] = if is_v6 { [0x86, 0xdd] } else { [8, 0] };
    let frame = [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1][..], &ether_type, &packet].concat();
    check_frame(&frame[..frame.len().min(MOST)]);
}

/// Puts a tunnel around a packet. The highest bits of `kind` choose the version of IP, a VLAN tag, a lying length.
fn wrapped(kind: u8, inside: Vec<u8>) -> Vec<u8> {
    let (protocol, port, header, is_frame) = HEADERS[usize::from(kind & 15)];
    let mut payload = header.to_vec();
    if is_frame {
        payload.extend([6, 0, 0, 0, 0, 4, 6, 0, 0, 0, 0, 3]);
        if kind & 32 != 0 {
            payload.extend([0x81, 0, 0, 5]);
        }
        payload.extend(if inside.first().is_some_and(|first| first >> 4 == 6) { [0x86, 0xdd] } else { [8, 0] });
    }
    payload.extend(inside);
    let lie = if kind & 64 != 0 { mixed(&payload) as u16 } else { 0 };
    let length = |bytes: usize| ((bytes as u16).wrapping_add(lie)).to_be_bytes();
    if port > 0 {
        let [high, low] = length(payload.len() + 8);
        let [port_high, port_low] = port.to_be_bytes();
        payload.splice(0..0, [0x82, 0x35, port_high, port_low, high, low, 0, 0]);
    }
    if kind & 16 != 0 {
        let [high, low] = length(payload.len());
        let mut packet = vec![0x60, 0, 0, 0, high, low, protocol, 64];
        packet.extend([0x20; 32]);
        packet.extend(payload);
        return packet;
    }
    let [high, low] = length(payload.len() + 20);
    let mut packet = vec![0x45, 0, high, low, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    packet.extend(payload);
    packet
}

fn check_frame(bytes: &[u8]) {
    let outer = decode(LinkType::ETHERNET, bytes);
    assert_eq!(decode_inner(LinkType::ETHERNET, bytes, &Decapsulation::default()), outer);
    let all = Decapsulation::all();
    let packet = decode_inner(LinkType::ETHERNET, bytes, &all);
    assert_eq!(packet, decode_inner(LinkType::ETHERNET, bytes, &all));
    frame::check_packet(&packet);
    frame::check_row(LinkType::ETHERNET, bytes, &packet);
    let tunnels = packet.tunnels;
    assert!(tunnels.kinds().count() <= 16);
    let ends = [tunnels.outer_ip_src(), tunnels.outer_ip_dst()];
    assert_eq!(ends, if tunnels.is_empty() { [None; 2] } else { [outer.ip_src, outer.ip_dst] });
    assert!(tunnels.is_empty() || packet.ip_src.is_some() && packet.ip_dst.is_some());
    let cut = usize::try_from(mixed(bytes) % (bytes.len() as u64 + 1)).unwrap_or(0);
    let cut = decode_inner(LinkType::ETHERNET, &bytes[..cut], &all).tunnels;
    assert!(cut.is_empty() || [cut.outer_ip_src(), cut.outer_ip_dst()] == [outer.ip_src, outer.ip_dst]);
}
