//! Holds what is added up by flow against counting packet by packet.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::address::IpAddress;
use crate::aggregate::Space;
use crate::capture::{LinkType, PacketRecord, Timestamp};
use crate::config::{LengthKind, TimestampUnit};
use crate::decode::Packet;
use crate::packets::TableColumns;
use crate::summary::key::KeyReader;
use crate::summary::partial::Partial;

const WINDOW: i64 = 1_000_000;

/// A packet: addresses, ports and protocol, its time in microseconds, and its length.
type CountedPacket = ([Option<IpAddress>; 2], [Option<u16>; 2], Option<u8>, Option<i64>, u32);
/// Bytes and packets, and both once more where packets are counted both ways.
type SumsByKey<K> = BTreeMap<K, [i64; 4]>;

fn any_packet() -> impl Strategy<Value = CountedPacket> {
    // Numbers that are the same in addresses of other kinds, and that many packets share.
    let ips =
        vec![None, Some(IpAddress::V4(1)), Some(IpAddress::V4(2)), Some(IpAddress::V6(1)), Some(IpAddress::V6(9))];
    let ip = || prop::sample::select(ips.clone());
    let port = || prop::sample::select(vec![None, Some(0), Some(53), Some(u16::MAX)]);
    let protocol = prop::sample::select(vec![None, Some(0), Some(6), Some(17), Some(255)]);
    // The edges of windows, of a date, and of the epoch; times that go back.
    let times =
        vec![None, Some(-1), Some(0), Some(999_999), Some(1_000_000), Some(86_399_999_999), Some(86_400_000_000)];
    let length = prop::sample::select(vec![0, 1, 1500, u32::MAX]);
    ([ip(), ip()], [port(), port()], protocol, prop::sample::select(times), length)
}

fn add<K: Ord>(sums: &mut SumsByKey<K>, key: K, at: usize, length: u32) {
    let held = sums.entry(key).or_default();
    held[at] += i64::from(length);
    held[at + 1] += 1;
}

/// All sums of a kind, over all dates, with the date.
fn found<K: Ord>(sums: &mut Aggregator, kind: SumKind, read: impl Fn(Day, KeyReader<'_>) -> K) -> SumsByKey<K> {
    let mut all = BTreeMap::new();
    for group in sums.groups().into_iter().filter(|group| group.kind == kind as u8) {
        let mut merge = sums.read(group).unwrap();
        while let Some((key, sums)) = merge.next().unwrap() {
            let numbers = [sums.bytes, sums.packets, sums.more[0], sums.more[1]];
            assert!(all.insert(read(group.day, KeyReader(key)), numbers).is_none(), "a key twice");
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Law: what is added up by flow, over row groups of two dates in turn, is what counting packet by packet gives.
    #[test]
    fn flows_give_what_counting_each_packet_gives(
        groups in prop::collection::vec((0_i32..2, prop::collection::vec(any_packet(), 1..40)), 1..6),
        unit in prop::sample::select(vec![TimestampUnit::Us, TimestampUnit::Ns]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut partial = Partial::new(&Space::new(folder.path()));
        let (mut flows, mut windows, mut ports) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut rows = Rows::new(TableColumns::default(), unit, LengthKind::Wire);
        for (day, packets) in &groups {
            let day = Day(*day);
            for ([dst, src], [port_dst, port_src], protocol, micros, length) in packets.iter().copied() {
                let mut record = PacketRecord::of_bytes(LinkType::ETHERNET, &[], 0);
                (record.time, record.orig_len) = (micros.map(Timestamp::from_micros), length);
                let mut packet = Packet::default();
                (packet.ip_dst, packet.ip_src, packet.protocol) = (dst, src, protocol);
                (packet.port_dst, packet.port_src) = (port_dst, port_src);
                rows.append(0, &record, &packet, None);
                let protocol = protocol.map_or(NO_PROTOCOL, u16::from);
                add(&mut flows, (day, dst, src, protocol), 0, length);
                let start = micros.map(|micros| micros.div_euclid(WINDOW) * WINDOW);
                // A window belongs to the date on which it begins.
                let date = start.map_or(day, |start| Day(i32::try_from(start.div_euclid(86_400_000_000)).unwrap()));
                add(&mut windows, (date, start, protocol), 0, length);
                add(&mut ports, (day, protocol, port_dst), 0, length);
                add(&mut ports, (day, protocol, port_src), 2, length);
            }
            partial.add_rows(day, &rows, WINDOW).unwrap();
            rows.clear();
        }
        let sums = &mut partial.into_aggregator();
        let flow = |day, mut key: KeyReader<'_>| (day, key.address(), key.address(), key.protocol());
        prop_assert_eq!(found(sums, SumKind::Flows, flow), flows);
        let window = |day, mut key: KeyReader<'_>| (day, key.time(), key.protocol());
        prop_assert_eq!(found(sums, SumKind::Windows, window), windows);
        let port = |day, mut key: KeyReader<'_>| (day, key.protocol(), key.port());
        prop_assert_eq!(found(sums, SumKind::Ports, port), ports);
    }
}
