//! An archive that is away is no success: a disk that is not mounted looks like a night without traffic.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::{Ran, command, finish, folder, hashes, manifests, packets, run, run_with, save, text};

use super::{capture, minute};

/// Writes captures of ten packets each, none of which is like another, below a folder.
fn fill(root: &Path, names: &[&str]) {
    for (number, name) in (1..).zip(names) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let whole = capture();
        fs::write(path, &whole.bytes[..whole.boundaries[number].0]).unwrap();
    }
}

fn convert(named: &[&Path], lake: &Path, options: &[&str]) -> Ran {
    let mut command = command();
    command.arg("convert").args(named).arg("--out").arg(lake).args(options);
    finish(command.args(["--format", "json"]))
}

fn lines(text: &str, beginning: &str) -> usize {
    text.lines().filter(|line| line.starts_with(beginning)).count()
}

#[test]
fn a_run_that_finds_no_capture_at_all_fails_and_says_so() {
    let folder = folder();
    let root = folder.path();
    fs::create_dir_all(root.join("empty/below")).unwrap();
    for name in ["texts", "marked"] {
        fs::create_dir(root.join(name)).unwrap();
    }
    save(&folder, "texts/notes.txt", b"hello\n");
    save(&folder, "marked/empty", b"");
    let lake = root.join("lake");
    for named in [
        &["gone.pcap"][..],
        &["gone"],
        &["empty"],
        &["texts"],
        &["marked"],
        &["*.pcap"],
        // Patterns that match, and lead to no capture.
        &["emp*"],
        &["tex*"],
        &["texts/*"],
        &["gone", "empty", "texts", "x*"],
    ] {
        let of = |command: &[&str], more: &[&str]| {
            let named = named.iter().map(|name| root.join(name).into_os_string());
            let args = command.iter().map(Into::into).chain(named).chain(more.iter().map(Into::into));
            run(args.collect::<Vec<std::ffi::OsString>>())
        };
        let lake_text = text(&lake);
        let out = ["--out", lake_text.as_str()];
        for ran in [of(&["convert"], &out), of(&["plan"], &out)] {
            let said = "error: nothing that was named leads to a capture, so nothing was done\nhint: ";
            assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), ""), "{named:?}: {ran:?}");
            assert!(ran.stderr.contains(said) && ran.stderr.contains("--allow-empty"), "{named:?}: {ran:?}");
            // And each by itself.
            assert!(lines(&ran.stderr, "error: ") > named.len(), "{named:?}: {ran:?}");
        }
        assert_eq!(of(&["convert", "--dry-run"], &out).status, Some(1), "{named:?}");
        for ran in [of(&["inspect"], &[]), of(&["summarize"], &[])] {
            assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), ""), "{named:?}: {ran:?}");
            assert!(lines(&ran.stderr, "error: ") >= named.len(), "{named:?}: {ran:?}");
        }
        assert!(!lake.exists(), "{named:?}");
        // What cannot be read is named as ever.
        assert_eq!(of(&["convert", "--allow-empty"], &out).status, Some(3), "{named:?}");
        assert_eq!(of(&["plan", "--allow-empty"], &out).status, Some(3), "{named:?}");
    }
    let config = text(&save(&folder, "parcap.toml", b"allow-empty = true\n"));
    assert_eq!(convert(&[&root.join("empty")], &lake, &["--config", &config]).status, Some(3));
    let mut command = command();
    command.args(["convert", &text(&root.join("empty")), "--out", &text(&lake)]).env("PARCAP_ALLOW_EMPTY", "1");
    assert_eq!(finish(&mut command).status, Some(3));
}

