//! `forget`: whose captures go, by name and by age, and that they stay out.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::support::build::{Capture, pcap_record, udp};
use crate::support::{Ran, command, finish, folder, hashes, packets, run, run_with, save, text};

use super::capture;

/// 2024-03-01T00:00:00Z (`date -u -d 2024-03-01 +%s`).
const MARCH: u32 = 1_709_251_200;
const DAY: u32 = 86_400;

/// Packets from a time on, a second apart.
fn from(second: u32, packets: u16) -> Vec<u8> {
    let records = (0..packets).map(|number| pcap_record(second + u32::from(number), 0, &udp(number, &[0; 20])));
    [Capture::pcap().bytes, records.collect::<Vec<_>>().concat()].concat()
}

fn at(folder: &Path, args: &[&str]) -> Ran {
    finish(command().args(args).current_dir(folder))
}

/// Two sensors that call their captures the same, each converted from its own folder.
fn sensors() -> (tempfile::TempDir, String) {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    for (sensor, packets) in [("a", 4), ("b", 6)] {
        let of = folder.path().join(sensor);
        fs::create_dir(&of).unwrap();
        fs::write(of.join("x.pcap"), from(MARCH + u32::from(packets), packets)).unwrap();
        assert_eq!(at(&of, &["convert", "x.pcap", "--out", &lake]).status, Some(0));
    }
    (folder, lake)
}

#[test]
fn the_same_name_in_another_folder_is_another_capture() {
    let (folder, lake) = sensors();
    let ran = at(&folder.path().join("a"), &["forget", &lake, "x.pcap"]);
    assert_eq!(ran.stdout, format!("{}/a/x.pcap: 4 rows\nforgot 1 capture, 4 rows\n", folder.path().display()));
    assert_eq!(packets(lake.as_ref()).len(), 6);
    // There is one capture left that is called so, and it is not this one.
    let before = hashes(lake.as_ref());
    for place in ["a", "."] {
        let ran = at(&folder.path().join(place), &["forget", &lake, "x.pcap"]);
        let said = format!(
            "error: x.pcap: {lake} holds nothing of it here, but elsewhere:\n  {}/b/x.pcap\nhint: nothing was changed; ",
            folder.path().display()
        );
        assert_eq!((ran.status, ran.stderr.starts_with(&said)), (Some(2), true), "{ran:?}");
    }
    assert_eq!(hashes(lake.as_ref()), before);
}

#[test]
fn a_name_that_fits_captures_of_several_folders_takes_out_none_and_lists_them() {
    let (folder, lake) = sensors();
    let root = folder.path().display().to_string();
    let before = hashes(lake.as_ref());
    for args in [vec!["x.pcap"], vec!["a/x.pcap", "./x.pcap"], vec!["x.pcap", "--before", "2100-01-01"]] {
        let ran = at(folder.path(), &[&["forget", &lake], args.as_slice()].concat());
        let list = format!(":\n  {root}/a/x.pcap\n  {root}/b/x.pcap\nhint: ");
        assert_eq!((ran.status, ran.stderr.contains(&list), ran.stdout.as_str()), (Some(2), true, ""), "{ran:?}");
        assert_eq!(hashes(lake.as_ref()), before);
    }
    // By their whole names, and in a way that is not straight.
    let ran = at(&folder.path().join("a"), &["forget", &lake, "../b/../a/./x.pcap", &format!("{root}/gone/../b")]);
    assert!(ran.stdout.ends_with("forgot 2 captures, 10 rows\n"), "{ran:?}");
}

