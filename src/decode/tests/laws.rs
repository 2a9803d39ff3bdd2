//! Laws: nothing panics, a prefix contradicts nothing, addresses and numbers are the same thing.

use proptest::prelude::*;

use crate::address::{IpAddress, MacAddr};
use crate::capture::LinkType;
use crate::decode::decode;

use super::super::packet::Packet;
use super::super::stop::Stop;
use super::frames::FRAMES;
use super::link_types::PREFIXED;

/// Checks that `part`, decoded from a prefix of a frame, says nothing that the whole frame does not.
fn no_contradiction(part: &Packet<'_>, whole: &Packet<'_>, name: &str) {
    fn same<T: PartialEq + std::fmt::Debug>(part: Option<T>, whole: Option<T>, name: &str) {
        assert!(part.is_none() || part == whole, "{name}: {part:?}, whole {whole:?}");
    }
    same(part.mac_src, whole.mac_src, name);
    same(part.mac_dst, whole.mac_dst, name);
    same(part.ip_src, whole.ip_src, name);
    same(part.ip_dst, whole.ip_dst, name);
    same(part.port_src, whole.port_src, name);
    same(part.port_dst, whole.port_dst, name);
    same(part.tags.ether_type, whole.tags.ether_type, name);
    same(part.tags.vlan_id, whole.tags.vlan_id, name);
    same(part.tags.vlan_inner_id, whole.tags.vlan_inner_id, name);
    same(part.tags.mpls_label, whole.tags.mpls_label, name);
}

#[test]
fn a_prefix_says_nothing_that_the_whole_frame_does_not() {
    let by_hand =
        FRAMES.iter().map(|&(name, link_type, frame, _)| (name, link_type, crate::decode::tests::bytes(frame)));
    let prefixed = PREFIXED.iter().map(|case| (case.0, case.1, case.frame()));
    for (name, link_type, frame) in by_hand.chain(prefixed) {
        let whole = decode(LinkType(link_type), &frame);
        for cut in 0..frame.len() {
            let part = decode(LinkType(link_type), &frame[..cut]);
            no_contradiction(&part, &whole, name);
        }
    }
}

#[test]
fn addresses_show_as_rfc_5952_recommends() {
    // Section 5: `::/96` and `::ffff:0:0/96` tell of an IPv4 address. Sections 4.2 and 4.3 for the rest.
    for (bits, want) in [
        (0, "::"),
        (1, "::1"),
        (0xffff, "::ffff"),
        (0x0001_0000, "::0.1.0.0"),
        (0x0b00_0001, "::11.0.0.1"),
        (0xffff_ffff, "::255.255.255.255"),
        (0x1_0000_0000, "::1:0:0"),
        (0xffff_0a00_0001, "::ffff:10.0.0.1"),
        (0x2001_0db8_0000_0000_0001_0000_0000_0001, "2001:db8::1:0:0:1"),
    ] {
        assert_eq!(IpAddress::V6(bits).to_string(), want);
    }
}

#[test]
fn every_stop_has_its_place_and_its_own_name() {
    for (index, stop) in Stop::ALL.into_iter().enumerate() {
        assert_eq!(stop.index(), index);
        assert!(stop.name().bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'4' | b'6')));
    }
    let names: std::collections::BTreeSet<_> = Stop::ALL.map(Stop::name).into();
    assert_eq!(names.len(), Stop::COUNT);
}

#[test]
fn tags_to_any_depth_are_followed_in_a_loop() {
    // 60,000 bytes of VLAN tags, of MPLS labels, of MAC-in-MAC headers and of nested NSH.
    let macs = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    for tag in [
        &[0x81, 0, 0, 1][..],
        &[0x88, 0xe7, 0, 0, 0, 1, 2, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 3],
        &[0x89, 0x4f, 0, 2, 0, 4, 0, 0, 0, 0],
    ] {
        let mut frame = macs.to_vec();
        frame.extend(tag.iter().cycle().take(60_000));
        let packet = decode(LinkType::ETHERNET, &frame);
        assert_eq!(packet.mac_src, Some(MacAddr::from([2, 0, 0, 0, 0, 1])));
        assert_eq!(packet.ip_src, None);
    }
}

/// Every link type that is decoded, and some that are not.
fn any_link_type() -> impl Strategy<Value = u16> {
    0_u16..=300
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn any_bytes_of_any_link_type_decode_without_panic(
        link_type in any_link_type(),
        frame in proptest::collection::vec(any::<u8>(), 0..160),
    ) {
        let packet = decode(LinkType(link_type), &frame);
        prop_assert!(packet.dns.is_none() || packet.port_src.is_some());
    }

    #[test]
    fn a_changed_byte_never_panics(which in 0..FRAMES.len(), at in any::<usize>(), byte in any::<u8>()) {
        let (_, link_type, frame, _) = FRAMES[which];
        let mut frame = crate::decode::tests::bytes(frame);
        if !frame.is_empty() {
            let at = at % frame.len();
            frame[at] = byte;
        }
        let whole = decode(LinkType(link_type), &frame);
        for cut in 0..frame.len() {
            no_contradiction(&decode(LinkType(link_type), &frame[..cut]), &whole, "changed");
        }
    }

    #[test]
    fn addresses_round_trip(mac in any::<[u8; 6]>(), v4 in any::<[u8; 4]>(), v6 in any::<[u8; 16]>()) {
        prop_assert_eq!(MacAddr::from(mac).octets(), mac);
        let text = MacAddr::from(mac).to_string();
        let octets: Vec<u8> = text.split(':').map(|octet| u8::from_str_radix(octet, 16).unwrap()).collect();
        prop_assert_eq!(octets, mac);
        prop_assert_eq!(IpAddress::from(v4).to_string().parse(), Ok(std::net::IpAddr::from(v4)));
        prop_assert_eq!(IpAddress::from(v6).to_string().parse(), Ok(std::net::IpAddr::from(v6)));
    }
}
