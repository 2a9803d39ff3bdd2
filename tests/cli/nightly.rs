//! What the person on call relies on: which captures are taken, how a bad night ends, and who is told.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use crate::support::{Ran, command, ended, folder, hashes, manifests, packets, run, sample, save, text, wait_until};

use super::{capture, minute};

fn age(path: &Path, seconds: u64) {
    let time = SystemTime::now() - Duration::from_secs(seconds);
    File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

/// Converts a folder into a lake beside it.
fn night(archive: &Path, options: &[&str]) -> Ran {
    let lake = text(&archive.with_file_name("lake"));
    run([&["convert", &text(archive), "--out", &lake, "--format", "json"], options].concat())
}

#[test]
fn captures_that_are_young_are_left_alone_until_they_have_settled() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    let (old, young) = (archive.join("old.pcap"), archive.join("young.pcap"));
    fs::write(&old, capture().bytes).unwrap();
    fs::write(&young, minute(1, 20)).unwrap();
    age(&old, 3600);
    let ran = night(&archive, &["--settle", "10m"]);
    assert_eq!(
        (ran.status, &ran.json()["inputs"], &ran.json()["settling"]),
        (Some(0), &1.into(), &1.into()),
        "{ran:?}"
    );
    age(&young, 3600);
    assert_eq!(night(&archive, &["--settle", "10m"]).json()["inputs"], 1);
}

#[test]
fn a_refused_file_is_named_once_and_then_known_until_it_changes_or_somebody_asks() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    fs::write(archive.join("good.pcap"), capture().bytes).unwrap();
    let bad = archive.join("bad.pcap");
    fs::write(&bad, "this is no capture").unwrap();
    age(&bad, 100);
    assert_eq!(night(&archive, &[]).status, Some(3));
    let lake = folder.path().join("lake");
    assert_eq!(manifests(&lake)[0]["refused"][0]["reason"], "is not a capture: it begins with text");
    let before = hashes(&lake);
    let ran = night(&archive, &[]);
    assert_eq!((ran.status, &ran.json()["quarantined"]), (Some(0), &1.into()), "{ran:?}");
    assert_eq!(hashes(&lake), before);
    // It was named, so the user wants to know.
    assert_eq!(run(["convert", &text(&bad), "--out", &text(&lake)]).status, Some(3));
    assert_eq!(night(&archive, &["--retry-damaged"]).status, Some(3));
    fs::write(&bad, &capture().bytes).unwrap();
    let ran = night(&archive, &[]);
    assert_eq!((ran.status, &ran.json()["inputs"]), (Some(0), &1.into()), "{ran:?}");
    assert_eq!(packets(&lake).len(), 180);
}

#[test]
fn damaged_captures_are_tried_again_on_request_and_with_salvage_give_more() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    // Ten packets, and more after a fault.
    let (bytes, whole) = super::damage::broken();
    let before = 10;
    fs::write(archive.join("a.pcap"), bytes).unwrap();
    let lake = folder.path().join("lake");
    assert_eq!(night(&archive, &[]).status, Some(3));
    assert_eq!(packets(&lake).len(), before);
    assert_eq!(night(&archive, &[]).status, Some(0), "it is as it was");
    assert_eq!(night(&archive, &["--retry-damaged"]).status, Some(3));
    assert_eq!(packets(&lake).len(), before);
    assert_eq!(night(&archive, &["--retry-damaged", "--salvage"]).status, Some(3));
    assert_eq!(packets(&lake).len(), whole.known.len() - 1);
}

#[test]
fn force_converts_again_and_gives_the_same_lake() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    for name in ["a.pcap", "b.pcap", "c.pcap"] {
        fs::write(archive.join(name), capture().bytes).unwrap();
    }
    night(&archive, &[]);
    let lake = folder.path().join("lake");
    let tables = ["packets", "summaries"].map(|below| hashes(&lake.join(below)));
    let ran = night(&archive, &["--force"]);
    assert_eq!((&ran.json()["inputs"], &ran.json()["replaced"]), (&3.into(), &3.into()));
    assert_eq!(["packets", "summaries"].map(|below| hashes(&lake.join(below))), tables);
}

