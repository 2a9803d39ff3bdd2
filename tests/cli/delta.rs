//! `parcap delta`, `--delta`, and runs on a lake with a Delta log.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::delta::{assert_log_is_the_lake, delta_log, log_lines};
use crate::support::{Ran, files, folder, hashes, manifests, packets, repository, run, sample, save, text};

use super::{capture, minute};

/// A lake with a log beside its archive, and one capture.
struct Logged {
    folder: tempfile::TempDir,
}

impl Logged {
    fn new() -> Self {
        let logged = Self::without();
        assert_eq!(logged.convert(&["--delta"]).status, Some(0));
        logged
    }

    fn without() -> Self {
        let folder = folder();
        fs::create_dir(folder.path().join("archive")).unwrap();
        let logged = Self { folder };
        logged.write("first.pcap", &capture().bytes);
        logged
    }

    fn lake(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join("archive").join(name), bytes).unwrap();
    }

    fn convert(&self, options: &[&str]) -> Ran {
        let (archive, lake) = (text(&self.folder.path().join("archive")), text(&self.lake()));
        run([&["convert", &archive, "--out", &lake, "--format", "json", "--top", "0"], options].concat())
    }

    fn on_lake(&self, words: &[&str]) -> Ran {
        run([&words[..1], &[&text(&self.lake())], &words[1..]].concat())
    }

    /// What another engine writes next.
    fn foreign(&self, lines: &str) {
        let version = delta_log(&self.lake()).versions;
        fs::write(self.lake().join(format!("_delta_log/{version:020}.json")), lines).unwrap();
    }
}

const APPENDED: &str =
    "{\"add\":{\"path\":\"x.parquet\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1,\"dataChange\":true}}\n";

#[test]
fn an_old_lake_becomes_a_table_and_from_then_on_each_commit_is_a_version() {
    let logged = Logged::without();
    logged.convert(&[]);
    let before = (hashes(&logged.lake().join("packets")), hashes(&logged.lake().join("summaries")));
    assert!(!logged.lake().join("_delta_log").exists());
    let ran = logged.on_lake(&["delta"]);
    let said = "version 0 of the Delta log adds 2 files and removes 0; the table has 90 rows in 2 files\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), said, ""));
    assert_log_is_the_lake(&logged.lake());
    assert_eq!((hashes(&logged.lake().join("packets")), hashes(&logged.lake().join("summaries"))), before);
    // Nothing to do: nothing is written.
    let whole = hashes(&logged.lake());
    let ran = logged.on_lake(&["delta"]);
    let said = "nothing to do: the Delta log says what the lake holds, 90 rows in 2 files\n";
    assert_eq!((ran.status, ran.stdout.as_str(), hashes(&logged.lake())), (Some(0), said, whole));
    // Nobody asks again.
    logged.write("second.pcap", &minute(1, 20));
    let runs: [&dyn Fn() -> Ran; 5] = [
        &|| logged.convert(&[]),
        &|| logged.convert(&["--force"]),
        &|| {
            logged.write("third.pcap", &minute(2, 20));
            logged.convert(&["--delta"])
        },
        &|| logged.on_lake(&["forget", &text(&logged.folder.path().join("archive/first.pcap"))]),
        &|| logged.on_lake(&["compact"]),
    ];
    for (number, each) in runs.into_iter().enumerate() {
        let ran = each();
        assert_eq!(ran.status, Some(0), "{number}: {ran:?}");
        assert_log_is_the_lake(&logged.lake());
        assert_eq!(delta_log(&logged.lake()).versions, 2 + number as u64, "{number}");
    }
    let operations: Vec<_> = log_lines(&logged.lake())
        .iter()
        .map(|lines| lines[0]["commitInfo"]["operation"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(operations, ["CONVERT", "WRITE", "WRITE", "WRITE", "DELETE", "OPTIMIZE"]);
    assert_eq!(logged.on_lake(&["verify", "--deep"]).status, Some(0));
    // A night without captures writes nothing.
    fs::remove_file(logged.folder.path().join("archive/first.pcap")).unwrap();
    let whole = hashes(&logged.lake());
    assert_eq!((logged.convert(&[]).status, hashes(&logged.lake())), (Some(0), whole));
}

#[test]
fn a_lake_of_an_earlier_version_becomes_a_table() {
    let folder = folder();
    let (from, lake) = (repository("data/earlier/lake"), folder.path().join("lake"));
    for file in files(&from) {
        fs::create_dir_all(lake.join(&file).parent().unwrap()).unwrap();
        fs::copy(from.join(&file), lake.join(&file)).unwrap();
    }
    assert_eq!(run(["delta", &text(&lake)]).status, Some(0));
    assert_log_is_the_lake(&lake);
    let ran = run(["compact", &text(&lake), "--rewrite", "--target-file-size", "1"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_log_is_the_lake(&lake);
    assert_eq!(run(["verify", &text(&lake)]).status, Some(0));
}

#[test]
fn the_log_is_given_up_as_a_whole_and_not_if_it_is_another_ones() {
    let logged = Logged::new();
    let ran = logged.on_lake(&["delta", "--off"]);
    let said = "the Delta log is removed, and no run writes one from now on\n";
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), said));
    assert!(!logged.lake().join("_delta_log").exists());
    let kept: String = manifests(&logged.lake()).iter().map(ToString::to_string).collect();
    assert!(!kept.contains("\"delta\":") && !kept.contains("numRecords"), "nothing is kept of it: {kept}");
    logged.write("second.pcap", &minute(1, 20));
    assert_eq!(logged.convert(&[]).status, Some(0));
    assert!(!logged.lake().join("_delta_log").exists());
    let ran = logged.on_lake(&["delta", "--off"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), "there is no Delta log\n"));
    fs::create_dir(logged.lake().join("_delta_log")).unwrap();
    fs::write(logged.lake().join("_delta_log/00000000000000000000.json"), APPENDED).unwrap();
    let ran = logged.on_lake(&["delta", "--off"]);
    assert_eq!(ran.status, Some(1));
    assert!(
        ran.complaint().ends_with("_delta_log: is a Delta log that parcap did not write; nothing was committed"),
        "{ran:?}"
    );
    // Of a log that no commit writes readers get what the lake was once.
    let ran = logged.on_lake(&["verify"]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.stdout.starts_with("_delta_log: is there, and commits of this lake do not write it"), "{ran:?}");
    assert_eq!(
        ran.complaint(),
        "hint: `parcap delta LAKE` makes the Delta log say what the lake holds, and `--off` removes it"
    );
    assert_eq!(logged.on_lake(&["delta"]).status, Some(0));
    assert_log_is_the_lake(&logged.lake());
    assert_eq!(logged.on_lake(&["verify"]).status, Some(0));
}

