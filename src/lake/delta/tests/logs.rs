//! Commits on a log that others write to as well.

use crate::lake::snapshot::Snapshot;

use super::super::checkpoint::write_checkpoint;
use super::super::commit::commit_text;
use super::super::replay::{Content, LogState};
use super::super::since::{Since, since};
use super::super::step::{Advanced, Found, advance, has_commit, look};
use super::super::store::{checkpoint_name, version_name};
use super::*;

const PROPERTY: &str = r#"{"commitInfo":{"operation":"SET TBLPROPERTIES","readVersion":1}}"#;
const OTHER_TXN: &str = r#"{"txn":{"appId":"a stream","version":4,"lastUpdated":5}}"#;
const OPTIMIZE: &str = r#"{"commitInfo":{}}
{"remove":{"path":"packets/date=2024-03-11/1.parquet","dataChange":false}}
{"add":{"path":"date=2024-03-11/x%20y.parquet","partitionValues":{},"size":1,"modificationTime":1,"dataChange":false}}"#;

/// A lake whose log has commits 1 to `commits`, each of a part of its own.
fn lake(log: &MemoryLog, commits: u64) -> Snapshot {
    (1..=commits).fold(Snapshot::default(), |held, number| commit(log, &held, number))
}

fn commit(log: &MemoryLog, held: &Snapshot, number: u64) -> Snapshot {
    let manifest = manifest(number, &[part(&format!("packets/date=2024-03-11/{number}.parquet"), number)], &[]);
    let writer = writer(&manifest.settings);
    let Found::Next { version, first } = look(log, &writer, held.sequence).unwrap() else { panic!("{number}") };
    let entry = manifest.delta.clone().unwrap();
    let text = commit_text(&manifest, &entry, &writer.metadata, &sizes(held), first).unwrap();
    assert_eq!(advance(log, &writer, number, version, &text).unwrap(), Advanced::At(version));
    // A run that comes after one that was killed here does nothing.
    assert_eq!(advance(log, &writer, number, version, &text).unwrap(), Advanced::At(version));
    assert!(has_commit(log, &writer, number, version).unwrap());
    after(held, &manifest)
}

fn live(log: &MemoryLog) -> Vec<PathBuf> {
    LogState::read(log, Content::All, None).unwrap().live.into_keys().collect()
}

fn ours() -> LogWriter {
    writer(&Settings::default())
}

#[test]
fn what_came_since_is_ours_or_harmless_or_makes_another_table() {
    let writer = ours();
    let of = |text: &str| since(text.as_bytes(), &writer);
    assert_eq!(
        of(&format!("{{\"commitInfo\":{{}}}}\n{{\"txn\":{{\"appId\":\"parcap:{ID}\",\"version\":7}}}}\n")),
        Since::Ours(7)
    );
    for text in [PROPERTY, OTHER_TXN, "", r#"{"txn":{"appId":"parcap:another lake","version":7}}"#] {
        assert_eq!(of(text), Since::Nothing, "{text}");
    }
    let Since::Foreign { touches, what } = of(OPTIMIZE) else { panic!() };
    assert_eq!(touches, [PathBuf::from("packets/date=2024-03-11/1.parquet"), "date=2024-03-11/x y.parquet".into()]);
    assert_eq!(what, "adds 1 file and removes 1");
    for text in [
        r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":[]}}"#,
        r#"{"domainMetadata":{"domain":"delta.liquid","configuration":"","removed":false}}"#,
        "{\"add\":",
        "[]",
        r#"{"add":{"path":1}}"#,
    ] {
        assert!(matches!(of(text), Since::Foreign { .. }), "{text}");
    }
}

