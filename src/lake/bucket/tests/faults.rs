//! A commit with a fault at each of its requests, and then its recovery with a fault at each of them.

use std::sync::{Arc, Mutex};

use crate::clock::set_ahead_ms;
use crate::config::{CHECKPOINT_AFTER, Settings};

use super::model::{
    Change, RETAIN, TABLE, captures, expected, lake, run, run_with, world_after, world_that_retains, world_with_log,
};
use super::world::{FAULTS, Process, RequestFault, World};

/// What was done in the lake, and what a run does.
const CASES: [(&[Change], Change); 6] = [
    (&[], Change::Convert("a", 1)),
    (&[Change::Convert("a", 1)], Change::Convert("b", 1)),
    (&[Change::Convert("a", 1), Change::Convert("b", 1)], Change::Convert("a", 2)),
    (&[Change::Convert("a", 1), Change::Convert("b", 1), Change::Compact], Change::Forget("a")),
    (&[Change::Convert("a", 1), Change::Convert("b", 1)], Change::Compact),
    // What it gives is what the lake has already, and would have its name.
    (&[Change::Convert("a", 1), Change::Convert("b", 1)], Change::Convert("a", 1)),
];

/// What the lake of a case has of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Log {
    None,
    Written,
    /// What the commit removes stays, and what commits before it removed.
    Retaining,
    /// What commits before it removed goes.
    Releasing,
}

/// How many requests a run makes.
fn requests(world: &Arc<Mutex<World>>, change: Change) -> usize {
    let process = Arc::new(Process::new(world));
    run(&lake(&process), change).unwrap();
    process.made()
}

#[test]
fn a_commit_is_whole_or_not_there_wherever_a_request_fails_or_the_process_dies() {
    let plain = CASES.into_iter().map(|case| (case, Log::None));
    let logs = [(Log::Written, 4), (Log::Retaining, 2), (Log::Releasing, 2)];
    let logged =
        logs.into_iter().flat_map(|(log, count)| CASES.into_iter().skip(2).take(count).map(move |case| (case, log)));
    for ((before, change), log) in plain.chain(logged) {
        set_ahead_ms(0);
        let made: Box<dyn Fn() -> _> = match log {
            Log::None => Box::new(world_after(before)),
            Log::Written => Box::new(world_with_log(before)),
            Log::Retaining | Log::Releasing => Box::new(world_that_retains(before)),
        };
        if log == Log::Releasing {
            set_ahead_ms(2 * RETAIN);
        }
        let (unchanged, changed) = (expected(before), expected(&[before, &[change]].concat()));
        for at in 0..requests(&made(), change) {
            for fault in FAULTS {
                let world = made();
                let result = run(&lake(&Arc::new(Process::with_fault(&world, at, fault))), change);
                let found = captures(&world);
                let case = format!("{change:?}, {log:?}, {fault:?} at request {at}: {result:?}");
                match &result {
                    Ok(()) => assert_eq!(found, changed, "{case}"),
                    Err(_) => assert!(found == unchanged || found == changed, "{case}: {found:?}"),
                }
                let dies = matches!(fault, RequestFault::DiesBefore | RequestFault::DiesAfter);
                let open = world.lock().unwrap().open_uploads();
                // Of an upload whose beginning was not answered, nobody knows the identity.
                let unknown = usize::from(fault == RequestFault::LosesItsAnswer);
                assert!(dies || found == unchanged || open <= unknown, "{case}: {open} uploads are open");
                let texts = world.lock().unwrap().keys_below("lake/_parcap/delta/");
                assert!(dies || result.is_err() || texts.is_empty(), "{case}: {texts:?} are left");
                // And the lake goes on.
                run(&lake(&Arc::new(Process::new(&world))), Change::Convert("c", 7)).unwrap();
                assert!(captures(&world).contains("c7"), "{case}");
            }
        }
    }
}

/// A lake of an earlier version has one table of captures for all dates. Readers take it for rows beside those of each date.
#[test]
fn the_table_of_captures_of_all_dates_goes_before_others_come_wherever_a_run_dies() {
    let earlier = crate::lake::Layout::earlier_captures();
    let keys = [format!("lake/{}", earlier.display()), format!("lake/{TABLE}")];
    let made = || {
        let world = Arc::default();
        let lake = lake(&Arc::new(Process::new(&world)));
        run_with(&lake, Change::Convert("a", 1), Settings::default(), &earlier, CHECKPOINT_AFTER).unwrap();
        world
    };
    let there = |world: &Arc<Mutex<World>>| keys.clone().map(|key| world.lock().unwrap().text(&key).is_some());
    assert_eq!(there(&made()), [true, false]);
    let mut seen = std::collections::BTreeSet::new();
    for at in 0..requests(&made(), Change::Convert("b", 1)) {
        let world = made();
        let process = Arc::new(Process::with_fault(&world, at, RequestFault::DiesAfter));
        let _ = run(&lake(&process), Change::Convert("b", 1));
        let between = there(&world);
        assert_ne!(between, [true, true], "request {at}");
        seen.insert(between);
        let is_done = captures(&world).contains("b1");
        assert_eq!(there(&world), [!is_done, is_done], "request {at}");
    }
    assert_eq!(seen.len(), 3, "it is there, it has gone, the other has come: {seen:?}");
}