#[test]
fn a_capture_is_found_by_its_old_name_when_the_link_to_it_is_gone_or_leads_elsewhere() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    let [old, new, link] = ["disk-1", "disk-2", "archive"].map(|name| folder.path().join(name));
    for (disk, packets) in [(&old, 3), (&new, 5)] {
        fs::create_dir(disk).unwrap();
        let _ = fs::remove_file(&link);
        symlink(disk, &link).unwrap();
        fs::write(disk.join("a.pcap"), from(MARCH + u32::from(packets), packets)).unwrap();
        fs::write(disk.join(format!("{packets}.pcap")), from(MARCH + 100, packets)).unwrap();
        assert_eq!(run(["convert", &text(&link), "--out", &lake]).status, Some(0));
    }
    let forget = |name: &str| run(["forget", &lake, &text(&link.join(name))]);
    // Only one was called so, and the link does not lead there any more.
    let ran = forget("3.pcap");
    assert_eq!(ran.stdout, format!("{}: 3 rows\nforgot 1 capture, 3 rows\n", old.join("3.pcap").display()));
    // Where the link leads now.
    let ran = forget("a.pcap");
    assert_eq!(ran.stdout, format!("{}: 5 rows\nforgot 1 capture, 5 rows\n", new.join("a.pcap").display()));
    fs::remove_file(&link).unwrap();
    assert!(forget("a.pcap").stdout.ends_with("forgot 1 capture, 3 rows\n"));
    assert_eq!(packets(lake.as_ref()).len(), 5);
    // Two that were called the same.
    for (disk, packets) in [(&old, 2), (&new, 4)] {
        let _ = fs::remove_file(&link);
        symlink(disk, &link).unwrap();
        fs::write(disk.join("b.pcap"), from(MARCH + 200 + u32::from(packets), packets)).unwrap();
        assert_eq!(run(["convert", &text(&link.join("b.pcap")), "--out", &lake]).status, Some(0));
    }
    fs::remove_file(&link).unwrap();
    let ran = forget("b.pcap");
    let list = format!(
        "holds several captures that were called so:\n  {}\n  {}\n",
        old.join("b.pcap").display(),
        new.join("b.pcap").display()
    );
    assert_eq!((ran.status, ran.stderr.contains(&list)), (Some(2), true), "{ran:?}");
}

#[test]
fn streams_are_told_apart_by_the_beginning_of_their_fingerprints() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    for packets in [3, 5] {
        assert_eq!(run_with(["convert", "-", "--out", &lake], &from(MARCH, packets)).status, Some(0));
    }
    let ran = run(["forget", &lake, "-"]);
    assert_eq!((ran.status, ran.stderr.contains("holds several captures from standard input:\n")), (Some(2), true));
    let listed = ran.stderr.lines().find(|line| line.ends_with(" (3 rows)")).unwrap();
    let (name, _) = listed.trim().split_once(' ').unwrap();
    assert_eq!(run(["forget", &lake, &name[..14], "--dry-run"]).stdout, "-: 3 rows\nwould forget 1 capture, 3 rows\n");
    assert_eq!(run(["forget", &lake, name]).status, Some(0));
    assert_eq!(run(["forget", &lake, name]).status, Some(2));
    assert_eq!(run(["forget", &lake, "-"]).stdout, "-: 5 rows\nforgot 1 capture, 5 rows\n");
    assert_eq!(run(["forget", &lake, "-"]).status, Some(2));
}

/// An archive of: a day, a day and the first packet of the next one, that next day, a capture without packets of long ago,
/// a copy of the first one that is left out, a stream.
fn archive(folder: &Path) -> (std::path::PathBuf, String) {
    let archive = folder.join("archive");
    fs::create_dir(&archive).unwrap();
    for (name, content) in [
        ("1-first.pcap", from(MARCH, 5)),
        ("2-spanning.pcap", from(MARCH + DAY - 6, 7)),
        ("3-second.pcap", from(MARCH + DAY, 9)),
        ("4-empty.pcap", from(MARCH, 0)),
        ("5-copy.pcap", from(MARCH, 5)),
    ] {
        fs::write(archive.join(name), content).unwrap();
    }
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::options().append(true).open(archive.join("4-empty.pcap")).unwrap().set_modified(long_ago).unwrap();
    let lake = text(&folder.join("lake"));
    assert_eq!(night(&archive, &lake, &[]).json()["rows"], 21);
    (archive, lake)
}

