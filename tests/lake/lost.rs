//! A lake that has lost a piece: what runs refuse, what they go on with, and what `verify --repair` makes again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::build::{Capture, udp};
use crate::support::losing::{Piece, repair};
use crate::support::{Ran, files, folder, hashes, packets, parts, rows_of, run, run_with, sample, summary, text};

/// An archive of three nights: captures that share a part, one of two dates, DNS messages. And its lake.
struct Nights {
    folder: tempfile::TempDir,
    archive: PathBuf,
    lake: PathBuf,
}

fn of_day(days: &[(usize, u16)], seed: u16) -> Vec<u8> {
    let mut capture = Capture::pcap();
    for (day, packets) in days {
        (0..*packets).for_each(|number| capture.record(*day, u32::from(number), udp(seed + number, &[7; 30])));
    }
    capture.bytes
}

impl Nights {
    fn new() -> Self {
        let folder = folder();
        let archive = folder.path().join("archive");
        fs::create_dir(&archive).unwrap();
        let nights = Self { archive, lake: folder.path().join("lake"), folder };
        nights.add("old.pcap", &of_day(&[(2, 20)], 100));
        nights.add("across.pcap", &of_day(&[(2, 10), (4, 10)], 200));
        assert_eq!(nights.convert().status, Some(0));
        nights.add("dns.pcapng", &fs::read(sample("dns.pcapng")).unwrap());
        assert_eq!(nights.convert().status, Some(0));
        nights.add("late.pcap", &of_day(&[(4, 15)], 300));
        assert_eq!(nights.convert().status, Some(0));
        nights
    }

    fn add(&self, name: &str, bytes: &[u8]) {
        fs::write(self.archive.join(name), bytes).unwrap();
    }

    fn convert(&self) -> Ran {
        self.run(&["convert", &text(&self.archive), "--out"], &["--top", "0"])
    }

    fn run(&self, before: &[&str], after: &[&str]) -> Ran {
        run([before, &[text(&self.lake).as_str()], after].concat())
    }

    fn copy(&self) -> PathBuf {
        let copy = self.folder.path().join("sound");
        copy_tree(&self.lake, &copy);
        copy
    }

    fn restore(&self, copy: &Path) {
        fs::remove_dir_all(&self.lake).unwrap();
        copy_tree(copy, &self.lake);
    }

    /// All rows, of whichever parts.
    fn rows(&self) -> Vec<String> {
        let mut rows: Vec<_> = packets(&self.lake).iter().map(|row| format!("{row:?}")).collect();
        rows.sort();
        rows
    }
}

fn copy_tree(from: &Path, to: &Path) {
    for path in files(from) {
        fs::create_dir_all(to.join(&path).parent().unwrap()).unwrap();
        fs::copy(from.join(&path), to.join(&path)).unwrap();
    }
}

fn flip(path: &Path, place: usize, bit: u8) {
    let mut bytes = fs::read(path).unwrap();
    let place = place % bytes.len();
    bytes[place] ^= bit;
    fs::write(path, bytes).unwrap();
}

/// Refused with one error and the way out, and nothing is changed.
fn refused(ran: &Ran, says: &str) {
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert_eq!(ran.stderr.matches("error: ").count(), 1, "{ran:?}");
    assert!(ran.stderr.contains(says), "{says}: {ran:?}");
    assert!(ran.stderr.contains("hint: "), "{ran:?}");
}

