use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::config::Settings;
use crate::error::{Error, Result};

use super::carry::{carry_out, undo};
use super::exchange::Exchange;
use super::journal::Journal;
use super::journal::{Move, publish, recover, sweep_staging};
use super::layout::Layout;
use super::lock::Lock;
use super::manifest::Action;
use super::manifest::Manifest;
use super::reading::steadily;
use super::record::CommittedPart;
use super::snapshot::Snapshot;

/// In memory where there is such a place, for a lake is synced often.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn staged(lake: &Layout, name: &str, text: &str) -> Move {
    staged_for(lake, name, text, &format!("packets/date=1970-01-01/{name}"))
}

fn staged_for(lake: &Layout, name: &str, text: &str, to: &str) -> Move {
    let from = Layout::staging().join(name);
    fs::create_dir_all(lake.resolve(&Layout::staging())).unwrap();
    fs::write(lake.resolve(&from), text).unwrap();
    Move { from, to: to.into() }
}

fn manifest(sequence: u64) -> Manifest {
    Manifest::new(sequence, Action::Convert, Settings::default())
}

/// Every file below a folder that readers may see, and its text.
pub(crate) fn visible(lake: &Layout) -> BTreeMap<PathBuf, String> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![lake.resolve(Path::new("packets"))]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                found.insert(path.strip_prefix(lake.root()).unwrap().to_path_buf(), text);
            }
        }
    }
    found
}

fn of(files: &[(&str, &str)]) -> BTreeMap<PathBuf, String> {
    files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect()
}

/// A lake with two parts in one date, one of them in a folder of its own, and one in another date.
fn two_parts(root: &Path) -> Layout {
    let lake = Layout::create(root).unwrap();
    let steps = vec![
        staged(&lake, "a.parquet", "a"),
        staged_for(&lake, "b.parquet", "b", "packets/date=1970-01-01/hour=1/b.parquet"),
        staged_for(&lake, "o.parquet", "o", "packets/date=2001-01-01/o.parquet"),
    ];
    publish(&lake, steps, Vec::new(), &manifest(1)).unwrap();
    sweep_staging(&lake).unwrap();
    lake
}

const OLD: [(&str, &str); 3] = [
    ("packets/date=1970-01-01/a.parquet", "a"),
    ("packets/date=1970-01-01/hour=1/b.parquet", "b"),
    ("packets/date=2001-01-01/o.parquet", "o"),
];
const NEW: [(&str, &str); 3] = [
    ("packets/date=1970-01-01/a.parquet", "a"),
    ("packets/date=1970-01-01/hour=2/c.parquet", "c"),
    ("packets/date=2001-01-01/o.parquet", "o"),
];

/// What replaces `b` by `c` in that lake.
fn replacement(lake: &Layout) -> (Vec<Move>, Vec<PathBuf>) {
    let step = staged_for(lake, "c.parquet", "c", "packets/date=1970-01-01/hour=2/c.parquet");
    (vec![step], vec!["packets/date=1970-01-01/hour=1/b.parquet".into()])
}

/// The journal of that replacement as a run leaves it that was killed when it was decided.
fn decided(lake: &Layout) -> Journal {
    let (moves, removes) = replacement(lake);
    let (mut moves, mut removes) = (moves, removes);
    let exchanges = super::exchange::build(lake, &mut moves, &mut removes).unwrap();
    assert!(moves.is_empty() && removes.is_empty() && exchanges.len() == 1, "{:?}", lake.notes());
    let name = Manifest::file_name(2);
    let step = Move { from: Layout::staging().join(&name), to: Layout::manifests().join(&name) };
    manifest(2).write(&lake.resolve(&step.from)).unwrap();
    let journal = Journal { adds: moves, exchanges, removes, manifest: step, kept: true, undo: false };
    journal.write(lake).unwrap();
    journal
}

fn sequence(lake: &Layout) -> u64 {
    Snapshot::read(lake).unwrap().sequence
}

#[test]
fn a_commit_ends_with_its_manifest() {
    let dir = folder();
    let lake = Layout::create(dir.path()).unwrap();
    let step = staged(&lake, "a.parquet", "a");
    publish(&lake, vec![step.clone()], Vec::new(), &manifest(1)).unwrap();
    assert_eq!(fs::read(lake.resolve(&step.to)).unwrap(), b"a");
    let held = Snapshot::read(&lake).unwrap();
    assert_eq!((held.sequence, held.settings), (1, Some(Settings::default())));
}

