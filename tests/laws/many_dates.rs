//! Law 32: rows of more dates than fit are sorted on disk, and are the rows that there would be without: in their order, with their
//! places in the capture, in one part a date, and with the same summaries. Neither workers nor chunks change a byte or a row.

use std::collections::BTreeMap;
use std::path::Path;

use parcap::config::{Decapsulation, PartitionBy, Settings, TimestampUnit};
use parcap::packets::{SETS, further_columns};
use proptest::prelude::*;

use crate::support::build::{
    Frame, client_hello, dns_answer, interface, ip, other, packet, pcap_header, pcap_record, section, simple, udp, udp6,
};
use crate::support::{convert, files, folder, hashes, packets, parts, request, save};

/// Rows of a row group that leave no room for hundreds of dates: twice as many are collected at most.
const FEW_ROWS: usize = 400;
const SECONDS_PER_DAY: u64 = 86_400;

/// Numbers that look like chance, and are the same each time (Knuth's linear congruential generator for MMIX).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn frame(chance: &mut Chance) -> Frame {
    let number = u16::try_from(chance.below(500)).unwrap();
    match chance.below(8) {
        0 => dns_answer(number, &[format!("host{number}").as_bytes(), b"example"], &[[10, 0, 0, 1]]),
        1 => client_hello(number, format!("www{number}.example.com").as_bytes()),
        2 => other(&[7; 30]),
        3 => ip(6, number, &[1; 40]),
        4 => udp6(b"six"),
        5 => {
            // Within an MPLS label of 16.
            let mut frame = udp(number, &[7; 20]);
            frame.data.splice(12..14, [0x88, 0x47, 0, 1, 1, 64]);
            frame.orig_len += 4;
            frame
        }
        _ => udp(number, b"hello"),
    }
}

/// Packets of dates in no order, every third of the same date; some of them without a time, or all of the first ones.
fn pcapng(chance: &mut Chance, dates: u64, count: u64, untimed: u64, untimed_at_first: u64) -> Vec<u8> {
    let mut bytes = [section(), interface(1, 0, 6, 0)].concat();
    for number in 0..count {
        let frame = frame(chance);
        let date = if chance.below(3) == 0 { dates / 2 } else { chance.below(dates) };
        if number < untimed_at_first || chance.below(100) < untimed {
            bytes.extend(simple(&frame));
        } else {
            bytes.extend(packet(
                0,
                (date * SECONDS_PER_DAY + chance.below(SECONDS_PER_DAY)) * 1_000_000 + number,
                &frame,
            ));
        }
    }
    bytes
}

/// Of each part its folder, and where its rows came from.
fn ranges(lake: &Path) -> Vec<(String, u64, serde_json::Value)> {
    let of_part = |part: serde_json::Value| {
        let path = Path::new(part["path"].as_str().unwrap()).parent().unwrap().to_str().unwrap().to_owned();
        (path, part["rows"].as_u64().unwrap(), part["ranges"].clone())
    };
    let mut ranges: Vec<_> = parts(lake).into_iter().map(of_part).collect();
    ranges.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    ranges
}

/// All columns, and tunnels looked into.
fn all_columns(row_group_rows: usize, chunk_size: u64) -> Settings {
    let sets = SETS.iter().map(|set| set.name).collect::<Vec<_>>().join(",");
    Settings {
        columns: further_columns(&sets).unwrap(),
        decapsulate: Decapsulation::all(),
        row_group_rows,
        chunk_size,
        ..Settings::default()
    }
}