#[test]
fn the_metadata_of_others_is_harmless_if_it_changes_no_row_and_asks_for_nothing() {
    let writer = ours();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut metadata = serde_json::to_value(&writer.metadata).unwrap();
        change(&mut metadata);
        since(serde_json::json!({ "metaData": metadata }).to_string().as_bytes(), &writer)
    };
    let set = |key: &'static str, value: &'static str| {
        move |metadata: &mut Value| metadata["configuration"][key] = value.into()
    };
    assert_eq!(with(&|_| {}), Since::Nothing);
    assert_eq!(with(&|metadata| metadata["description"] = "the archive".into()), Since::Nothing);
    assert_eq!(with(&set("owner", "netops")), Since::Nothing);
    assert_eq!(with(&set("delta.checkpointInterval", "100")), Since::Nothing);
    for (key, value) in [
        ("delta.appendOnly", "true"),
        ("delta.enableChangeDataFeed", "true"),
        // A vacuum would then remove the summaries.
        ("delta.deletedFileRetentionDuration", "interval 7 days"),
    ] {
        assert!(matches!(with(&set(key, value)), Since::Foreign { .. }), "{key}");
    }
    let changes: [&dyn Fn(&mut Value); 3] = [
        &|metadata| metadata["id"] = "another table".into(),
        &|metadata| metadata["partitionColumns"] = serde_json::json!([]),
        &|metadata| {
            let schema = metadata["schemaString"].as_str().unwrap().replace("\"long\"", "\"string\"");
            metadata["schemaString"] = schema.into();
        },
    ];
    for (place, change) in changes.into_iter().enumerate() {
        assert!(matches!(with(change), Since::Foreign { .. }), "{place}");
    }
}

#[test]
fn each_commit_is_one_version_and_harmless_ones_lie_between() {
    let log = MemoryLog::default();
    let held = lake(&log, 2);
    log.foreign(2, PROPERTY);
    log.foreign(3, OTHER_TXN);
    let held = commit(&log, &held, 3);
    assert_eq!(live(&log), held.parts.keys().cloned().collect::<Vec<_>>());
    let numbers: Vec<_> = (0..5)
        .filter_map(|version| log.lines(version)[1..].iter().find_map(|line| line["txn"]["version"].as_u64()))
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
    // Their transaction is theirs still, also when a checkpoint is all that is left.
    assert!(write_checkpoint(&log, &held, 4, true).unwrap());
    (0..5).for_each(|version| log.remove(&version_name(version)));
    let state = LogState::read(&log, Content::All, None).unwrap();
    assert_eq!(state.transactions.keys().collect::<Vec<_>>(), ["a stream", &application(ID)]);
    let held = commit(&log, &held, 4);
    assert_eq!(live(&log), held.parts.keys().cloned().collect::<Vec<_>>());
}

/// A commit that takes the version in the moment between the look and the step.
#[test]
fn what_comes_between_the_look_and_the_step_decides() {
    for (text, expected) in [(PROPERTY, Some(3)), (OTHER_TXN, Some(3)), (OPTIMIZE, None)] {
        let log = MemoryLog::default();
        let held = lake(&log, 2);
        let manifest = manifest(3, &[], &["packets/date=2024-03-11/1.parquet"]);
        let writer = writer(&manifest.settings);
        assert_eq!(look(&log, &writer, 2).unwrap(), Found::Next { version: 2, first: false });
        let body = commit_text(&manifest, &entry(1), &writer.metadata, &sizes(&held), false).unwrap();
        log.foreign(2, text);
        match (advance(&log, &writer, 3, 2, &body).unwrap(), expected) {
            (Advanced::At(version), Some(expected)) => assert_eq!(version, expected),
            (Advanced::NotOurs(why), None) => {
                assert_eq!(why, "its version 2 is another writer's, which adds 1 file and removes 1");
                assert!(!log.0.borrow().contains_key(&version_name(3)));
                assert!(!has_commit(&log, &writer, 3, 2).unwrap());
            }
            (found, _) => panic!("{text}: {found:?}"),
        }
    }
}

