//! Lakes in which each commit makes a checkpoint: commits whose requests fail, whose processes die, sleep and meet, and what is left of
//! them.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::error::Error;
use crate::lake::manifest::Manifest;
use crate::lake::snapshot::Snapshot;

use super::meetings::{TO_THE_END, meet_as};
use super::model::{Change, captures, expected, lake, run_with_checkpoint, world_with_checkpoints};
use super::world::{FAULTS, Process, RequestFault, World};

pub(super) const FOLDER: &str = "lake/_parcap/checkpoint/";

/// Eight commits: the next one makes one segment of eight.
pub(super) const EIGHT: [Change; 8] = [
    Change::Convert("a", 1),
    Change::Convert("b", 1),
    Change::Convert("c", 1),
    Change::Convert("a", 2),
    Change::Forget("b"),
    Change::Convert("d", 1),
    Change::Convert("c", 2),
    Change::Convert("b", 3),
];

/// What was done in the lake, and what a run does.
const CASES: [(&[Change], Change); 4] = [
    (&[Change::Convert("a", 1), Change::Convert("b", 1)], Change::Convert("a", 2)),
    (&[Change::Convert("a", 1), Change::Convert("b", 1)], Change::Compact),
    (&[Change::Convert("a", 1), Change::Convert("b", 1), Change::Compact], Change::Forget("a")),
    (&EIGHT, Change::Convert("a", 3)),
];

pub(super) fn process(world: &Arc<Mutex<World>>) -> Arc<Process> {
    Arc::new(Process::new(world))
}

/// All that a lake holds, as text.
pub(super) fn text_of(held: &Snapshot) -> String {
    let mut units: Vec<_> = held.unit_lists().collect();
    units.sort();
    format!(
        "{:#?}",
        (
            held.sequence,
            held.last_change,
            &held.settings,
            units,
            &held.parts,
            &held.partials,
            &held.tables,
            &held.retired
        )
    )
}

/// The sum of all manifests that are there. `None` if what one of them says is in files.
pub(super) fn added_up(world: &Arc<Mutex<World>>) -> Option<Snapshot> {
    let world = world.lock().unwrap();
    let mut held = Snapshot::default();
    for key in world.keys_below("lake/_parcap/manifest/") {
        let manifest = Manifest::of_bytes(world.bytes(&key).unwrap(), Path::new(&key)).unwrap();
        if manifest.base && manifest.checkpoint.is_some() {
            return None;
        }
        held.add(manifest);
    }
    Some(held)
}

/// What a lake holds, once it has been recovered. The checkpoint says what the manifests say, and its files are there.
pub(super) fn checked(world: &Arc<Mutex<World>>, case: &str) -> std::collections::BTreeSet<String> {
    let found = captures(world);
    let lake = lake(&process(world));
    let held = Snapshot::read(&lake).unwrap();
    assert_eq!(lake.notes(), [""; 0], "{case}");
    if let Some(sum) = added_up(world) {
        assert_eq!(text_of(&held), text_of(&sum), "{case}");
    }
    let begun = Snapshot::begin(&lake).unwrap();
    assert_eq!(begun.has_base(), held.checkpoint_at().is_some(), "{case}");
    let names = |held: &Snapshot| held.parts.keys().chain(held.partials.keys()).cloned().collect::<Vec<_>>();
    assert_eq!((names(&begun), &begun.tables), (names(&held), &held.tables), "{case}");
    let there = world.lock().unwrap().keys_below(FOLDER);
    for file in held.checkpoint_files() {
        assert!(there.contains(&format!("lake/{}", file.path.display())), "{case}: {file:?}");
    }
    found
}

/// The files of checkpoints that are there and that nobody names.
pub(super) fn left_over(world: &Arc<Mutex<World>>) -> Vec<String> {
    let held = Snapshot::read(&lake(&process(world))).unwrap();
    let named: Vec<_> = held.checkpoint_files().map(|file| format!("lake/{}", file.path.display())).collect();
    let mut there = world.lock().unwrap().keys_below(FOLDER);
    there.retain(|key| !named.contains(key));
    there
}

/// The number of the commit that a lake begins with, as its newest manifest says in its first lines.
pub(super) fn named_by_the_newest(world: &Arc<Mutex<World>>) -> Option<u64> {
    let world = world.lock().unwrap();
    let text = world.text(world.keys_below("lake/_parcap/manifest/").last()?)?;
    let line = text.lines().take(6).find_map(|line| line.strip_prefix("\"checkpoint_at\": "))?;
    line.trim_end_matches(',').parse().ok()
}

