//! Law 23: columns that are asked for change nothing else: no other column, no order, no summary. They have the values of
//! batches straight from captures, whatever the chunks and workers, and keep them when parts are written again.

use std::fs;
use std::path::{Path, PathBuf};

use parcap::commands::ConvertRequest;
use parcap::config::{Decapsulation, Settings};
use parcap::packets::{COLUMNS, SETS, find_column, further_columns};
use parcap::stream::ReadCaptures;

use crate::support::build::{
    Capture, Frame, block, client_hello, interface, packet, pcap_header, pcap_record, section, udp,
};
use crate::support::{Row, convert, folder, hashes, packets, repository, request, rows_in, run, run_with, save, text};

use super::adversary::{hostile_pcap, hostile_pcapng};
use super::{mixed_pcapng, plain_pcap};

/// The names of all sets.
fn sets() -> String {
    SETS.iter().map(|set| set.name).collect::<Vec<_>>().join(",")
}

fn further() -> impl Iterator<Item = &'static str> {
    SETS.iter().flat_map(|set| set.columns).map(|column| column.name)
}

fn values(row: &Row, names: impl Iterator<Item = &'static str>) -> Vec<Option<&str>> {
    names.map(|name| row.get(name)).collect()
}

fn usual(row: &Row) -> Vec<Option<&str>> {
    values(row, COLUMNS.iter().map(|column| column.name))
}

/// ClientHellos of many names.
fn hellos() -> Capture {
    let mut capture = Capture::pcap();
    for number in 0..300 {
        capture.record(4, 0, client_hello(number, format!("www{}.example.com", number % 70).as_bytes()));
    }
    capture
}

/// Packets inside tunnels, so that no column is null in all rows.
fn inside() -> Settings {
    Settings { decapsulate: Decapsulation::all(), ..Settings::default() }
}

/// A request that asks for all columns, in small chunks.
fn asking(captures: &[PathBuf], lake: &Path, chunk_size: u64) -> ConvertRequest {
    let columns = further_columns(&sets()).unwrap();
    ConvertRequest { settings: Settings { columns, chunk_size, ..inside() }, ..request(captures, lake) }
}

/// A packet after an MPLS label of 16.
fn labelled() -> Frame {
    let mut frame = udp(1, &[7; 20]);
    frame.data.splice(12..14, [0x88, 0x47, 0, 1, 1, 64]);
    frame.orig_len += 4;
    frame
}

#[test]
fn they_change_nothing_else_and_have_the_values_of_batches() {
    let folder = folder();
    let captures: Vec<_> = [
        ("plain.pcap", plain_pcap().bytes),
        ("mixed.pcapng", mixed_pcapng().bytes),
        ("hostile.pcap", hostile_pcap().bytes),
        ("hostile.pcapng", hostile_pcapng().bytes),
        ("labels.pcap", [pcap_header(), pcap_record(1, 2, &labelled())].concat()),
        ("hello.pcap", hellos().bytes),
    ]
    .iter()
    .map(|(name, bytes)| save(&folder, name, bytes))
    .chain(["captures", "damaged"].map(|name| repository(&format!("data/{name}"))))
    .collect();
    let [plain, whole, chunks] = ["plain", "whole", "chunks"].map(|name| folder.path().join(name));
    convert(&ConvertRequest { settings: inside(), ..request(&captures, &plain) });
    convert(&asking(&captures, &whole, u64::MAX >> 1));
    convert(&ConvertRequest { jobs: 3, ..asking(&captures, &chunks, 4096) });

    let (without, with) = (packets(&plain), packets(&whole));
    assert!(without.len() > 1331);
    assert_eq!(without.iter().map(usual).collect::<Vec<_>>(), with.iter().map(usual).collect::<Vec<_>>());
    assert!(without.iter().zip(&with).all(|(without, with)| without.partition == with.partition));
    assert_eq!(hashes(&plain.join("summaries")), hashes(&whole.join("summaries")));
    let sorted = |mut rows: Vec<Row>| {
        rows.sort();
        rows
    };
    let with = sorted(with);
    assert_eq!(sorted(packets(&chunks)), with);

    let every: Vec<_> = COLUMNS.iter().map(|column| column.name).chain(further()).collect();
    let read = ReadCaptures::new(captures).columns(every.iter().copied()).unwrap().decapsulate(&Decapsulation::all());
    let read = read.chunk_size(4096).jobs(2);
    let mut read: Vec<_> = read.open().unwrap().flat_map(|batch| rows_in(&batch.unwrap(), "")).collect();
    // A capture that begins as another one does is left out of a lake.
    let known: std::collections::HashSet<_> = with.iter().map(|row| values(row, every.iter().copied())).collect();
    read.retain(|row| known.contains(&values(row, every.iter().copied())));
    let distinct: std::collections::HashSet<_> = read.iter().map(|row| values(row, every.iter().copied())).collect();
    assert_eq!(distinct, known);
    for name in further() {
        assert!(with.iter().any(|row| row.get(name).is_some()), "no packet has {name}");
        let column = find_column(name).unwrap();
        let is_null = with.iter().any(|row| row.get(name).is_none());
        // No stream is among the captures, and no packet without an interface.
        let never = column.null_when.is_empty() || ["capture", "link_type"].contains(&name);
        assert_eq!(is_null, !never, "{name}");
    }
}

