//! Lakes in buckets with checkpoints, as runs read them: what is asked for, and what becomes of checkpoints that are lost.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::lake::bucket::decide::manifest_path;
use crate::lake::manifest::Manifest;
use crate::lake::{Losses, Snapshot, hold};

use super::checkpoints::{EIGHT, FOLDER, added_up, checked, left_over, named_by_the_newest, process, text_of};
use super::model::{Change, expected, lake, run, run_with_checkpoint, world_after, world_with_checkpoints};
use super::world::{Process, RequestFault, World};

/// A run that finds nothing new, and what it asks for.
fn nothing_new(world: &Arc<Mutex<World>>) -> std::collections::BTreeMap<&'static str, usize> {
    let process = process(world);
    let lake = lake(&process);
    lake.check_is_whole().unwrap();
    assert!(lake.is_there());
    let lease = hold(&lake, Duration::ZERO, &Cancel::default()).unwrap();
    drop(Losses::find(&lake, &Snapshot::begin(&lake).unwrap()).unwrap());
    drop(lease);
    process.made_of()
}

#[test]
fn a_night_with_nothing_new_over_a_checkpoint_asks_once_for_each_of_its_files() {
    // Each of seven segments of these commits; the newest manifest names them.
    let world = world_with_checkpoints(&EIGHT)();
    let files = Snapshot::read(&lake(&process(&world))).unwrap().checkpoint_files().count();
    let there = world.lock().unwrap().keys_below(FOLDER).len();
    assert!(files == there && files > 14, "{files} {there}");
    // Their names are those of the runs: two that make the segment of one commit give no name twice.
    let keys = world.lock().unwrap().keys_below("lake/_parcap/manifest/");
    let text = |key: &String| world.lock().unwrap().text(key).unwrap();
    let runs: Vec<_> =
        keys.iter().filter_map(|key| Manifest::of_bytes(text(key).as_bytes(), Path::new(key)).unwrap().run).collect();
    for key in world.lock().unwrap().keys_below(FOLDER) {
        let folder = key.strip_prefix(FOLDER).unwrap().split('/').next().unwrap();
        assert!(runs.iter().any(|run| folder.ends_with(&format!("-{run}"))), "{folder} {runs:?}");
    }
    let found = nothing_new(&world);
    let asked = |kind| found.get(kind).copied().unwrap_or(0);
    // As without a checkpoint; small manifests before the newest one come with it.
    assert_eq!((asked("list"), asked("put"), asked("head"), asked("remove")), (5, 1, 1, 1), "{found:?}");
    assert_eq!(asked("get"), 8 + files, "{found:?}");
    // One segment of all.
    let world = world_with_checkpoints(&[&EIGHT[..], &[Change::Compact]].concat())();
    let found = nothing_new(&world);
    let files = Snapshot::read(&lake(&process(&world))).unwrap().checkpoint_files().count();
    assert_eq!(files, 3, "parts, partial summaries, tables");
    assert_eq!(found.get("get"), Some(&(9 + files)), "{found:?}");
}

/// Makes each manifest larger than a mebibyte, by blanks that JSON permits.
fn make_manifests_large(world: &Arc<Mutex<World>>) {
    let mut world = world.lock().unwrap();
    for key in world.keys_below("lake/_parcap/manifest/") {
        let mut text = world.bytes(&key).unwrap().to_vec();
        text.extend(vec![b' '; 2 << 20]);
        world.change(&key, Some(Bytes::from(text)));
    }
}

#[test]
fn manifests_before_the_checkpoint_are_not_asked_for_where_they_are_large() {
    let world = world_with_checkpoints(&EIGHT)();
    make_manifests_large(&world);
    let files = Snapshot::read(&lake(&process(&world))).unwrap().checkpoint_files().count();
    assert_eq!(nothing_new(&world).get("get"), Some(&(1 + files)));
    // A lake without one is read whole, and once.
    let world = world_after(&EIGHT)();
    assert_eq!(nothing_new(&world).get("get"), Some(&8));
}

#[test]
fn a_run_keeps_what_it_has_fetched_and_what_it_has_made() {
    let world = world_with_checkpoints(&EIGHT)();
    let process = process(&world);
    let own = lake(&process);
    let get = || process.made_of().get("get").copied().unwrap_or(0);
    let files = |held: &Snapshot| held.checkpoint_files().count();
    let first = Snapshot::read(&own).unwrap();
    assert_eq!(get(), 8 + files(&first));
    own.look_again();
    Snapshot::begin(&own).unwrap();
    assert_eq!(get(), 8 + files(&first), "nothing is fetched twice");
    run_with_checkpoint(&own, Change::Convert("a", 3)).unwrap();
    let before = get();
    own.look_again();
    let next = Snapshot::begin(&own).unwrap();
    assert_eq!((next.sequence, get()), (9, before + 1), "the new manifest is");
    assert!(files(&next) < files(&first), "eight became one: {} {}", files(&next), files(&first));
}

#[test]
fn a_checkpoint_that_is_damaged_or_gone_costs_a_look_at_all_manifests_and_nothing_else() {
    let made = world_with_checkpoints(&EIGHT);
    let keys = made().lock().unwrap().keys_below(FOLDER);
    let half = |bytes: &Bytes| bytes.slice(..bytes.len() / 2);
    let harmed = |bytes: &Bytes| {
        let mut bytes = bytes.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        Bytes::from(bytes)
    };
    // Each in one of three ways.
    for (how, key) in keys.into_iter().enumerate() {
        let world = made();
        let whole = world.lock().unwrap().bytes(&key).unwrap().clone();
        let now = [None, Some(half(&whole)), Some(harmed(&whole))][how % 3].clone();
        world.lock().unwrap().change(&key, now);
        let own = lake(&process(&world));
        let held = Snapshot::begin(&own).unwrap();
        assert_eq!(text_of(&held), text_of(&added_up(&world).unwrap()), "{key} {how}");
        let notes = own.notes();
        assert!(notes.iter().any(|note| note.contains("the checkpoint of commit 8 could not be read")), "{notes:?}");
        // The next commit makes one of all manifests.
        run_with_checkpoint(&lake(&process(&world)), Change::Convert("a", 9)).unwrap();
        assert!(checked(&world, &key).contains("a9"));
        world.lock().unwrap().let_objects_age();
        run_with_checkpoint(&lake(&process(&world)), Change::Convert("a", 10)).unwrap();
        assert_eq!((checked(&world, &key).len(), left_over(&world)), (4, Vec::new()), "{key} {how}");
    }
}