/// Every command that writes into a lake, or looks at it.
fn every_command(nights: &Nights) -> Vec<(&'static str, Ran)> {
    let page = text(&nights.folder.path().join("page.html"));
    let elsewhere = text(&nights.folder.path().join("planned"));
    let planned = run(["plan", &text(&nights.archive), "--out", &elsewhere]);
    let unit = planned.stdout;
    let row = run_with(["convert-unit", "--out", &elsewhere], unit.as_bytes());
    let lake = text(&nights.lake);
    vec![
        ("convert", nights.convert()),
        ("convert --dry-run", nights.run(&["convert", &text(&nights.archive), "--out"], &["--dry-run"])),
        ("compact", nights.run(&["compact"], &[])),
        ("forget", nights.run(&["forget"], &[&text(&nights.archive.join("old.pcap"))])),
        ("plan", nights.run(&["plan", &text(&nights.archive), "--out"], &[])),
        ("convert-unit", run_with(["convert-unit", "--out", &lake], unit.as_bytes())),
        ("commit", run_with(["commit", &lake], row.stdout.as_bytes())),
        ("verify", nights.run(&["verify"], &[])),
        ("summarize", nights.run(&["summarize"], &[])),
        ("report", nights.run(&["report"], &["--out", &page])),
    ]
}

/// Packets whose manifest was lost counted as a new lake, and every row came twice.
#[test]
fn packets_without_a_manifest_are_no_new_lake() {
    let nights = Nights::new();
    let sound = nights.copy();
    for lost in ["_parcap", "_parcap/manifest", "_parcap and the summaries", "all but the summaries"] {
        nights.restore(&sound);
        match lost {
            "_parcap and the summaries" => {
                fs::remove_dir_all(nights.lake.join("_parcap")).unwrap();
                fs::remove_dir_all(nights.lake.join("summaries")).unwrap();
            }
            "all but the summaries" => {
                fs::remove_dir_all(nights.lake.join("_parcap")).unwrap();
                fs::remove_dir_all(nights.lake.join("packets")).unwrap();
            }
            lost => fs::remove_dir_all(nights.lake.join(lost)).unwrap(),
        }
        let before = hashes(&nights.lake);
        for (command, ran) in every_command(&nights) {
            assert_eq!(ran.status, Some(1), "{lost}, {command}: {ran:?}");
            refused(&ran, "has packets and no manifest");
            assert_eq!(hashes(&nights.lake), before, "{lost}, {command}");
        }
    }
}

/// A new lake, and what other tools leave in one, is no reason to refuse.
#[test]
fn what_is_no_table_is_in_nobodys_way() {
    let folder = folder();
    let lake = folder.path().join("lake");
    fs::create_dir_all(lake.join("packets/date=2020-01-01/_temporary")).unwrap();
    for path in ["packets/_SUCCESS", "packets/.part.parquet.crc", "packets/date=2020-01-01/_temporary/x.parquet"] {
        fs::write(lake.join(path), "").unwrap();
    }
    let convert = || run(["convert", &sample("vlan.pcap"), "--out", &text(&lake), "--top", "0"]);
    assert_eq!(convert().status, Some(0));
    assert_eq!(convert().status, Some(0));
}

/// Whichever manifest is missing: the first, one in the middle, the last.
#[test]
fn a_gap_in_the_manifests_is_refused() {
    let nights = Nights::new();
    let sound = nights.copy();
    for (commit, says) in [(1, "commit 1 is missing"), (2, "commit 2 is missing"), (3, "commit 3 is missing")] {
        nights.restore(&sound);
        fs::remove_file(nights.lake.join(format!("_parcap/manifest/{commit:010}.json"))).unwrap();
        let before = hashes(&nights.lake);
        for (command, ran) in every_command(&nights) {
            if command == "convert-unit" {
                // It reads no manifest, and nothing of it is visible before `commit`.
                continue;
            }
            assert_eq!(ran.status, Some(1), "{commit}, {command}: {ran:?}");
            if command != "verify" {
                refused(&ran, says);
            }
        }
        let staged = |path: &PathBuf| path.starts_with("_parcap/units");
        let after: Vec<_> = hashes(&nights.lake).into_iter().filter(|(path, _)| !staged(path)).collect();
        assert_eq!(after, before.into_iter().collect::<Vec<_>>(), "{commit}");
    }
    // What a base says is all there is; those before it were taken away.
    nights.restore(&sound);
    for night in 0..8 {
        nights.add(&format!("{night}.pcap"), &of_day(&[(4, 5)], 400 + night));
        assert_eq!(nights.convert().status, Some(0));
    }
    assert_eq!(nights.run(&["compact"], &[]).status, Some(0));
    assert_eq!(files(&nights.lake.join("_parcap/manifest")).len(), 1);
    assert_eq!(nights.convert().status, Some(0));
    assert_eq!(nights.run(&["verify"], &["--deep"]).status, Some(0));
}