#[test]
fn what_other_writers_did_is_said_by_each_commit_until_it_is_mended() {
    let logged = Logged::new();
    logged.foreign(APPENDED);
    for (number, name) in ["second.pcap", "third.pcap"].into_iter().enumerate() {
        logged.write(name, &minute(1 + u32::try_from(number).unwrap(), 20));
        let ran = logged.convert(&[]);
        assert_eq!(ran.status, Some(3), "the commit stands: {ran:?}");
        let why = "its version 1 is another writer's, which adds 1 file and removes 0";
        assert_eq!(ran.json()["delta_lacks"], why);
        let said = [
            format!("warning: the Delta log lacks what the lake holds: {why}"),
            "hint: `parcap delta LAKE` makes the log say what the lake holds; until then readers of it get other rows"
                .to_owned(),
        ];
        assert_eq!(ran.stderr.lines().collect::<Vec<_>>(), said);
        assert_eq!(packets(&logged.lake()).len(), 90 + 20 * (number + 1));
    }
    let ran = logged.convert(&[]);
    assert_eq!(ran.status, Some(3), "nor is a night without captures silent: {ran:?}");
    assert!(ran.stderr.starts_with("warning: the Delta log lacks what the lake holds: "), "{ran:?}");
    assert_eq!(delta_log(&logged.lake()).versions, 2, "nothing is written after it");
    for words in [&["compact"][..], &["forget", "second.pcap"]] {
        let path = text(&logged.folder.path().join("archive/second.pcap"));
        let words: Vec<&str> =
            words.iter().map(|word| if *word == "second.pcap" { path.as_str() } else { word }).collect();
        let ran = logged.on_lake(&words);
        assert_eq!(ran.status, Some(3), "{ran:?}");
        assert!(ran.stderr.contains("the Delta log lacks what the lake holds"), "{ran:?}");
    }
    let ran = logged.on_lake(&["verify"]);
    assert_eq!(ran.status, Some(1));
    for said in [
        "_delta_log: names 1 file of packets that the lake does not have, first x.parquet",
        "_delta_log: is at commit 1 of the lake, and the lake is at commit 5",
    ] {
        assert!(ran.stdout.lines().any(|line| line == said), "{said}: {ran:?}");
    }
    let ran = logged.on_lake(&["delta", "--format", "json"]);
    let report = ran.json();
    assert_eq!((ran.status, &report["log_version"], &report["on"]), (Some(0), &2.into(), &true.into()));
    assert!(ran.stderr.contains("note: the log that was there names 1 file of packets"), "{ran:?}");
    assert_log_is_the_lake(&logged.lake());
    assert_eq!(logged.on_lake(&["verify"]).status, Some(0));
    assert_eq!(logged.convert(&[]).status, Some(0));
    assert_log_is_the_lake(&logged.lake());
}

