//! What is found below a directory: whatever its name, whatever lies beside it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use crate::support::build::{Capture, udp};
use crate::support::{Ran, folder, manifests, rows_of, run, summary};

fn capture(packets: u16) -> Vec<u8> {
    let mut capture = Capture::pcap();
    (0..packets).for_each(|number| capture.record(2, number.into(), udp(number, b"x")));
    capture.bytes
}

/// Converts a folder; nothing that is printed may steer a terminal.
fn convert(tree: &tempfile::TempDir, more: &[&str]) -> (Ran, tempfile::TempDir) {
    let lake = folder();
    let args = [OsStr::new("convert"), tree.path().as_os_str(), OsStr::new("--out"), lake.path().as_os_str()];
    let ran = run(args.into_iter().chain(more.iter().map(OsStr::new)));
    let control = |text: &str| text.chars().find(|character| character.is_control() && *character != '\n');
    assert_eq!((control(&ran.stdout), control(&ran.stderr)), (None, None), "{ran:?}");
    (ran, lake)
}

fn rows(lake: &tempfile::TempDir) -> usize {
    let packets = lake.path().join("packets");
    crate::support::files(&packets).iter().map(|path| rows_of(&packets.join(path), "").len()).sum()
}

#[test]
fn any_name_is_converted_and_no_name_steers_the_terminal() {
    let tree = folder();
    let names: [&[u8]; 6] = [
        b"new\nline.pcap",
        b"\x1b[2J\x1b]0;title\x07.pcap",
        b"\xff\xfe.pcap",
        "caf\u{e9}.pcap".as_bytes(),
        b"-",
        b"--help",
    ];
    for (place, name) in names.iter().enumerate() {
        fs::write(tree.path().join(OsStr::from_bytes(name)), capture(1 << place)).unwrap();
        // The same name, damaged, so that it is printed.
        let damaged = [b"damaged ", *name].concat();
        fs::write(tree.path().join(OsStr::from_bytes(&damaged)), &capture(1)[..80]).unwrap();
        // And one that says that it is a capture, and is none.
        let refused = [b"refused ", *name, b".pcap"].concat();
        fs::write(tree.path().join(OsStr::from_bytes(&refused)), "text").unwrap();
    }
    for more in [&[][..], &["--format", "json"], &["--progress", "never", "--top", "100"]] {
        let (ran, lake) = convert(&tree, more);
        assert_eq!(ran.status, Some(3), "{ran:?}");
        assert_eq!(rows(&lake), 0b11_1111);
        // Every one is told apart in the manifest, and in the table of captures.
        let manifest = manifests(lake.path()).remove(0);
        let paths = manifest["inputs"].as_array().unwrap().iter().map(|input| input["path"].to_string());
        assert_eq!(paths.collect::<std::collections::BTreeSet<_>>().len(), 2 * names.len());
        assert_eq!(summary(lake.path(), "captures").len(), 2 * names.len());
        let complaints = |word: &str| ran.stderr.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!((complaints("warning: "), complaints("error: ")), (names.len(), names.len()), "{ran:?}");
        // A second run knows them all again.
        let again = run([OsStr::new("convert"), tree.path().as_os_str(), OsStr::new("--out"), lake.path().as_os_str()]);
        assert!(again.stderr.contains("12 unchanged"), "{again:?}");
    }
}