/// A lake of an earlier version has no number of its last commit: parts that no manifest names show that it is missing.
#[test]
fn a_part_that_no_manifest_names_is_refused_and_not_doubled() {
    let nights = Nights::new();
    fs::remove_file(nights.lake.join("_parcap/last")).unwrap();
    fs::remove_file(nights.lake.join("_parcap/manifest/0000000003.json")).unwrap();
    let rows = parts(&nights.lake).len();
    refused(&nights.convert(), "is in no manifest of the lake");
    assert_eq!(parts(&nights.lake).len(), rows);
    let repaired = repair(&nights.lake);
    assert!(repaired.stdout.contains("1 parts that no manifest named were taken up"), "{repaired:?}");
    let converted = nights.convert();
    assert!(converted.stderr.contains("converted 0 captures"), "{converted:?}");
}

/// Manifests that come from an older backup than the packets: what came in since is taken up, and nothing comes twice.
#[test]
fn manifests_of_an_older_backup_are_brought_up_to_date() {
    let nights = Nights::new();
    let older = nights.folder.path().join("older");
    copy_tree(&nights.lake.join("_parcap"), &older);
    nights.add("across.pcap", &of_day(&[(2, 10), (4, 12)], 200));
    nights.add("new.pcap", &of_day(&[(5, 7)], 500));
    assert_eq!(nights.convert().status, Some(0));
    let rows = nights.rows();
    fs::remove_dir_all(nights.lake.join("_parcap")).unwrap();
    copy_tree(&older, &nights.lake.join("_parcap"));
    refused(&nights.convert(), "is in no manifest of the lake");
    repair(&nights.lake);
    let ran = nights.convert();
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("converted 0 captures"), "{ran:?}");
    assert!(nights.rows() == rows);
    assert_eq!(nights.run(&["verify"], &["--deep"]).status, Some(0));
}

/// A copy of a part under another name is no part that was lost: it stays where it is, and is named.
#[test]
fn a_part_that_was_put_there_is_never_taken_up() {
    let nights = Nights::new();
    let sound = nights.copy();
    for has_last in [true, false] {
        nights.restore(&sound);
        let part = nights.lake.join(parts(&nights.lake)[0]["path"].as_str().unwrap());
        let put = part.with_file_name("part-put-00000.parquet");
        fs::copy(&part, &put).unwrap();
        if !has_last {
            fs::remove_file(nights.lake.join("_parcap/last")).unwrap();
        }
        refused(&nights.convert(), "part-put-00000.parquet");
        let repaired = nights.run(&["verify"], &["--repair"]);
        assert_eq!(repaired.status, Some(1), "{repaired:?}");
        assert!(repaired.stderr.contains("part-put-00000.parquet: does not count"), "{repaired:?}");
        fs::remove_file(put).unwrap();
        assert_eq!(nights.convert().status, Some(0));
    }
}

/// Wherever a manifest is cut or a bit of it flipped: an error that names it, or what it said before.
#[test]
fn a_damaged_manifest_is_never_believed() {
    let nights = Nights::new();
    let sound = nights.copy();
    let rows = nights.rows();
    let path = nights.lake.join("_parcap/manifest/0000000001.json");
    let text = fs::read(&path).unwrap();
    let mut refused = 0;
    for place in (0..text.len()).step_by(text.len() / 40) {
        for cut in [true, false] {
            nights.restore(&sound);
            if cut {
                fs::write(&path, &text[..place]).unwrap()
            } else {
                flip(&path, place, 1 << (place % 8))
            }
            let ran = nights.run(&["convert", &sample("vlan.pcap"), "--out"], &["--top", "0", "--dry-run"]);
            if ran.status == Some(1) {
                refused += 1;
                assert!(ran.stderr.contains("0000000001.json"), "{place}: {ran:?}");
            } else {
                assert_eq!((ran.status, nights.rows() == rows), (Some(0), true), "{place}: {ran:?}");
            }
        }
    }
    assert!(refused > 70, "{refused}");
}