#[test]
fn a_store_that_fails_is_not_taken_for_a_checkpoint_that_is_lost() {
    let world = world_with_checkpoints(&EIGHT[..3])();
    let process = Arc::new(Process::refusing(&world, "get"));
    assert!(matches!(Snapshot::begin(&lake(&process)), Err(Error::Io { .. })));
    // The manifests come, and the files do not.
    let count = Arc::new(Process::new(&world));
    lake(&count).manifest_files().unwrap();
    for fault in [RequestFault::DiesBefore, RequestFault::DiesAfter] {
        let process = Arc::new(Process::with_fault(&world, count.made(), fault));
        let own = lake(&process);
        match Snapshot::read(&own) {
            Err(Error::Io { .. }) => assert_eq!(own.notes(), [""; 0]),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn once_a_lake_is_compacted_its_checkpoint_is_part_of_it() {
    let world = world_with_checkpoints(&[&EIGHT[..], &[Change::Compact]].concat())();
    let key = world.lock().unwrap().keys_below(FOLDER).into_iter().find(|key| key.ends_with("parts.parquet")).unwrap();
    let whole = world.lock().unwrap().bytes(&key).unwrap().clone();
    let mut harmed = whole.to_vec();
    harmed[9] ^= 1;
    world.lock().unwrap().change(&key, Some(Bytes::from(harmed)));
    match Snapshot::begin(&lake(&process(&world))) {
        Err(error @ Error::FileDiffers { .. }) => assert!(error.to_string().contains(&key), "{error}"),
        other => panic!("{other:?}"),
    }
    world.lock().unwrap().change(&key, None);
    match Snapshot::read(&lake(&process(&world))) {
        Err(Error::Io { source, .. }) => assert_eq!(source.kind(), std::io::ErrorKind::NotFound),
        other => panic!("{other:?}"),
    }
    world.lock().unwrap().change(&key, Some(whole));
    assert_eq!(checked(&world, "whole"), expected(&EIGHT));
}

/// Who begins with the checkpoint does not meet the manifest that describes the whole lake.
#[test]
fn manifests_before_a_base_are_known_and_go_although_the_checkpoint_is_newer() {
    let changes = [&EIGHT[..], &[Change::Compact, Change::Convert("a", 4), Change::Convert("b", 4)]].concat();
    let world = world_with_checkpoints(&changes)();
    make_manifests_large(&world);
    let asks = process(&world);
    let own = lake(&asks);
    let held = Snapshot::read(&own).unwrap();
    assert_eq!(held.checkpoint_at(), Some(11));
    assert_eq!(asks.made_of().get("get"), Some(&(1 + held.checkpoint_files().count())), "one manifest is read");
    assert_eq!(own.manifest_files().unwrap(), [9, 10, 11].map(manifest_path));
    world.lock().unwrap().let_objects_age();
    run_with_checkpoint(&lake(&process(&world)), Change::Convert("a", 5)).unwrap();
    let left = world.lock().unwrap().keys_below("lake/_parcap/manifest/");
    assert_eq!(left, [9, 10, 11, 12].map(|number| format!("lake/{}", manifest_path(number).display())));
    assert!(checked(&world, "later").contains("a5"));
}

/// Of what the checkpoint has, the run holds nothing when it looks for partial summaries that nobody needs.
#[test]
fn old_partial_summaries_stay_although_the_checkpoint_has_them() {
    let world = world_with_checkpoints(&EIGHT)();
    for change in [Change::Convert("a", 4), Change::Compact, Change::Convert("b", 5)] {
        world.lock().unwrap().let_objects_age();
        run_with_checkpoint(&lake(&process(&world)), change).unwrap();
        checked(&world, "old");
    }
}

#[test]
fn a_commit_without_a_checkpoint_keeps_the_last_one_and_an_earlier_parcap_reads_the_log() {
    let world = world_with_checkpoints(&EIGHT[..4])();
    run(&lake(&process(&world)), Change::Convert("a", 6)).unwrap();
    assert_eq!(named_by_the_newest(&world), Some(4));
    assert!(checked(&world, "kept").contains("a6"));
    // An earlier version adds up what is there, and its commits say nothing of a checkpoint.
    let held = added_up(&world).unwrap();
    let key = format!("lake/{}", manifest_path(5).display());
    let text = world.lock().unwrap().text(&key).unwrap();
    let mut manifest = Manifest::of_bytes(text.as_bytes(), Path::new(&key)).unwrap();
    assert_eq!((manifest.version, held.sequence), (2, 5));
    manifest.checkpoint_at = None;
    world.lock().unwrap().change(&key, Some(Bytes::from(manifest.to_bytes().unwrap())));
    let own = lake(&process(&world));
    assert_eq!(text_of(&Snapshot::begin(&own).unwrap()), text_of(&held));
    run_with_checkpoint(&lake(&process(&world)), Change::Convert("a", 7)).unwrap();
    assert!(checked(&world, "after it").contains("a7"));
}