#[test]
fn a_run_gives_up_what_dead_runs_have_left_open_for_a_week_and_nothing_else() {
    let (before, change) = CASES[2];
    let made = world_after(before);
    let (mut left, mut decided) = (0, 0);
    for at in 0..requests(&made(), change) {
        let world = made();
        let _ = run(&lake(&Arc::new(Process::with_fault(&world, at, RequestFault::DiesAfter))), change);
        let young = world.lock().unwrap().open_uploads();
        // What a dead run has decided is carried out, however old its uploads are; the others are left alone at first.
        let next = || run(&lake(&Arc::new(Process::new(&world))), Change::Convert("c", 7)).unwrap();
        let is_decided = lake(&Arc::new(Process::new(&world))).is_pending().unwrap();
        if !is_decided {
            next();
            assert_eq!(world.lock().unwrap().open_uploads(), young, "{at}");
        }
        world.lock().unwrap().let_uploads_age();
        world.lock().unwrap().begin("lake/elsewhere/x");
        world.lock().unwrap().begin("lakes/packets/x");
        world.lock().unwrap().let_uploads_age();
        next();
        assert_eq!(world.lock().unwrap().open_uploads(), 2, "{at}: those of others are theirs");
        (left, decided) = (left + young, decided + usize::from(is_decided));
        let found = captures(&world);
        assert!(!is_decided || found.contains("a2"), "{at}: {found:?}");
    }
    assert!(left > 10 && decided > 5, "{left} {decided}");
}

#[test]
fn what_a_lake_retains_stays_for_its_time_and_goes_with_the_next_commit() {
    let before = [Change::Convert("a", 1), Change::Convert("b", 1), Change::Convert("a", 2), Change::Compact];
    let world = world_that_retains(&before)();
    let parts = || world.lock().unwrap().keys_below("lake/packets/");
    let names = ["part-a1-", "part-a2-", "part-a2_b1-", "part-b1-"];
    let are = |names: &[&str]| {
        let parts = parts();
        let is_of = |(part, name): (&String, &&str)| part.contains(*name);
        assert!(parts.len() == names.len() && parts.iter().zip(names).all(is_of), "{parts:?} {names:?}");
    };
    are(&names);
    let next = |change| run(&lake(&Arc::new(Process::new(&world))), change).unwrap();
    set_ahead_ms(RETAIN / 2);
    next(Change::Compact);
    // No name is given again while a file has it, nor in the month after that.
    are(&["part-a1-", "part-a2-", "part-a2_b1-", "part-a2_b1-", "part-b1-"]);
    set_ahead_ms(RETAIN + 60_000);
    next(Change::Convert("c", 1));
    are(&["part-a2_b1-", "part-a2_b1-", "part-c1-"]);
    next(Change::Forget("b"));
    are(&["part-a2-", "part-c1-"]);
    assert!(parts()[0].ends_with("part-a2-00000b.parquet"), "{:?}", parts());
    assert_eq!(captures(&world), ["a2".to_owned(), "c1".to_owned()].into());
    set_ahead_ms(0);
}

#[test]
fn what_finishes_a_commit_may_fail_and_die_as_well() {
    let (before, change) = CASES[2];
    let made = world_that_retains(before);
    let (unchanged, changed) = (expected(before), expected(&[before, &[change]].concat()));
    let mut decided = 0;
    for at in 0..requests(&made(), change) {
        for second in 0.. {
            let mut was_made = false;
            for fault in FAULTS {
                let world = made();
                let _ = run(&lake(&Arc::new(Process::with_fault(&world, at, RequestFault::DiesAfter))), change);
                let process = Arc::new(Process::with_fault(&world, second, fault));
                let _ = lake(&process).bucket().unwrap().recover();
                was_made |= process.made() > second;
                let found = captures(&world);
                assert!(found == unchanged || found == changed, "{at}, {fault:?} at {second}: {found:?}");
                decided += usize::from(found == changed);
            }
            if !was_made {
                break;
            }
        }
    }
    assert!(decided > 100, "most of these commits were decided: {decided}");
}

#[test]
fn a_commit_whose_uploads_are_gone_is_undone_and_loses_nothing() {
    let (mut undone, mut done) = (0, 0);
    for ((before, change), at) in [CASES[2], CASES[5]].into_iter().flat_map(|case| (0..40).map(move |at| (case, at))) {
        let made = world_after(before);
        let (unchanged, changed) = (expected(before), expected(&[before, &[change]].concat()));
        let world = made();
        let _ = run(&lake(&Arc::new(Process::with_fault(&world, at, RequestFault::DiesAfter))), change);
        world.lock().unwrap().expire_uploads();
        let lake = lake(&Arc::new(Process::new(&world)));
        if let Some(said) = lake.bucket().unwrap().recover().unwrap() {
            assert!(said.contains("undone"), "{said}");
            undone += 1;
        }
        let result = std::panic::catch_unwind(|| captures(&world));
        match result {
            Ok(found) => {
                assert!(found == unchanged || found == changed, "{found:?}");
                done += usize::from(found == changed);
            }
            // A table whose upload was gone when all parts were in their places: it is known to be lost.
            Err(_) => {
                let snapshot = crate::lake::Snapshot::read(&lake).unwrap();
                let losses = crate::lake::Losses::find(&lake, &snapshot).unwrap();
                let lost: Vec<_> = losses.iter().map(|(path, _)| path.to_path_buf()).collect();
                assert_eq!(
                    lost,
                    ["summaries/captures/date=2024-03-11/captures.parquet".into()] as [std::path::PathBuf; 1]
                );
            }
        }
        // The next one is as any other.
        run(&lake, change).unwrap();
        assert_eq!(captures(&world), changed);
    }
    assert!(undone > 0 && done > 0, "{undone} undone, {done} done");
}
