//! Law 11: windows that begin with the first packet are those of the notebook that this replaces, by exact integers; the
//! last packet has its window even where it falls exactly on the start of one, which is where the notebook loses it.

use std::collections::BTreeMap;

use parcap::cancel::Cancel;
use parcap::commands::{SummarizeRequest, summarize};
use parcap::day::Day;
use parcap::summary::Summary;
use parcap::tables::{Table, TableColumn};
use proptest::prelude::*;

use crate::support::build::{DAYS, interface, packet, section, simple, udp};
use crate::support::{folder, save};

use super::tally::tried;

/// A window: start in microseconds, bytes, packets; no start for packets without a time.
type Window = (Option<i64>, i64, i64);

/// The notebook's `send_rates`, of times and bytes: windows of `window` nanoseconds from the first packet on.
fn reference(packets: &[(Option<i64>, i64)], window: i64) -> Vec<Window> {
    let first = packets.iter().filter_map(|(time, _)| *time).min();
    let mut held = BTreeMap::<Option<i64>, (i64, i64)>::new();
    for (time, bytes) in packets {
        let sums = held.entry(time.zip(first).map(|(time, first)| (time - first) / window)).or_default();
        *sums = (sums.0 + bytes, sums.1 + 1);
    }
    let untimed = held.remove(&None);
    let last = held.keys().last().copied().flatten();
    let windows = last.zip(first).into_iter().flat_map(|(last, first)| (0..=last).map(move |number| (first, number)));
    let mut windows: Vec<_> = windows
        .map(|(first, number)| {
            let (bytes, packets) = held.get(&Some(number)).copied().unwrap_or_default();
            (Some((first + number * window).div_euclid(1000)), bytes, packets)
        })
        .collect();
    windows.extend(untimed.map(|(bytes, packets)| (None, bytes, packets)));
    windows
}

fn ints(table: &Table, name: &str) -> Vec<Option<i64>> {
    match table.column(name) {
        Some(TableColumn::Int(values) | TableColumn::Time(values)) => values.clone(),
        other => unreachable!("{name}: {other:?}"),
    }
}

fn floats(table: &Table, name: &str) -> Vec<Option<f64>> {
    match table.column(name) {
        Some(TableColumn::Float(values)) => values.clone(),
        other => unreachable!("{name}: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_from_the_first_packet_are_those_of_the_reference(
        // Around the midnight between two dates, on and beside the edges of windows.
        packets in prop::collection::vec(
            (prop::option::weighted(0.9, (-40..40_i64, prop_oneof![Just(0), Just(1), Just(-1), 0..1_000_000_000_i64])), 42..200_usize),
            0..40,
        ),
        window_ms in prop::sample::select(vec![250_i64, 500, 1000, 1500, 60_000, 86_400_000]),
        dates in prop::sample::select(vec![("2020-02-29", "2020-03-01"), ("2020-02-29", "2020-02-29"), ("2020-03-01", "2020-03-01")]),
        captures in 1..4_usize,
    ) {
        // Times in nanoseconds; half a second is the edge of most windows.
        let packets: Vec<(Option<i64>, i64)> = packets
            .iter()
            .map(|(time, bytes)| {
                let nanos = time.map(|(halves, more)| DAYS[3].0 * 1_000_000_000 + halves * 500_000_000 + more);
                (nanos, i64::try_from(*bytes).unwrap())
            })
            .collect();
        let day = |text: &str| Day::of_text(text).unwrap();
        let range = i64::from(day(dates.0).0)..=i64::from(day(dates.1).0);
        let folder = folder();
        let (mut paths, mut counted) = (Vec::new(), Vec::new());
        for (place, part) in packets.chunks(packets.len().div_ceil(captures).max(1)).enumerate() {
            let mut bytes = [section(), interface(1, 0, 9, 0)].concat();
            // A packet without a time belongs to the date of the timed one before it, else of the first one, else to 1970.
            let mut timed = part.iter().find_map(|(time, _)| *time);
            for (time, length) in part {
                let frame = udp(1, &vec![0; usize::try_from(length - 42).unwrap()]);
                bytes.extend(time.map_or_else(|| simple(&frame), |time| packet(0, time.unsigned_abs(), &frame)));
                timed = time.or(timed);
                if range.contains(&timed.map_or(0, |time| time.div_euclid(86_400_000_000_000))) {
                    counted.push((*time, *length));
                }
            }
            paths.push(save(&folder, &format!("{place}.pcapng"), &bytes));
        }
        let expected = reference(&counted, window_ms * 1_000_000);

        let request = SummarizeRequest {
            named: paths,
            days: day(dates.0)..=day(dates.1),
            window: Some(window_ms * 1000),
            from_first: true,
            top: None,
            ..SummarizeRequest::of_lake(std::path::Path::new(""), &Cancel::default())
        };
        let mut said = Vec::new();
        if !request.named.is_empty() {
            let rates = Summary::of("send_rates").unwrap();
            summarize(&request).unwrap().all(rates, |table| {
                let columns = [ints(&table, "window_start"), ints(&table, "bytes"), ints(&table, "packets")];
                let (seconds, rates) = (floats(&table, "window_s"), floats(&table, "bytes_per_s"));
                for row in 0..table.rows() {
                    let (start, bytes, packets) = (columns[0][row], columns[1][row].unwrap(), columns[2][row].unwrap());
                    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                    let (length, rate) = (window_ms as f64 / 1e3, bytes as f64 / (window_ms as f64 / 1e3));
                    assert_eq!((seconds[row], rates[row]), (start.map(|_| length), start.map(|_| rate)));
                    said.push((start, bytes, packets));
                }
                Ok(())
            }).unwrap();
        }
        prop_assert_eq!(said, expected);
        tried("windows from the first packet", 1);
    }
}
