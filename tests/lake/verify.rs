//! `parcap verify` finds what was done to a lake in secret, and names it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::build::{Capture, udp};
use crate::support::{files, folder, parts, run, sample, save, text};

/// A lake of three runs, with parts of several dates; two of its parts have equally many rows.
fn lake(folder: &tempfile::TempDir) -> PathBuf {
    let lake = folder.path().join("lake");
    for (name, day) in [("one.pcap", 2), ("two.pcap", 4)] {
        let mut capture = Capture::pcap();
        (0..40).for_each(|number| capture.record(day, u32::from(number), udp(number, &[7; 30])));
        let capture = save(folder, name, &capture.bytes);
        assert_eq!(run(["convert", &text(&capture), "--out", &text(&lake), "-q"]).status, Some(0));
    }
    assert_eq!(run(["convert", &sample("dns.pcapng"), "--out", &text(&lake), "-q"]).status, Some(0));
    lake
}

fn flip(path: &Path, place: impl Fn(usize) -> usize) {
    let mut bytes = fs::read(path).unwrap();
    let place = place(bytes.len());
    bytes[place] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

fn first(lake: &Path, below: &str) -> PathBuf {
    lake.join(below).join(files(&lake.join(below)).first().unwrap())
}

/// Replaces text in the manifest of a commit.
fn edit(lake: &Path, commit: usize, change: impl Fn(&str) -> String) {
    let path = lake.join(format!("_parcap/manifest/{commit:010}.json"));
    let before = fs::read_to_string(&path).unwrap();
    // As an earlier version wrote it, without a checksum of its text.
    let before = before.split_once(",\n\"checksum\"").map_or(before.clone(), |(text, _)| format!("{text}\n}}\n"));
    let after = change(&before);
    assert_ne!(before, after, "the edit changes nothing");
    fs::write(&path, after).unwrap();
}

/// A part of a manifest, by its place among all.
fn part(lake: &Path, place: usize) -> (PathBuf, serde_json::Value) {
    let part = parts(lake)[place].clone();
    (lake.join(part["path"].as_str().unwrap()), part)
}

type Harm = fn(&Path);

/// What is done to the lake, what is said of it, and whether only `--deep` sees it.
const FAULTS: [(&str, Harm, &str); 18] = [
    ("a part is gone", |lake| fs::remove_file(first(lake, "packets")).unwrap(), "is not there"),
    ("a part is cut", |lake| fs::write(first(lake, "packets"), b"PAR1").unwrap(), "its size is 4 bytes instead of"),
    ("a part is empty", |lake| fs::write(first(lake, "packets"), b"").unwrap(), "its size is 0 bytes instead of"),
    ("a bit of a page", |lake| flip(&first(lake, "packets"), |_| 100), "its checksum is xxh3:"),
    ("a bit of a footer", |lake| flip(&first(lake, "packets"), |len| len - 40), "its checksum is xxh3:"),
    (
        "a part in the place of another one",
        |lake| assert!(fs::copy(part(lake, 0).0, part(lake, 1).0).is_ok()),
        "instead of",
    ),
    (
        "a stray part",
        |lake| assert!(fs::copy(first(lake, "packets"), lake.join("packets/part-x.parquet")).is_ok()),
        "is not in the manifest",
    ),
    (
        "a stray file",
        |lake| fs::write(lake.join("summaries/captures/notes.json"), "{}").unwrap(),
        "is not in the manifest",
    ),
    ("a table is gone", |lake| fs::remove_file(first(lake, "summaries/protocols")).unwrap(), "is not there"),
    ("a bit of a table", |lake| flip(&first(lake, "summaries/ports"), |len| len / 2), "its checksum is xxh3:"),
    ("sums are gone", |lake| fs::remove_file(first(lake, "_parcap/partials")).unwrap(), "is not there"),
    ("a bit of sums", |lake| flip(&first(lake, "_parcap/partials"), |len| len / 2), "its checksum is xxh3:"),
    (
        "a manifest is gone",
        |lake| fs::remove_file(lake.join("_parcap/manifest/0000000002.json")).unwrap(),
        "the manifest of commit 2 is missing before it",
    ),
    (
        "a commit is not finished",
        |lake| fs::write(lake.join("_parcap/pending.json"), "{}").unwrap(),
        "a commit was begun and not finished",
    ),
    (
        "a capture is not in the manifest",
        |lake| {
            edit(lake, 1, |text| {
                text.lines().filter(|line| !line.contains("\"status\"")).collect::<Vec<_>>().join("\n")
            })
        },
        "of a capture 1 that the manifest does not name",
    ),
    (
        "a capture gave more rows than there are",
        |lake| edit(lake, 1, |text| text.replace("\"records\":40,\"rows\":40", "\"records\":41,\"rows\":41")),
        "gave 41 rows, and the manifest's parts hold 40",
    ),
    (
        "a range is short",
        |lake| edit(lake, 1, |text| text.replace("\"first_row\":0,\"rows\":40", "\"first_row\":0,\"rows\":39")),
        "whose 39 rows are, of 40",
    ),
    (
        "captures of other lengths",
        |lake| edit(lake, 1, |text| text.replace("\"length\":2880", "\"length\":2881")),
        "the captures have",
    ),
];

fn verify(lake: &Path, deep: bool) -> (Option<i32>, String) {
    let mut args = vec!["verify".to_owned(), text(lake)];
    args.extend(deep.then(|| "--deep".to_owned()));
    let ran = run(args);
    (ran.status, ran.stdout)
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    assert!(std::process::Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
}

#[test]
fn every_fault_is_found_and_named() {
    let folder = folder();
    let lake = lake(&folder);
    for deep in [false, true] {
        let (status, said) = verify(&lake, deep);
        assert_eq!(status, Some(0), "{said}");
        assert!(said.ends_with(": all as written\n"), "{said}");
    }
    let harmed = folder.path().join("harmed");
    for (what, harm, expected) in FAULTS {
        copy(&lake, &harmed);
        harm(&harmed);
        let (status, said) = verify(&harmed, false);
        assert_eq!(status, Some(1), "{what}: {said}");
        assert!(said.contains(expected), "{what}: {said}");
    }
}

/// What a lake with a checkpoint says twice is looked at twice, and a repair makes one of both whole.
#[test]
fn every_fault_of_a_lake_with_a_checkpoint_is_found_and_named() {
    let folder = folder();
    let lake = lake(&folder);
    for number in 0..3_u32 {
        let mut capture = Capture::pcap();
        capture.record(5, number, udp(number.try_into().unwrap(), &[9; 30]));
        let capture = text(&save(&folder, &format!("more-{number}.pcap"), &capture.bytes));
        let args = ["convert", &capture, "--out", &text(&lake), "-q", "--checkpoint-after", "0"];
        assert_eq!(run(args).status, Some(0));
    }
    assert_eq!(verify(&lake, true).0, Some(0));
    let of_twins: [(&str, Harm, &str); 6] = [
        (
            "a bit of a manifest",
            |lake| flip(&first(lake, "_parcap/manifest"), |len| len / 2),
            "checksum of the manifest is",
        ),
        ("a manifest is cut", |lake| fs::write(first(lake, "_parcap/manifest"), "{}").unwrap(), "is no valid manifest"),
        (
            "the first manifest is gone",
            |lake| fs::remove_file(first(lake, "_parcap/manifest")).unwrap(),
            "the manifest of commit 1 is missing",
        ),
        (
            "a bit of a checkpoint",
            |lake| flip(&first(lake, "_parcap/checkpoint"), |len| len / 2),
            "its checksum is xxh3:",
        ),
        (
            "a file of a checkpoint is gone",
            |lake| fs::remove_file(first(lake, "_parcap/checkpoint")).unwrap(),
            "is not there",
        ),
        ("a checkpoint is gone", |lake| fs::remove_dir_all(lake.join("_parcap/checkpoint")).unwrap(), "is not there"),
    ];
    let before = crate::support::packets(&lake);
    let harmed = folder.path().join("harmed");
    // Of what an edited manifest says, the checkpoint knows better.
    let of_all = FAULTS.into_iter().filter(|(what, ..)| !what.contains("capture") && !what.contains("range"));
    let of_all = of_all.map(|fault| (fault, false));
    for ((what, harm, expected), is_twin) in of_all.chain(of_twins.map(|fault| (fault, true))) {
        copy(&lake, &harmed);
        harm(&harmed);
        let (status, said) = verify(&harmed, false);
        assert_eq!(status, Some(1), "{what}: {said}");
        assert!(said.contains(expected), "{what}: {said}");
        if is_twin {
            let repaired = crate::support::losing::repair(&harmed);
            assert!(repaired.stdout.contains("the manifest was written again whole, for "), "{what}: {repaired:?}");
            assert!(crate::support::packets(&harmed) == before, "{what}");
            assert_eq!(files(&harmed.join("_parcap/manifest")).len(), 1, "{what}");
            assert_eq!(verify(&harmed, true).0, Some(0), "{what}");
        }
    }
}

#[test]
fn rows_that_were_swapped_with_their_checksum_are_found_by_counting_again() {
    let folder = folder();
    let lake = lake(&folder);
    let (there, known) = part(&lake, 0);
    // As many rows, and other packets.
    let mut capture = Capture::pcap();
    (0..40).for_each(|number| capture.record(2, u32::from(number), udp(number + 1, &[7; 30])));
    let other = folder.path().join("other");
    let path = save(&folder, "other.pcap", &capture.bytes);
    assert_eq!(run(["convert", &text(&path), "--out", &text(&other), "-q"]).status, Some(0));
    let (from, swapped) = part(&other, 0);
    fs::copy(from, there).unwrap();
    let number = |part: &serde_json::Value| format!("\"bytes\":{},\"checksum\":{}", part["bytes"], part["checksum"]);
    edit(&lake, 1, |text| text.replace(&number(&known), &number(&swapped)));
    assert_eq!(verify(&lake, false).0, Some(0));
    let (status, said) = verify(&lake, true);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("sums differ from what its rows give"), "{said}");
}

#[test]
fn the_result_is_one_json_document_and_nothing_is_changed() {
    let folder = folder();
    let lake = lake(&folder);
    let rows = crate::support::packets(&lake).len();
    fs::write(lake.join("packets/stray.parquet"), b"PAR1").unwrap();
    let before = crate::support::hashes(&lake);
    let ran = run(["verify", &text(&lake), "--format", "json"]);
    assert_eq!(ran.status, Some(1));
    let document = ran.json();
    assert_eq!((&document["captures"], &document["rows"]), (&3.into(), &rows.into()), "{document}");
    assert_eq!(document["faults"][0]["path"], "packets/stray.parquet");
    assert_eq!(crate::support::hashes(&lake), before);
    assert_eq!(run(["verify", &text(&folder.path().join("none"))]).status, Some(2));
}

/// What the page about operations says: the sums of a unit cannot do without the rows of one part, so all its captures go.
#[test]
fn a_lake_with_a_damaged_part_recovers_when_all_captures_of_its_unit_are_taken_out_or_forced() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    for name in ["vlan.pcap", "office-hour.pcap"] {
        fs::copy(sample(name), archive.join(name)).unwrap();
    }
    let lake = folder.path().join("lake");
    let convert = |more: &[&str]| run([&["convert", &text(&archive), "--out", &text(&lake), "-q"], more].concat());
    assert_eq!(convert(&[]).status, Some(0));
    let sound = crate::support::hashes(&lake.join("packets"));
    for harm in [|lake: &Path| flip(&part(lake, 0).0, |_| 50), |lake: &Path| fs::remove_file(part(lake, 0).0).unwrap()]
    {
        harm(&lake);
        let (_, damaged) = part(&lake, 0);
        let held = &damaged["ranges"][0]["input"];
        let manifest = crate::support::manifests(&lake).pop().unwrap();
        let entry = manifest["inputs"].as_array().unwrap().iter().find(|entry| entry["id"] == *held).unwrap();
        let alone = run(["forget", &text(&lake), entry["absolute"].as_str().unwrap()]);
        assert_eq!(alone.status, Some(3), "{alone:?}");
        assert!(alone.stderr.contains("was left in the lake as it was"), "{alone:?}");
        assert_eq!(verify(&lake, false).0, Some(1), "nothing was changed");
        assert_eq!(run(["forget", &text(&lake), &text(&archive)]).status, Some(0));
        assert_eq!(convert(&[]).status, Some(0));
        assert_eq!((verify(&lake, true).0, crate::support::hashes(&lake.join("packets")) == sound), (Some(0), true));
    }
    fs::remove_file(first(&lake, "_parcap/partials")).unwrap();
    fs::remove_file(first(&lake, "packets")).unwrap();
    assert_eq!(convert(&["--force"]).status, Some(0));
    assert_eq!((verify(&lake, true).0, crate::support::hashes(&lake.join("packets")) == sound), (Some(0), true));
}