#[test]
fn what_was_staged_and_not_decided_is_swept() {
    let dir = folder();
    let lake = Layout::create(dir.path()).unwrap();
    let step = staged(&lake, "a.parquet", "a");
    recover(&lake).unwrap();
    assert!(!lake.resolve(&step.from).exists() && !lake.resolve(&step.to).exists());
}

#[test]
fn what_is_replaced_goes_when_its_replacement_is_there_and_empty_folders_go_with_it() {
    let dir = folder();
    let lake = Layout::create(dir.path()).unwrap();
    let (first, second) = (staged(&lake, "a.parquet", "a"), staged(&lake, "b.parquet", "b"));
    publish(&lake, vec![first.clone(), second.clone()], Vec::new(), &manifest(1)).unwrap();
    let other = staged_for(&lake, "c.parquet", "c", "packets/date=2001-01-01/c.parquet");
    // What is written anew is not removed, whatever the list says.
    let removes = vec![first.to.clone(), second.to.clone(), other.to.clone()];
    publish(&lake, vec![other.clone()], removes, &manifest(2)).unwrap();
    assert_eq!(visible(&lake), of(&[("packets/date=2001-01-01/c.parquet", "c")]));
    assert!(!lake.resolve(first.to.parent().unwrap()).exists(), "the folder of the date is gone");
}

#[test]
fn a_partition_in_which_parts_are_replaced_is_exchanged_as_a_whole() {
    let dir = folder();
    let lake = two_parts(dir.path());
    let date = lake.resolve(Path::new("packets/date=1970-01-01"));
    fs::set_permissions(&date, Permissions::from_mode(0o2750)).unwrap();
    // Whoever opened the old folder lists the old files for as long as he likes.
    let before = File::open(&date).unwrap();
    let stays = File::open(date.join("a.parquet")).unwrap().metadata().unwrap();
    let (moves, removes) = replacement(&lake);
    publish(&lake, moves, removes, &manifest(2)).unwrap();
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
    let exchanges = super::exchange::build(&lake, &mut moves, &mut removes).unwrap();
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
    publish(&lake, moves, removes, &manifest(2)).unwrap();
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
        matches!(wrong.carry_out(&lake), Ok(super::exchange::ExchangeOutcome::Cannot(_))),
        "this file system knows it"
    );
    fs::rename(lake.resolve(&inner.join("hour=2")), built.join("hour=2")).unwrap();
    super::carry::by_itself(&lake, &mut journal, 0).unwrap();
    assert!(journal.exchanges.is_empty() && journal.kept);
    // As a run finds it that comes after one that was killed here.
    recover(&lake).unwrap();
    assert_eq!((visible(&lake), sequence(&lake)), (of(&NEW), 2));
}

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
        let error = publish(&lake, steps, vec!["packets/date=1970-01-01/z.parquet".into()], &manifest(1)).unwrap_err();
        assert!(error.to_string().contains(expected) && error.hint().is_some(), "{name}: {error}");
        assert!(!lake.pending().exists(), "{name}");
        recover(&lake).unwrap();
        assert_eq!((visible(&lake), sequence(&lake)), (BTreeMap::new(), 0), "{name}");
        assert!(!lake.resolve(Path::new("packets/date=2002-02-02")).exists(), "{name}: what was made for it is gone");
    }
}

/// Whether permissions bind whoever runs this; root may do everything.
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
    publish(&lake, vec![staged(&lake, "n.parquet", "n")], Vec::new(), &manifest(2)).unwrap_err();
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
        let result = publish(&lake, moves, removes, &manifest(2));
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
    let result = publish(&lake, moves, removes, &manifest(2));
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
            super::carry::carry_out_move(&lake, &journal.adds[0]).unwrap();
        }
        if steps > 1 {
            journal.exchanges[0].carry_out(&lake).unwrap();
        }
        if steps > 2 {
            super::carry::set_aside(&lake, &journal.removes).unwrap();
            assert!(!lake.resolve(&journal.removes[0]).exists());
        }
        undo(&lake, &mut journal).unwrap();
        assert_eq!(visible(&lake), of(&OLD), "{steps}");
        // As it is found by a run behind one that was killed at the end of undoing.
        journal.write(&lake).unwrap();
        assert!(journal.undo);
        recover(&lake).unwrap();
        assert_eq!((visible(&lake), sequence(&lake)), (of(&OLD), 1), "{steps}");
    }
}