#[test]
fn loops_fifos_and_what_is_no_capture_are_stepped_over() {
    let tree = folder();
    let below = tree.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    fs::write(below.join("no suffix"), capture(3)).unwrap();
    fs::write(below.join("notes.txt"), "text").unwrap();
    fs::write(below.join("empty.txt"), "").unwrap();
    symlink(tree.path(), below.join("loop")).unwrap();
    symlink("nowhere", below.join("dangling")).unwrap();
    fs::write(below.join("copy"), capture(3)).unwrap();
    symlink(below.join("no suffix"), tree.path().join("link.pcap")).unwrap();
    assert!(Command::new("mkfifo").arg(below.join("pipe.pcap")).status().unwrap().success());
    let (ran, lake) = convert(&tree, &["--format", "json"]);
    let report = ran.json();
    // The capture and its copy are two inputs; a link to it is the same file once more, and no third.
    assert_eq!((&report["inputs"], rows(&lake)), (&2.into(), 6), "{ran:?}");
    assert!(ran.stderr.contains("has the same content as"), "{ran:?}");
    // notes.txt, empty.txt, the loop, the FIFO; a link to nothing is missing or stepped over, never followed.
    let refused: Vec<_> = report["refused"].as_array().unwrap().iter().map(|entry| entry["path"].to_string()).collect();
    let stepped = report["stepped_over"].as_u64().unwrap();
    assert_eq!((stepped + refused.len() as u64, stepped >= 4), (5, true), "{ran:?}");
    assert!(refused.iter().all(|path| path.contains("dangling")), "{ran:?}");
}

#[test]
fn a_name_that_says_capture_is_held_to_it() {
    let tree = folder();
    let claims = ["a.pcap", "b.PCAPNG", "c.cap.gz", "d.dmp", "e.pcap7"];
    for name in claims {
        fs::write(tree.path().join(name), "this is text").unwrap();
    }
    for name in ["f.txt", "g.pcap.idx", "h.parquet", "README"] {
        fs::write(tree.path().join(name), "this is text").unwrap();
    }
    fs::write(tree.path().join("good"), capture(5)).unwrap();
    let (ran, lake) = convert(&tree, &["--format", "json"]);
    assert_eq!((ran.status, rows(&lake)), (Some(3), 5), "{ran:?}");
    let report = ran.json();
    let mut refused: Vec<_> = report["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| PathBuf::from(entry["path"].as_str().unwrap()))
        .collect();
    refused.sort();
    assert_eq!(refused, claims.map(|name| tree.path().join(name)));
    assert_eq!(report["stepped_over"], 4);
    for name in claims {
        let line = format!("error: {}: is not a capture: it begins with text", tree.path().join(name).display());
        assert!(ran.stderr.lines().any(|printed| printed == line), "{line}");
    }
}

#[test]
fn what_is_named_twice_is_converted_once() {
    let tree = folder();
    let path = tree.path().join("one.pcap");
    fs::write(&path, capture(4)).unwrap();
    let pattern = tree.path().join("*.pcap");
    let lake = folder();
    let named = [path.as_os_str(), tree.path().as_os_str(), pattern.as_os_str()];
    let ran =
        run([OsStr::new("convert")].into_iter().chain(named).chain([OsStr::new("--out"), lake.path().as_os_str()]));
    assert_eq!((ran.status, rows(&lake)), (Some(0), 4), "{ran:?}");
}

/// Files are opened many at a time, and looked at in order, whichever answers first.
#[test]
fn more_captures_than_are_opened_at_once_stay_in_order() {
    let tree = folder();
    let name = |number: u16| format!("{number:04}.pcap");
    for number in 0..1100 {
        let mut one = Capture::pcap();
        one.record(2, number.into(), udp(number, b"x"));
        let bytes = if number % 100 == 7 { b"no capture".to_vec() } else { one.bytes };
        fs::write(tree.path().join(name(number)), bytes).unwrap();
    }
    let ran = run(["plan".as_ref(), tree.path().as_os_str(), "--out".as_ref(), tree.path().join("lake").as_os_str()]);
    let named = |text: &str| -> Vec<String> {
        let places = text.match_indices(".pcap").filter(|(at, _)| text[..*at].rfind('/') == Some(at - 5));
        places.map(|(at, _)| text[at - 4..at + 5].to_owned()).collect()
    };
    let refused: Vec<_> = (0..1100).filter(|number| number % 100 == 7).map(name).collect();
    assert_eq!(named(&ran.stderr), refused, "{}", ran.stderr);
    let units: Vec<_> = ran.stdout.lines().skip(1).collect();
    let mut planned = named(&units.concat());
    planned.dedup();
    assert_eq!(planned, (0..1100).filter(|number| number % 100 != 7).map(name).collect::<Vec<_>>());
}