fn night(archive: &Path, lake: &str, options: &[&str]) -> Ran {
    run([&["convert", &text(archive), "--out", lake, "--dedupe", "--format", "json"], options].concat())
}

#[test]
fn what_is_older_goes_as_a_whole_and_what_spans_the_date_stays_as_a_whole() {
    let folder = folder();
    let (archive, lake) = archive(folder.path());
    assert_eq!(run_with(["convert", "-", "--out", &lake], &from(MARCH + 9, 2)).status, Some(0));
    let forget = |options: &[&str]| run([&["forget", &lake, "--format", "json"], options].concat());
    let rows = |ran: &Ran| {
        let gone = ran.json()["captures"].as_array().unwrap().clone();
        let name = |path: &str| path.rsplit('/').next().unwrap().chars().next().unwrap();
        let mut names: Vec<_> = gone.iter().map(|gone| name(gone["path"].as_str().unwrap())).collect();
        names.sort_unstable();
        (ran.status, names.into_iter().collect::<String>(), ran.json()["rows"].as_u64().unwrap())
    };
    assert_eq!(rows(&forget(&["--before", "2024-03-01"])), (Some(0), "4".to_owned(), 0));
    let before = hashes(lake.as_ref());
    assert_eq!(rows(&forget(&["--before", "2024-03-01"])), (Some(0), String::new(), 0), "there is nothing left to do");
    assert_eq!(rows(&forget(&["--before", "2024-03-02", "--dry-run"])), (Some(0), "-1".to_owned(), 7));
    assert_eq!(
        rows(&forget(&[&text(&archive.join("3-second.pcap")), "--before", "2024-03-02"])),
        (Some(0), String::new(), 0)
    );
    assert_eq!(forget(&[&text(&archive.join("6.pcap")), "--before", "2024-03-02"]).status, Some(2));
    assert_eq!(hashes(lake.as_ref()), before);
    // Only what is named.
    let first = text(&archive.join("1-first.pcap"));
    assert_eq!(rows(&forget(&[&first, "--before", "2024-03-02"])), (Some(0), "1".to_owned(), 5));
    assert_eq!(rows(&forget(&["--before", "2024-03-02"])), (Some(0), "-".to_owned(), 2));
    assert_eq!(packets(lake.as_ref()).len(), 16);
    // By age: some weeks ago all of it was there, and ten thousand days ago nothing.
    assert_eq!(rows(&forget(&["--older-than", "9999d"])), (Some(0), String::new(), 0));
    assert_eq!(rows(&forget(&["--older-than", "30d"])), (Some(0), "23".to_owned(), 16));
    assert_eq!(run(["verify", "--deep", &lake]).status, Some(0));
    for wrong in [
        &["--before", "yesterday"][..],
        &["--older-than", "0d"],
        &["--before", "2024-03-02", "--older-than", "1d"],
        &[],
    ] {
        assert_eq!(forget(wrong).status, Some(2), "{wrong:?}");
    }
}

