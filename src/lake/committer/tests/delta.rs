//! The step of the Delta log, wherever a run is killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::config::Settings;
use crate::lake::committer::carry::{carry_out, carry_out_move, move_aside};
use crate::lake::committer::recover;
use crate::lake::delta::DeltaEntry;
use crate::lake::delta_commit::DeltaStep;
use crate::lake::layout::Layout;
use crate::lake::manifest::{Action, Manifest};
use crate::lake::record::CommittedPart;

use super::*;

fn delta_manifest(sequence: u64, parts: &[(&str, u64)], removed: &[&str]) -> Manifest {
    let mut manifest = Manifest::new(sequence, Action::Convert, Settings { delta: true, ..Settings::default() });
    let id = "5f1c2a3e-0000-4000-8000-000000000001".to_owned();
    manifest.delta = Some(DeltaEntry { id, time: i64::try_from(sequence).unwrap() });
    let part = |(path, bytes): &(&str, u64)| CommittedPart {
        path: PathBuf::from(path),
        unit: String::new(),
        rows: 1,
        bytes: *bytes,
        checksum: String::new(),
        ranges: Vec::new(),
        delta: None,
    };
    manifest.parts = parts.iter().map(part).collect();
    manifest.removed.parts = removed.iter().map(PathBuf::from).collect();
    manifest
}

fn step(lake: &Layout, manifest: &Manifest, held: &[&str]) -> Option<DeltaStep> {
    let held: BTreeMap<PathBuf, u64> = held.iter().map(|path| (PathBuf::from(path), 1)).collect();
    let entry = manifest.delta.clone().unwrap();
    DeltaStep::prepare(lake, manifest, &entry, manifest.sequence - 1, &held).unwrap()
}

/// The parts of [`two_parts`], with a log.
fn logged(root: &Path) -> Layout {
    let lake = Layout::create(root).unwrap();
    let moves = vec![
        staged(&lake, "a.parquet", "a"),
        staged_for(&lake, "b.parquet", "b", "packets/date=1970-01-01/hour=1/b.parquet"),
        staged_for(&lake, "o.parquet", "o", "packets/date=2001-01-01/o.parquet"),
    ];
    let manifest = delta_manifest(1, &OLD.map(|(path, _)| (path, 1)), &[]);
    let delta = step(&lake, &manifest, &[]);
    assert!(delta.is_some());
    publish(&lake, moves, Vec::new(), &manifest, delta).unwrap();
    sweep_staging(&lake).unwrap();
    lake
}

/// The journal of the replacement of `b` by `c`, decided and not carried out; the part of another date goes.
fn decided_with_log(lake: &Layout) -> Journal {
    let (mut moves, mut removes) = replacement(lake);
    let goes = ["packets/date=1970-01-01/hour=1/b.parquet", "packets/date=2001-01-01/o.parquet"];
    let manifest = delta_manifest(2, &[("packets/date=1970-01-01/hour=2/c.parquet", 1)], &goes);
    let delta = step(lake, &manifest, &OLD.map(|(path, _)| path));
    assert!(delta.is_some());
    let exchanges = crate::lake::committer::exchange::build(lake, &mut moves, &mut removes).unwrap();
    removes.push("packets/date=2001-01-01/o.parquet".into());
    moves.push(staged_for(lake, "p.parquet", "p", "packets/date=2003-03-03/p.parquet"));
    let name = Manifest::file_name(2);
    let step = Move { from: Layout::staging().join(&name), to: Layout::manifests().join(&name) };
    manifest.write(&lake.resolve(&step.from)).unwrap();
    let journal = Journal { adds: moves, exchanges, removes, manifest: step, kept: true, undo: false, delta };
    journal.write(lake).unwrap();
    journal
}