/// A part that was lost stopped every later night; now it costs its date, and nothing else.
#[test]
fn a_night_goes_on_where_a_part_is_lost_and_names_it_each_night() {
    let nights = Nights::new();
    let sound = nights.copy();
    for harm in ["remove", "cut", "flip"] {
        nights.restore(&sound);
        let part = parts(&nights.lake)[0]["path"].as_str().unwrap().to_owned();
        let path = nights.lake.join(&part);
        match harm {
            "remove" => fs::remove_dir_all(path.parent().unwrap()).unwrap(),
            "cut" => fs::write(&path, b"PAR1").unwrap(),
            _ => flip(&path, 60, 4),
        }
        nights.add("across.pcap", &of_day(&[(2, 10), (4, 12)], 200));
        nights.add("new.pcap", &of_day(&[(5, 7)], 500));
        for night in ["first", "second"] {
            let ran = nights.convert();
            assert_eq!(ran.status, Some(3), "{harm}, {night}: {ran:?}");
            assert!(ran.stderr.contains(&part), "{harm}, {night}: {ran:?}");
            assert!(ran.stderr.contains("across.pcap: was left in the lake as it was"), "{harm}: {ran:?}");
            assert!(ran.stderr.contains("hint: "), "{ran:?}");
            assert_eq!(ran.stderr.contains("converted 1 capture"), night == "first", "{harm}: {ran:?}");
        }
        let of_new: u64 = parts(&nights.lake).last().unwrap()["rows"].as_u64().unwrap();
        assert_eq!(of_new, 7, "{harm}");
        let forgot = nights.run(&["forget"], &[&text(&nights.archive.join("old.pcap"))]);
        assert_eq!(forgot.status, Some(3), "{harm}: {forgot:?}");
        assert!(forgot.stdout.contains("forgot 0 captures, 0 rows"), "{harm}: {forgot:?}");
        // It has no reason to read the part, which is alone of its date.
        let compacted = nights.run(&["compact"], &[]);
        assert_eq!(compacted.status, Some(if harm == "flip" { 0 } else { 3 }), "{harm}: {compacted:?}");
        // After a repair and a night all is as if nothing had been lost.
        let repaired = repair(&nights.lake);
        assert_eq!(repaired.status, Some(3), "{harm}: {repaired:?}");
        assert!(repaired.stderr.contains("archive/old.pcap: 20 rows are lost"), "{harm}: {repaired:?}");
        let ran = nights.convert();
        assert_eq!(ran.status, Some(0), "{harm}: {ran:?}");
        assert_eq!(nights.run(&["verify"], &["--deep"]).status, Some(0), "{harm}");
        let counts = nights.rows().len() as u64;
        assert_eq!(counts, 20 + 10 + 12 + 15 + 7 + of_dns(&nights), "{harm}");
        nights.add("across.pcap", &of_day(&[(2, 10), (4, 10)], 200));
        fs::remove_file(nights.archive.join("new.pcap")).unwrap();
    }
}

fn of_dns(nights: &Nights) -> u64 {
    let captures = summary(&nights.lake, "captures");
    let of = captures.iter().find(|row| row.get("capture").unwrap().ends_with("dns.pcapng")).unwrap();
    u64::try_from(of.int("packets").unwrap()).unwrap()
}