#[test]
fn the_same_capture_twice_is_reported_and_with_dedupe_left_out() {
    for dedupe in [false, true] {
        let folder = folder();
        let archive = folder.path().join("archive");
        fs::create_dir(&archive).unwrap();
        let options: &[&str] = if dedupe { &["--dedupe"] } else { &[] };
        fs::write(archive.join("a.pcap"), capture().bytes).unwrap();
        fs::write(archive.join("b.pcap"), capture().bytes).unwrap();
        let ran = night(&archive, options);
        assert_eq!((&ran.json()["duplicates"][0]["left_out"], ran.status), (&dedupe.into(), Some(0)), "{ran:?}");
        let lake = folder.path().join("lake");
        let rows = if dedupe { 90 } else { 180 };
        assert_eq!(packets(&lake).len(), rows);
        assert_eq!(night(&archive, options).json()["unchanged"], 2);
        // What stands for it goes; it is converted itself.
        fs::write(archive.join("a.pcap"), &capture().bytes[..24]).unwrap();
        let ran = night(&archive, &[options, &["--force"]].concat());
        let replaced = if dedupe { 1 } else { 2 };
        assert_eq!((ran.status, &ran.json()["replaced"]), (Some(0), &replaced.into()), "{ran:?}");
        assert_eq!(packets(&lake).len(), 90, "dedupe: {dedupe}");
    }
}

#[test]
fn too_much_damage_fails_the_run_and_commits_nothing() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    for number in 0..4 {
        fs::write(archive.join(format!("good-{number}.pcap")), &capture().bytes[..24]).unwrap();
    }
    fs::write(archive.join("cut.pcap"), &capture().bytes[..700]).unwrap();
    let lake = folder.path().join("lake");
    for most in ["0", "10%", "19.9%"] {
        let ran = night(&archive, &["--max-damaged", most]);
        assert_eq!(ran.status, Some(1), "{ran:?}");
        assert!(ran.stderr.contains("warning: ") && ran.stderr.contains("cut.pcap: packet"), "{ran:?}");
        assert!(ran.stderr.contains("error: 1 of 5 captures are damaged or refused"), "{ran:?}");
        assert!(manifests(&lake).is_empty());
    }
    for most in ["-1", "101%", "many"] {
        assert_eq!(night(&archive, &[&format!("--max-damaged={most}")]).status, Some(2), "{most}");
    }
    assert_eq!(night(&archive, &["--max-damaged", "20%"]).status, Some(3));
    assert_eq!(manifests(&lake).len(), 1);
}

#[test]
fn a_run_waits_for_another_one_as_long_as_it_is_told() {
    let folder = folder();
    let lake = folder.path().join("lake");
    assert_eq!(run(["convert", &sample("vlan.pcap"), "--out", &text(&lake)]).status, Some(0));
    let lock = File::options().write(true).open(lake.join("_parcap/lock")).unwrap();
    lock.lock().unwrap();
    let args = ["convert", &sample("any.pcap"), "--out", &text(&lake), "--wait"];
    // Longer than nothing, and the lock is held for longer still.
    assert_eq!(run([&args[..], &["300ms"]].concat()).status, Some(75));
    let mut waiting = command().args(args).arg("1h").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // A process that waits gives the processor away again and again; one that does not has ended by then.
    let path = format!("/proc/{}/status", waiting.id());
    wait_until("waiting", || {
        let status = fs::read_to_string(&path).unwrap();
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        count.trim().parse::<u64>().unwrap() > 20 || waiting.try_wait().unwrap().is_some()
    });
    assert_eq!(waiting.try_wait().unwrap(), None, "it does not wait");
    lock.unlock().unwrap();
    assert_eq!(ended(&mut waiting).code(), Some(0));
}

