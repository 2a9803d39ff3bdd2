//! Laws 2 and 5 over random captures: rows, dates and summaries follow from how each was put together.

use std::collections::BTreeMap;

use parcap::config::Settings;
use proptest::prelude::*;

use crate::support::build::{Capture, DAYS, Frame, interface, other, packet, simple, udp};
use crate::support::{Row, convert, folder, packets, request, save, sum, summary};

use super::known;

/// Units of `if_tsresol`, and how many of them make a second; the last one is a power of two.
const RESOLUTIONS: [(u8, i64); 5] = [(0, 1), (3, 1000), (6, 1_000_000), (9, 1_000_000_000), (0x80 | 20, 1 << 20)];
/// Values of `if_tsoffset`; the earliest tick of the first day is after the largest.
const OFFSETS: [i64; 4] = [0, 3600, -86_400, 400_000_000];

/// One packet to be written: what it is, when, and how long it was on the wire.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    number: u16,
    payload: usize,
    is_ip: bool,
    cut: u32,
    /// Interface (or, for a pcap, nothing), day, second of the day, and a fraction of 2^32.
    interface: usize,
    day: usize,
    second: i64,
    fraction: i64,
    is_timed: bool,
}

pub(super) fn wanted() -> impl Strategy<Value = Wanted> {
    let frame = (0..40_u16, 0..120_usize, prop::bool::weighted(0.8), 0..2000_u32);
    // Not the first day: its ticks would be negative with an offset.
    let time = (0..4_usize, 1..DAYS.len(), 0..86_400_i64, 0..1_i64 << 32, prop::bool::weighted(0.8));
    (frame, time).prop_map(|((number, payload, is_ip, cut), (interface, day, second, fraction, is_timed))| Wanted {
        number,
        payload,
        is_ip,
        cut,
        interface,
        day,
        second,
        fraction,
        is_timed,
    })
}

impl Wanted {
    fn frame(&self) -> Frame {
        let payload = vec![0; self.payload];
        let mut frame = if self.is_ip { udp(self.number, &payload) } else { other(&payload) };
        frame.orig_len += self.cut;
        frame
    }
}

/// A time as whole seconds, and a fraction in parts of a second.
type Exact = (i64, i64, i64);

fn pcap(wanted: &[Wanted]) -> (Capture, Vec<Option<Exact>>) {
    let (mut capture, mut times) = (Capture::pcap(), Vec::new());
    for packet in wanted {
        let micros = (packet.fraction * 1_000_000) >> 32;
        let second = packet.second % 4000;
        capture.record(packet.day, u32::try_from(second * 1_000_000 + micros).unwrap(), packet.frame());
        times.push(Some((DAYS[packet.day].0 + second, micros, 1_000_000)));
    }
    (capture, times)
}

fn pcapng(wanted: &[Wanted], clocks: &[(usize, usize)]) -> (Capture, Vec<Option<Exact>>) {
    let (mut capture, mut times) = (Capture::pcapng(), Vec::new());
    let clocks: Vec<_> = clocks.iter().map(|(unit, offset)| (RESOLUTIONS[*unit], OFFSETS[*offset])).collect();
    for ((resolution, _), offset_s) in &clocks {
        capture.block(&interface(1, 0, *resolution, *offset_s));
    }
    for wanted in wanted {
        let frame = wanted.frame();
        if !wanted.is_timed {
            capture.timeless(&simple(&frame), frame);
            times.push(None);
            continue;
        }
        let ((_, units), offset_s) = clocks[wanted.interface];
        let (seconds, part) = (DAYS[wanted.day].0 + wanted.second, (wanted.fraction * units) >> 32);
        let ticks = u64::try_from((seconds - offset_s) * units + part).unwrap();
        // Finer digits are cut off.
        let micros = wanted.second * 1_000_000 + part * 1_000_000 / units;
        let block = packet(u32::try_from(wanted.interface + 1).unwrap(), ticks, &frame);
        capture.timed(&block, wanted.day, micros, frame);
        times.push(Some((seconds, part, units)));
    }
    (capture, times)
}

/// A capture of these packets; a pcapng has an interface of each unit.
pub(super) fn any_capture(wanted: &[Wanted], is_pcapng: bool) -> Capture {
    if is_pcapng { pcapng(wanted, &[(2, 0), (3, 1), (4, 2), (1, 3)]).0 } else { pcap(wanted).0 }
}

/// The double nearest to an exact time: the standard library reads decimals correctly rounded. Any unit here divides
/// 10^20.
fn nearest((seconds, part, units): Exact) -> f64 {
    let digits = i128::from(part) * (10_i128.pow(20) / i128::from(units));
    format!("{seconds}.{digits:020}").parse().unwrap()
}

