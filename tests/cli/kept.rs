//! Archives as people keep them: captures that get their last name, are packed, moved, copied or emptied between the nights.
//! No row is lost, and none is there twice.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::support::build::{Capture, udp};
use crate::support::{Ran, folder, manifests, packets, run, summary, text};

/// A capture of `count` packets, all of the same minute; those of the same `seed` begin alike.
fn minute(seed: u16, count: u16) -> Capture {
    let mut capture = Capture::pcap();
    (0..count).for_each(|number| capture.record(1, u32::from(number) * 1000, udp(seed * 100 + number, &[7; 30])));
    capture
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// A folder with two others below it, and a lake.
struct Archive {
    root: TempDir,
}

impl Archive {
    fn new() -> Self {
        let root = folder();
        for name in ["a", "b"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        Self { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn lake(&self) -> PathBuf {
        self.path("lake")
    }

    fn night(&self, named: &[&str], options: &[&str]) -> Ran {
        let lake = text(&self.lake());
        let named: Vec<_> = named.iter().map(|name| text(&self.path(name))).collect();
        let named: Vec<_> = named.iter().map(String::as_str).collect();
        run([&["convert", "--out", &lake, "--top", "0"], &named[..], options].concat())
    }

    fn rows(&self) -> usize {
        packets(&self.lake()).len()
    }

    fn assert_sound(&self) {
        let ran = run(["verify", "--deep", &text(&self.lake())]);
        assert_eq!(ran.status, Some(0), "{ran:?}");
    }
}

/// A process that has a file open for writing, until it is dropped.
struct Writer(Child);

impl Writer {
    fn of(path: &Path) -> Self {
        let file = File::options().append(true).open(path).unwrap();
        Self(std::process::Command::new("sleep").arg("600").stdin(Stdio::null()).stdout(file).spawn().unwrap())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The ways in which an unfinished capture of five packets gets its last name, and twenty packets.
#[test]
fn an_unfinished_capture_is_replaced_by_what_it_becomes_wherever_that_is() {
    let whole = minute(1, 20);
    let cut = &whole.bytes[..whole.boundaries[5].0 + 30];
    let at_a_record = &whole.bytes[..whole.boundaries[5].0];
    let packed = gzip(&whole.bytes);
    let packed_cut = &packed[..whole.boundaries[5].0 + 50];
    // As it was first, whether it was being written, and what became of it.
    for (first, bytes, is_open, last, becomes) in [
        ("a/x.pcap.part", cut, true, "a/x.pcap", &whole.bytes),
        ("a/x.pcap.part", at_a_record, false, "a/x.pcap", &whole.bytes),
        ("a/x.pcap.filepart", cut, false, "a/x.pcap", &whole.bytes),
        ("a/x.pcap", cut, true, "a/x.pcap.gz", &packed),
        ("a/x.pcap", cut, true, "b/x.pcap.gz", &packed),
        ("a/x.pcap.gz", packed_cut, false, "b/x.pcap", &whole.bytes),
        ("a/x.pcap.gz.tmp", packed_cut, true, "a/x.pcap.gz", &packed),
    ] {
        let archive = Archive::new();
        let path = archive.write(first, bytes);
        let writer = is_open.then(|| Writer::of(&path));
        archive.night(&["a"], &[]);
        assert_eq!(archive.rows(), 5, "{first}");
        drop(writer);
        fs::remove_file(&path).unwrap();
        archive.write(last, becomes);
        let ran = archive.night(&["a", "b"], &["--allow-empty"]);
        assert_eq!(archive.rows(), 20, "{first} {last} {ran:?}");
        assert_eq!(summary(&archive.lake(), "captures").len(), 1);
        archive.assert_sound();
        assert_eq!(archive.night(&["a", "b"], &["--allow-empty", "--format", "json"]).json()["inputs"], 0);
    }
}

/// `tcpdump -z gzip`, `gzip -k` and `rsync` of a packed capture, seen while they are at work.
#[test]
fn a_half_written_copy_is_left_out_beside_the_whole_one() {
    let whole = minute(1, 20);
    let packed = gzip(&whole.bytes);
    let half = &packed[..whole.boundaries[9].0 + 40];
    for (first, other) in [("a/x.pcap", "a/x.pcap.gz"), ("b/x.pcap", "a/x.pcap.gz"), ("a/z.pcap", "a/x.pcap.gz.part")] {
        let archive = Archive::new();
        archive.write(first, &whole.bytes);
        archive.write(other, half);
        archive.write("b/other.pcap", &minute(2, 3).bytes);
        let ran = archive.night(&["a", "b"], &["--format", "json"]);
        assert_eq!((ran.status, &ran.json()["duplicates"][0]["beginning"]), (Some(0), &true.into()), "{ran:?}");
        assert!(ran.stderr.contains("is cut short, and ") && ran.stderr.contains("it was left out"), "{ran:?}");
        assert_eq!(archive.rows(), 23, "{first}");
        // The other one is there alone, and whole.
        fs::remove_file(archive.path(first)).unwrap();
        archive.write(other, &packed);
        archive.night(&["a", "b"], &[]);
        assert_eq!(archive.rows(), 23, "{first}");
        archive.assert_sound();
    }
}

#[test]
fn a_half_written_copy_is_left_out_beside_one_that_the_lake_holds() {
    let whole = minute(1, 20);
    let archive = Archive::new();
    archive.write("a/x.pcap", &whole.bytes);
    archive.night(&["a"], &[]);
    archive.write("a/x.pcap.gz", &gzip(&whole.bytes)[..whole.boundaries[9].0]);
    assert_eq!(archive.night(&["a"], &[]).status, Some(0));
    assert_eq!(archive.rows(), 20);
    // Regression: beside a whole one that was touched the same night, the cut copy was converted.
    archive.write("a/x.pcap", &whole.bytes);
    archive.write("b/x.pcap", &whole.bytes[..whole.boundaries[9].0 + 30]);
    assert_eq!(archive.night(&["a", "b"], &[]).status, Some(0));
    assert_eq!(archive.rows(), 20);
    // One that begins as it does and is whole is another capture, such as a piece that was cut out with a tool.
    archive.write("a/y.pcap", &whole.bytes[..whole.boundaries[9].0]);
    archive.night(&["a"], &[]);
    assert_eq!(archive.rows(), 29);
}

/// Regression: what was left out was noted with its old time of modification, and again by a run that had nothing to do.
#[test]
fn a_cut_capture_that_is_touched_and_replaced_in_one_night_is_noted_as_it_is_now() {
    let whole = minute(1, 20);
    let cut = &whole.bytes[..whole.boundaries[9].0 + 30];
    let archive = Archive::new();
    archive.write("a/x.pcap", cut);
    archive.night(&["a"], &[]);
    archive.write("b/x.pcap", &whole.bytes[..whole.boundaries[9].0]);
    archive.write("a/x.pcap", cut);
    archive.night(&["a", "b"], &[]);
    assert_eq!((archive.rows(), manifests(&archive.lake()).len()), (9, 2));
    archive.night(&["a", "b"], &[]);
    assert_eq!((archive.rows(), manifests(&archive.lake()).len()), (9, 2));
    archive.assert_sound();
}

/// What was left out for the sake of a capture of the lake, in the night in which that capture is replaced by a longer one.
#[test]
fn what_is_left_out_points_to_what_stays() {
    let whole = minute(1, 20);
    let cut = |records: usize| &whole.bytes[..whole.boundaries[records].0 + 30];
    let archive = Archive::new();
    archive.write("a/x.pcap", cut(10));
    archive.night(&["a"], &[]);
    archive.write("b/x.pcap", &whole.bytes);
    archive.write("b/y.pcap", cut(5));
    archive.night(&["a", "b"], &[]);
    assert_eq!(archive.rows(), 20);
    let manifest = manifests(&archive.lake()).pop().unwrap();
    let of = |name: &str| {
        let path = text(&archive.path(name));
        manifest["inputs"].as_array().unwrap().iter().find(|input| input["path"] == path.as_str()).cloned()
    };
    let (stays, left_out) = (of("b/x.pcap").unwrap(), of("b/y.pcap").unwrap());
    assert_eq!((&left_out["same_as"], &left_out["status"]), (&stays["id"], &"duplicate".into()), "{manifest:#}");
    archive.assert_sound();
}

#[test]
fn a_capture_that_is_moved_and_packed_at_once_is_not_converted_again() {
    let archive = Archive::new();
    let capture = minute(1, 20).bytes;
    fs::remove_file(archive.write("a/x.pcap", &capture)).unwrap();
    archive.write("a/x.pcap", &capture);
    archive.night(&["a"], &[]);
    fs::remove_file(archive.path("a/x.pcap")).unwrap();
    archive.write("b/y.pcap.zst", &zstd::encode_all(&*capture, 1).unwrap());
    let ran = archive.night(&["b"], &["--format", "json"]);
    assert_eq!(
        (&ran.json()["inputs"], &ran.json()["renamed"][0]["path"]),
        (&0.into(), &text(&archive.path("b/y.pcap.zst")).into())
    );
    let captures = summary(&archive.lake(), "captures");
    assert_eq!(captures[0].get("compression"), Some("zstd"));
    assert_eq!(
        captures[0].int("file_bytes"),
        fs::metadata(archive.path("b/y.pcap.zst")).unwrap().len().try_into().ok()
    );
    assert_eq!(archive.night(&["b"], &["--format", "json"]).json()["unchanged"], 1);
    archive.assert_sound();
}

#[test]
fn a_packed_and_a_plain_copy_are_told_and_with_dedupe_are_one() {
    for dedupe in [false, true] {
        let archive = Archive::new();
        let capture = minute(1, 20).bytes;
        archive.write("a/x.pcap", &capture);
        archive.write("a/x.pcap.gz", &gzip(&capture));
        let ran = archive.night(&["a"], if dedupe { &["--dedupe"] } else { &[] });
        assert!(ran.stderr.contains("x.pcap.gz: has the same content as "), "{ran:?}");
        assert_eq!(archive.rows(), if dedupe { 20 } else { 40 });
    }
}

/// A disk that is mounted twice, or a snapshot whose unchanged files are hard links.
#[test]
fn two_names_of_one_file_are_one_capture() {
    let archive = Archive::new();
    let path = archive.write("a/x.pcap", &minute(1, 20).bytes);
    fs::hard_link(&path, archive.path("b/x.pcap")).unwrap();
    archive.night(&["a", "b"], &[]);
    assert_eq!(archive.rows(), 20);
    fs::hard_link(&path, archive.path("b/y.pcap")).unwrap();
    archive.night(&["b"], &[]);
    assert_eq!(archive.rows(), 20);
    fs::remove_file(&path).unwrap();
    archive.night(&["b"], &[]);
    assert_eq!(archive.rows(), 20);
    archive.assert_sound();
}

/// An archive that was copied to another disk, or the newest of many snapshots, reached through a link.
#[test]
fn a_link_that_leads_to_a_copy_has_moved_its_captures() {
    let archive = Archive::new();
    let link = archive.path("archive");
    let capture = minute(1, 20);
    archive.write("a/x.pcap", &capture.bytes);
    symlink(archive.path("a"), &link).unwrap();
    archive.night(&["archive"], &[]);
    // Copied as it is, copied with another time, and gone on since.
    for (folder, bytes) in [("b", &capture.bytes), ("c", &capture.bytes), ("d", &minute(1, 30).bytes)] {
        let path = archive.path(folder);
        fs::create_dir_all(&path).unwrap();
        archive.write(&format!("{folder}/x.pcap"), bytes);
        fs::remove_file(&link).unwrap();
        symlink(&path, &link).unwrap();
        archive.night(&["archive"], &[]);
        assert_eq!(archive.rows(), if folder == "d" { 30 } else { 20 }, "{folder}");
    }
    // Another capture at the same place of the link is another one: each folder is a day.
    fs::create_dir(archive.path("e")).unwrap();
    archive.write("e/x.pcap", &minute(2, 10).bytes);
    fs::remove_file(&link).unwrap();
    symlink(archive.path("e"), &link).unwrap();
    archive.night(&["archive"], &[]);
    assert_eq!(archive.rows(), 40);
    archive.assert_sound();
}

#[test]
fn an_open_capture_is_looked_at_each_night_until_it_is_settled_whatever_is_named() {
    let archive = Archive::new();
    let (whole, other) = (minute(1, 20), minute(2, 10));
    let path = archive.write("a/x.pcap", &whole.bytes[..whole.boundaries[5].0 + 30]);
    archive.write("b/y.pcap", &other.bytes);
    let writer = Writer::of(&path);
    archive.night(&["a"], &[]);
    let ran = archive.night(&["b"], &[]);
    assert!(ran.stderr.contains("a/x.pcap: is being written"), "{ran:?}");
    assert_eq!((ran.status, archive.rows()), (Some(0), 15));
    drop(writer);
    fs::write(&path, &whole.bytes).unwrap();
    archive.night(&["b"], &[]);
    assert_eq!(archive.rows(), 30);
    assert_eq!(archive.night(&["b"], &["--format", "json"]).json()["inputs"], 0);
}

#[test]
fn an_open_capture_that_is_gone_is_named_each_night() {
    let archive = Archive::new();
    let whole = minute(1, 20);
    let path = archive.write("a/x.pcap", &whole.bytes[..whole.boundaries[5].0 + 30]);
    archive.write("a/y.pcap", &minute(2, 10).bytes);
    let writer = Writer::of(&path);
    archive.night(&["a"], &[]);
    drop(writer);
    fs::remove_file(&path).unwrap();
    for _ in 0..2 {
        let ran = archive.night(&["a"], &[]);
        assert!(ran.stderr.contains("a/x.pcap: was being written when it was converted, and is not there"), "{ran:?}");
    }
    archive.write("b/x.pcap.gz", &gzip(&whole.bytes));
    assert_eq!(archive.night(&["a", "b"], &[]).status, Some(0));
    assert_eq!(archive.rows(), 30);
}

#[test]
fn a_rotated_capture_is_known_while_the_one_that_took_its_name_is_young() {
    let archive = Archive::new();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let path = archive.write("a/x.pcap", &minute(1, 20).bytes);
    File::options().append(true).open(&path).unwrap().set_modified(hour_ago).unwrap();
    archive.night(&["a"], &["--settle", "10m"]);
    fs::rename(&path, archive.path("a/x.pcap.1")).unwrap();
    archive.write("a/x.pcap", &minute(2, 20).bytes);
    let ran = archive.night(&["a"], &["--settle", "10m"]);
    assert_eq!((ran.status, archive.rows()), (Some(0), 20), "{ran:?}");
}

/// Quiet minutes leave captures of 24 bytes.
#[test]
fn captures_without_packets_are_nobodys_copies() {
    let archive = Archive::new();
    (0..3).for_each(|number| drop(archive.write(&format!("a/q{number}.pcap"), &minute(1, 0).bytes)));
    let ran = archive.night(&["a"], &[]);
    assert!(!ran.stderr.contains("same content"), "{ran:?}");
    fs::remove_file(archive.path("a/q0.pcap")).unwrap();
    archive.write("a/q9.pcap", &minute(1, 0).bytes);
    let ran = archive.night(&["a"], &[]);
    assert!(!ran.stderr.contains("is what was"), "{ran:?}");
    assert_eq!(summary(&archive.lake(), "captures").len(), 4);
}

#[test]
fn captures_of_one_name_in_two_working_directories_are_told_apart() {
    let archive = Archive::new();
    for (place, folder) in ["a", "b"].into_iter().enumerate() {
        archive.write(&format!("{folder}/x.pcap"), &minute(u16::try_from(place).unwrap(), 4).bytes);
        let mut command = crate::support::command();
        command.current_dir(archive.path(folder)).args(["convert", "x.pcap", "--out", "../lake", "--quiet"]);
        assert!(command.status().unwrap().success());
    }
    let names: Vec<_> =
        summary(&archive.lake(), "captures").iter().map(|row| row.get("capture").unwrap().to_owned()).collect();
    let expected = ["a/x.pcap", "b/x.pcap"].map(|name| text(&archive.path(name).canonicalize().unwrap()));
    assert_eq!(names, expected);
}

/// A full disk, `: > x.pcap` to make room, a transfer that begins again.
#[test]
fn a_file_of_which_there_is_less_takes_nothing_out_and_is_named_each_night() {
    let whole = minute(1, 20);
    for (less, packets) in [
        (&b""[..], "0 packets"),
        (&whole.bytes[..24], "0 packets"),
        (&whole.bytes[..whole.boundaries[7].0], "7 packets"),
        (&whole.bytes[..whole.boundaries[1].0 + 20], "1 packet"),
        (&b"<html>not found</html>"[..], ""),
        (&whole.bytes[..10], "0 packets"),
    ] {
        let archive = Archive::new();
        archive.write("a/x.pcap", &whole.bytes);
        archive.write("a/y.pcap", &minute(2, 10).bytes);
        archive.night(&["a"], &[]);
        archive.write("a/x.pcap", less);
        let named = text(&archive.path("a/x.pcap"));
        let ran = archive.night(&["a"], &[]);
        assert_eq!((ran.status, archive.rows()), (Some(3), 30), "{ran:?}");
        let complaint = ran.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
        assert!(complaint.starts_with(&format!("error: {named}: ")), "{ran:?}");
        if packets.is_empty() {
            assert!(ran.stderr.contains("the lake keeps the 20 packets that it has of it"), "{ran:?}");
            continue;
        }
        assert!(complaint.ends_with(&format!("has {packets} now; the lake has 20 of it, and keeps them")), "{ran:?}");
        assert_eq!(archive.night(&["a"], &[]).status, Some(3));
        if (1..24).contains(&less.len()) {
            // Not even a whole file header, so there is nothing to replace it by.
            continue;
        }
        // It comes back, or is meant so.
        archive.write("a/x.pcap", &whole.bytes);
        let ran = archive.night(&["a"], &["--format", "json"]);
        assert_eq!((ran.status, &ran.json()["inputs"], archive.rows()), (Some(0), &0.into(), 30), "{ran:?}");
        archive.write("a/x.pcap", less);
        archive.night(&["a"], &["--force"]);
        let left: usize = packets.split(' ').next().unwrap().parse().unwrap();
        assert_eq!(archive.rows(), 10 + left);
        archive.assert_sound();
    }
}

/// A ring buffer, or a recorder that begins the same file again each night.
#[test]
fn another_capture_that_takes_a_name_replaces_and_what_goes_is_named() {
    for count in [5, 20, 30] {
        let archive = Archive::new();
        archive.write("a/x.pcap", &minute(1, 20).bytes);
        archive.night(&["a"], &[]);
        archive.write("a/x.pcap", &minute(2, count).bytes);
        let ran = archive.night(&["a"], &[]);
        assert_eq!((ran.status, archive.rows()), (Some(0), usize::from(count)), "{ran:?}");
        assert!(ran.stderr.contains("it takes the place of the 20 packets that the lake had of it"), "{ran:?}");
        // Growing is no reason to say so.
        archive.write("a/x.pcap", &minute(2, count + 1).bytes);
        let ran = archive.night(&["a"], &[]);
        assert!(!ran.stderr.contains("takes the place"), "{ran:?}");
    }
}

/// A copy-and-truncate rotation: nothing is lost, so nothing is complained about.
#[test]
fn a_capture_that_was_copied_and_emptied_is_found_in_its_copy() {
    let archive = Archive::new();
    let whole = minute(1, 20).bytes;
    archive.write("a/x.pcap", &whole);
    archive.night(&["a"], &[]);
    archive.write("a/x.pcap.1", &whole);
    archive.write("a/x.pcap", b"");
    let ran = archive.night(&["a"], &[]);
    assert_eq!((ran.status, archive.rows()), (Some(0), 20), "{ran:?}");
    archive.assert_sound();
}

/// Two captures that agree in size and at the places that fingerprints look at, and differ elsewhere.
#[test]
fn a_capture_is_not_taken_for_another_one_for_a_few_samples() {
    let mut capture = Capture::pcap();
    (0..4000_u16).for_each(|number| capture.record(1, u32::from(number), udp(number, &[7; 200])));
    let archive = Archive::new();
    let path = archive.write("a/x.pcap", &capture.bytes);
    archive.night(&["a"], &[]);
    let dates = |archive: &Archive| {
        let parts = crate::support::parts(&archive.lake());
        parts.iter().map(|part| part["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let before = dates(&archive);
    fs::remove_file(&path).unwrap();
    // The destination's last octet of one packet, between two samples.
    let mut other = capture.bytes.clone();
    let at = capture.boundaries[400].0 + 16 + 14 + 19;
    assert!(at > 65_536 + 10_000 && at < other.len() / 4);
    other[at] ^= 1;
    archive.write("a/y.pcap", &other);
    let ran = archive.night(&["a"], &["--format", "json"]);
    assert_eq!(ran.json()["inputs"], 1, "{ran:?}");
    assert_eq!((archive.rows(), dates(&archive).len()), (8000, before.len() + 1));
}