#[test]
fn where_some_of_what_was_named_is_missing_the_rest_is_converted() {
    let folder = folder();
    let root = folder.path();
    fill(root, &["archive/a.pcap"]);
    fs::create_dir(root.join("empty")).unwrap();
    let archive = root.join("archive");
    let pipe = root.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (place, other) in ["gone", "empty", "x*", "pipe"].into_iter().enumerate() {
        let lake = root.join(format!("lake-{place}"));
        let ran = convert(&[&archive, &root.join(other)], &lake, &[]);
        assert_eq!((ran.status, packets(&lake).len()), (Some(3), 1), "{other}: {ran:?}");
    }
    // A file that is named and no capture is there all the same.
    let notes = save(&folder, "notes.txt", b"hello\n");
    let lake = root.join("lake");
    assert_eq!(convert(&[&notes], &lake, &[]).status, Some(3));
    assert_eq!(convert(&[&notes, &root.join("gone")], &lake, &[]).status, Some(3));
    assert_eq!(convert(&[&pipe], &lake, &[]).status, Some(3));
    // Files that claim to be captures are there too, whatever is wrong with them; also when that is known already.
    let (bad, lake) = (root.join("bad"), root.join("lake-0"));
    fs::create_dir(&bad).unwrap();
    fs::write(bad.join("a.pcap"), "no capture").unwrap();
    assert_eq!(convert(&[&bad], &lake, &[]).status, Some(3));
    assert_eq!(convert(&[&bad], &lake, &[]).status, Some(0));
    // So are those that are left alone until they have settled.
    let ran = convert(&[&archive], &lake, &["--settle", "1h"]);
    assert_eq!((ran.status, &ran.json()["settling"]), (Some(0), &1.into()), "{ran:?}");
}

