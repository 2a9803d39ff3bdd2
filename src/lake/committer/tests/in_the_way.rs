//! What makes a commit impossible, before and after it is decided.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::lake::committer::carry::{carry_out, undo};
use crate::lake::committer::journal::Journal;
use crate::lake::committer::{publish, recover, sweep_staging};
use crate::lake::layout::Layout;

use super::*;

#[test]
fn what_is_in_the_way_of_a_commit_stops_it_before_it_is_decided() {
    type Obstacle = fn(&Layout);
    let obstacles: [(&str, Obstacle, &str); 4] = [
        (
            "a file",
            |lake| fs::write(lake.resolve(Path::new("packets")), "").unwrap(),
            "is a file where a folder belongs",
        ),
        (
            "a link that dangles",
            |lake| {
                fs::create_dir(lake.resolve(Path::new("packets"))).unwrap();
                symlink("/nowhere/at/all", lake.resolve(Path::new("packets/date=1970-01-01"))).unwrap();
            },
            "is a link that leads nowhere",
        ),
        (
            "a folder of that name",
            |lake| fs::create_dir_all(lake.resolve(Path::new("packets/date=1970-01-01/a.parquet"))).unwrap(),
            "is a folder where a file belongs",
        ),
        (
            "a folder in the place of what goes",
            |lake| fs::create_dir_all(lake.resolve(Path::new("packets/date=1970-01-01/z.parquet/x"))).unwrap(),
            "is a folder where a file belongs",
        ),
    ];
    for (name, obstacle, expected) in obstacles {
        let dir = folder();
        let lake = Layout::create(dir.path()).unwrap();
        obstacle(&lake);
        let steps = vec![
            staged(&lake, "a.parquet", "a"),
            staged_for(&lake, "n.parquet", "n", "packets/date=2002-02-02/n.parquet"),
        ];
        let error =
            publish(&lake, steps, vec!["packets/date=1970-01-01/z.parquet".into()], &manifest(1), None).unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert!(!lake.pending().exists(), "{name}");
        recover(&lake).unwrap();
        assert_eq!((visible(&lake), sequence(&lake)), (BTreeMap::new(), 0), "{name}");
        assert!(!lake.resolve(Path::new("packets/date=2002-02-02")).exists(), "{name}: what was made for it is gone");
    }
}

/// Whether permissions bind this process; root may do everything.
fn permissions_bind(dir: &Path) -> bool {
    let closed = dir.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o555)).unwrap();
    let bind = File::create(closed.join("file")).is_err();
    if !bind {
        eprintln!("not tried: this user may write everywhere");
    }
    bind
}

#[test]
fn a_date_that_may_not_be_written_stops_a_commit_before_it_is_decided() {
    let dir = folder();
    if !permissions_bind(dir.path()) {
        return;
    }
    let lake = two_parts(&dir.path().join("lake"));
    let date = lake.resolve(Path::new("packets/date=1970-01-01"));
    fs::set_permissions(&date, Permissions::from_mode(0o555)).unwrap();
    publish(&lake, vec![staged(&lake, "n.parquet", "n")], Vec::new(), &manifest(2), None).unwrap_err();
    assert!(!lake.pending().exists());
    fs::set_permissions(&date, Permissions::from_mode(0o755)).unwrap();
    recover(&lake).unwrap();
    assert_eq!((visible(&lake), sequence(&lake)), (of(&OLD), 1));
}