#[test]
fn harmless_versions_of_others_lie_between_commits() {
    let logged = Logged::new();
    logged
        .foreign("{\"commitInfo\":{\"operation\":\"SET TBLPROPERTIES\"}}\n{\"txn\":{\"appId\":\"x\",\"version\":1}}\n");
    logged.write("second.pcap", &minute(1, 20));
    let ran = logged.convert(&[]);
    assert_eq!((ran.status, ran.json().get("delta_lacks")), (Some(0), None));
    assert_eq!(delta_log(&logged.lake()).commits, [1, 2]);
    assert_log_is_the_lake(&logged.lake());
    assert_eq!(logged.on_lake(&["verify"]).status, Some(0));
}

#[test]
fn a_log_that_is_damaged_or_gone_is_named_and_made_again() {
    let logged = Logged::new();
    logged.write("second.pcap", &minute(1, 20));
    logged.convert(&[]);
    let version = |version: u64| logged.lake().join(format!("_delta_log/{version:020}.json"));
    let damage: [(&dyn Fn(), &str, u64); 3] = [
        (&|| fs::remove_file(version(0)).unwrap(), "version 0 is missing", 2),
        (&|| fs::write(version(3), "{").unwrap(), "00000000000000000003.json: line 1: EOF while parsing", 4),
        (&|| fs::remove_dir_all(logged.lake().join("_delta_log")).unwrap(), "is not there", 0),
    ];
    for (harm, problem, next) in damage {
        harm();
        let ran = logged.on_lake(&["verify"]);
        assert_eq!(ran.status, Some(1), "{ran:?}");
        assert!(ran.stdout.contains(&format!("_delta_log: {problem}")), "{ran:?}");
        let ran = logged.on_lake(&["delta", "--format", "json"]);
        assert_eq!((ran.status, &ran.json()["log_version"]), (Some(0), &next.into()), "{ran:?}");
        assert_eq!(logged.on_lake(&["verify"]).status, Some(0));
    }
    assert_log_is_the_lake(&logged.lake());
}

/// A lake that had lost its manifests was made again without its log: readers of it would have got what the lake was once.
#[test]
fn a_lake_that_lost_its_manifests_keeps_its_log() {
    let logged = Logged::new();
    let id = log_lines(&logged.lake())[0][1]["txn"]["appId"].clone();
    fs::remove_dir_all(logged.lake().join("_parcap/manifest")).unwrap();
    let ran = logged.on_lake(&["verify", "--repair"]);
    assert!(matches!(ran.status, Some(0 | 3)), "{ran:?}");
    assert_log_is_the_lake(&logged.lake());
    logged.write("second.pcap", &minute(1, 20));
    assert_eq!(logged.convert(&[]).status, Some(0));
    assert_log_is_the_lake(&logged.lake());
    let last = log_lines(&logged.lake()).pop().unwrap();
    assert_eq!(last[1]["txn"]["appId"], id);
}