#[test]
fn a_folder_that_has_lost_all_captures_of_the_lake_fails_the_run_and_the_last_success_stays() {
    let folder = folder();
    let root = folder.path();
    let archive = root.join("archive");
    fill(&archive, &["a.pcap", "b.pcap", "disk2/c.pcap", "disk2/2024/d.pcap", "disk3/e.pcap"]);
    let lake = root.join("lake");
    let file = root.join("parcap.prom");
    let file_text = text(&file);
    let options = ["--metrics-file", file_text.as_str()];
    let figure = |name: &str| {
        let figures = fs::read_to_string(&file).unwrap();
        figures.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
    };
    let ran = convert(&[&archive], &lake, &options);
    assert_eq!((ran.status, &ran.json()["captures_missing"]), (Some(0), &0.into()), "{ran:?}");
    assert_eq!(figure("parcap_captures_missing").as_deref(), Some("0"));
    // A time that no run has.
    let old = fs::read_to_string(&file).unwrap();
    let now = figure("parcap_last_success_timestamp_seconds").unwrap();
    fs::write(
        &file,
        old.replace(
            &format!("parcap_last_success_timestamp_seconds {now}"),
            "parcap_last_success_timestamp_seconds 1000",
        ),
    )
    .unwrap();
    let newest = figure("parcap_newest_packet_timestamp_seconds");
    let before = hashes(&lake);

    let fails = |named: &[&Path], path: &Path, captures: u64, missing: u64| {
        let ran = convert(named, &lake, &options);
        assert_eq!(ran.status, Some(1), "{ran:?}");
        let away = serde_json::json!([{ "path": text(path), "captures": captures }]);
        let document = ran.json();
        assert_eq!((&document["away"], &document["captures_missing"]), (&away, &missing.into()), "{ran:?}");
        let said = format!(
            "error: {}: the lake holds {captures} captures of it, and none is left; nothing was done\nhint: ",
            path.display()
        );
        assert!(ran.stderr.contains(&said) && ran.stderr.contains("--allow-empty"), "{ran:?}");
        assert_eq!(hashes(&lake), before);
        assert_eq!(figure("parcap_last_success_timestamp_seconds").as_deref(), Some("1000"));
        assert_eq!(figure("parcap_captures_missing"), Some(missing.to_string()));
        assert_eq!(figure("parcap_newest_packet_timestamp_seconds"), newest);
        let planned = finish(command().arg("plan").args(named).arg("--out").arg(&lake));
        assert_eq!((planned.status, planned.stdout.as_str()), (Some(1), ""), "{planned:?}");
        assert!(planned.stderr.contains(&said), "{planned:?}");
    };
    let real = |name: &str| archive.canonicalize().unwrap().join(name);
    // What is new elsewhere is not committed either.
    fs::write(archive.join("new.pcap"), &capture().bytes[..24]).unwrap();
    fs::rename(archive.join("disk2"), root.join("disk2")).unwrap();
    fs::create_dir(archive.join("disk2")).unwrap();
    fails(&[&archive], &real("disk2"), 2, 2);
    fails(&[&archive.join("disk3"), &archive.join("disk2")], &real("disk2"), 2, 2);
    // With the mount point itself, if that was named.
    fs::remove_dir(archive.join("disk2")).unwrap();
    fails(&[&archive, &archive.join("disk2")], &real("disk2"), 2, 2);
    fails(&[&archive.join("disk?"), &archive.join("disk2/*")], &real("disk2"), 2, 2);
    // A run that fails for another reason knows no better.
    fs::remove_file(archive.join("new.pcap")).unwrap();
    fs::write(archive.join("cut.pcap"), &capture().bytes[..700]).unwrap();
    assert_eq!(convert(&[&archive], &lake, &[&options[..], &["--max-damaged", "0"]].concat()).status, Some(1));
    assert_eq!(figure("parcap_captures_missing").as_deref(), Some("2"));
    assert_eq!(figure("parcap_newest_packet_timestamp_seconds"), newest);
    fs::remove_file(archive.join("cut.pcap")).unwrap();
    // All of it.
    fs::rename(&archive, root.join("elsewhere")).unwrap();
    fs::create_dir(&archive).unwrap();
    fails(&[&archive], &archive.canonicalize().unwrap(), 5, 5);
    // For who means it.
    let ran = convert(&[&archive], &lake, &[&options[..], &["--allow-empty"]].concat());
    assert_eq!((ran.status, &ran.json()["captures_missing"]), (Some(3), &5.into()), "{ran:?}");
    assert_ne!(figure("parcap_last_success_timestamp_seconds").as_deref(), Some("1000"));
    assert_eq!(hashes(&lake), before);
    // Mounted again.
    fs::remove_dir(&archive).unwrap();
    fs::rename(root.join("elsewhere"), &archive).unwrap();
    fs::rename(root.join("disk2"), archive.join("disk2")).unwrap();
    let ran = convert(&[&archive], &lake, &options);
    assert_eq!(
        (ran.status, &ran.json()["unchanged"], &ran.json()["captures_missing"]),
        (Some(0), &5.into(), &0.into())
    );
}

#[test]
fn captures_that_were_rotated_away_count_as_missing_and_fail_no_run() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fill(&archive, &["2024-03-10/a.pcap", "2024-03-11/b.pcap", "2024-03-11/c.pcap", "2024-03-12/d.pcap"]);
    let lake = folder.path().join("lake");
    assert_eq!(convert(&[&archive], &lake, &[]).status, Some(0));
    let missing = |named: &Path| {
        let ran = convert(&[named], &lake, &[]);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        ran.json()["captures_missing"].as_u64().unwrap()
    };
    fs::remove_file(archive.join("2024-03-11/b.pcap")).unwrap();
    assert_eq!(missing(&archive), 1);
    fs::remove_dir_all(archive.join("2024-03-10")).unwrap();
    assert_eq!(missing(&archive), 2);
    // Of what was named, and no more.
    assert_eq!(missing(&archive.join("2024-03-11")), 1);
    assert_eq!(missing(&archive.join("2024-03-12/d.pcap")), 0);
    assert_eq!(missing(&archive.join("*/*.pcap")), 2);
    assert_eq!(missing(&archive.join("2024-03-1[12]")), 1);
    assert_eq!(missing(&archive.join("*/d.*")), 0);
    // What is forgotten is not missed.
    assert_eq!(run(["forget", &text(&lake), &text(&archive.join("2024-03-10"))]).status, Some(0));
    assert_eq!(missing(&archive), 1);
}

