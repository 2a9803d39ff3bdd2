//! Whatever a log says, mended it says what the lake holds, and mended again nothing is written.

use crate::lake::snapshot::Snapshot;

use super::super::mend::{Wanted, differences, mend};
use super::super::replay::{Content, LogState};
use super::super::store::{checkpoint_name, version_name};
use super::*;

/// A lake of two parts at commit 5.
fn held() -> Snapshot {
    let parts = [part("packets/date=2024-03-11/a.parquet", 5), part("packets/date=2024-03-12/b.parquet", 6)];
    after(&Snapshot::default(), &manifest(5, &parts, &[]))
}

fn state(log: &MemoryLog) -> LogState {
    LogState::read(log, Content::All, None).unwrap()
}

/// Mends a log, and holds what is there then against the lake by hand. Returns what was found.
fn mended(log: &MemoryLog, version: u64, changed: (u64, u64)) -> Vec<String> {
    let held = held();
    let writer = writer(held.settings.as_ref().unwrap());
    let wanted = Wanted { writer: &writer, held: &held };
    let before = differences(&state(log), &wanted);
    let done = mend(log, &wanted, &entry(2000)).unwrap();
    assert_eq!((done.version, done.added, done.removed), (Some(version), changed.0, changed.1), "{before:?}");
    let live: Vec<_> = state(log).live.into_iter().map(|(path, file)| (path, file.size, file.lacks_rows)).collect();
    let expected = [("packets/date=2024-03-11/a.parquet", 5), ("packets/date=2024-03-12/b.parquet", 6)];
    assert_eq!(live, expected.map(|(path, size)| (PathBuf::from(path), size, false)));
    let names = log.names("").unwrap();
    assert_eq!(mend(log, &wanted, &entry(3000)).unwrap(), Default::default(), "mended twice");
    assert_eq!(log.names("").unwrap(), names);
    done.found
}

#[test]
fn a_lake_without_a_log_gets_its_first_version() {
    let log = MemoryLog::default();
    assert_eq!(mended(&log, 0, (2, 0)), Vec::<String>::new());
    let lines = log.lines(0);
    assert_eq!(lines[0]["commitInfo"]["operation"], "CONVERT");
    assert_eq!(lines[1]["txn"]["version"], 5);
    assert!(lines[2].get("protocol").is_some() && lines[3].get("metaData").is_some());
}

#[test]
fn what_others_did_is_undone_in_one_version() {
    let add = |path: &str, more: &str| {
        format!(
            r#"{{"add":{{"path":"{path}","partitionValues":{{"date":"2024-03-11"}},"size":5,"modificationTime":1,"dataChange":true{more}}}}}"#
        )
    };
    let a = "packets/date=2024-03-11/a.parquet";
    let stats = r#","stats":"{\"numRecords\":3}""#;
    let bitmap = r#","deletionVector":{"storageType":"u","pathOrInlineDv":"ab","sizeInBytes":1,"cardinality":1}"#;
    let remove = format!(r#"{{"remove":{{"path":"{a}","dataChange":true}}}}"#);
    for (lines, changed, problem) in [
        (
            format!("{remove}\n{}", add("optimized.parquet", "")),
            (1, 1),
            "names 1 file of packets that the lake does not have, first optimized.parquet",
        ),
        (remove.clone(), (1, 0), "lacks 1 file of packets that the lake has, first packets/date=2024-03-11/a.parquet"),
        (
            add("appended.parquet", ""),
            (0, 1),
            "names 1 file of packets that the lake does not have, first appended.parquet",
        ),
        (
            add(a, &format!("{stats}{bitmap}")),
            (1, 0),
            "says something else of 1 file of packets, first packets/date=2024-03-11/a.parquet",
        ),
        (
            add(a, r#","stats":"{\"numRecords\":4}""#),
            (1, 0),
            "says something else of 1 file of packets, first packets/date=2024-03-11/a.parquet",
        ),
        (
            r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[],"writerFeatures":[]}}"#
                .to_owned(),
            (0, 0),
            "asks for readers of version 3 and writers of version 7, instead of 1 and 2",
        ),
        (
            r#"{"metaData":{"id":"x","format":{"provider":"parquet"},"schemaString":"{}","partitionColumns":[]}}"#
                .to_owned(),
            (0, 0),
            "does not say of the columns and properties what the lake says",
        ),
        (
            format!(r#"{{"txn":{{"appId":"parcap:{ID}","version":4}}}}"#),
            (0, 0),
            "is at commit 4 of the lake, and the lake is at commit 5",
        ),
    ] {
        let log = MemoryLog::default();
        mended(&log, 0, (2, 0));
        log.foreign(1, &lines);
        let found = mended(&log, 2, changed);
        assert!(found.contains(&problem.to_owned()), "{found:?}");
    }
}

/// Readers need all versions since a checkpoint. Where some are gone, a new one lets them begin after the gap.
#[test]
fn a_log_that_lost_files_is_readable_again() {
    type Harm<'a> = (&'a dyn Fn(&MemoryLog), &'a str);
    let damaged: [Harm<'_>; 4] = [
        (&|log| log.remove(&version_name(0)), "version 0 is missing"),
        (&|log| log.remove(&version_name(1)), "version 1 is missing"),
        (
            &|log| log.foreign(1, "{\"add\":{\"pa"),
            "00000000000000000001.json: line 1: EOF while parsing a string at line 1 column 11",
        ),
        (&|log| log.put(&checkpoint_name(2), b"PAR1, or not").unwrap(), ""),
    ];
    for (damage, problem) in damaged {
        let log = MemoryLog::default();
        mended(&log, 0, (2, 0));
        (1..=3).for_each(|version| log.foreign(version, "{\"commitInfo\":{}}"));
        damage(&log);
        let found = mended(&log, 4, (2, 0));
        assert!(found.iter().any(|found| found.starts_with(problem)), "{found:?}");
        assert!(log.read(&checkpoint_name(4)).is_ok(), "{problem}");
        // What readers do who know nothing of the versions before.
        let last: Value = serde_json::from_slice(&log.read("_last_checkpoint").unwrap()).unwrap();
        assert_eq!(last["version"], 4);
    }
}

/// The log of another table that was once made of the same folder.
#[test]
fn a_log_of_others_becomes_the_lakes() {
    let log = MemoryLog::default();
    log.foreign(
        0,
        r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"y","format":{"provider":"parquet","options":{}},"schemaString":"{}","partitionColumns":[],"configuration":{}}}
{"add":{"path":"packets/date=2024-03-11/a.parquet","partitionValues":{},"size":5,"modificationTime":1,"dataChange":true}}"#,
    );
    let found = mended(&log, 1, (2, 0));
    assert!(found.contains(&"does not say at which commit of the lake it is".to_owned()), "{found:?}");
}
