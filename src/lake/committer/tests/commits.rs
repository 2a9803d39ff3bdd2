//! What a commit does, in which order, and what is left when it was not decided.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use crate::config::Settings;
use crate::error::Error;
use crate::lake::committer::{Move, publish, recover};
use crate::lake::layout::Layout;
use crate::lake::lock::Lock;
use crate::lake::record::CommittedPart;
use crate::lake::snapshot::Snapshot;

use super::*;

#[test]
fn a_commit_ends_with_its_manifest() {
    let dir = folder();
    let lake = Layout::create(dir.path()).unwrap();
    let step = staged(&lake, "a.parquet", "a");
    publish(&lake, vec![step.clone()], Vec::new(), &manifest(1), None).unwrap();
    assert_eq!(fs::read(lake.resolve(&step.to)).unwrap(), b"a");
    let snapshot = Snapshot::read(&lake).unwrap();
    assert_eq!((snapshot.sequence, snapshot.settings), (1, Some(Settings::default())));
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
    publish(&lake, vec![first.clone(), second.clone()], Vec::new(), &manifest(1), None).unwrap();
    let other = staged_for(&lake, "c.parquet", "c", "packets/date=2001-01-01/c.parquet");
    // A file that is written again is not removed, whatever the list says.
    let removes = vec![first.to.clone(), second.to.clone(), other.to.clone()];
    publish(&lake, vec![other.clone()], removes, &manifest(2), None).unwrap();
    assert_eq!(visible(&lake), of(&[("packets/date=2001-01-01/c.parquet", "c")]));
    assert!(!lake.resolve(first.to.parent().unwrap()).exists(), "the folder of the date is gone");
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
        delta: None,
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
        let error = publish(&lake, vec![step.clone()], Vec::new(), &manifest, None).unwrap_err();
        assert!(matches!(error, Error::FileDiffers { what: found, .. } if found == what), "{error}");
        assert!(!lake.pending().exists() && lake.resolve(&step.from).exists());
    }
    fs::remove_file(lake.resolve(&ours.from)).unwrap();
    publish(&lake, vec![ours], Vec::new(), &manifest(1), None).unwrap_err();
    assert!(!lake.pending().exists());
    recover(&lake).unwrap();
    assert_eq!(visible(&lake), BTreeMap::new());
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