#[test]
fn captures_that_have_another_name_or_packing_are_there() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fill(&archive, &["spool/a.pcap", "spool/b.pcap", "spool/c.pcap"]);
    let lake = folder.path().join("lake");
    assert_eq!(convert(&[&archive], &lake, &[]).status, Some(0));
    let spool = archive.join("spool");
    let kept = archive.join("kept");
    fs::create_dir(&kept).unwrap();
    fs::rename(spool.join("a.pcap"), kept.join("1.pcap")).unwrap();
    fs::rename(spool.join("b.pcap"), kept.join("2.pcap")).unwrap();
    assert!(std::process::Command::new("gzip").arg(spool.join("c.pcap")).status().unwrap().success());
    fs::rename(spool.join("c.pcap.gz"), kept.join("c.pcap.gz")).unwrap();
    fs::write(spool.join("new.pcap"), &capture().bytes[..24]).unwrap();
    // A plan knows them too, though it changes nothing.
    let planned = finish(command().arg("plan").arg(&archive).arg("--out").arg(&lake));
    assert_eq!(planned.status, Some(0), "{planned:?}");
    fs::remove_file(spool.join("new.pcap")).unwrap();
    fs::rename(kept.join("c.pcap.gz"), spool.join("c.pcap.gz")).unwrap();
    let planned = finish(command().arg("plan").arg(&archive).arg("--out").arg(&lake));
    assert_eq!(planned.status, Some(0), "{planned:?}");
    let ran = convert(&[&archive], &lake, &[]);
    assert_eq!((ran.status, &ran.json()["captures_missing"]), (Some(0), &0.into()), "{ran:?}");
    // Emptied by moving all that it had.
    fs::rename(spool.join("c.pcap.gz"), kept.join("c.pcap.gz")).unwrap();
    let planned = finish(command().arg("plan").arg(&archive).arg("--out").arg(&lake));
    assert_eq!(planned.status, Some(0), "{planned:?}");
    let ran = convert(&[&archive], &lake, &[]);
    assert_eq!((ran.status, &ran.json()["captures_missing"]), (Some(0), &0.into()), "{ran:?}");
    // Another capture in another packing is another one.
    fs::remove_file(kept.join("1.pcap")).unwrap();
    fs::write(kept.join("1.pcap.zst"), zstd::encode_all(&capture().bytes[..24], 1).unwrap()).unwrap();
    let ran = convert(&[&archive], &lake, &[]);
    assert_eq!((ran.status, &ran.json()["captures_missing"]), (Some(0), &1.into()), "{ran:?}");
}

#[test]
fn standard_input_is_always_there() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fill(&archive, &["a.pcap"]);
    let lake = folder.path().join("lake");
    assert_eq!(convert(&[&archive], &lake, &[]).status, Some(0));
    fs::remove_dir_all(&archive).unwrap();
    let lake = text(&lake);
    let ran = run_with(["convert", "-", "--out", &lake, "--format", "json"], &capture().bytes);
    assert_eq!((ran.status, &ran.json()["captures_missing"]), (Some(0), &0.into()), "{ran:?}");
    let gone = text(&folder.path().join("gone"));
    assert_eq!(run_with(["convert", "-", &gone, "--out", &lake], &capture().bytes).status, Some(3));
}