/// What becomes whole by itself is not complained of: all captures of the lost part are replaced.
#[test]
fn converting_all_captures_of_a_lost_part_again_mends_the_lake() {
    let nights = Nights::new();
    let rows = nights.rows();
    fs::remove_dir_all(nights.lake.join(parts(&nights.lake)[0]["path"].as_str().unwrap()).parent().unwrap()).unwrap();
    let ran = nights.run(&["convert", &text(&nights.archive), "--force", "--out"], &["--top", "0"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!((nights.rows() == rows, nights.run(&["verify"], &["--deep"]).status), (true, Some(0)));
}

/// A bit that flips in sums was taken over by all that read them: wrong tables with exit status 0, or an abort.
#[test]
fn sums_with_a_flipped_bit_are_an_error_that_names_them_or_cost_their_dates() {
    let nights = Nights::new();
    let sound = nights.copy();
    let partial = Piece::Partial.files(&nights.lake)[0].clone();
    let size = fs::read(&partial).unwrap().len();
    let table = |nights: &Nights| summary(&nights.lake, "volume_by_ip");
    for place in (3..size).step_by(size / 16) {
        for bit in [1, 128] {
            nights.restore(&sound);
            flip(&partial, place, bit);
            let before = table(&nights);
            let named =
                |ran: &Ran| assert!(ran.stderr.contains(partial.file_name().unwrap().to_str().unwrap()), "{ran:?}");
            let summed = nights.run(&["summarize"], &[]);
            assert_eq!(summed.status, Some(1), "{place}: {summed:?}");
            named(&summed);
            let forgot = nights.run(&["forget"], &[&text(&nights.archive.join("old.pcap"))]);
            let is_beside = forgot.status == Some(3);
            if is_beside {
                named(&forgot);
                assert!(table(&nights) == before || !forgot.stdout.contains("forgot 0"), "{place}: {forgot:?}");
            } else {
                assert_eq!(forgot.status, Some(0), "{place}: {forgot:?}");
            }
            let repaired = repair(&nights.lake);
            assert!(repaired.stdout.contains("counted again"), "{repaired:?}");
        }
    }
}

/// Whatever piece is lost, one at a time: a repair makes the rest whole, and the next night takes up again what is still in
/// the archive. A repair that finds nothing changes nothing.
#[test]
fn after_a_repair_and_a_night_the_lake_is_what_it_was() {
    let nights = Nights::new();
    let sound = nights.copy();
    let rows = nights.rows();
    let tables: Vec<_> = ["volume_by_ip", "protocols", "send_rates"].map(|name| summary(&nights.lake, name)).into();
    for piece in Piece::ALL {
        for place in 0..piece.files(&nights.lake).len().min(6) {
            nights.restore(&sound);
            assert!(piece.lose(&nights.lake, place));
            repair(&nights.lake);
            let ran = nights.convert();
            assert_eq!(ran.status, Some(0), "{piece:?} {place}: {ran:?}");
            assert!(nights.rows() == rows, "{piece:?} {place}: other rows");
            let again: Vec<_> =
                ["volume_by_ip", "protocols", "send_rates"].map(|name| summary(&nights.lake, name)).into();
            assert!(again == tables, "{piece:?} {place}: other tables");
            let before = hashes(&nights.lake);
            let whole = nights.run(&["verify"], &["--repair", "--deep"]);
            assert_eq!((whole.status, hashes(&nights.lake) == before), (Some(0), true), "{piece:?} {place}: {whole:?}");
            let forgot = nights.run(&["forget"], &[&text(&nights.archive.join("across.pcap"))]);
            assert_eq!(forgot.status, Some(0), "{piece:?} {place}: {forgot:?}");
            assert_eq!(nights.run(&["verify"], &["--deep"]).status, Some(0), "{piece:?} {place}");
        }
    }
}

/// A backup of the packets alone is a lake again: no capture is converted twice, under whatever name it is met.
#[test]
fn packets_alone_become_the_lake_again() {
    let nights = Nights::new();
    let rows = nights.rows();
    fs::remove_dir_all(nights.lake.join("_parcap")).unwrap();
    fs::remove_dir_all(nights.lake.join("summaries")).unwrap();
    let repaired = repair(&nights.lake);
    assert!(repaired.stderr.contains("dns.pcapng: what its DNS messages said is in no summary"), "{repaired:?}");
    fs::rename(nights.archive.join("late.pcap"), nights.archive.join("renamed.pcap")).unwrap();
    let ran = nights.convert();
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("renamed.pcap: is what was"), "{ran:?}");
    assert!(nights.rows() == rows);
    // What it says of the captures is what their rows tell.
    let late = summary(&nights.lake, "captures");
    let late = late.iter().find(|row| row.get("capture").unwrap().ends_with("renamed.pcap")).unwrap();
    assert_eq!((late.int("packets"), late.int("bytes")), (Some(15), Some(15 * 72)));
}

/// If a part is missing in the backup as well, the others say that it should be there.
#[test]
fn a_part_that_is_missing_in_a_backup_of_the_packets_is_noticed() {
    let nights = Nights::new();
    let rows = nights.rows();
    let lost =
        parts(&nights.lake).iter().find(|part| part["path"].as_str().unwrap().contains("date=")).cloned().unwrap();
    fs::remove_dir_all(nights.lake.join("_parcap")).unwrap();
    fs::remove_file(nights.lake.join(lost["path"].as_str().unwrap())).unwrap();
    let repaired = repair(&nights.lake);
    assert_eq!(repaired.status, Some(3), "{repaired:?}");
    assert!(repaired.stderr.contains("across.pcap: 10 rows are lost"), "{repaired:?}");
    assert_eq!(nights.convert().status, Some(0));
    assert!(nights.rows() == rows);
}

/// Parts of earlier versions name their captures and no more: what that leaves open is said, and nothing comes twice.
#[test]
fn parts_of_an_earlier_version_are_taken_up() {
    let folder = folder();
    let lake = folder.path().join("lake");
    copy_tree(&crate::support::repository("data/earlier/lake"), &lake);
    let of = |lake: &Path| {
        let path = lake.join("packets");
        let mut rows: Vec<_> = files(&path).iter().flat_map(|part| rows_of(&path.join(part), "")).collect();
        rows.sort();
        rows
    };
    let rows = of(&lake);
    fs::remove_dir_all(lake.join("_parcap")).unwrap();
    fs::create_dir(folder.path().join("captures")).unwrap();
    for name in ["vlan.pcap", "two-interfaces.pcapng"] {
        fs::copy(sample(name), folder.path().join("captures").join(name)).unwrap();
    }
    let within =
        |args: &[&str]| crate::support::finish(crate::support::command().current_dir(folder.path()).args(args));
    let repaired = within(&["verify", "lake", "--repair", "--deep"]);
    assert_eq!(repaired.status, Some(3), "{repaired:?}");
    assert!(repaired.stderr.contains("nothing tells whether all its rows are there"), "{repaired:?}");
    assert!(of(&lake) == rows);
    let ran = within(&["convert", "captures", "--out", "lake", "--top", "0"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(of(&lake) == rows);
    assert_eq!(run(["verify", &text(&lake), "--deep"]).status, Some(0));
}

/// The answers of reverse lookups are a cache: one that is not what was written is said, and asked for again.
#[test]
fn a_damaged_cache_of_names_is_said_and_not_read() {
    let nights = Nights::new();
    let lookups = ["--names", "ptr", "--ptr-private", "--resolver", "127.0.0.1:9", "--top", "0"];
    nights.add("new.pcap", &of_day(&[(5, 7)], 500));
    let ran = nights.run(&[&["convert", &text(&nights.archive)], &lookups[..], &["--out"]].concat(), &[]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let cache = nights.lake.join("_parcap/names/ptr.parquet");
    flip(&cache, 200, 1);
    nights.add("newer.pcap", &of_day(&[(5, 8)], 600));
    let ran = nights.run(&[&["convert", &text(&nights.archive)], &lookups[..], &["--out"]].concat(), &[]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("ptr.parquet: its checksum is"), "{ran:?}");
}
