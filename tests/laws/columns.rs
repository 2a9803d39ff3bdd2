//! Law 23: columns that are asked for change nothing else: no other column, no order, no summary. They have the values of
//! batches straight from captures, whatever the chunks and workers, and keep them when parts are written again.

use std::fs;
use std::path::{Path, PathBuf};

use parcap::commands::ConvertRequest;
use parcap::config::{Decapsulation, Settings};
use parcap::packets::{COLUMNS, SETS, further_columns};
use parcap::stream::ReadCaptures;

use crate::support::{Row, convert, folder, hashes, packets, repository, request, rows_in, run, save, text};

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

/// Packets inside tunnels, so that no column is null in all rows.
fn inside() -> Settings {
    Settings { decapsulate: Decapsulation::all(), ..Settings::default() }
}

/// A request that asks for all columns, in small chunks.
fn asking(captures: &[PathBuf], lake: &Path, chunk_size: u64) -> ConvertRequest {
    let columns = further_columns(&sets()).unwrap();
    ConvertRequest { settings: Settings { columns, chunk_size, ..inside() }, ..request(captures, lake) }
}

#[test]
fn they_change_nothing_else_and_have_the_values_of_batches() {
    let folder = folder();
    let captures: Vec<_> = [
        ("plain.pcap", plain_pcap().bytes),
        ("mixed.pcapng", mixed_pcapng().bytes),
        ("hostile.pcap", hostile_pcap().bytes),
        ("hostile.pcapng", hostile_pcapng().bytes),
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
        assert!(with.iter().any(|row| row.get(name).is_none()), "every packet has {name}");
    }
}

#[test]
fn they_are_kept_when_parts_are_written_again() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let office = repository("data/captures/office-hour.pcap");
    let bytes = fs::read(&office).unwrap();
    let middle = {
        let mut at = 24;
        while at < bytes.len() / 2 {
            at += 16 + u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize;
        }
        at
    };
    let first = save(&folder, "first.pcap", &bytes[..middle]);
    let second = save(&folder, "second.pcap", &[&bytes[..24], &bytes[middle..]].concat());
    let parcap = |arguments: &[&str]| {
        let ran = run(arguments);
        assert_eq!(ran.status, Some(0), "{arguments:?}: {ran:?}");
    };
    let at = text(&lake);
    let tunnels = repository("data/captures/tunnels.pcap");
    let sets = sets();
    let asked = ["--columns", &sets, "--decapsulate", "all", "--quiet"];
    for capture in [&first, &second, &tunnels] {
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
    let rest_of_them = [text(&second), text(&tunnels)];
    parcap(&[&["convert", &rest_of_them[0], &rest_of_them[1], "--out", &text(&lake_of_second)][..], &asked].concat());
    let rest = sorted();
    let alone = packets(&lake_of_second);
    assert_eq!(rest.len(), alone.len());
    let mut alone: Vec<_> = alone.iter().map(|row| values(row, further())).collect();
    alone.sort();
    assert!(rest.iter().map(|row| row.iter().map(Option::as_deref).collect::<Vec<_>>()).eq(alone));
}