#[test]
fn links_and_names_that_are_no_text_are_followed() {
    let folder = folder();
    let root = folder.path();
    let (archive, disk) = (root.join("archive"), root.join(OsStr::from_bytes(b"disk-\xff")));
    fill(&archive, &["a.pcap"]);
    fill(&disk, &["b.pcap"]);
    // Into the archive by a link, and the archive itself by one.
    symlink(&disk, archive.join("disk")).unwrap();
    symlink("archive", root.join("link")).unwrap();
    let lake = root.join("lake");
    for named in [&archive, &root.join("link"), &root.join("archive/../link")] {
        assert_eq!(convert(&[named], &lake, &[]).status, Some(0));
    }
    // One folder under two names is not empty under the second.
    let ran = convert(&[&archive, &root.join("link")], &lake, &[]);
    assert_eq!((ran.status, &ran.json()["unchanged"]), (Some(0), &2.into()), "{ran:?}");
    fs::remove_file(disk.join("b.pcap")).unwrap();
    let fails = |named: &Path| {
        let ran = convert(&[named], &lake, &[]);
        assert_eq!((ran.status, &ran.json()["away"][0]["captures"]), (Some(1), &1.into()), "{ran:?}");
        assert!(ran.json()["away"][0]["path"]["hex"].as_str().unwrap().ends_with("6469736b2dff"), "{ran:?}");
    };
    fails(&archive);
    fails(&root.join("link"));
    fs::remove_dir(&disk).unwrap();
    fails(&archive);
    // Without the link it was rotated away.
    fs::remove_file(archive.join("disk")).unwrap();
    assert_eq!(convert(&[&archive], &lake, &[]).status, Some(0));
}

#[test]
fn the_newest_packet_is_that_of_the_lake() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    fs::write(archive.join("a.pcap"), capture().bytes).unwrap();
    let lake = folder.path().join("lake");
    // 2024-02-29T23:30:00.00009Z: `date -u -d … +%s`.
    let newest = 1_709_249_400.000_09;
    let ran = convert(&[&archive], &lake, &["--log-format", "json"]);
    assert_eq!(ran.json()["newest_packet_timestamp_seconds"], newest, "{ran:?}");
    let last: serde_json::Value = serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
    assert_eq!((&last["newest_packet_timestamp_seconds"], &last["captures_missing"]), (&newest.into(), &0.into()));
    // Older ones do not change it, nor does a night without any.
    fs::write(archive.join("b.pcap"), minute(1, 20)).unwrap();
    for _ in 0..2 {
        assert_eq!(convert(&[&archive], &lake, &[]).json()["newest_packet_timestamp_seconds"], newest);
    }
    // A failure is logged with its reason.
    fs::remove_dir_all(&archive).unwrap();
    let ran = convert(&[&archive], &lake, &["--log-format", "json"]);
    let events: Vec<serde_json::Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = events.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["refused", "away", "run"], "{ran:?}");
    assert_eq!((&events[2]["exit_status"], &events[2]["captures_missing"]), (&1.into(), &2.into()));
    assert_eq!(events[2]["newest_packet_timestamp_seconds"], newest);
    assert_eq!(manifests(&lake).len(), 2);
    // A lake of packets without a time, or of none, has no newest one.
    let none = save(&folder, "none.pcap", &capture().bytes[..24]);
    let ran = convert(&[&PathBuf::from(&none)], &folder.path().join("other"), &[]);
    assert_eq!(ran.json().get("newest_packet_timestamp_seconds"), None, "{ran:?}");
}

#[test]
fn the_alarms_name_figures_that_there_are() {
    let folder = folder();
    let input = save(&folder, "a.pcap", &capture().bytes);
    let file = folder.path().join("parcap.prom");
    let ran = convert(&[&input], &folder.path().join("lake"), &["--metrics-file", &text(&file)]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let figures = fs::read_to_string(file).unwrap();
    for page in ["packaging/parcap-alerts.yml", "docs/operations.md"] {
        let page = fs::read_to_string(crate::support::repository(page)).unwrap();
        let mut names: Vec<_> = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        names.retain(|word| word.starts_with("parcap_"));
        assert!(names.len() >= 5, "{names:?}");
        for name in names {
            assert!(figures.lines().any(|line| line.starts_with(&format!("# TYPE {name} gauge"))), "{name}");
        }
    }
}