/// The journal of an earlier version: files that are moved, and removed, one by one.
#[test]
fn a_journal_of_an_earlier_version_is_carried_out() {
    let dir = folder();
    let lake = two_parts(dir.path());
    let (moves, removes) = replacement(&lake);
    let step = staged_for(&lake, "m", "m", "_parcap/manifest/0000000002.json");
    manifest(2).write(&lake.resolve(Path::new("_parcap/staging/m2"))).unwrap();
    fs::rename(lake.resolve(Path::new("_parcap/staging/m2")), lake.resolve(&step.from)).unwrap();
    let journal = serde_json::json!({ "moves": moves, "removes": removes, "manifest": step });
    fs::write(lake.pending(), journal.to_string()).unwrap();
    // It had come so far.
    fs::create_dir_all(lake.resolve(moves[0].to.parent().unwrap())).unwrap();
    fs::rename(lake.resolve(&moves[0].from), lake.resolve(&moves[0].to)).unwrap();
    recover(&lake).unwrap();
    assert_eq!((visible(&lake), sequence(&lake)), (of(&NEW), 2));
    recover(&lake).unwrap();
}

#[test]
fn a_journal_that_leads_out_of_the_lake_or_into_its_own_files_is_refused_and_touches_nothing() {
    let dir = folder();
    let victim = dir.path().join("victim");
    fs::write(&victim, "keep").unwrap();
    let absolute = victim.to_str().unwrap();
    let good = |from: &str, to: &str| serde_json::json!({ "from": from, "to": to });
    let manifest = good("_parcap/staging/m", "_parcap/manifest/0000000001.json");
    let (from, part) = ("_parcap/staging/e", "packets/date=1970-01-01/e.parquet");
    let exchange = |folder: &str, built: &str, witness: &str| {
        serde_json::json!({ "adds": [], "removes": [], "manifest": manifest, "exchanges": [{
            "folder": folder, "built": built, "adds": [], "removes": [], "witness": witness, "comes": true }] })
    };
    let adds = |step: serde_json::Value| serde_json::json!({ "adds": [step], "removes": [], "manifest": manifest });
    let moves = |step: serde_json::Value| serde_json::json!({ "moves": [step], "removes": [], "manifest": manifest });
    let removes = |path: &str| serde_json::json!({ "moves": [], "removes": [path], "manifest": manifest });
    let published = |step: serde_json::Value| serde_json::json!({ "moves": [], "removes": [], "manifest": step });
    let journals = [
        adds(good(from, absolute)),
        moves(good(from, "../victim")),
        moves(good(from, "packets/../../victim")),
        moves(good(from, "_parcap/lock")),
        moves(good(from, "packets")),
        moves(good("../victim", part)),
        moves(good(absolute, part)),
        moves(good("packets/date=1970-01-01/a.parquet", part)),
        removes("../victim"),
        removes(absolute),
        removes("_parcap/lock"),
        removes("packets/./../../victim"),
        published(good("_parcap/staging/m", "../victim")),
        published(good("_parcap/staging/m", "_parcap/manifest/../lock")),
        published(good("../victim", "_parcap/manifest/0000000001.json")),
        exchange("packets", "_parcap/staging/exchange/0", "e"),
        exchange("../victim", "_parcap/staging/exchange/0", "e"),
        exchange("packets/date=1970-01-01", "../victim", "e"),
        exchange("packets/date=1970-01-01", "_parcap/staging/exchange/0", "../../../victim"),
    ];
    for (number, journal) in journals.into_iter().enumerate() {
        let root = dir.path().join("lake").join(number.to_string()).join("lake");
        let lake = two_parts(&root);
        fs::write(root.join("../victim"), "keep").unwrap();
        staged(&lake, "e", "evil");
        staged(&lake, "m", "evil");
        fs::write(lake.pending(), journal.to_string()).unwrap();
        let error = recover(&lake).unwrap_err();
        assert!(matches!(error, Error::Outside { .. }), "{journal}: {error}");
        for path in [&victim, &root.join("../victim")] {
            assert_eq!(fs::read_to_string(path).unwrap(), "keep", "{journal}");
        }
        assert_eq!((visible(&lake), sequence(&lake)), (of(&OLD), 1), "{journal}");
    }
}