/// What binds root as well. Sets and takes away the attribute; whether that works here.
fn fix(path: &Path, how: &str) -> bool {
    let done = Command::new("chattr").arg(how).arg(path).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

#[test]
fn what_may_not_change_stops_a_commit_before_it_is_decided() {
    let dir = folder();
    let lake = two_parts(dir.path());
    for (number, fixed) in ["packets/date=1970-01-01", OLD[1].0, "packets/date=1970-01-01/hour=1"].iter().enumerate() {
        let path = lake.resolve(Path::new(fixed));
        if !fix(&path, "+i") {
            eprintln!("not tried: this user cannot make a file immutable here");
            return;
        }
        let (moves, removes) = replacement(&lake);
        let result = publish(&lake, moves, removes, &manifest(2), None);
        let decided = lake.pending().exists();
        assert!(fix(&path, "-i"));
        assert!(result.is_err() && !decided, "{number}: {fixed}");
        recover(&lake).unwrap();
        assert_eq!((visible(&lake), sequence(&lake)), (of(&OLD), 1), "{fixed}");
    }
    // What stays may be immutable: it has no second name then, so the files are moved one by one.
    let path = lake.resolve(Path::new(OLD[0].0));
    assert!(fix(&path, "+i"));
    let (moves, removes) = replacement(&lake);
    let result = publish(&lake, moves, removes, &manifest(2), None);
    assert!(fix(&path, "-i"));
    result.unwrap();
    assert_eq!((visible(&lake), lake.notes().len()), (of(&NEW), 1), "{:?}", lake.notes());
}

/// What was possible when the commit was decided, and is not any more.
#[test]
fn a_commit_that_cannot_be_carried_out_is_undone_by_the_next_run() {
    let dir = folder();
    let lake = two_parts(dir.path());
    let mut journal = decided(&lake);
    // A table is replaced as well, a part of another date goes, and there a folder has taken the name of what comes.
    fs::create_dir_all(lake.resolve(&Layout::staging().join("kept"))).unwrap();
    let table = staged_for(&lake, "t.parquet", "new", "summaries/protocols/t.parquet");
    fs::create_dir_all(lake.resolve(Path::new("summaries/protocols"))).unwrap();
    fs::write(lake.resolve(&table.to), "old").unwrap();
    fs::hard_link(lake.resolve(&table.to), lake.resolve(&Journal::kept(0))).unwrap();
    let part = staged_for(&lake, "p.parquet", "p", "packets/date=2003-03-03/p.parquet");
    fs::create_dir_all(lake.resolve(&part.to).join("x")).unwrap();
    journal.adds = vec![table.clone(), part.clone()];
    journal.removes = vec!["packets/date=2001-01-01/o.parquet".into()];
    journal.write(&lake).unwrap();
    carry_out(&lake, &mut journal).unwrap_err();
    assert_eq!(fs::read_to_string(lake.resolve(&table.to)).unwrap(), "new");
    recover(&lake).unwrap();
    fs::remove_dir_all(lake.resolve(Path::new("packets/date=2003-03-03"))).unwrap();
    assert_eq!(fs::read_to_string(lake.resolve(&table.to)).unwrap(), "old");
    assert_eq!((visible(&lake), sequence(&lake)), (of(&OLD), 1));
    let notes = lake.notes();
    assert!(notes.len() == 1 && notes[0].contains("was undone"), "{notes:?}");
    assert!(!lake.pending().exists() && !lake.resolve(&Layout::staging()).exists());
}

/// A lake of an earlier version has one table of captures for all dates. Readers take it for rows beside those of each date.
#[test]
fn a_table_that_goes_is_gone_before_others_come_and_comes_back_when_they_have_gone() {
    let dir = folder();
    let lake = two_parts(dir.path());
    let mut journal = decided(&lake);
    fs::create_dir_all(lake.resolve(&Layout::staging().join("gone"))).unwrap();
    let earlier = lake.resolve(&Layout::earlier_captures());
    fs::create_dir_all(earlier.parent().unwrap()).unwrap();
    fs::write(&earlier, "all dates").unwrap();
    let table = |date: &str| staged_for(&lake, date, date, &format!("summaries/captures/date={date}/captures.parquet"));
    journal.adds = vec![table("2001-01-01"), table("2002-02-02")];
    journal.removes = vec![Layout::earlier_captures()];
    let [first, second] = [0, 1].map(|place: usize| lake.resolve(&journal.adds[place].to));
    // A folder has taken the name of the second one, so the commit stops between the two.
    fs::create_dir_all(second.join("x")).unwrap();
    journal.write(&lake).unwrap();
    carry_out(&lake, &mut journal).unwrap_err();
    assert!(first.exists() && !earlier.exists());
    // And of the earlier one's, so undoing stops before it comes back.
    fs::create_dir_all(earlier.join("x")).unwrap();
    undo(&lake, &mut journal).unwrap_err();
    assert!(!first.exists());
    fs::remove_dir_all(&earlier).unwrap();
    recover(&lake).unwrap();
    assert_eq!((fs::read_to_string(&earlier).unwrap(), first.exists()), ("all dates".to_owned(), false));
}

/// Undoing goes back from wherever a commit has come to, and from wherever undoing has come to.
#[test]
fn whatever_has_been_done_of_a_commit_is_undone_and_undone_again() {
    for steps in 0..4 {
        let dir = folder();
        let lake = two_parts(dir.path());
        let mut journal = decided(&lake);
        journal.adds = vec![staged_for(&lake, "p.parquet", "p", "packets/date=2003-03-03/p.parquet")];
        journal.removes = vec!["packets/date=2001-01-01/o.parquet".into()];
        journal.write(&lake).unwrap();
        if steps > 0 {
            crate::lake::committer::carry::carry_out_move(&lake, &journal.adds[0]).unwrap();
        }
        if steps > 1 {
            journal.exchanges[0].carry_out(&lake).unwrap();
        }
        if steps > 2 {
            crate::lake::committer::carry::move_aside(&lake, &journal.removes, &["packets", "summaries"]).unwrap();
            assert!(!lake.resolve(&journal.removes[0]).exists());
        }
        undo(&lake, &mut journal).unwrap();
        assert_eq!(visible(&lake), of(&OLD), "{steps}");
        // What a run finds after one that was killed at the end of undoing.
        journal.write(&lake).unwrap();
        assert!(journal.undo);
        recover(&lake).unwrap();
        assert_eq!((visible(&lake), sequence(&lake)), (of(&OLD), 1), "{steps}");
    }
}

/// A folder on another file system than the lake, if there is one.
fn elsewhere(lake: &Path) -> Option<tempfile::TempDir> {
    use std::os::unix::fs::MetadataExt as _;
    let device = fs::metadata(lake).unwrap().dev();
    let candidates = [Path::new("/dev/shm"), &std::env::temp_dir()].map(|place| tempfile::tempdir_in(place).ok());
    let found = candidates.into_iter().flatten().find(|place| fs::metadata(place.path()).unwrap().dev() != device);
    if found.is_none() {
        eprintln!("not tried: there is one file system only");
    }
    found
}

#[test]
fn packets_and_dates_may_be_links_to_another_file_system() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = elsewhere(dir.path()) else { return };
    for link in ["packets", "packets/date=1970-01-01"] {
        let lake = Layout::create(&dir.path().join(link.replace('/', "-"))).unwrap();
        let target = disk.path().join(link.replace('/', "-"));
        fs::create_dir(&target).unwrap();
        fs::create_dir_all(lake.resolve(Path::new(link).parent().unwrap())).unwrap();
        symlink(&target, lake.resolve(Path::new(link))).unwrap();
        publish(
            &lake,
            vec![staged(&lake, "a.parquet", "a"), staged(&lake, "b.parquet", "b")],
            Vec::new(),
            &manifest(1),
            None,
        )
        .unwrap();
        sweep_staging(&lake).unwrap();
        let (moves, removes) =
            (vec![staged(&lake, "c.parquet", "c")], vec!["packets/date=1970-01-01/b.parquet".into()]);
        publish(&lake, moves, removes, &manifest(2), None).unwrap();
        sweep_staging(&lake).unwrap();
        let expected = [("packets/date=1970-01-01/a.parquet", "a"), ("packets/date=1970-01-01/c.parquet", "c")];
        assert_eq!((visible(&lake), sequence(&lake)), (of(&expected), 2), "{link}: and nothing is left beside them");
        assert!(lake.notes()[0].contains("cannot be exchanged"), "{link}: {:?}", lake.notes());
        // Not decided: what was copied there is swept.
        let step = staged(&lake, "d.parquet", "d");
        fs::create_dir(lake.resolve(Path::new("packets/date=1970-01-01/e.parquet"))).unwrap();
        publish(&lake, vec![step, staged(&lake, "e.parquet", "e")], Vec::new(), &manifest(3), None).unwrap_err();
        sweep_staging(&lake).unwrap();
        fs::remove_dir(lake.resolve(Path::new("packets/date=1970-01-01/e.parquet"))).unwrap();
        assert_eq!((visible(&lake), sequence(&lake)), (of(&expected), 2), "{link}");
    }
}