#[test]
fn a_part_that_is_lost_and_repaired_is_none_of_the_table_any_more() {
    let logged = Logged::new();
    let part = files(&logged.lake().join("packets"))[0].clone();
    fs::remove_file(logged.lake().join("packets").join(&part)).unwrap();
    let ran = logged.on_lake(&["delta"]);
    assert_eq!(ran.status, Some(3), "readers of the log fail on it: {ran:?}");
    let ran = logged.on_lake(&["verify", "--repair", "--format", "json"]);
    assert_eq!(ran.status, Some(3), "{ran:?}");
    let found = ran.json()["repaired"]["delta_log"].to_string();
    assert!(found.contains("names 1 file of packets that the lake does not have"), "{found}");
    assert_log_is_the_lake(&logged.lake());
    assert_eq!(logged.convert(&[]).status, Some(0));
    assert_eq!(packets(&logged.lake()).len(), 90);
    assert_log_is_the_lake(&logged.lake());
}

#[test]
fn lakes_keep_what_they_were_made_with_and_nanoseconds_are_no_delta_table() {
    let logged = Logged::without();
    logged.convert(&[]);
    logged.write("second.pcap", &minute(1, 20));
    let ran = logged.convert(&["--delta"]);
    let lake = logged.lake();
    let lines = [
        format!("error: {}: was made with no `--delta`, and this run asks for `--delta`", lake.display()),
        "hint: `parcap delta LAKE` makes the lake a Delta table; then every run writes the log, without the option"
            .to_owned(),
    ];
    assert_eq!(
        (ran.status, ran.stderr.lines().collect::<Vec<_>>()),
        (Some(2), lines.iter().map(String::as_str).collect())
    );
    let new = text(&logged.folder.path().join("new"));
    let input = sample("vlan.pcap");
    for command in ["convert", "plan"] {
        let ran = run([command, &input, "--out", &new, "--delta", "--timestamp-unit", "ns"]);
        let said = format!("error: {new}: its times are in nanoseconds, and a Delta table has microseconds");
        assert_eq!((ran.status, ran.complaint()), (Some(2), said.as_str()), "{command}");
        assert!(!Path::new(&new).exists());
    }
    assert_eq!(run(["convert", &input, "--out", &new, "--timestamp-unit", "ns"]).status, Some(0));
    let whole = hashes(Path::new(&new));
    let ran = run(["delta", &new]);
    let hint = "hint: convert its captures into a new lake without `--timestamp-unit ns`";
    assert_eq!((ran.status, ran.stderr.lines().nth(1)), (Some(2), Some(hint)));
    assert_eq!(hashes(Path::new(&new)), whole);
    assert_eq!(run(["delta", &text(&logged.folder.path().join("nowhere"))]).status, Some(2));
}

/// Values of partitions are what the names of folders say, of packets without a time too; names with `%` are encoded once more.
#[test]
fn other_partitions_and_further_columns_are_in_the_table() {
    let folder = folder();
    let lake = folder.path().join("lake");
    // Protocol 39 is TP++, whose folder is `protocol=TP%2B%2B`.
    let mut odd = crate::support::build::Capture::pcap();
    let mut frame = crate::support::build::udp(1, &[0; 20]);
    frame.data[23] = 39;
    odd.record_at(1, 1, 1, frame);
    let odd = save(&folder, "odd.pcap", &odd.bytes);
    let options = ["--partition-by", "date,hour,protocol", "--columns", "ip,dns", "--delta"];
    let inputs = [sample("no-time.pcapng"), sample("midnight.pcap"), sample("office-hour.pcap"), text(&odd)];
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let ran = run([&["convert"], &inputs[..], &["--out", &text(&lake), "--quiet", "--top", "0"], &options].concat());
    assert!(matches!(ran.status, Some(0 | 3)), "{ran:?}");
    assert_log_is_the_lake(&lake);
    let log = delta_log(&lake);
    assert_eq!(log.partitions, ["date", "hour", "protocol"]);
    let names: Vec<_> = log.columns.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"ip_ttl") && names.contains(&"dns_id"), "{names:?}");
    assert_eq!(names[names.len() - 2..], ["date", "hour"]);
    assert!(log.live.keys().any(|path| path.contains("protocol=TP%252B%252B/")), "{:?}", log.live.keys());
    let dates: BTreeSet<_> = log.live.values().map(|file| file["partitionValues"]["date"].as_str().unwrap()).collect();
    assert!(dates.contains("1970-01-01"), "{dates:?}");
    assert_eq!(run(["verify", &text(&lake)]).status, Some(0));
}