/// Regression: the next night converted again what had been taken out and was still in the archive.
#[test]
fn what_was_taken_out_for_its_age_does_not_come_back_as_long_as_it_is_as_it_was() {
    let folder = folder();
    let (archive, lake) = archive(folder.path());
    assert_eq!(run(["forget", &lake, "--before", "2024-03-02"]).status, Some(0));
    let retired = |ran: &Ran| (ran.status, ran.json()["inputs"].clone(), ran.json()["retired"].clone());
    let nothing = (Some(0), 0.into(), 3.into());
    let before = hashes(lake.as_ref());
    // The copy that was left out for the first one stays out, too.
    assert_eq!(retired(&night(&archive, &lake, &[])), nothing);
    assert_eq!(retired(&night(&archive, &lake, &["--retry-damaged"])), nothing);
    let named: Vec<_> = fs::read_dir(&archive).unwrap().map(|entry| text(&entry.unwrap().path())).collect();
    let named = [
        &["convert", "--out", &lake, "--format", "json"],
        named.iter().map(String::as_str).collect::<Vec<_>>().as_slice(),
    ]
    .concat();
    assert_eq!(retired(&run(named)), nothing);
    assert_eq!(hashes(lake.as_ref()), before);
    // Nor after what a lake goes through.
    assert_eq!(run(["compact", &lake]).status, Some(0));
    assert_eq!(retired(&night(&archive, &lake, &[])), nothing);
    assert!(!run(["summarize", &lake, "--table", "captures"]).stdout.contains("1-first"));
    // One that goes on is another one; one that is gone is not remembered.
    fs::write(archive.join("4-empty.pcap"), from(MARCH + 2 * DAY, 2)).unwrap();
    fs::remove_file(archive.join("5-copy.pcap")).unwrap();
    assert_eq!(retired(&night(&archive, &lake, &[])), (Some(0), 1.into(), 1.into()));
    // It can be had back in two ways.
    assert_eq!(run(["forget", &lake, &text(&archive.join("1-first.pcap"))]).status, Some(0));
    assert_eq!(retired(&night(&archive, &lake, &[])), (Some(0), 1.into(), 0.into()));
    assert_eq!(run(["forget", &lake, "--before", "2024-03-02"]).status, Some(0));
    let dry = night(&archive, &lake, &["--force", "--dry-run"]);
    assert_eq!(
        dry.json()["would_convert"].as_array().unwrap().iter().filter(|of| of["why"] == "forced").count(),
        4,
        "{dry:?}"
    );
    assert_eq!(retired(&night(&archive, &lake, &["--force"])), (Some(0), 4.into(), 0.into()));
    assert_eq!(packets(lake.as_ref()).len(), 5 + 7 + 9 + 2);
    assert_eq!(run(["verify", "--deep", &lake]).status, Some(0));
}

#[test]
fn an_archive_that_is_away_keeps_what_was_taken_out_of_it_in_mind() {
    let folder = folder();
    let (archive, lake) = archive(folder.path());
    let elsewhere = folder.path().join("unmounted");
    fs::rename(&archive, &elsewhere).unwrap();
    assert_eq!(run(["forget", &lake, "--before", "2024-03-02"]).status, Some(0));
    fs::rename(&elsewhere, &archive).unwrap();
    let ran = night(&archive, &lake, &[]);
    assert_eq!((&ran.json()["inputs"], &ran.json()["retired"]), (&0.into(), &3.into()), "{ran:?}");
}

#[test]
fn many_names_are_found_in_one_pass_and_forgotten_together() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    for number in 0..60_u32 {
        fs::write(archive.join(format!("{number:02}.pcap")), from(MARCH + number, 1)).unwrap();
    }
    save(&folder, "archive/kept.pcap", &capture().bytes);
    assert_eq!(run(["convert", &text(&archive), "--out", &lake]).status, Some(0));
    let names: Vec<_> = (0..60).map(|number| format!("archive/{number:02}.pcap")).collect();
    let args = [&["forget", &lake][..], &names.iter().map(String::as_str).collect::<Vec<_>>()].concat();
    assert!(at(folder.path(), &args).stdout.ends_with("forgot 60 captures, 60 rows\n"));
    assert_eq!(packets(lake.as_ref()).len(), 90);
    // Names that are wrong are said in the order in which they were typed.
    let ran = at(folder.path(), &["forget", &lake, "z.pcap", "kept.pcap", "a.pcap"]);
    let named: Vec<_> = ran.stderr.lines().filter_map(|line| line.strip_prefix("error: ")?.split(':').next()).collect();
    assert_eq!((ran.status, named), (Some(2), vec!["z.pcap", "kept.pcap", "a.pcap"]), "{ran:?}");
}