#[test]
fn a_manifest_that_names_files_elsewhere_is_refused() {
    let part = |path: &str| CommittedPart {
        path: path.into(),
        unit: String::new(),
        rows: 0,
        bytes: 0,
        checksum: String::new(),
        ranges: Vec::new(),
    };
    let dir = folder();
    let read = |change: &dyn Fn(&mut Manifest)| -> Result<Manifest> {
        let mut manifest = manifest(1);
        change(&mut manifest);
        let path = dir.path().join("m.json");
        let _ = fs::remove_file(&path);
        manifest.write(&path).unwrap();
        Manifest::read(&path)
    };
    read(&|manifest| manifest.parts.push(part("packets/date=1970-01-01/a.parquet"))).unwrap();
    let strange =
        ["/etc/passwd", "../a.parquet", "packets/../../a.parquet", "packets", "", "_parcap/lock", "summaries/a/b"];
    for path in strange {
        let refused =
            |found: Result<Manifest>| assert!(matches!(found, Err(Error::Outside { .. })), "{path}: {found:?}");
        refused(read(&|manifest| manifest.parts.push(part(path))));
        refused(read(&|manifest| manifest.removed.parts.push(path.into())));
        refused(read(&|manifest| manifest.removed.partials.push(path.into())));
        if !path.starts_with("summaries/") {
            refused(read(&|manifest| manifest.removed.tables.push(path.into())));
        }
    }
}

#[test]
fn a_commit_of_a_file_that_is_gone_or_not_what_was_written_is_not_decided() {
    let dir = folder();
    let lake = Layout::create(dir.path()).unwrap();
    let entry = |step: &Move, bytes: u64| CommittedPart {
        path: step.to.clone(),
        unit: String::new(),
        rows: 0,
        bytes,
        checksum: "xxh3:00000000000000000000000000000000".to_owned(),
        ranges: Vec::new(),
    };
    let ours = staged(&lake, "a.parquet", "a");
    let mut elsewhere = staged(&lake, "b.parquet", "b");
    elsewhere.from = Layout::units().join("u/b.parquet");
    fs::create_dir_all(lake.resolve(&Layout::units().join("u"))).unwrap();
    fs::write(lake.resolve(&elsewhere.from), "b").unwrap();
    // What was written here has its size; of what came from elsewhere every byte is looked at.
    for (step, bytes, what) in [(&ours, 2, "size"), (&elsewhere, 2, "size"), (&elsewhere, 1, "checksum")] {
        let mut manifest = manifest(1);
        manifest.parts.push(entry(step, bytes));
        let error = publish(&lake, vec![step.clone()], Vec::new(), &manifest).unwrap_err();
        assert!(matches!(error, Error::FileDiffers { what: found, .. } if found == what), "{error}");
        assert!(!lake.pending().exists() && lake.resolve(&step.from).exists());
    }
    fs::remove_file(lake.resolve(&ours.from)).unwrap();
    publish(&lake, vec![ours], Vec::new(), &manifest(1)).unwrap_err();
    assert!(!lake.pending().exists());
    recover(&lake).unwrap();
    assert_eq!(visible(&lake), BTreeMap::new());
}

