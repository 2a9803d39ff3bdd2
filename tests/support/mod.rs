//! What the tests share: running the binary, running a conversion in-process, reading a lake back.

mod binary;
pub(crate) mod bucket;
pub(crate) mod build;
pub(crate) mod delta;
pub(crate) mod dns;
pub(crate) mod losing;
pub(crate) mod nameserver;
mod rows;
pub(crate) mod tables_page;
#[cfg(feature = "remote")]
pub(crate) mod web;

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parcap::cancel::Cancel;
use parcap::commands::{BATCH, COMMIT_EVERY, ConvertRequest};
use parcap::config::CHECKPOINT_AFTER;
use parcap::config::Settings;
use parcap::names::PtrOptions;
use parcap::observer::Unobserved;
use parcap::outcome::Report;
use parcap::select::SelectOptions;
use tempfile::TempDir;

pub(crate) use binary::{Ran, command, ended, finish, run, run_with, wait_until};
pub(crate) use rows::{Row, manifests, packets, parts, rows_in, rows_of, sum, summary, summary_names};

/// A folder that is removed at the end of the test; in memory where there is such a place, for a lake is synced often.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A request to convert captures, to be changed before it is run.
pub(crate) fn request<P: AsRef<Path>>(named: &[P], lake: &Path) -> ConvertRequest {
    ConvertRequest {
        named: named.iter().map(|path| path.as_ref().to_path_buf()).collect(),
        lake: lake.to_path_buf(),
        settings: Settings::default(),
        ptr: PtrOptions::default(),
        jobs: 2,
        rules: SelectOptions::default(),
        memory: None,
        strict: false,
        commit_every: COMMIT_EVERY,
        batch: BATCH,
        checkpoint_after: CHECKPOINT_AFTER,
        max_damaged: None,
        top: 10,
        dry_run: false,
        wait: Duration::ZERO,
        observer: Arc::new(Unobserved),
        cancel: Cancel::default(),
    }
}

/// Converts in-process; records must equal rows.
pub(crate) fn convert(request: &ConvertRequest) -> Report {
    let report = parcap::commands::convert(request).unwrap();
    assert_eq!(report.records, report.rows);
    report
}

/// Every file below a folder, by its path below it, sorted; none if the folder is not there.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                walk(root, &path, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_path_buf());
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

/// A hash and the size of every file below a folder.
pub(crate) fn hashes(folder: &Path) -> BTreeMap<PathBuf, (usize, u64)> {
    let hash = |path: PathBuf| {
        let bytes = fs::read(folder.join(&path)).unwrap();
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        (path, (bytes.len(), hasher.finish()))
    };
    files(folder).into_iter().map(hash).collect()
}

/// Writes it into a folder.
pub(crate) fn save(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// A path as an argument of the command line.
pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A sample capture, as an argument of the command line.
pub(crate) fn sample(name: &str) -> String {
    text(&repository("data/captures").join(name))
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// How units that were converted apart are committed, to be changed before it is done.
pub(crate) fn commit_options() -> parcap::commands::CommitOptions {
    parcap::commands::CommitOptions {
        plan: None,
        incomplete: parcap::commands::Incomplete::Refuse,
        abandon: None,
        jobs: 2,
        strict: false,
        top: 10,
        commit_every: 0,
        batch: BATCH,
        checkpoint_after: CHECKPOINT_AFTER,
        wait: Duration::ZERO,
        ptr: PtrOptions::default(),
        cancel: Cancel::default(),
    }
}
