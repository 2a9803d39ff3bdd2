//! A partition is exchanged as a whole, and readers never count twice.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::error::Error;
use crate::lake::committer::exchange::Exchange;
use crate::lake::committer::{publish, recover, sweep_staging};
use crate::lake::layout::Layout;
use crate::lake::reading::steadily;

use super::*;

#[test]
fn a_partition_in_which_parts_are_replaced_is_exchanged_as_a_whole() {
    let dir = folder();
    let lake = two_parts(dir.path());
    let date = lake.resolve(Path::new("packets/date=1970-01-01"));
    fs::set_permissions(&date, Permissions::from_mode(0o2750)).unwrap();
    // A reader that has opened the old folder can list the old files for as long as it likes.
    let before = File::open(&date).unwrap();
    let stays = File::open(date.join("a.parquet")).unwrap().metadata().unwrap();
    let (moves, removes) = replacement(&lake);
    publish(&lake, moves, removes, &manifest(2), None).unwrap();
    assert_eq!(visible(&lake), of(&NEW));
    use std::os::unix::fs::MetadataExt as _;
    let after = fs::metadata(&date).unwrap();
    assert_ne!(before.metadata().unwrap().ino(), after.ino(), "it is another folder");
    assert_eq!(after.mode() & 0o7777, 0o2750, "which the same people may enter");
    assert_eq!(stays.ino(), fs::metadata(date.join("a.parquet")).unwrap().ino(), "what stays is not copied");
    assert_eq!(lake.notes(), Vec::<String>::new());
    sweep_staging(&lake).unwrap();
    assert!(!lake.resolve(&Layout::staging()).exists());
    assert_eq!(sequence(&lake), 2);
}

#[test]
fn an_exchange_that_was_decided_is_carried_out_once_however_often_it_is_begun() {
    let dir = folder();
    for done in [false, true] {
        let root = dir.path().join(done.to_string());
        let lake = two_parts(&root);
        let journal = decided(&lake);
        assert_eq!(visible(&lake), of(&OLD), "nothing is seen before");
        if done {
            journal.exchanges.iter().for_each(|exchange| drop(exchange.carry_out(&lake).unwrap()));
            assert_eq!(visible(&lake), of(&NEW));
        }
        recover(&lake).unwrap();
        assert_eq!((visible(&lake), sequence(&lake)), (of(&NEW), 2));
        assert!(!lake.pending().exists() && !lake.resolve(&Layout::staging()).exists());
    }
}

#[test]
fn an_exchange_that_only_takes_a_file_away_beside_one_of_the_same_name_is_told_by_that() {
    let dir = folder();
    let lake = two_parts(dir.path());
    let mut moves = vec![staged(&lake, "a.parquet", "a")];
    let mut removes = vec![PathBuf::from("packets/date=1970-01-01/hour=1/b.parquet")];
    let exchanges = crate::lake::committer::exchange::build(&lake, &mut moves, &mut removes).unwrap();
    let [exchange] = &exchanges[..] else { panic!("{exchanges:?}") };
    assert!(!exchange.comes && !exchange.is_done(&lake));
    for _ in 0..2 {
        exchange.carry_out(&lake).unwrap();
        assert!(exchange.is_done(&lake));
    }
    for _ in 0..2 {
        exchange.undo(&lake).unwrap();
        assert_eq!(visible(&lake), of(&OLD));
    }
}

#[test]
fn a_link_in_a_partition_keeps_it_from_being_exchanged_and_the_run_says_so() {
    let dir = folder();
    let lake = two_parts(dir.path());
    let elsewhere = dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, lake.resolve(Path::new("packets/date=1970-01-01/hour=2"))).unwrap();
    let (moves, removes) = replacement(&lake);
    publish(&lake, moves, removes, &manifest(2), None).unwrap();
    assert_eq!(visible(&lake), of(&NEW));
    assert!(elsewhere.join("c.parquet").is_file(), "the link is followed");
    let notes = lake.notes();
    assert!(notes.len() == 1 && notes[0].contains("cannot be exchanged as a whole"), "{notes:?}");
}

