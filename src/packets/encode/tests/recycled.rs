//! Rows are recycled: nothing of those before them may shape bytes.

use crate::address::{IpAddress, MacAddr};
use crate::capture::{LinkType, PacketRecord, Resolution, Timestamp};
use crate::config::{LengthKind, TimestampUnit};
use crate::decode::Packet;

use super::*;

/// More than two pages.
const ROWS: usize = PAGE_ROWS * 2 + 100;

/// Appends rows, `each` of which have one flow. Every ninth time is finer than a nanosecond, if they are `fine`.
fn fill(rows: &mut Rows, each: u32, is_fine: bool, ip: fn(u32) -> IpAddress) {
    for row in 0..u32::try_from(ROWS).unwrap() {
        let flow = row / each;
        let mut record = PacketRecord::of_bytes(LinkType(1), &[], u64::from(row));
        let micros = 1_700_000_000_000_000 + i64::from(row);
        let odd = Timestamp::from_pcapng(u64::from(row), Resolution(12), 1_700_000_000);
        record.time = if is_fine && row % 9 == 4 { odd } else { Some(Timestamp::from_micros(micros)) };
        let mut packet = Packet::default();
        (packet.ip_dst, packet.ip_src) = ((!flow.is_multiple_of(3)).then(|| ip(flow)), Some(ip(7)));
        (packet.mac_dst, packet.mac_src) = (Some(MacAddr(u64::from(flow % 5))), None);
        (packet.port_dst, packet.protocol) = ((flow % 4 != 1).then_some(443), Some(6));
        rows.append(0, &record, &packet, Some(Timestamp::from_micros(1_700_000_000_000_000)));
    }
}

#[test]
fn rows_after_others_have_the_same_bytes_flow_by_flow_and_in_a_scan() {
    let no_rows = || Rows::new(columns(), TimestampUnit::Us, LengthKind::Wire);
    let mut recycled = no_rows();
    // In turn: a flow for each row, for fifty, for two, for each and for three.
    for (each, is_fine, ip) in [
        (1, true, (|flow| IpAddress::V6(u128::from(flow) << 64)) as fn(u32) -> IpAddress),
        (50, false, IpAddress::V4),
        (2, true, IpAddress::V4),
        (1, false, IpAddress::V4),
        (3, false, |flow| IpAddress::V6(u128::from(flow))),
    ] {
        let mut fresh = no_rows();
        recycled.clear();
        assert_eq!((recycled.len(), recycled.bytes()), (0, fresh.bytes()));
        for rows in [&mut fresh, &mut recycled] {
            fill(rows, each, is_fine, ip);
        }
        assert_eq!(fresh.flows().len() > ROWS / 2, each == 1, "a scan");
        assert_eq!(fresh.bytes(), recycled.bytes());
        assert!(encoded(&fresh, &settings()) == encoded(&recycled, &settings()), "{each}: bytes differ");
        holds(&recycled, PageCompression::Zstd(1));
    }
}