#[test]
fn a_fifo_in_the_place_of_the_lakes_own_files_keeps_nobody_waiting() {
    let dir = folder();
    let lake = two_parts(dir.path());
    let fifo = |path: &Path| Command::new("mkfifo").arg(path).status().unwrap().success();
    assert!(fifo(&lake.pending()) && fifo(&lake.lock()) && fifo(&lake.manifest().join("0000000002.json")));
    recover(&lake).unwrap_err();
    Lock::take(&lake, Duration::ZERO, || Ok(())).unwrap_err();
    Snapshot::read(&lake).unwrap_err();
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
        )
        .unwrap();
        sweep_staging(&lake).unwrap();
        let (moves, removes) =
            (vec![staged(&lake, "c.parquet", "c")], vec!["packets/date=1970-01-01/b.parquet".into()]);
        publish(&lake, moves, removes, &manifest(2)).unwrap();
        sweep_staging(&lake).unwrap();
        let expected = [("packets/date=1970-01-01/a.parquet", "a"), ("packets/date=1970-01-01/c.parquet", "c")];
        assert_eq!((visible(&lake), sequence(&lake)), (of(&expected), 2), "{link}: and nothing is left beside them");
        assert!(lake.notes()[0].contains("cannot be exchanged"), "{link}: {:?}", lake.notes());
        // Not decided: what was copied there is swept.
        let step = staged(&lake, "d.parquet", "d");
        fs::create_dir(lake.resolve(Path::new("packets/date=1970-01-01/e.parquet"))).unwrap();
        publish(&lake, vec![step, staged(&lake, "e.parquet", "e")], Vec::new(), &manifest(3)).unwrap_err();
        sweep_staging(&lake).unwrap();
        fs::remove_dir(lake.resolve(Path::new("packets/date=1970-01-01/e.parquet"))).unwrap();
        assert_eq!((visible(&lake), sequence(&lake)), (of(&expected), 2), "{link}");
    }
}

/// A reader lists a folder at once, and opens what he has listed: he may find that a file is gone, and looks again.
#[test]
fn whoever_lists_a_partition_while_its_parts_are_replaced_never_counts_twice() {
    let dir = folder();
    let lake = Layout::create(dir.path()).unwrap();
    // Three parts of one row each, of which a night replaces two; with each comes one more of another date.
    let part = |night: u64, place: u64| format!("part-{night}-{place}.parquet");
    let first = (0..3).map(|place| staged(&lake, &part(0, place), "1")).collect();
    publish(&lake, first, Vec::new(), &manifest(1)).unwrap();
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
            publish(&lake, steps, removes, &manifest(night + 1)).unwrap();
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
                publish(&lake, vec![staged(&lake, "n.parquet", "n")], Vec::new(), &manifest(2)).unwrap();
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

#[test]
fn a_lock_can_be_read_by_those_only_who_may_write_it() {
    let dir = folder();
    let lake = Layout::create(dir.path()).unwrap();
    let mode = || fs::metadata(lake.lock()).unwrap().permissions().mode() & 0o777;
    let readers = |mode: u32| mode & 0o444 & !((mode & 0o222) << 1);
    drop(Lock::take(&lake, Duration::ZERO, || Ok(())).unwrap());
    assert_eq!((readers(mode()), mode() & 0o600), (0, 0o600), "{:o}", mode());
    for (before, after) in [(0o644, 0o600), (0o664, 0o660), (0o666, 0o666), (0o640, 0o600), (0o660, 0o660)] {
        fs::set_permissions(lake.lock(), Permissions::from_mode(before)).unwrap();
        let held = Lock::take(&lake, Duration::ZERO, || Ok(())).unwrap();
        assert_eq!(mode(), after, "{before:o}");
        assert!(matches!(Lock::take(&lake, Duration::ZERO, || Ok(())), Err(Error::LakeBusy { .. })));
        // An earlier version excludes and is excluded: it locks the same file in the same way.
        assert!(File::options().write(true).open(lake.lock()).unwrap().try_lock().is_err());
        drop(held);
    }
}

/// Folders of /proc cannot be synced (EINVAL), as those of shares cannot.
#[test]
fn a_folder_that_cannot_be_synced_is_noted_once_and_one_that_is_not_there_is_an_error() {
    let dir = folder();
    let lake = Layout::at(dir.path());
    if File::open("/proc").and_then(|folder| folder.sync_all()).is_ok() {
        eprintln!("not tried: the folders of /proc can be synced");
        return;
    }
    for _ in 0..2 {
        lake.sync_folder(Path::new("/proc")).unwrap();
    }
    let notes = lake.notes();
    assert!(notes.len() == 1 && notes[0].contains("cannot sync folders"), "{notes:?}");
    lake.sync_folder(&dir.path().join("nowhere")).unwrap_err();
}