/// A file system that offers no exchange shows it when it is asked for one, and the commit is decided then.
#[test]
fn what_cannot_be_exchanged_after_all_is_moved_file_by_file() {
    let dir = folder();
    let lake = two_parts(dir.path());
    let mut journal = decided(&lake);
    // A folder cannot change places with one that it is in: EINVAL, as of a file system without exchanges.
    let inner = Path::new("_parcap/staging/exchange/0/inner/0");
    let built = lake.resolve(&journal.exchanges[0].built);
    fs::create_dir_all(lake.resolve(inner)).unwrap();
    fs::rename(built.join("hour=2"), lake.resolve(&inner.join("hour=2"))).unwrap();
    let wrong =
        Exchange { built: inner.into(), folder: journal.exchanges[0].built.clone(), ..journal.exchanges[0].clone() };
    assert!(
        matches!(wrong.carry_out(&lake), Ok(crate::lake::committer::exchange::ExchangeOutcome::Cannot(_))),
        "this file system knows it"
    );
    fs::rename(lake.resolve(&inner.join("hour=2")), built.join("hour=2")).unwrap();
    crate::lake::committer::carry::by_itself(&lake, &mut journal, 0).unwrap();
    assert!(journal.exchanges.is_empty() && journal.kept);
    // As a run finds it that comes after one that was killed here.
    recover(&lake).unwrap();
    assert_eq!((visible(&lake), sequence(&lake)), (of(&NEW), 2));
}

/// A reader lists a folder at once, and opens what he has listed: he may find that a file is gone, and looks again.
#[test]
fn a_reader_that_lists_a_partition_while_its_parts_are_replaced_never_counts_twice() {
    let dir = folder();
    let lake = Layout::create(dir.path()).unwrap();
    // Three parts of one row each, of which a night replaces two; with each comes one more of another date.
    let part = |night: u64, place: u64| format!("part-{night}-{place}.parquet");
    let first = (0..3).map(|place| staged(&lake, &part(0, place), "1")).collect();
    publish(&lake, first, Vec::new(), &manifest(1), None).unwrap();
    let date = lake.resolve(Path::new("packets/date=1970-01-01"));
    let over = AtomicBool::new(false);
    let (looked, nights) = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looked = 0;
            while !over.load(Ordering::Relaxed) {
                let listed: Vec<_> = fs::read_dir(&date).unwrap().map(|entry| entry.unwrap().path()).collect();
                let rows: std::io::Result<Vec<_>> = listed.iter().map(fs::read_to_string).collect();
                if let Ok(rows) = rows {
                    assert_eq!(rows.len(), 3, "{listed:?}");
                    looked += 1;
                }
            }
            looked
        });
        let mut held: Vec<_> = (0..3).map(|place| part(0, place)).collect();
        let mut nights = 0;
        for night in 1..=30 {
            let steps: Vec<_> = (0..2).map(|place| staged(&lake, &part(night, place), "1")).collect();
            let (gone, stays) = held.split_at(2);
            let removes = gone.iter().map(|name| Path::new("packets/date=1970-01-01").join(name)).collect();
            held = stays.iter().cloned().chain((0..2).map(|place| part(night, place))).collect();
            publish(&lake, steps, removes, &manifest(night + 1), None).unwrap();
            sweep_staging(&lake).unwrap();
            nights += 1;
            if reader.is_finished() {
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
        (reader.join().unwrap(), nights)
    });
    assert!(looked > 0 && nights == 30);
    assert_eq!(lake.notes(), Vec::<String>::new());
}

#[test]
fn what_is_read_while_a_commit_goes_by_is_read_again_and_what_is_lost_is_not() {
    let dir = folder();
    let lake = two_parts(dir.path());
    let lost = || Error::io("read", "x")(std::io::ErrorKind::NotFound.into());
    let mut times = 0;
    let read = steadily(
        &lake,
        || Ok(()),
        |_| false,
        || {
            times += 1;
            if times == 1 {
                publish(&lake, vec![staged(&lake, "n.parquet", "n")], Vec::new(), &manifest(2), None).unwrap();
                return Err(lost());
            }
            Ok(times)
        },
    );
    assert_eq!(read.unwrap(), 2);
    let mut times = 0;
    steadily(
        &lake,
        || Ok(()),
        |_: &()| false,
        || {
            times += 1;
            Err(lost())
        },
    )
    .unwrap_err();
    assert_eq!(times, 1, "nothing has changed: it is lost");
    // What is found wrong and is no error is treated alike; and nobody waits for ever.
    fs::write(lake.pending(), "").unwrap();
    let mut times = 0;
    let found = steadily(
        &lake,
        || Ok(()),
        |_| true,
        || {
            times += 1;
            Ok(times)
        },
    );
    assert!((2..100).contains(&found.unwrap()));
}