/// A file of another user's stopped each run, whose commit could neither be finished nor undone.
#[test]
fn a_version_that_may_not_be_read_keeps_no_commit_back() {
    let log = MemoryLog::default();
    lake(&log, 2);
    log.foreign(2, str::from_utf8(SECRET).unwrap());
    let writer = ours();
    let expected = "its version 2 is another writer's, which cannot be read (permission denied)";
    assert_eq!(look(&log, &writer, 2).unwrap(), Found::NotOurs(expected.to_owned()));
    assert_eq!(advance(&log, &writer, 3, 2, &Vec::new()).unwrap(), Advanced::NotOurs(expected.to_owned()));
    assert!(!has_commit(&log, &writer, 3, 2).unwrap());
}

#[test]
fn a_log_that_is_not_the_lakes_is_not_gone_on_with() {
    let lack = |log: &MemoryLog, before: u64| match look(log, &ours(), before).unwrap() {
        Found::NotOurs(why) => why,
        found @ Found::Next { .. } => panic!("{found:?}"),
    };
    let log = MemoryLog::default();
    assert_eq!(look(&log, &ours(), 0).unwrap(), Found::Next { version: 0, first: true });
    assert_eq!(lack(&log, 1), "its versions are not there");
    lake(&log, 3);
    assert_eq!(lack(&log, 4), "it is at commit 3 of the lake, and the lake was at commit 4");
    assert_eq!(lack(&log, 2), "it is at commit 3 of the lake, and the lake was at commit 2");
    log.remove(&version_name(1));
    log.foreign(3, PROPERTY);
    assert_eq!(look(&log, &ours(), 3).unwrap(), Found::Next { version: 4, first: false });
    log.remove(&version_name(2));
    assert_eq!(lack(&log, 3), "it is damaged: versions 1 to 2 are missing");
    let log = MemoryLog::default();
    log.foreign(0, OPTIMIZE);
    assert_eq!(lack(&log, 0), "its version 0 is another writer's, which adds 1 file and removes 1");
    log.foreign(0, PROPERTY);
    assert_eq!(lack(&log, 0), "it was not written by parcap for this lake");
}

#[test]
fn a_checkpoint_comes_every_ten_versions_and_says_what_the_versions_say() {
    let log = MemoryLog::default();
    let mut held = Snapshot::default();
    for number in 1..=25 {
        held = commit(&log, &held, number);
        write_checkpoint(&log, &held, number - 1, false).unwrap();
    }
    let names = log.names("").unwrap();
    let checkpoints: Vec<_> = names.iter().filter(|name| name.contains("checkpoint.parquet")).collect();
    assert_eq!(checkpoints, [&checkpoint_name(10), &checkpoint_name(20)]);
    let last: Value = serde_json::from_slice(&log.read("_last_checkpoint").unwrap()).unwrap();
    // Metadata, protocol, transaction, and a file each.
    assert_eq!((&last["version"], &last["size"], &last["numOfAddFiles"]), (&20.into(), &24.into(), &21.into()));
    let with = LogState::read(&log, Content::All, None).unwrap();
    checkpoints.into_iter().for_each(|name| log.remove(name));
    let without = LogState::read(&log, Content::All, None).unwrap();
    assert_eq!((with.checkpoint, without.checkpoint), (Some(20), None));
    assert_eq!(LogState { checkpoint: None, ..with }, without);
}

/// More parts than are in memory at once, and more than one row group.
#[test]
fn a_large_checkpoint_has_every_part_once() {
    let log = MemoryLog::default();
    let parts: Vec<_> =
        (0..11_000).map(|number| part(&format!("packets/date=2024-03-11/{number:06}.parquet"), number)).collect();
    let manifest = manifest(1, &parts, &[]);
    let writer = writer(&manifest.settings);
    let text = commit_text(&manifest, &entry(1), &writer.metadata, &BTreeMap::new(), true).unwrap();
    advance(&log, &writer, 1, 0, &text).unwrap();
    let held = after(&Snapshot::default(), &manifest);
    assert!(write_checkpoint(&log, &held, 0, true).unwrap());
    let versions = LogState::read(&log, Content::All, None).unwrap();
    log.remove(&version_name(0));
    assert_eq!(LogState::read(&log, Content::All, None).unwrap().live, versions.live);
    assert_eq!(versions.live.len(), 11_000);
}
