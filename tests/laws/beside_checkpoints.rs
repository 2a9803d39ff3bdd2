//! Law 33: what commands say of a lake, and do with it, is the same whether it has a checkpoint or not, to the byte.
//!
//! A lake without one is read as a sum of its manifests, and all of it is held. With the checkpoint, most of it stays in the files. Each
//! command is asked of both.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command};

use parcap::Lake;
use parcap::commands::{ConvertRequest, RewriteRequest, compact_lake};
use parcap::config::Settings;
use parcap::packets::further_columns;

use crate::support::build::{Capture, Frame, udp};
use crate::support::{convert, files, folder, hashes, request, run, run_with, save, summary, text};

use super::archive::content;
use super::checkpoints::held;
use super::nights::rewrite_of;
use super::nights_planned::copy_all;
use super::tally::tried;

/// What a command says.
fn said(args: &[&str]) -> String {
    let ran = run(args);
    format!("{args:?}: {:?}\n{}\n{}", ran.status, ran.stdout, ran.stderr)
}

/// Makes it a lake whose runs have never made a checkpoint.
fn take_checkpoint_away(lake: &Path) {
    fs::remove_dir_all(lake.join("_parcap/checkpoint")).unwrap();
    for manifest in files(&lake.join("_parcap/manifest")) {
        let path = lake.join("_parcap/manifest").join(manifest);
        let before = fs::read_to_string(&path).unwrap();
        // As an earlier version wrote it, without a checksum of its text.
        let text = before.split_once(",\n\"checksum\"").map_or(before.clone(), |(text, _)| format!("{text}\n}}\n"));
        let lines = text.lines().filter(|line| !line.starts_with("\"checkpoint"));
        fs::write(&path, lines.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    }
}

/// The names of the captures in a lake that are files, as far as they are text.
fn captures(lake: &Path) -> Vec<String> {
    let held = Lake::open(lake).unwrap().snapshot().unwrap();
    let files = held.inputs.values().filter(|entry| !entry.input.is_stdin());
    files.filter_map(|entry| entry.input.absolute.to_str().map(str::to_owned)).collect()
}

/// What commands that change nothing say of a lake, and what they write. `out` is a folder for that.
fn all_said(lake: &Path, out: &Path) -> Vec<String> {
    let name = text(lake);
    let summarize = |options: &[&str]| said(&[&["summarize", &name], options].concat());
    let date = ["--from", "1999-12-31", "--to", "1999-12-31"];
    let mut all = vec![
        summarize(&[]),
        summarize(&["--format", "json"]),
        summarize(&["--format", "csv", "--table", "captures"]),
        summarize(&["--table", "captures", "--top", "2", "--format", "json"]),
        summarize(&[&["--format", "json", "--top", "1"], &date[..]].concat()),
        said(&["verify", &name, "--deep", "--format", "json"]),
        said(&["verify", &name]),
    ];
    let page = text(&out.join("page.html"));
    for options in [&[][..], &date] {
        all.push(said(&[&["report", &name, "--out", &page, "--top", "3"], options].concat()));
        let html = fs::read_to_string(&page).unwrap();
        let (before, rest) = html.split_once(">made ").unwrap();
        all.push(format!("{before}{}", rest.split_once('<').unwrap().1));
    }
    let forget = |options: &[&str]| said(&[&["forget", &name, "--dry-run", "--format", "json"], options].concat());
    all.extend([
        forget(&["--before", "2000-01-01"]),
        forget(&["--before", "1970-01-02"]),
        forget(&["/no/such/capture", "nor.pcap"]),
        forget(&["/"]),
        forget(&["-"]),
    ]);
    all.extend(captures(lake).iter().take(3).map(|name| forget(&[name])));
    all
}

/// What packets are extracted from a lake, whose captures are as they were converted.
fn extracted(lake: &Path, out: &Path) -> Vec<String> {
    let (name, file) = (text(lake), out.join("out.pcapng"));
    let mut all = Vec::new();
    for options in
        [&[][..], &["--order", "rows"], &["--from", "1999-12-31"], &["--protocol", "UDP", "--to", "1970-01-01"]]
    {
        all.push(said(&[&["extract", &name, "--out", &text(&file)], options].concat()));
        let packets = fs::read(&file).ok();
        tried("extracts with and without a checkpoint", usize::from(packets.is_some()));
        all.push(format!("{packets:?}"));
        let _ = fs::remove_file(&file);
    }
    all
}

/// What a lake holds and has in its files once captures were taken out of it.
fn without_some(lake: &Path, named: &[String]) -> Vec<String> {
    let name = text(lake);
    let options: Vec<&str> = named.iter().map(String::as_str).collect();
    let mut all = vec![said(&[&["forget", &name, "--format", "json"], &options[..]].concat())];
    all.push(said(&["forget", &name, "--format", "json", "--before", "1999-12-31"]));
    let files = ["packets", "summaries", "_parcap/partials"].map(|folder| hashes(&lake.join(folder)));
    all.extend([format!("{files:#?}"), held(lake), said(&["verify", &name, "--deep"])]);
    all
}

fn assert_same(with: Vec<String>, without: Vec<String>) {
    assert_eq!(with.len(), without.len());
    for (with, without) in with.into_iter().zip(without) {
        assert!(with == without, "with a checkpoint:\n{with}\n\nand without:\n{without}");
    }
}

/// Commands say the same of a lake with all its manifests as they do of one that never had a checkpoint.
pub(super) fn assert_said_the_same_without(lake: &Path) {
    if !lake.join("_parcap/checkpoint").exists() || !lake.join("_parcap/manifest/0000000001.json").exists() {
        return;
    }
    tried("lakes asked with and without a checkpoint", 1);
    let folder = folder();
    let out = folder.path();
    let of = |with: bool| {
        // Both have the same name, which they say.
        let copy = folder.path().join("lake");
        copy_all(lake, &copy);
        if !with {
            take_checkpoint_away(&copy);
        }
        let mut all = all_said(&copy, out);
        all.extend(extracted(&copy, out));
        let named: Vec<_> = captures(&copy).into_iter().step_by(2).collect();
        if !named.is_empty() {
            all.extend(without_some(&copy, &named));
        }
        fs::remove_dir_all(copy).unwrap();
        all
    };
    assert_same(of(true), of(false));
}

/// A process that has a capture open.
struct Writer(Child);

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A lake of some captures on several dates, in a few parts or one each: some have another name since, some are duplicates, one was
/// replaced, one was taken out, one is damaged, one is being written, one has a length that is not credible, one a name that is no text,
/// and one was a stream.
fn lake_of_nights(folder: &tempfile::TempDir, chunk_size: u64) -> (ConvertRequest, Writer) {
    let archive = folder.path().join("archive");
    fs::create_dir_all(&archive).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(archive.join(name), bytes).unwrap();
    // Packets can be extracted of it.
    let settings = Settings { chunk_size, columns: further_columns("capture").unwrap(), ..Settings::default() };
    let lake = folder.path().join("lake");
    let night = ConvertRequest { settings, checkpoint_after: 0, ..request(&[&archive], &lake) };
    for number in 0..6_u8 {
        write(&format!("{number}.pcap"), &content(number, 25));
    }
    write("5-begun.pcap", &content(5, 10)[..content(5, 9).len() + 20]);
    write("live.pcap", &content(20, 9)[..400]);
    let open = File::options().append(true).open(archive.join("live.pcap")).unwrap();
    let writer = Writer(Command::new("sleep").arg("600").stdout(open).spawn().unwrap());
    let mut odd = Capture::pcap();
    odd.record(1, 5, Frame { orig_len: 900_000_000, ..udp(3, b"odd") });
    fs::write(archive.join(OsStr::from_bytes(b"odd-\xff.pcap")), odd.bytes).unwrap();
    convert(&night);
    let stream = run_with(
        ["convert", "-", "--out", &text(&lake), "--columns", "capture", "--chunk-size", &chunk_size.to_string()],
        &content(21, 6),
    );
    assert_eq!(stream.status, Some(0), "{stream:?}");
    write("6.pcap", &content(6, 30));
    let mut cut = content(7, 22);
    cut.truncate(cut.len() - 3);
    write("7-cut.pcap", &cut);
    convert(&night);
    fs::rename(archive.join("1.pcap"), archive.join("renamed.pcap")).unwrap();
    write("2.pcap", &content(9, 8));
    convert(&night);
    run(["forget", &text(&lake), &text(&archive.join("3.pcap"))]);
    fs::remove_file(archive.join("3.pcap")).unwrap();
    write("8.pcap", &content(8, 40));
    convert(&night);
    let status =
        |status: &str| summary(&lake, "captures").iter().filter(|row| row.get("status") == Some(status)).count();
    assert_eq!(["open", "duplicate", "damaged"].map(status), [1, 1, 1]);
    (night, writer)
}

#[test]
fn what_is_said_of_a_lake_does_not_follow_from_its_checkpoint() {
    for chunk_size in [64 << 20, 300] {
        let folder = folder();
        let (night, _writer) = lake_of_nights(&folder, chunk_size);
        assert_said_the_same_without(&night.lake);
        // With manifests since the checkpoint that change what is in it.
        let later = ConvertRequest { checkpoint_after: u64::MAX, ..night.clone() };
        let archive = folder.path().join("archive");
        fs::rename(archive.join("4.pcap"), archive.join("a-renamed.pcap")).unwrap();
        fs::write(archive.join("0.pcap"), content(11, 23)).unwrap();
        fs::write(archive.join("6.pcap"), content(6, 50)).unwrap();
        fs::write(archive.join("no.pcap"), b"no capture").unwrap();
        assert!(convert(&later).replaced >= 2);
        assert_said_the_same_without(&night.lake);
        run(["forget", &text(&night.lake), &text(&archive.join("renamed.pcap"))]);
        assert_said_the_same_without(&night.lake);
    }
}

/// After compacting, the checkpoint is part of the lake: it is held against another copy, which was compacted into a manifest alone.
#[test]
fn what_is_said_of_a_compacted_lake_does_not_follow_from_its_checkpoint() {
    let folder = folder();
    let (night, _writer) = lake_of_nights(&folder, 300);
    for number in 12..18_u8 {
        fs::write(folder.path().join(format!("archive/{number}.pcap")), content(number, 3)).unwrap();
        convert(&night);
    }
    let kept = folder.path().join("kept");
    copy_all(&night.lake, &kept);
    let of = |checkpoint_after| {
        fs::remove_dir_all(&night.lake).unwrap();
        copy_all(&kept, &night.lake);
        compact_lake(&RewriteRequest { checkpoint_after, ..rewrite_of(&night.lake) }).unwrap();
        let segments = files(&night.lake.join("_parcap/checkpoint"));
        assert_eq!(segments.is_empty(), checkpoint_after > 0, "{segments:?}");
        let mut all = all_said(&night.lake, folder.path());
        all.extend(extracted(&night.lake, folder.path()));
        let gone = text(&folder.path().join("archive/0.pcap"));
        all.extend(without_some(&night.lake, &[gone]));
        all
    };
    assert_same(of(0), of(u64::MAX));
}

/// What somebody else wrote into a manifest, before a checkpoint was made of it.
#[test]
fn faults_of_captures_in_a_checkpoint_are_named_as_those_in_manifests() {
    for (from, to, expected) in [
        (
            "\"records\":20,\"rows\":20",
            "\"records\":21,\"rows\":21",
            "gave 21 rows, and the manifest's parts hold 20 of them",
        ),
        ("\"first_row\":20,\"rows\":5", "\"first_row\":20,\"rows\":4", "the manifest says whose 24 rows are, of 25"),
        ("\"first_row\":20,\"rows\":5", "\"first_row\":19,\"rows\":6", "the manifest does not say whose row 20 is"),
        ("\"id\":1,", "\"id\":77,", "20 rows are of a capture 1 that the manifest does not name"),
        ("\"length\":1380", "\"length\":1381", "the captures have 34 of"),
    ] {
        let folder = folder();
        let lake = folder.path().join("lake");
        let named = [save(&folder, "0.pcap", &content(0, 20)), save(&folder, "1.pcap", &content(2, 5))];
        convert(&request(&named, &lake));
        let path = lake.join("_parcap/manifest/0000000001.json");
        let before = fs::read_to_string(&path).unwrap();
        let (before, _) = before.split_once(",\n\"checksum\"").unwrap();
        let after = before.replacen(from, to, 1);
        assert_ne!(before, after, "{from}: {before}");
        fs::write(&path, format!("{after}\n}}\n")).unwrap();
        let more = save(&folder, "2.pcap", &content(3, 9));
        convert(&ConvertRequest { checkpoint_after: 0, ..request(&[more], &lake) });
        let name = text(&lake);
        let verify = || said(&["verify", &name, "--format", "json"]);
        let with = verify();
        assert!(with.contains(expected), "{from}: {with}");
        take_checkpoint_away(&lake);
        assert_eq!(with, verify());
    }
}