#[test]
fn figures_are_written_for_a_monitoring_system_and_a_failure_keeps_the_last_success() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    fs::write(archive.join("a.pcap"), capture().bytes).unwrap();
    fs::write(archive.join("b.pcap"), &minute(1, 20)[..700]).unwrap();
    let file = folder.path().join("parcap.prom");
    let file_text = text(&file);
    let options = ["--metrics-file", file_text.as_str()];
    assert_eq!(night(&archive, &options).status, Some(3));
    let figures = fs::read_to_string(&file).unwrap();
    let figure = |figures: &str, name: &str| {
        figures.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<f64>().ok())
    };
    let rows = packets(&folder.path().join("lake")).len();
    for (name, value) in [
        ("parcap_exit_status", 3.0),
        ("parcap_inputs{state=\"converted\"}", 2.0),
        ("parcap_inputs{state=\"damaged\"}", 1.0),
        ("parcap_rows", f64::from(u32::try_from(rows).unwrap())),
    ] {
        assert_eq!(figure(&figures, name), Some(value), "{name}: {figures}");
    }
    let success = figure(&figures, "parcap_last_success_timestamp_seconds").unwrap();
    let failed = night(&archive, &[&options[..], &["--retry-damaged", "--max-damaged", "0"]].concat());
    assert_eq!(failed.status, Some(1));
    let figures = fs::read_to_string(&file).unwrap();
    assert_eq!(figure(&figures, "parcap_exit_status"), Some(1.0));
    assert_eq!(figure(&figures, "parcap_last_success_timestamp_seconds"), Some(success));
    // A place where it cannot be is no reason to lose the run, and is said.
    let ran = night(&archive, &["--metrics-file", &text(&folder.path().join("none/parcap.prom"))]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.complaint().contains("none/parcap.prom: cannot write"), "{ran:?}");
}

#[test]
fn a_log_has_one_json_document_a_line_and_one_line_a_run() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    fs::write(archive.join("a\n\u{1b}[2J.pcap"), &capture().bytes[..700]).unwrap();
    fs::write(archive.join("no.pcap"), "no capture").unwrap();
    let ran = night(&archive, &["--log-format", "json"]);
    let lines: Vec<serde_json::Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["damaged", "refused", "run"]);
    assert!(lines[0]["path"].as_str().unwrap().ends_with("a\\n\\u{1b}[2J.pcap"), "{}", lines[0]);
    let line = &lines[2];
    assert_eq!((&line["exit_status"], &line["damaged"], &line["refused"]), (&3.into(), &1.into(), &1.into()), "{line}");
    assert_eq!(line["rows"], ran.json()["rows"]);
    assert!(lines.iter().all(|line| line["time"].as_str().unwrap().ends_with('Z')));
    // A run that fails has its line too.
    let ran = run(["convert", &text(&archive), "--out", &text(&archive.join("no.pcap")), "--log-format", "json"]);
    let last: serde_json::Value = serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["exit_status"]), (&"run".into(), &2.into()));
}

/// A writer that has a capture open and whose last packet is not whole yet.
#[test]
fn a_capture_that_is_being_written_is_open_and_not_damaged() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    let (path, whole) = (archive.join("live.pcap"), capture());
    fs::write(&path, &whole.bytes[..700]).unwrap();
    let lake = folder.path().join("lake");
    let open = File::options().append(true).open(&path).unwrap();
    let mut writer = std::process::Command::new("sleep").arg("60").stdout(open).spawn().unwrap();
    let ran = night(&archive, &[]);
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert_eq!((ran.status, &ran.json()["changing"][0]["how"]), (Some(0), &"grows".into()), "{ran:?}");
    assert_eq!(manifests(&lake)[0]["inputs"][0]["status"], "open");
    let before = whole.boundaries.iter().rev().find(|(boundary, _)| *boundary <= 700).unwrap().1;
    assert_eq!(packets(&lake).len(), before);
    // Nobody writes it any more, and it has not grown: it is damaged after all.
    assert_eq!(night(&archive, &[]).status, Some(3));
    assert_eq!((night(&archive, &[]).status, packets(&lake).len()), (Some(0), before));
    fs::write(&path, &whole.bytes).unwrap();
    assert_eq!(night(&archive, &[]).json()["replaced"], 1);
    assert_eq!(packets(&lake).len(), 90);
}