#[test]
fn a_commit_with_a_checkpoint_is_whole_or_not_there_wherever_a_request_fails_or_the_process_dies() {
    let mut left = 0;
    for (case_number, (before, change)) in CASES.into_iter().enumerate() {
        let made = world_with_checkpoints(before);
        let (unchanged, changed) = (expected(before), expected(&[before, &[change]].concat()));
        let whole = made();
        let one = process(&whole);
        run_with_checkpoint(&lake(&one), change).unwrap();
        assert_eq!((checked(&whole, "whole"), left_over(&whole)), (changed.clone(), Vec::<String>::new()));
        assert!(named_by_the_newest(&whole).is_some());
        for at in 0..one.made() {
            // Of the longer ones, each request has one of the faults.
            let is_first = case_number == 0;
            let faults = FAULTS.into_iter().enumerate().filter(|(number, _)| is_first || at % FAULTS.len() == *number);
            for (_, fault) in faults {
                let world = made();
                let result = run_with_checkpoint(&lake(&Arc::new(Process::with_fault(&world, at, fault))), change);
                let case = format!("{change:?} after {}, {fault:?} at request {at}: {result:?}", before.len());
                let found = checked(&world, &case);
                match &result {
                    Ok(()) => assert_eq!(found, changed, "{case}"),
                    Err(_) => assert!(found == unchanged || found == changed, "{case}: {found:?}"),
                }
                // And the lake goes on. What was left goes when it is old, and nothing else does.
                left += usize::from(!left_over(&world).is_empty());
                world.lock().unwrap().let_objects_age();
                run_with_checkpoint(&lake(&process(&world)), Change::Convert("e", 7)).unwrap();
                assert!(checked(&world, &case).contains("e7"), "{case}");
                assert_eq!(left_over(&world), Vec::<String>::new(), "{case}");
            }
        }
    }
    // How many follows from the order of requests that are made at once.
    assert!(left > 5, "{left} runs left files of a checkpoint");
}

#[test]
fn a_commit_with_a_checkpoint_that_is_undone_leaves_the_one_before_it() {
    let (before, change) = CASES[0];
    let made = world_with_checkpoints(before);
    let mut undone = 0;
    for at in 0..40 {
        let world = made();
        let died = Arc::new(Process::with_fault(&world, at, RequestFault::DiesAfter));
        let _ = run_with_checkpoint(&lake(&died), change);
        // Parts cannot be completed any more. A table whose upload is gone is none of what this is about.
        let is_placed = || {
            let world = world.lock().unwrap();
            world.text("lake/_parcap/manifest/0000000003.json").is_none_or(|text| !text.contains("\"decided\""))
        };
        if is_placed() {
            continue;
        }
        world.lock().unwrap().expire_uploads();
        let said = lake(&process(&world)).bucket().unwrap().recover().unwrap();
        let is_void = world.lock().unwrap().text("lake/_parcap/manifest/0000000003.json").unwrap().contains("\"void\"");
        assert_eq!(said.is_some(), is_void, "{at}");
        if !is_void {
            continue;
        }
        undone += 1;
        assert_eq!(named_by_the_newest(&world), Some(2), "{at}: one that was undone says where to begin");
        assert_eq!(checked(&world, "undone"), expected(before), "{at}");
        run_with_checkpoint(&lake(&process(&world)), change).unwrap();
        assert_eq!(checked(&world, "again"), expected(&[before, &[change]].concat()), "{at}");
    }
    assert!(undone > 0);
}

#[test]
fn a_process_that_sleeps_while_others_make_one_segment_of_many_harms_nothing_when_it_wakes() {
    let before = &EIGHT[..6];
    let others = [Change::Forget("a"), Change::Convert("b", 4), Change::Convert("a", 2), Change::Compact];
    let made = world_with_checkpoints(before);
    for sleeper in [Change::Convert("a", 5), Change::Compact] {
        for asleep_at in (0..90).step_by(2) {
            let world = made();
            let plan = [(0, asleep_at), (1, TO_THE_END), (0, TO_THE_END)];
            let results = meet_as(&world, &plan, &[&[sleeper], &others], run_with_checkpoint);
            assert!(results[1].iter().all(Result::is_ok), "{sleeper:?}, {asleep_at}: {:?}", results[1]);
            let slept = match &results[0][0] {
                Ok(()) => true,
                Err(Error::Overtaken { .. }) => false,
                Err(error) => panic!("{sleeper:?}, {asleep_at}: {error}"),
            };
            let found = checked(&world, &format!("{sleeper:?}, {asleep_at}"));
            let first = [before, &[sleeper][..usize::from(slept)], &others].concat();
            let last = [before, &others, &[sleeper][..usize::from(slept)]].concat();
            let is_right = found == expected(&first) || found == expected(&last);
            assert!(is_right, "{sleeper:?}, {asleep_at}, {slept}: {found:?}");
        }
    }
}
