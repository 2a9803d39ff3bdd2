//! The lake on a file system: commits, exchanges, what stands in the way, and what is not trusted.

mod commits;
mod delta;
mod exchanges;
mod in_the_way;
mod trust;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::config::Settings;
use crate::lake::layout::Layout;
use crate::lake::manifest::{Action, Manifest};
use crate::lake::snapshot::Snapshot;

use super::journal::Journal;
use super::{Move, publish, sweep_staging};

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
fn visible(lake: &Layout) -> BTreeMap<PathBuf, String> {
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
    publish(&lake, steps, Vec::new(), &manifest(1), None).unwrap();
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
    let journal = Journal { adds: moves, exchanges, removes, manifest: step, kept: true, undo: false, delta: None };
    journal.write(lake).unwrap();
    journal
}

fn sequence(lake: &Layout) -> u64 {
    Snapshot::read(lake).unwrap().sequence
}
