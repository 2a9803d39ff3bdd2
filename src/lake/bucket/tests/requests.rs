//! What a run asks of a store: upper bounds, of each kind of request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::cancel::Cancel;
use crate::lake::{Losses, Snapshot, hold};

use super::model::{Change, lake, run, world_after, world_with_log};
use super::world::{Process, World};

/// A run as a command makes it: it looks whether there is a lake, takes the lease, and changes something.
fn requests(world: &Arc<Mutex<World>>, change: Option<Change>) -> BTreeMap<&'static str, usize> {
    let process = Arc::new(Process::new(world));
    let mut lake = lake(&process);
    lake.check_is_whole().unwrap();
    if !lake.is_there() {
        lake = lake.made().unwrap();
    }
    let lease = hold(&lake, Duration::ZERO, &Cancel::default()).unwrap();
    match change {
        None => drop(Losses::find(&lake, &Snapshot::read(&lake).unwrap()).unwrap()),
        Some(change) => run(&lake, change).unwrap(),
    }
    drop(lease);
    process.made_of()
}

/// The bounds are sums of what is needed, one line each.
fn bounds<const N: usize>(needed: [(&'static str, usize); N]) -> BTreeMap<&'static str, usize> {
    let mut bounds = BTreeMap::new();
    for (kind, count) in needed {
        *bounds.entry(kind).or_default() += count;
    }
    bounds
}

/// A lease is written, and removed if it is still the same.
const LEASE: [(&str, usize); 3] = [("put", 1), ("head", 1), ("remove", 1)];

#[test]
fn a_night_with_nothing_new_lists_twice_what_is_committed_and_once_what_is_there() {
    let world = world_after(&[Change::Convert("a", 1), Change::Compact])();
    let [put, head, remove] = LEASE;
    // The manifests at its start and under the lease; packets, summaries and partials. Of manifests, all since the last that says
    // everything are read, and in a batch with these those before.
    let bound = bounds([put, head, remove, ("list", 2), ("list", 3), ("get", 2)]);
    assert_eq!(requests(&world, None), bound);
}

#[test]
fn a_commit_asks_for_three_exchanges_of_its_manifest_and_one_list() {
    let world = world_after(&[Change::Convert("a", 1)])();
    let [put, head, remove] = LEASE;
    let found = requests(&world, Some(Change::Convert("b", 1)));
    let bound = bounds([
        put,
        head,
        remove,
        // As a night with nothing new.
        ("list", 5),
        ("get", 1),
        // One part and one table, of one piece each, and a partial.
        ("begin", 2),
        // Those that dead runs have left, once a run.
        ("uploads", 1),
        ("piece", 2),
        ("complete", 2),
        ("put", 1),
        // The commit itself.
        ("put", 3),
        ("list", 1),
    ]);
    assert_eq!(found, bound);
}

#[test]
fn a_commit_with_a_log_lists_it_once_and_writes_a_version() {
    let change = Change::Convert("b", 1);
    let without = requests(&world_after(&[Change::Convert("a", 1)])(), Some(change));
    let with = requests(&world_with_log(&[Change::Convert("a", 1)])(), Some(change));
    let more = with.iter().map(|(kind, count)| (*kind, count - without.get(kind).unwrap_or(&0)));
    // Its files before the commit, and after it whether a checkpoint is due; the last version. Its text is written where others find it,
    // and as the version, and then removed.
    let bound = bounds([("list", 2), ("get", 1), ("put", 2), ("remove", 1)]);
    assert_eq!(more.filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>(), bound);
}

#[test]
fn a_new_lake_is_tried_once_and_read_once() {
    let world = Arc::default();
    let [put, head, remove] = LEASE;
    let found = requests(&world, Some(Change::Convert("a", 1)));
    let bound = bounds([
        put,
        head,
        remove,
        ("list", 5),
        // Whether there is something that manifests are lost of.
        ("list", 1),
        // Two attempts to create one object, which goes again.
        ("put", 2),
        ("remove", 1),
        ("begin", 2),
        // Those that dead runs have left, once a run.
        ("uploads", 1),
        ("piece", 2),
        ("complete", 2),
        ("put", 1),
        ("put", 3),
        ("list", 1),
    ]);
    assert_eq!(found, bound);
}
