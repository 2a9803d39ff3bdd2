//! Laws of tunnels: nothing panics, whatever is inside; asking for nothing changes nothing; a cut frame says nothing that the
//! whole one does not say of the packet inside, or of that around it.

use proptest::prelude::*;

use crate::capture::LinkType;
use crate::config::Decapsulation;
use crate::decode::{Packet, decode, decode_inner};

use super::bytes;
use super::frames::FRAMES;
use super::tunnels::{MACS, TCP4, UDP6, ethernet, everything, udp, v4, v6};

/// The protocol, for UDP the port, and a header that is one.
const HEADERS: [(u8, u16, &str); 20] = [
    (17, 4789, "08000000 00002a00"),
    (17, 8472, "88000001 00002a00"),
    (17, 4790, "0c000003 00002a00"),
    (17, 6081, "0140 6558 00002a00 01020000"),
    (17, 2152, "34ff 0100 deadbeef 0005 00 85 01 0009 00"),
    (17, 1701, "0002 0003 0004"),
    (17, 1701, "0a02 0003 0004 0001 0002 0002 0000"),
    (17, 1701, "0003 0000 00000011"),
    (17, 37008, "01 00 0001 0a0133 01"),
    (17, 6635, "00010109"),
    (17, 3544, "0001 01 01 aa bb 0102030405060708 00"),
    (47, 0, "b000 6558 abcd0000 0000004d 00000009"),
    (47, 0, "4000 0800 00000000 0800 00 04 0a000009 00000000"),
    (47, 0, "3081 880b 0100 0102 00000005 00000006"),
    (47, 0, "0000 88be"),
    (47, 0, "1000 88be 00000005 1064 0123 00000007"),
    (47, 0, "1000 22eb 00000005 2064 0123 00000001 0000 8001 0c000001 00000002"),
    (4, 0, ""),
    (41, 0, ""),
    (115, 0, "00000011"),
];

fn frame(header: usize, over_v6: bool, inside: &[u8]) -> Vec<u8> {
    let (protocol, port, header) = HEADERS[header];
    let payload = [&bytes(header)[..], inside].concat();
    let payload = if port > 0 { udp(33333, port, &payload) } else { payload };
    ethernet(&if over_v6 { v6(protocol, &payload) } else { v4(protocol, &payload) })
}

/// What frames, packets and random bytes inside may begin with.
const BEGINNINGS: usize = 6;

fn inside(beginning: usize, rest: &[u8]) -> Vec<u8> {
    let begin = match beginning {
        0 => String::new(),
        1 => format!("{MACS} 0800 {TCP4}"),
        2 => format!("{MACS} 8100 0001 86dd {UDP6}"),
        3 => TCP4.to_owned(),
        4 => UDP6.to_owned(),
        _ => format!("ff03 0021 {TCP4}"),
    };
    [&bytes(&begin)[..], rest].concat()
}

/// Whether one packet says nothing of addresses and ports that contradicts the other.
fn agrees(part: &Packet<'_>, whole: &Packet<'_>) -> bool {
    let same = |part: Option<u16>, whole: Option<u16>| part.is_none() || part == whole;
    (part.ip_src.is_none() || part.ip_src == whole.ip_src)
        && (part.ip_dst.is_none() || part.ip_dst == whole.ip_dst)
        && same(part.port_src, whole.port_src)
        && same(part.port_dst, whole.port_dst)
}

fn same_macs(part: &Packet<'_>, whole: &Packet<'_>) -> bool {
    (part.mac_src.is_none() || part.mac_src == whole.mac_src)
        && (part.mac_dst.is_none() || part.mac_dst == whole.mac_dst)
}

#[test]
fn a_prefix_says_nothing_that_the_whole_frame_does_not() {
    let mut tunnels = 0;
    for (number, header) in HEADERS.iter().enumerate() {
        for (over_v6, beginning) in (1..BEGINNINGS).flat_map(|beginning| [(false, beginning), (true, beginning)]) {
            let frame = frame(number, over_v6, &inside(beginning, &[0; 8]));
            let (whole, outer) = (everything(&frame), decode(LinkType::ETHERNET, &frame));
            tunnels += usize::from(!whole.tunnels.is_empty());
            for cut in 0..frame.len() {
                let part = everything(&frame[..cut]);
                let place = format!("{header:?} over {over_v6} {beginning} at {cut}");
                assert!(agrees(&part, &whole) || agrees(&part, &outer), "{place}: {part:?}");
                assert!(same_macs(&part, &whole) || same_macs(&part, &outer), "{place}: {part:?}");
                let known: Vec<_> = whole.tunnels.kinds().collect();
                assert!(known.starts_with(&part.tunnels.kinds().collect::<Vec<_>>()), "{place}: {part:?}");
                assert!(part.tunnels.id().is_none_or(|id| Some(id) == whole.tunnels.id()), "{place}");
            }
        }
    }
    assert!(tunnels > 80, "{tunnels}");
}

#[test]
fn frames_without_a_tunnel_are_as_without_asking() {
    for &(name, link_type, frame, _) in FRAMES {
        let frame = bytes(frame);
        let inner = decode_inner(LinkType(link_type), &frame, &Decapsulation::all());
        let outer = decode(LinkType(link_type), &frame);
        let is_tunnel = ["GRE", "IPIP", "6in4", "4in6", "VXLAN"].iter().any(|tunnel| name.contains(tunnel));
        assert_eq!(inner == outer, !is_tunnel || name.starts_with("truncated"), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn asking_for_nothing_is_decoding(
        link_type in 0_u16..=300,
        which in 0..FRAMES.len(),
        any_bytes in proptest::collection::vec(any::<u8>(), 0..160),
    ) {
        let nothing = Decapsulation::default();
        prop_assert_eq!(decode_inner(LinkType(link_type), &any_bytes, &nothing), decode(LinkType(link_type), &any_bytes));
        let (_, link_type, frame, _) = FRAMES[which];
        let frame = bytes(frame);
        prop_assert_eq!(decode_inner(LinkType(link_type), &frame, &nothing), decode(LinkType(link_type), &frame));
    }

    #[test]
    fn any_bytes_inside_any_tunnel_decode_without_panic(
        header in 0..HEADERS.len(),
        over_v6 in any::<bool>(),
        beginning in 0..BEGINNINGS,
        rest in proptest::collection::vec(any::<u8>(), 0..120),
        at in any::<usize>(),
        byte in any::<u8>(),
        cut in any::<usize>(),
    ) {
        let mut frame = frame(header, over_v6, &inside(beginning, &rest));
        let at = at % frame.len();
        frame[at] = byte;
        for end in [frame.len(), cut % frame.len()] {
            let packet = everything(&frame[..end]);
            let tunnels = packet.tunnels;
            prop_assert_eq!(tunnels.is_empty(), tunnels.outer_ip_src().is_none());
            prop_assert_eq!(tunnels.is_empty(), tunnels.outer_ip_dst().is_none());
            prop_assert!(tunnels.kinds().count() <= 16);
            prop_assert!(tunnels.is_empty() || packet.ip_src.is_some() && packet.ip_dst.is_some());
            prop_assert!(packet.dns.is_none() || packet.port_src.is_some());
            prop_assert!(packet.ip_total_length(&frame, 1 << 16).is_none_or(|length| length <= 1 << 17));
        }
    }
}