/// A capture in two, so that each of its partitions has two parts.
fn halves(folder: &tempfile::TempDir, name: &str) -> [PathBuf; 2] {
    let bytes = fs::read(repository(&format!("data/captures/{name}"))).unwrap();
    let mut middle = 24;
    while middle < bytes.len() / 2 {
        middle += 16 + u32::from_le_bytes(bytes[middle + 8..middle + 12].try_into().unwrap()) as usize;
    }
    let second = [&bytes[..24], &bytes[middle..]].concat();
    [save(folder, &format!("1-{name}"), &bytes[..middle]), save(folder, &format!("2-{name}"), &second)]
}

#[test]
fn they_are_kept_when_parts_are_written_again() {
    let folder = folder();
    let lake = folder.path().join("lake");
    // Fragments and tags are few: they are in captures of their own.
    let [[first, second], others @ ..] =
        ["office-hour.pcap", "fragments.pcap", "vlan.pcap"].map(|name| halves(&folder, name));
    let others: Vec<_> = others.into_iter().flatten().chain([repository("data/captures/tunnels.pcap")]).collect();
    let parcap = |arguments: &[&str]| {
        let ran = run(arguments);
        assert_eq!(ran.status, Some(0), "{arguments:?}: {ran:?}");
    };
    let at = text(&lake);
    let sets = sets();
    let asked = ["--columns", &sets, "--decapsulate", "all", "--quiet"];
    for capture in [&first, &second].into_iter().chain(&others) {
        parcap(&[&["convert", &text(capture), "--out", &at][..], &asked].concat());
    }
    let sorted = || {
        let mut rows: Vec<Vec<Option<String>>> = packets(&lake)
            .iter()
            .map(|row| values(row, further()).into_iter().map(|value| value.map(str::to_owned)).collect())
            .collect();
        rows.sort();
        rows
    };
    let before = sorted();
    parcap(&["compact", &at]);
    assert_eq!(sorted(), before);
    parcap(&["verify", "--deep", &at]);
    // What is left of a lake without its manifests.
    fs::remove_dir_all(lake.join("_parcap/manifest")).unwrap();
    let ran = run(["verify", "--repair", &at]);
    assert!(ran.stdout.contains("taken up"), "{ran:?}");
    assert_eq!(sorted(), before);
    parcap(&["forget", &at, &text(&first)]);
    let lake_of_second = folder.path().join("second");
    for capture in std::iter::once(&second).chain(&others) {
        parcap(&[&["convert", &text(capture), "--out", &text(&lake_of_second)][..], &asked].concat());
    }
    let rest = sorted();
    let alone = packets(&lake_of_second);
    assert_eq!(rest.len(), alone.len());
    let mut alone: Vec<_> = alone.iter().map(|row| values(row, further())).collect();
    alone.sort();
    assert!(rest.iter().map(|row| row.iter().map(Option::as_deref).collect::<Vec<_>>()).eq(alone));
}