/// What somebody else wrote into a manifest is an error of the part, and not of the program; and nothing is lost by it.
#[test]
fn a_part_whose_ranges_do_not_fit_its_rows_is_not_written_anew() {
    for (what, with) in [
        ("\"first_row\":0,\"rows\":40", "\"first_row\":18446744073709551615,\"rows\":40"),
        ("\"first_row\":0,\"rows\":40", "\"first_row\":0,\"rows\":39"),
        ("\"rows\":40", "\"rows\":39"),
    ] {
        let folder = folder();
        let lake = folder.path().join("lake");
        for name in ["one.pcap", "two.pcap"] {
            let mut capture = Capture::pcap();
            (0..40).for_each(|number| capture.record(2, u32::from(number), udp(number, name.as_bytes())));
            let capture = save(&folder, name, &capture.bytes);
            assert_eq!(run(["convert", &text(&capture), "--out", &text(&lake), "-q"]).status, Some(0));
        }
        let before = crate::support::hashes(&lake.join("packets"));
        edit(&lake, 1, |text| {
            let (head, parts) = text.split_once("\"parts\"").unwrap();
            format!("{head}\"parts\"{}", parts.replace(what, with))
        });
        let ran = run(["compact", &text(&lake)]);
        assert_eq!(ran.status, Some(1), "{with}: {ran:?}");
        assert!(ran.stderr.contains(": the rows differs from the manifest's: "), "{with}: {ran:?}");
        assert_eq!(run(["verify", &text(&lake)]).status, Some(1), "{with}");
        assert_eq!(crate::support::hashes(&lake.join("packets")), before, "{with}");
    }
}
