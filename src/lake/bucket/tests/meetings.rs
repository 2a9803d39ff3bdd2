//! Two processes that commit at the same time, in every order of their requests that has two changes of turn, and one that
//! sleeps anywhere while others go on.

use std::sync::{Arc, Mutex};
use std::thread;

use crate::error::Error;
use crate::lake::layout::Layout;

use super::model::{Change, captures, captures_beside_the_table, expected, lake, run, world_after, world_with_log};
use super::world::{Process, Turns, World};

/// Runs processes in turns. Each does its changes one after another.
fn meet(world: &Arc<Mutex<World>>, plan: &[(usize, usize)], processes: &[&[Change]]) -> Vec<Vec<Result<(), Error>>> {
    meet_as(world, plan, processes, run)
}

/// As [`meet`], with a way to make a change.
pub(super) fn meet_as(
    world: &Arc<Mutex<World>>,
    plan: &[(usize, usize)],
    processes: &[&[Change]],
    run: fn(&Layout, Change) -> Result<(), Error>,
) -> Vec<Vec<Result<(), Error>>> {
    let turns = Turns::new(plan);
    thread::scope(|scope| {
        let started: Vec<_> = processes
            .iter()
            .enumerate()
            .map(|(who, changes)| {
                let turns = Arc::clone(&turns);
                scope.spawn(move || {
                    let mut results = Vec::new();
                    for change in *changes {
                        let process = Arc::new(Process::in_turns(world, &turns, who));
                        results.push(run(&lake(&process), *change));
                    }
                    turns.end(who);
                    results
                })
            })
            .collect();
        started.into_iter().map(|process| process.join().unwrap()).collect()
    })
}

/// Requests of a process after which it has surely ended.
pub(super) const TO_THE_END: usize = 1_000_000;

#[test]
fn of_two_that_meet_anywhere_those_commit_that_say_so() {
    let pairs = [
        (&[Change::Convert("a", 1)] as &[Change], Change::Convert("a", 2), Change::Convert("b", 1)),
        (&[Change::Convert("a", 1), Change::Convert("b", 1)], Change::Convert("a", 2), Change::Compact),
        (&[Change::Convert("a", 1), Change::Convert("b", 1)], Change::Forget("a"), Change::Convert("a", 1)),
    ];
    let (mut met, mut overtaken) = (0, 0);
    for (before, first, second) in pairs {
        let world = world_with_log(before);
        for i in (0..60).step_by(3) {
            for j in (0..60).step_by(3) {
                let world = world();
                let plan = [(0, i), (1, j), (0, TO_THE_END), (1, TO_THE_END)];
                let results = meet(&world, &plan, &[&[first], &[second]]);
                let found = captures(&world);
                let committed = |who: usize| results[who].iter().all(Result::is_ok);
                for result in results.iter().flatten().filter_map(|result| result.as_ref().err()) {
                    assert!(matches!(result, Error::Overtaken { .. }), "{first:?}, {second:?}, {i}, {j}: {result}");
                    overtaken += 1;
                }
                let orders: Vec<Vec<Change>> = match (committed(0), committed(1)) {
                    (true, true) => vec![vec![first, second], vec![second, first]],
                    (true, false) => vec![vec![first]],
                    (false, true) => vec![vec![second]],
                    (false, false) => panic!("one of them has committed: {results:?}"),
                };
                let orders = orders.iter().map(|order| expected(&[before, order].concat()));
                assert!(orders.into_iter().any(|order| order == found), "{first:?}, {second:?}, {i}, {j}: {found:?}");
                assert_eq!(world.lock().unwrap().open_uploads(), 0, "{first:?}, {second:?}, {i}, {j}");
                met += 1;
            }
        }
    }
    assert!(met > 1000 && overtaken > 100, "{met} meetings, {overtaken} overtaken");
}

#[test]
fn two_that_carry_out_one_commit_whose_completions_take_a_while_agree() {
    let before = [Change::Convert("a", 1), Change::Convert("b", 1)];
    let (first, second) = (Change::Convert("a", 2), Change::Convert("b", 2));
    let mut undone = 0;
    let world = world_after(&before);
    for i in 0..60 {
        for j in (0..40).step_by(2) {
            let world = world();
            world.lock().unwrap().is_slow = true;
            let plan = [(0, i), (1, j), (0, TO_THE_END), (1, TO_THE_END)];
            let results = meet(&world, &plan, &[&[first], &[second]]);
            let found = captures_beside_the_table(&world);
            let mut changes = before.to_vec();
            for (results, change) in results.iter().zip([first, second]) {
                match &results[0] {
                    Ok(()) => changes.push(change),
                    Err(Error::Overtaken { .. }) => {}
                    Err(Error::Undone { .. }) => undone += 1,
                    Err(error) => panic!("{i}, {j}: {error}"),
                }
            }
            assert_eq!(found, expected(&changes), "{i}, {j}: {results:?}");
        }
    }
    assert!(undone > 0, "one that finds an upload gone and no object undoes the commit");
}

#[test]
fn a_process_that_sleeps_anywhere_harms_nothing_when_it_wakes() {
    let before = [Change::Convert("a", 1), Change::Convert("b", 1)];
    // The others finish what the sleeper decided, take its part out, and put the very same one in again.
    let others =
        [Change::Forget("a"), Change::Convert("a", 2), Change::Compact, Change::Convert("a", 1), Change::Forget("b")];
    let world = world_with_log(&before);
    for sleeper in [Change::Convert("a", 2), Change::Forget("a"), Change::Compact] {
        for asleep_at in 0..75 {
            let world = world();
            let plan = [(0, asleep_at), (1, TO_THE_END), (0, TO_THE_END)];
            let results = meet(&world, &plan, &[&[sleeper], &others]);
            assert!(results[1].iter().all(Result::is_ok), "{sleeper:?}, {asleep_at}: {:?}", results[1]);
            let found = captures(&world);
            let slept = match &results[0][0] {
                Ok(()) => true,
                Err(Error::Overtaken { .. }) => false,
                Err(error) => panic!("{sleeper:?}, {asleep_at}: {error}"),
            };
            let order: Vec<Change> =
                before.iter().copied().chain(slept.then_some(sleeper)).chain(others.iter().copied()).collect();
            let last: Vec<Change> = before.iter().chain(&others).copied().chain(slept.then_some(sleeper)).collect();
            let is_right = found == expected(&order) || found == expected(&last);
            assert!(is_right, "{sleeper:?}, {asleep_at}, {slept}: {found:?}");
        }
    }
}