/// Converts captures so that all dates fit, and so that they do not, and compares.
fn holds(captures: &[Vec<u8>], settings: &Settings) {
    let folder = folder();
    let paths: Vec<_> =
        captures.iter().enumerate().map(|(number, bytes)| save(&folder, &format!("{number}.pcapng"), bytes)).collect();
    let lake_of = |name: &str, jobs: usize, settings: &Settings, summaries: bool| {
        let mut request = request(&paths, &folder.path().join(name));
        (request.settings, request.jobs) = (Settings { summaries, ..settings.clone() }, jobs);
        convert(&request);
        request.lake
    };
    let straight = lake_of("straight", 1, &Settings { row_group_rows: 1 << 20, ..settings.clone() }, false);
    let sorted = [1, 3].map(|jobs| lake_of(&format!("sorted{jobs}"), jobs, settings, false));
    // A capture without any time may come before those that are before it in its unit.
    let by_capture = |lake: &Path| {
        let mut rows = packets(lake);
        rows.sort_by(|a, b| (&a.partition, a.get("capture")).cmp(&(&b.partition, b.get("capture"))));
        rows
    };
    let expected = by_capture(&straight);
    let found = by_capture(&sorted[0]);
    assert_eq!(found.len(), expected.len());
    if let Some((found, expected)) = found.iter().zip(&expected).find(|(found, expected)| found != expected) {
        panic!("a row is {found:?}, not {expected:?}");
    }
    assert_eq!(hashes(&sorted[0].join("packets")), hashes(&sorted[1].join("packets")));
    if captures.len() == 1 {
        // A capture without any time in the middle of a unit ends the parts before it.
        assert_eq!(ranges(&sorted[0]), ranges(&straight));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, max_shrink_iters: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_those_of_dates_that_fit(
        seed in any::<u64>(),
        dates in 300_u64..500,
        (untimed, untimed_at_first) in (prop_oneof![Just(0), 0..10_u64], prop_oneof![Just(0), 0..300_u64]),
        chunk_size in prop_oneof![Just(1_u64 << 30), 60_000..150_000_u64],
        is_ns in any::<bool>(),
    ) {
        let mut chance = Chance(seed);
        let bytes = pcapng(&mut chance, dates, 2500, untimed, untimed_at_first);
        let timestamp_unit = if is_ns { TimestampUnit::Ns } else { TimestampUnit::Us };
        holds(&[bytes], &Settings { timestamp_unit, ..all_columns(FEW_ROWS, chunk_size) });
    }

    #[test]
    fn rows_of_several_captures_are_those_of_dates_that_fit(seed in any::<u64>(), untimed_at_first in 0..300_u64) {
        let mut chance = Chance(seed);
        let captures = [
            pcapng(&mut chance, 500, 2000, 5, 0),
            pcapng(&mut chance, 3, 2000, 0, untimed_at_first),
            pcapng(&mut chance, 400, 1500, 0, untimed_at_first),
            pcapng(&mut chance, 1, 200, 100, 0),
            pcapng(&mut chance, 600, 1500, 1, 0),
        ];
        holds(&captures, &Settings { partition_by: PartitionBy { hour: false, protocol: true }, ..all_columns(FEW_ROWS, 1 << 30) });
    }
}

/// Regression: the rows of the last chunk fit, and their row groups took more than what may wait for rows on disk.
#[test]
fn a_date_has_one_part_also_where_the_last_chunk_has_few_rows_of_hundreds_of_dates() {
    let bytes = pcapng(&mut Chance(450_478_798_252_911_816), 414, 2500, 0, 0);
    holds(&[bytes], &Settings { timestamp_unit: TimestampUnit::Ns, ..all_columns(FEW_ROWS, 98_447) });
}

/// Each date's tables cost more than its rows, so there are few dates more than fit.
#[test]
fn summaries_are_those_of_dates_that_fit() {
    let folder = folder();
    let path = save(&folder, "random.pcapng", &pcapng(&mut Chance(20), 270, 2000, 1, 10));
    let [straight, sorted] = [1 << 20, FEW_ROWS].map(|row_group_rows| {
        let mut request = request(&[&path], &folder.path().join(format!("{row_group_rows}")));
        request.settings = all_columns(row_group_rows, 100_000);
        convert(&request);
        request.lake.join("summaries")
    });
    assert!(files(&sorted).len() > 270 * 5);
    assert_eq!(hashes(&sorted), hashes(&straight));
}

/// The files of a lake's packets by their folder.
fn parts_by_date(lake: &Path) -> BTreeMap<String, usize> {
    let mut parts = BTreeMap::new();
    for path in files(&lake.join("packets")) {
        *parts.entry(path.parent().unwrap().to_str().unwrap().to_owned()).or_default() += 1;
    }
    parts
}

/// The defaults: 1500 dates are more than a unit keeps parts of, although their rows fit in memory.
#[test]
fn a_date_has_one_part_of_a_unit_however_many_dates_there_are() {
    let folder = folder();
    let mut bytes = pcap_header();
    let (dates, rows) = (1500_u32, 6000_u32);
    for row in 0..rows {
        bytes.extend(pcap_record(row % dates * 86_400 + row / dates, row, &udp(1, b"hello")));
    }
    let path = save(&folder, "cycling.pcap", &bytes);
    let mut request = request(&[path], &folder.path().join("lake"));
    request.settings = Settings { summaries: false, chunk_size: 200_000, ..Settings::default() };
    convert(&request);
    let parts = parts_by_date(&request.lake);
    assert_eq!((parts.len(), parts.values().max()), (dates as usize, Some(&1)));
    let rows_of = packets(&request.lake);
    assert_eq!(rows_of.len(), rows as usize);
    // The microseconds are the place in the capture.
    let places = rows_of
        .chunks(4)
        .map(|rows| rows.iter().map(|row| row.int("datetime").unwrap() % 1_000_000).collect::<Vec<_>>());
    places.enumerate().for_each(|(date, places)| {
        let date = i64::try_from(date).unwrap();
        assert_eq!(places, (0..4).map(|round| date + round * i64::from(dates)).collect::<Vec<_>>());
    });
}
