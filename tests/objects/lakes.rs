//! Lakes in a bucket: what is read of their files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use parcap::cancel::Cancel;
use parcap::commands::{DeltaRequest, delta};
use parcap::config::{PageCompression, Settings};
use serde_json::Value;

use super::captures::other;
use super::watched::{Asked, Bucket, bodies};
use crate::support::build::{pcap_header, pcap_record, udp};
use crate::support::{convert, folder, request, save};

const FIRST: &str = "_delta_log/00000000000000000000.json";

fn begin_log(lake: &Path) {
    delta(&DeltaRequest { lake: lake.to_owned(), off: false, wait: Duration::ZERO, cancel: Cancel::default() })
        .unwrap();
}

/// What a version of a log says of the files that it adds, in the order of their paths.
fn added(version: &str) -> Vec<(String, Value)> {
    let lines = version.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let added = lines.filter_map(|line| line.get("add").cloned());
    let text = |add: &Value, of: &str| add[of].as_str().unwrap().to_owned();
    let mut added: Vec<_> =
        added.map(|add| (text(&add, "path"), serde_json::from_str(&text(&add, "stats")).unwrap())).collect();
    added.sort_by(|(a, _), (b, _)| a.cmp(b));
    added
}

/// A capture of one day whose values are hardly compressed.
fn busy(packets: u32) -> Vec<u8> {
    let mut bytes = pcap_header();
    for number in 0..packets {
        let any = number.wrapping_mul(2_654_435_761);
        bytes.extend(pcap_record(1_582_934_400 + number / 100, any % 1_000_000, &udp((any >> 16) as u16, &[0; 4])));
    }
    bytes
}

#[test]
fn a_log_of_a_lake_that_had_none_reads_the_ends_of_its_parts() {
    // The footers of the second one are longer than what is read first.
    for (name, row_group_rows) in [("old-lake", 128 << 10), ("old-lake-of-small-groups", 250)] {
        let scratch = folder();
        let bucket = Bucket::new(name);
        let captures =
            [save(&scratch, "large.pcap", &busy(60_000)), save(&scratch, "small.pcap", &other(86_400 * 10, 50))];
        let local = scratch.path().join("lake");
        for lake in [&local, &bucket.url("lake")] {
            let mut night = request(&captures, lake);
            let default = Settings::default();
            night.settings = Settings { row_group_rows, compression: PageCompression::None, ..default };
            convert(&night);
        }
        bucket.settle();
        begin_log(&bucket.url("lake"));
        let asked = bucket.settle();
        begin_log(&local);
        // The log says of each part what it says of the same part on disk.
        let ours = added(&String::from_utf8(bucket.bytes(&format!("lake/{FIRST}"))).unwrap());
        assert_eq!(ours, added(&fs::read_to_string(local.join(FIRST)).unwrap()));
        assert!(ours.iter().all(|(_, stats)| stats["minValues"].is_object()), "{ours:?}");
        let mut largest = (0, 0);
        for (path, _) in &ours {
            let part = path.replace("%3D", "=");
            let bytes = fs::read(local.join(&part)).unwrap();
            let size = bytes.len() as u64;
            // The length of the footer is before the last four bytes (Parquet, "File format").
            let length = bytes.len() - 8..bytes.len() - 4;
            let footer = u64::from(u32::from_le_bytes(bytes[length].try_into().unwrap())) + 8;
            let mut expected = vec![size.saturating_sub(64 << 10)];
            if footer > 64 << 10 {
                expected.push(size - footer);
            }
            let key = format!("lake/{part}");
            let ranges = bodies(&asked, &key);
            assert!(ranges.iter().all(|range| range.end == size), "{path}: {ranges:?}");
            let starts: Vec<_> = ranges.into_iter().map(|range| range.start).collect();
            assert_eq!(starts, expected, "{path}: {size} bytes, {footer} of them its footer");
            largest = largest.max((size, footer));
        }
        assert_eq!((largest.0 > 500 << 10, largest.1 > 64 << 10), (true, row_group_rows == 250), "{largest:?}");
    }
}

#[test]
fn a_lake_is_read_without_asking_what_was_listed() {
    let scratch = folder();
    let bucket = Bucket::new("second-night");
    let captures = [save(&scratch, "a.pcap", &other(1, 50)), save(&scratch, "b.pcap", &other(2, 50))];
    convert(&request(&captures[..1], &bucket.url("lake")));
    bucket.settle();
    convert(&request(&captures, &bucket.url("lake")));
    let asked = bucket.settle();
    let lists = asked.iter().filter(|asked| matches!(asked, Asked::List(_))).count();
    // Manifests at the beginning, under the lease and once the number is won; packets, summaries, partials.
    assert_eq!(lists, 6, "{asked:?}");
    // Of the lease alone: whether it is still the same when it is given back.
    let facts: Vec<_> = asked.iter().filter(|asked| matches!(asked, Asked::Facts(_))).collect();
    assert_eq!(facts, [&Asked::Facts("lake/_parcap/lease.json".to_owned())]);
    // The manifest and the partial summary of the first night.
    let read = asked.iter().filter(|asked| matches!(asked, Asked::Body(..))).count();
    assert_eq!(read, 2, "{asked:?}");
}
