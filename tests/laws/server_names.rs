//! Law 16, over the nights: names from TLS are those of the captures that the lake holds, whatever happened to others.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use parcap::commands::ConvertRequest;
use parcap::packets::further_columns;
use tempfile::TempDir;

use crate::support::build::{Capture, client_hello, udp};
use crate::support::{convert, folder, hashes, request, run, save, summary, text};

/// A capture that greets `192.0.2.0` by `name`, and it and others by numbers, on two days.
fn capture(folder: &TempDir, file: &str, name: &str, hellos: u16) -> PathBuf {
    let mut capture = Capture::pcap();
    for number in 0..hellos {
        for day in [3, 4] {
            let micros = u32::from(number);
            capture.record(day, micros, client_hello(number % 50 * 5, name.as_bytes()));
            capture.record(day, micros, client_hello(number, format!("h{}.example", number % 40).as_bytes()));
            capture.record(day, micros, udp(number, b"else"));
        }
    }
    save(folder, file, &capture.bytes)
}

fn with_names(captures: &[PathBuf], lake: &Path) -> ConvertRequest {
    let mut request = request(captures, lake);
    request.settings.columns = further_columns("tls").unwrap();
    request.settings.names = "dns,sni".parse().unwrap();
    request
}

/// The summaries of a lake that is made of these captures at once.
fn from_scratch(captures: &[PathBuf]) -> BTreeMap<PathBuf, (usize, u64)> {
    let folder = folder();
    let lake = folder.path().join("lake");
    convert(&with_names(captures, &lake));
    summaries(&lake)
}

/// The tables of a lake, but that of captures.
fn summaries(lake: &Path) -> BTreeMap<PathBuf, (usize, u64)> {
    let mut all = hashes(&lake.join("summaries"));
    all.retain(|path, _| !path.starts_with("captures"));
    assert!(all.len() > 10, "{all:?}");
    all
}

/// The name of `192.0.2.0`, and its source.
fn name_of_first(lake: &Path) -> [String; 2] {
    let rows = summary(lake, "names");
    let row = rows.iter().find(|row| row.get("address") == Some("192.0.2.0")).unwrap();
    ["name", "source"].map(|column| row.get(column).unwrap().to_owned())
}

fn parcap(arguments: &[&str]) {
    let ran = run(arguments);
    assert_eq!(ran.status, Some(0), "{arguments:?}: {ran:?}");
}

#[test]
fn names_follow_the_captures_that_are_there() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let first = capture(&folder, "first.pcap", "First.example", 60);
    let second = capture(&folder, "second.pcap", "second.example", 90);
    let all = [first.clone(), second.clone()];
    convert(&with_names(&all, &lake));
    assert_eq!(name_of_first(&lake), ["second.example.", "sni"]);
    parcap(&["verify", "--deep", &text(&lake)]);

    // Both are in one unit, so sums of one are subtracted.
    parcap(&["forget", &text(&lake), &text(&second)]);
    assert_eq!(name_of_first(&lake), ["first.example.", "sni"]);
    assert_eq!(summaries(&lake), from_scratch(&all[..1]));
    parcap(&["verify", "--deep", &text(&lake)]);

    // It comes back, greets another name, and is put together with the other one.
    capture(&folder, "second.pcap", "changed.example", 95);
    convert(&with_names(&all, &lake));
    assert_eq!(name_of_first(&lake), ["changed.example.", "sni"]);
    parcap(&["compact", &text(&lake)]);
    capture(&folder, "second.pcap", "again.example", 100);
    convert(&with_names(&all, &lake));
    assert_eq!(name_of_first(&lake), ["again.example.", "sni"]);
    assert_eq!(summaries(&lake), from_scratch(&all));
    parcap(&["verify", "--deep", &text(&lake)]);
}

#[test]
fn chunks_and_workers_count_the_same_names() {
    let folder = folder();
    let captures = [capture(&folder, "a.pcap", "a.example", 400), capture(&folder, "b.pcap", "b.example", 3)];
    let whole = from_scratch(&captures);
    for jobs in [1, 3] {
        let lake = folder.path().join(format!("lake{jobs}"));
        let mut request = with_names(&captures, &lake);
        request.settings.chunk_size = 4096;
        request.jobs = jobs;
        convert(&request);
        assert_eq!(summaries(&lake), whole);
    }
}

#[test]
fn names_are_counted_whatever_the_sources_are_that_night() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let captures = [capture(&folder, "a.pcap", "a.example", 20), capture(&folder, "b.pcap", "b.example", 30)];
    let mut request = with_names(&captures[..1], &lake);
    request.settings.names = "off".parse().unwrap();
    convert(&request);
    assert!(summary(&lake, "names").is_empty());
    convert(&with_names(&captures, &lake));
    assert_eq!(summaries(&lake), from_scratch(&captures));
}

#[test]
fn names_survive_a_repair() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let captures = [capture(&folder, "a.pcap", "a.example", 20), capture(&folder, "b.pcap", "b.example", 30)];
    convert(&with_names(&captures, &lake));
    let before = summaries(&lake);
    fs::remove_dir_all(lake.join("_parcap/manifest")).unwrap();
    let ran = run(["verify", "--repair", &text(&lake)]);
    assert!(matches!(ran.status, Some(0 | 3)), "{ran:?}");
    assert_eq!(name_of_first(&lake), ["b.example.", "sni"]);
    assert_eq!(summaries(&lake), before);
}

#[test]
fn a_lake_without_the_column_says_what_to_do() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let capture = capture(&folder, "a.pcap", "a.example", 2);
    let [at, captured] = [text(&lake), text(&capture)];
    let refused = |arguments: &[&str]| {
        let ran = run(arguments);
        assert_eq!(ran.status, Some(2), "{ran:?}");
        assert!(ran.stderr.contains("`tls_sni`") && ran.stderr.contains("--columns tls"), "{ran:?}");
    };
    refused(&["convert", &captured, "--out", &at, "--names", "dns,sni"]);
    assert!(!lake.exists());
    parcap(&["convert", &captured, "--out", &at, "--quiet"]);
    refused(&["convert", &captured, "--out", &at, "--names", "sni"]);
    refused(&["summarize", &at, "--names", "sni"]);
    refused(&["report", &at, "--names", "sni", "--out", &text(&folder.path().join("page.html"))]);
    // Captures need none.
    let ran = run(["summarize", &captured, "--names", "sni", "--table", "volume_by_name", "--format", "csv"]);
    assert!(ran.status == Some(0) && ran.stdout.contains("a.example."), "{ran:?}");
    let ran = run(["summarize", &captured, "--table", "volume_by_name", "--format", "csv"]);
    assert!(ran.status == Some(0) && !ran.stdout.contains("a.example."), "{ran:?}");
}