/// The nearest double to the difference of two exact times.
fn difference(a: Exact, b: Exact) -> f64 {
    let scaled = |(seconds, part, units): Exact| {
        i128::from(seconds) * 10_i128.pow(20) + i128::from(part) * (10_i128.pow(20) / i128::from(units))
    };
    let (difference, one) = (scaled(a) - scaled(b), 10_i128.pow(20));
    let sign = if difference < 0 { "-" } else { "" };
    format!("{sign}{}.{:020}", difference.abs() / one, difference.abs() % one).parse().unwrap()
}

fn within_an_ulp(found: f64, expected: f64) -> bool {
    (expected.next_down()..=expected.next_up()).contains(&found)
}

/// `time` and `time_normed` of every row. Rows are by date; so are the times, in the same stable order.
fn check_times(rows: &[Row], capture: &Capture, times: &[Option<Exact>]) {
    let first = times.iter().flatten().next().copied();
    let dates = capture.known.iter().map(|known| known.date.clone());
    let mut by_date: Vec<_> = dates.zip(times.iter().copied()).collect();
    by_date.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (row, (_, time)) in rows.iter().zip(by_date) {
        let found = row.float("time").zip(row.float("time_normed"));
        let expected = time.zip(first).map(|(time, first)| (nearest(time), difference(time, first)));
        match (found, expected) {
            (Some((time, normed)), Some(expected)) => {
                assert!(within_an_ulp(time, expected.0), "{time}, not {}", expected.0);
                assert!(within_an_ulp(normed, expected.1), "{normed}, not {}", expected.1);
            }
            (found, expected) => assert_eq!(found, expected),
        }
    }
}

/// Bytes and packets by partition and by what a key says of the row, added up here.
fn sums(rows: &[Row], key: impl Fn(&Row) -> Option<String>) -> BTreeMap<(String, Option<String>), (i64, i64)> {
    let mut sums = BTreeMap::<_, (i64, i64)>::new();
    for row in rows {
        let sum = sums.entry((row.partition.clone(), key(row))).or_default();
        *sum = (sum.0 + row.int("length").unwrap(), sum.1 + 1);
    }
    sums
}

/// Every summary agrees with the rows, key by key, and each date's table adds up to the date's bytes.
fn check_summaries(lake: &std::path::Path, rows: &[Row]) {
    let text = |column: &'static str| move |row: &Row| row.get(column).map(str::to_owned);
    let window = |row: &Row| row.int("datetime").map(|micros| (micros - micros.rem_euclid(1_000_000)).to_string());
    // Nothing here asks DNS: an address has no name.
    let name = |row: &Row| row.get("ip_dst").map(|_| "N/A".to_owned());
    for (table, column, expected) in [
        ("volume_by_ip", "ip_dst", sums(rows, text("ip_dst"))),
        ("protocols", "protocol", sums(rows, text("protocol"))),
        ("send_rates", "window_start", sums(rows, window)),
        ("volume_by_name", "name_dst", sums(rows, name)),
    ] {
        let found = summary(lake, table);
        let volume = |row: &Row| (row.int("bytes").unwrap(), row.int("packets").unwrap());
        let by_key = found.iter().map(|row| ((row.partition.clone(), text(column)(row)), volume(row)));
        assert_eq!(by_key.collect::<BTreeMap<_, _>>(), expected, "{table}");
        assert_eq!(found.len(), expected.len(), "{table} has a key twice");
        assert_eq!(sum(&found, "bytes"), sum(rows, "length"), "{table}");
    }
}

fn check(capture: &Capture, times: &[Option<Exact>], chunk_size: u64) {
    let folder = folder();
    let path = save(&folder, "random", &capture.bytes);
    let mut request = request(&[path], &folder.path().join("lake"));
    request.settings = Settings { chunk_size, ..Settings::default() };
    let report = convert(&request);
    assert_eq!((report.records, report.rows), (times.len() as u64, times.len() as u64));
    let rows = packets(&request.lake);
    assert_eq!(known(&rows), capture.rows());
    check_times(&rows, capture, times);
    check_summaries(&request.lake, &rows);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_pcap_is_its_packets(wanted in prop::collection::vec(wanted(), 0..60), chunk_size in 1_u64..6000) {
        let (capture, times) = pcap(&wanted);
        check(&capture, &times, chunk_size);
    }

    #[test]
    fn any_pcapng_is_its_packets(
        wanted in prop::collection::vec(wanted(), 0..60),
        clocks in prop::collection::vec((0..RESOLUTIONS.len(), 0..OFFSETS.len()), 4),
        chunk_size in 1_u64..6000,
    ) {
        let (capture, times) = pcapng(&wanted, &clocks);
        check(&capture, &times, chunk_size);
    }
}