/// Two sections that differ in nothing but the names of their interfaces, the second of which has a packet of no interface. What
/// each packet says of itself: its interface, and whether it has a link type.
fn two_sections() -> (Vec<u8>, Vec<(&'static str, bool)>) {
    let named = |name: &[u8]| {
        let mut body = vec![1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 4, 0];
        body.extend(name);
        block(1, &[&body[..], &[0; 4]].concat())
    };
    let (mut bytes, mut known) = (Vec::new(), Vec::new());
    for (name, number) in [("eth0", 0_u16), ("eth1", 1)] {
        bytes.extend([section(), named(name.as_bytes()), interface(1, 0, 6, 0)].concat());
        for packet_number in 0..150_u16 {
            let frame = udp(packet_number, &[7; 20]);
            let (at, interface) = match packet_number {
                // Far from the beginning: a capture that begins with packets without a time is not cut.
                147 if number == 1 => (9, "9"),
                other if other % 5 == 0 => (1, "1"),
                _ => (0, name),
            };
            let ticks = 1_700_000_000_000_000 + u64::from(150 * number + packet_number);
            bytes.extend(packet(at, ticks, &frame));
            known.push((interface, at != 9));
        }
    }
    (bytes, known)
}

#[test]
fn numbers_and_interfaces_of_records_are_known_in_every_chunk() {
    let folder = folder();
    let (bytes, known) = two_sections();
    let path = save(&folder, "two.pcapng", &bytes);
    let check = |rows: &[Row], what: &str| {
        let mut rows: Vec<_> = rows.iter().collect();
        rows.sort_by_key(|row| row.int("offset"));
        assert_eq!(rows.len(), known.len(), "{what}");
        for ((row, (interface, has_link)), frame) in rows.iter().zip(&known).zip(1..) {
            let found = (row.int("frame"), row.get("interface"), row.get("link_type"), row.get("capture"));
            let capture = path.to_str();
            assert_eq!(found, (Some(frame), Some(*interface), has_link.then_some("1"), capture), "{what}");
        }
    };
    for chunk_size in [700, 4096, 1 << 20] {
        for jobs in [1, 2, 5] {
            let lake = folder.path().join(format!("{chunk_size}-{jobs}"));
            convert(&ConvertRequest { jobs, ..asking(std::slice::from_ref(&path), &lake, chunk_size) });
            check(&packets(&lake), &format!("{chunk_size} bytes a chunk, {jobs} workers"));
            let read = ReadCaptures::new([path.clone()]).columns(further()).unwrap().chunk_size(chunk_size).jobs(jobs);
            let rows: Vec<_> =
                read.batch_rows(7).open().unwrap().flat_map(|batch| rows_in(&batch.unwrap(), "")).collect();
            check(&rows, &format!("batches of {chunk_size} bytes a chunk, {jobs} workers"));
        }
    }
    let chunks = [0..5000, 5000..9000, 9000..u64::MAX].map(|range| {
        let read = ReadCaptures::new([path.clone()]).columns(further()).unwrap().chunk(range);
        read.open().unwrap().flat_map(|batch| rows_in(&batch.unwrap(), "")).collect::<Vec<_>>()
    });
    check(&chunks.concat(), "chunks that are read alone");

    let lake = folder.path().join("planned");
    convert_apart(&path, &lake);
    check(&packets(&lake), "units");
}

#[test]
fn units_that_are_converted_apart_number_their_records_by_the_counts_of_the_plan() {
    let folder = folder();
    // Of a capture with one section no guess is wrong, so that the commit takes all units as they are.
    let path = save(&folder, "plain.pcap", &plain_pcap().bytes);
    let lake = folder.path().join("lake");
    convert_apart(&path, &lake);
    let mut rows = packets(&lake);
    rows.sort_by_key(|row| row.int("offset"));
    let frames: Vec<_> = rows.iter().map(|row| row.int("frame").unwrap()).collect();
    assert_eq!(frames, (1..=i64::try_from(rows.len()).unwrap()).collect::<Vec<_>>());
}

/// Converts the units of a capture each by itself, the last one first, with the counts of the plan or without in turn; and commits
/// them.
fn convert_apart(capture: &Path, lake: &Path) {
    let lake = text(lake);
    let shape = ["--chunk-size", "900", "--target-file-size", "64", "--columns", "capture"];
    let planned = run([&["plan", &text(capture), "--out", &lake], &shape[..]].concat());
    let (first, units) = planned.stdout.split_once('\n').unwrap();
    assert!(units.lines().count() > 10, "{planned:?}");
    let mut results = format!("{first}\n");
    for (number, unit) in units.lines().rev().enumerate() {
        assert!(unit.contains("\"frames_before\":") || unit.contains("\"start\":0"), "{unit}");
        let unit = if number % 2 == 0 { unit.to_owned() } else { without_count(unit) };
        results.push_str(&run_with(["convert-unit", "--out", &lake], unit.as_bytes()).stdout);
    }
    let committed = run_with(["commit", &lake], results.as_bytes());
    assert_eq!(committed.status, Some(0), "{committed:?}");
}

/// A unit as one that nobody has counted the records before.
fn without_count(unit: &str) -> String {
    let mut unit: serde_json::Value = serde_json::from_str(unit).unwrap();
    unit["captures"][0].as_object_mut().unwrap().remove("frames_before");
    unit.to_string()
}