#[test]
fn compact_and_forget_say_what_they_did() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    let captures: Vec<_> = (0..3).map(|number| save(&folder, &format!("{number}.pcap"), &capture().bytes)).collect();
    for capture in &captures {
        assert_eq!(run(["convert", &text(capture), "--out", &lake]).status, Some(0));
    }
    let ran = run(["compact", &lake]);
    assert_eq!(ran.status, Some(0));
    assert!(ran.stdout.starts_with("6 parts of ") && ran.stdout.contains(" became 2 of "), "{ran:?}");
    assert_eq!(run(["compact", &lake]).stdout, "nothing to compact\n");
    let ran = run(["forget", &lake, &text(&captures[1]), "--dry-run"]);
    assert!(ran.stdout.ends_with("1.pcap: 90 rows\nwould forget 1 capture, 90 rows\n"), "{ran:?}");
    let ran = run(["forget", &lake, &text(&captures[1])]);
    assert!(ran.stdout.ends_with("1.pcap: 90 rows\nforgot 1 capture, 90 rows\n"), "{ran:?}");
    assert_eq!(packets(lake.as_ref()).len(), 180);
    assert_eq!(run(["forget", &text(folder.path()), &text(&captures[1])]).status, Some(2));
}

#[test]
fn what_the_lake_does_not_hold_cannot_be_forgotten_and_nothing_else_is() {
    let folder = folder();
    let lake = text(&folder.path().join("lake"));
    let held = text(&save(&folder, "held.pcap", &capture().bytes));
    let broken = text(&save(&folder, "broken.pcap", b"no capture"));
    // Named like the lake, but not the same, nor a folder of it.
    let others = ["held", "held.pcap.gz", "gone/held.pcap"].map(|name| text(&folder.path().join(name)));
    assert_eq!(run(["convert", &held, &broken, "--out", &lake]).status, Some(3));
    let before = hashes(lake.as_ref());
    for named in [vec![&others[0]], others.iter().collect(), vec![&held, &others[1], &broken, &others[2]]] {
        for options in [&[][..], &["--dry-run"], &["--format", "json"], &["--dry-run", "--format", "json"]] {
            let ran = run(["forget", &lake]
                .into_iter()
                .chain(named.iter().map(|path| path.as_str()))
                .chain(options.to_vec()));
            let unknown = named.iter().filter(|path| others.contains(path));
            let lines: String = unknown.map(|path| format!("error: {path}: {lake} holds nothing of it\n")).collect();
            assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
            assert!(ran.stderr.starts_with(&(lines + "hint: nothing was changed; ")), "{ran:?}");
            assert_eq!(hashes(lake.as_ref()), before);
        }
    }
    // What was refused is known to the lake, too.
    assert_eq!(run(["forget", &lake, &broken, &held]).status, Some(0));
    assert_eq!(run(["forget", &lake, &broken]).status, Some(2));
    assert_eq!(packets(lake.as_ref()).len(), 0);
}

/// What many archives do overnight: yesterday's captures are compressed where they are.
#[test]
fn a_capture_that_was_compressed_since_is_not_twice_in_the_lake() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    let (plain, packed) = (archive.join("a.pcap"), archive.join("a.pcap.gz"));
    fs::write(&plain, capture().bytes).unwrap();
    fs::write(archive.join("b.pcap"), capture().bytes).unwrap();
    assert_eq!(night(&archive, &[]).json()["rows"], 180);
    assert!(std::process::Command::new("gzip").arg(&plain).status().unwrap().success());
    let ran = night(&archive, &[]);
    assert_eq!((ran.status, &ran.json()["renamed"][0]["was"]), (Some(0), &text(&plain).into()), "{ran:?}");
    let lake = folder.path().join("lake");
    assert_eq!(packets(&lake).len(), 180);
    // Back again.
    assert!(std::process::Command::new("gunzip").arg(&packed).status().unwrap().success());
    assert_eq!(night(&archive, &[]).json()["renamed"][0]["was"], text(&packed));
    assert_eq!(packets(&lake).len(), 180);
    // Another capture under such a name is another capture.
    fs::remove_file(&plain).unwrap();
    fs::write(archive.join("a.pcap.zst"), zstd::encode_all(&minute(1, 20)[..700], 1).unwrap()).unwrap();
    assert_eq!(night(&archive, &[]).status, Some(3));
    assert!(packets(&lake).len() > 180);
    assert_eq!(run(["verify", "--deep", &text(&lake)]).status, Some(0));
}