/// What the log leads to, read line by line: the files, and the numbers of the commits.
fn log(lake: &Layout) -> (Vec<String>, Vec<u64>) {
    let (mut live, mut commits) = (Vec::new(), Vec::new());
    for version in 0.. {
        let path = lake.root().join(format!("_delta_log/{version:020}.json"));
        let Ok(text) = fs::read_to_string(path) else { break };
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let path = |action: &str| line[action]["path"].as_str().map(str::to_owned);
            live.extend(path("add"));
            live.retain(|held| Some(held) != path("remove").as_ref());
            commits.extend(line["txn"]["version"].as_u64());
        }
    }
    live.sort();
    let files = fs::read_dir(lake.root().join("_delta_log")).unwrap().count();
    assert_eq!(files, commits.len(), "versions without gaps, and nothing else");
    (live, commits)
}

const AFTER: [&str; 1] = ["packets/date=1970-01-01/hour=2/c.parquet"];

#[test]
fn a_run_that_is_killed_anywhere_leaves_a_commit_that_the_log_has_once() {
    for steps in 0..6 {
        let dir = folder();
        let lake = logged(dir.path());
        let journal = decided_with_log(&lake);
        if steps > 0 {
            carry_out_move(&lake, &journal.adds[0]).unwrap();
        }
        if steps > 1 {
            journal.exchanges[0].carry_out(&lake).unwrap();
        }
        if steps > 2 {
            move_aside(&lake, &journal.removes, &["packets", "summaries"]).unwrap();
        }
        if steps > 3 {
            assert_eq!(log(&lake).1, [1]);
            journal.delta.as_ref().unwrap().carry_out(&lake).unwrap();
            assert!(journal.is_in_log(&lake));
        }
        if steps > 4 {
            carry_out_move(&lake, &journal.manifest).unwrap();
        }
        recover(&lake).unwrap();
        let (live, commits) = log(&lake);
        let kept = "packets/date=1970-01-01/a.parquet";
        assert_eq!((live, commits), (vec![kept.to_owned(), AFTER[0].to_owned()], vec![1, 2]), "{steps}");
        assert_eq!((sequence(&lake), lake.delta_lacks()), (2, None), "{steps}");
        assert!(!lake.pending().exists());
    }
}

#[test]
fn what_is_undone_is_not_in_the_log_and_what_is_in_the_log_is_not_undone() {
    for is_in_log in [false, true] {
        let dir = folder();
        let lake = logged(dir.path());
        let mut journal = decided_with_log(&lake);
        // Something takes the place of a part that comes, or that of the manifest.
        let place = if is_in_log { journal.manifest.to.clone() } else { journal.adds[0].to.clone() };
        fs::create_dir_all(lake.resolve(&place).join("x")).unwrap();
        carry_out(&lake, &mut journal).unwrap_err();
        let found = recover(&lake);
        let (live, commits) = log(&lake);
        if is_in_log {
            found.unwrap_err();
            assert_eq!(commits, [1, 2]);
            assert!(lake.pending().exists(), "the next run tries again");
            fs::remove_dir_all(lake.resolve(&place)).unwrap();
            recover(&lake).unwrap();
            assert_eq!((sequence(&lake), log(&lake).1), (2, vec![1, 2]));
        } else {
            found.unwrap();
            fs::remove_dir_all(lake.resolve(Path::new("packets/date=2003-03-03"))).unwrap();
            assert_eq!((commits, visible(&lake)), (vec![1], of(&OLD)));
            assert_eq!(live, OLD.map(|(path, _)| path));
            assert_eq!(sequence(&lake), 1);
        }
    }
}

/// Another engine takes the version between the decision and the step: the commit of the lake stands, and it is said.
#[test]
fn a_commit_stands_that_the_log_cannot_have() {
    let dir = folder();
    let lake = logged(dir.path());
    decided_with_log(&lake);
    let foreign = format!("{{\"remove\":{{\"path\":\"{}\",\"dataChange\":true}}}}\n", OLD[0].0);
    fs::write(lake.root().join("_delta_log/00000000000000000001.json"), &foreign).unwrap();
    recover(&lake).unwrap();
    assert_eq!(sequence(&lake), 2);
    let lack = lake.delta_lacks().unwrap();
    assert_eq!(lack, "its version 1 is another writer's, which adds 0 files and removes 1");
    assert_eq!(fs::read_to_string(lake.root().join("_delta_log/00000000000000000001.json")).unwrap(), foreign);
    assert!(!lake.root().join("_delta_log/00000000000000000002.json").exists());
}
