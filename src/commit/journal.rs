//! Publishing: everything of a run becomes visible, or nothing does.
//!
//! Staged files are whole and synced before this begins. The list of their moves is written, synced and renamed into
//! place: from that moment the commit is decided. Then the files are moved, the manifest last, and the list is removed.
//! A run that finds a list carries it out before anything else; moving what has been moved already does nothing.
//! What a commit takes away is unlinked behind the moves: a reader may for a moment see a part beside the one that
//! replaces it, and never neither.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::discover::path_text;
use crate::error::{Error, Result};

use super::layout::{Lake, sync_folder};
use super::manifest::Manifest;

/// A staged file and its place, both below the lake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Where it is.
    #[serde(with = "path_text")]
    pub from: PathBuf,
    /// Where it goes, in place of what is there.
    #[serde(with = "path_text")]
    pub to: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    moves: Vec<Move>,
    /// Files that go, below the lake.
    #[serde(default, with = "path_text::list")]
    removes: Vec<PathBuf>,
    manifest: Move,
}

/// Publishes staged files, takes away those that are removed and not written anew, and publishes the manifest that says so.
///
/// # Errors
/// If anything cannot be written, synced or moved. If that happens before the commit is decided, the lake is as it was;
/// after, the next run finishes it.
pub fn publish(lake: &Lake, moves: Vec<Move>, mut removes: Vec<PathBuf>, manifest: &Manifest) -> Result<()> {
    // A commit that is decided must be possible: whatever is missing stops it here.
    for step in &moves {
        let from = lake.resolve(&step.from);
        from.metadata().map_err(Error::io("commit", &from))?;
    }
    let staging = Lake::staging();
    let folder = lake.resolve(&staging);
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let name = Manifest::file_name(manifest.sequence);
    let staged = staging.join(&name);
    manifest.write(&lake.resolve(&staged))?;
    let to = Lake::manifests().join(&name);
    let draft = lake.resolve(&staging).join("journal.json");
    let written: HashSet<&PathBuf> = moves.iter().map(|step| &step.to).collect();
    removes.retain(|path| !written.contains(path));
    let journal = Journal { moves, removes, manifest: Move { from: staged, to } };
    write_json(&draft, &journal)?;
    // The names of all that it lists are durable before the list is.
    let folders: BTreeSet<_> = journal.moves.iter().filter_map(|step| step.from.parent()).collect();
    folders.iter().try_for_each(|folder| sync_folder(&lake.resolve(folder)))?;
    sync_folder(&folder)?;
    let pending = lake.pending();
    fs::rename(&draft, &pending).map_err(Error::io("rename", &pending))?;
    sync_parent(&pending)?;
    carry_out(lake, &journal)
}

/// Finishes a commit that was decided and not carried out, and sweeps what dead runs have staged.
///
/// # Errors
/// If something cannot be moved or removed.
pub fn recover(lake: &Lake) -> Result<()> {
    let pending = lake.pending();
    match fs::read(&pending) {
        Ok(text) => {
            let journal = serde_json::from_slice(&text).map_err(|source| Error::Json {
                name: path_text::printable(&pending),
                what: "journal",
                source,
            })?;
            carry_out(lake, &journal)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io("read", &pending)(error)),
    }
    sweep_staging(lake)
}

/// Removes what runs have staged, at the end of one or at the beginning of the next; not while a commit is decided and not
/// carried out, for then it is what the commit consists of.
///
/// # Errors
/// If it cannot be removed.
pub fn sweep_staging(lake: &Lake) -> Result<()> {
    // What cannot be told counts as decided.
    match lake.pending().symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => sweep(&lake.resolve(&Lake::staging())),
        _ => Ok(()),
    }
}

/// Removes a folder of staged files, if it is there.
///
/// # Errors
/// If it cannot be removed.
pub fn sweep(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", folder)(error)),
        _ => Ok(()),
    }
}

fn carry_out(lake: &Lake, journal: &Journal) -> Result<()> {
    let mut folders = BTreeSet::new();
    for step in &journal.moves {
        carry_out_move(lake, step)?;
        folders.extend(step.to.ancestors().skip(1).map(|folder| lake.resolve(folder)));
    }
    // Names are durable before the manifest says that they are there, and before what they replace goes.
    folders.iter().try_for_each(|folder| sync_folder(folder))?;
    // A manifest that takes the place of others is there before they go.
    let (manifests, files): (Vec<_>, Vec<_>) =
        journal.removes.iter().partition(|path| path.starts_with(Lake::manifests()));
    remove(lake, &files)?;
    carry_out_move(lake, &journal.manifest)?;
    sync_parent(&lake.resolve(&journal.manifest.to))?;
    remove(lake, &manifests)?;
    sync_folder(&lake.manifest())?;
    let pending = lake.pending();
    fs::remove_file(&pending).map_err(Error::io("remove", &pending))?;
    sync_parent(&pending)
}

/// Unlinks files, and the folders that are empty then.
fn remove(lake: &Lake, files: &[&PathBuf]) -> Result<()> {
    let mut folders = BTreeSet::new();
    for file in files {
        let path = lake.resolve(file);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io("remove", &path)(error)),
            _ => {}
        }
        // The table's own folder stays, the folders of its partitions go with their last file.
        let partitions = file.ancestors().skip(1).take_while(|folder| is_partition(folder));
        folders.extend(partitions.map(Path::to_path_buf));
    }
    let mut kept = BTreeSet::new();
    // The deepest first.
    for folder in folders.iter().rev() {
        let path = lake.resolve(folder);
        match fs::remove_dir(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                kept.insert(path.clone());
            }
            Err(error) => return Err(Error::io("remove", &path)(error)),
        }
        kept.extend(path.parent().filter(|parent| parent.is_dir()).map(Path::to_path_buf));
    }
    kept.iter().filter(|folder| folder.is_dir()).try_for_each(|folder| sync_folder(folder))
}

/// Whether a folder is one of a partition: `date=2024-03-11`.
fn is_partition(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name.to_string_lossy().contains('='))
}

fn carry_out_move(lake: &Lake, step: &Move) -> Result<()> {
    let (from, to) = (lake.resolve(&step.from), lake.resolve(&step.to));
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    match fs::rename(&from, &to) {
        // Moved already, by the run that did not get to the end.
        Err(error) if error.kind() == io::ErrorKind::NotFound && to.exists() => Ok(()),
        result => result.map_err(Error::io("rename", &to)),
    }
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text =
        serde_json::to_vec_pretty(value).map_err(|source| Error::io("write", path)(io::Error::other(source)))?;
    text.push(b'\n');
    let mut file = File::create_new(path).map_err(Error::io("create", path))?;
    file.write_all(&text).map_err(Error::io("write", path))?;
    file.sync_all().map_err(Error::io("sync", path))
}

fn sync_parent(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::Action;
    use crate::config::Settings;

    fn staged(lake: &Lake, name: &str, text: &str) -> Move {
        let from = Lake::staging().join(name);
        fs::create_dir_all(lake.resolve(&Lake::staging())).unwrap();
        fs::write(lake.resolve(&from), text).unwrap();
        Move { from, to: Path::new("packets").join("date=1970-01-01").join(name) }
    }

    fn manifest() -> Manifest {
        Manifest::new(1, Action::Convert, Settings::default())
    }

    /// A commit that was decided and could not be carried out must find its files when it is carried out at last.
    #[test]
    fn a_commit_that_fails_behind_its_decision_keeps_its_files_for_the_next_run() {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::create(dir.path()).unwrap();
        let step = staged(&lake, "a.parquet", "a");
        // Nothing can be created below a file.
        fs::write(dir.path().join("packets"), "").unwrap();
        publish(&lake, vec![step.clone()], Vec::new(), &manifest()).unwrap_err();
        sweep_staging(&lake).unwrap();
        assert!(recover(&lake).is_err());
        fs::remove_file(dir.path().join("packets")).unwrap();
        recover(&lake).unwrap();
        assert_eq!(fs::read(lake.resolve(&step.to)).unwrap(), b"a");
        assert!(!lake.resolve(&Lake::staging()).exists());
    }

    #[test]
    fn what_is_replaced_goes_when_its_replacement_is_there_and_empty_folders_go_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::create(dir.path()).unwrap();
        let (first, second) = (staged(&lake, "a.parquet", "a"), staged(&lake, "b.parquet", "b"));
        publish(&lake, vec![first.clone(), second.clone()], Vec::new(), &manifest()).unwrap();
        let mut other = staged(&lake, "c.parquet", "c");
        other.to = Path::new("packets/date=2001-01-01/c.parquet").to_path_buf();
        let second_manifest = Manifest::new(2, Action::Convert, Settings::default());
        // What is written anew is not removed, whatever the list says.
        let removes = vec![first.to.clone(), second.to.clone(), other.to.clone()];
        publish(&lake, vec![other.clone()], removes, &second_manifest).unwrap();
        assert!(lake.resolve(&other.to).exists());
        assert!(!lake.resolve(first.to.parent().unwrap()).exists(), "the folder of the date is gone");
        assert!(lake.resolve(Path::new("packets")).is_dir());
    }

    #[test]
    fn a_commit_that_was_decided_is_finished_by_the_next_run() {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::create(dir.path()).unwrap();
        let moves = vec![staged(&lake, "a.parquet", "a"), staged(&lake, "b.parquet", "b")];
        // As a run leaves it that was killed after it had moved the first file.
        let manifest = staged(&lake, "m", "m");
        let journal = Journal { moves: moves.clone(), removes: Vec::new(), manifest: manifest.clone() };
        fs::write(lake.pending(), serde_json::to_vec(&journal).unwrap()).unwrap();
        carry_out_move(&lake, &moves[0]).unwrap();
        recover(&lake).unwrap();
        for step in moves.iter().chain([&manifest]) {
            assert!(lake.resolve(&step.to).exists());
        }
        assert!(!lake.pending().exists());
        recover(&lake).unwrap();
    }

    #[test]
    fn what_was_staged_and_not_decided_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::create(dir.path()).unwrap();
        let step = staged(&lake, "a.parquet", "a");
        recover(&lake).unwrap();
        assert!(!lake.resolve(&step.from).exists() && !lake.resolve(&step.to).exists());
    }

    #[test]
    fn a_commit_of_a_file_that_is_gone_is_not_decided() {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::create(dir.path()).unwrap();
        let step = staged(&lake, "a.parquet", "a");
        fs::remove_file(lake.resolve(&step.from)).unwrap();
        publish(&lake, vec![step], Vec::new(), &manifest()).unwrap_err();
        assert!(!lake.pending().exists());
        recover(&lake).unwrap();
    }

    #[test]
    fn a_commit_ends_with_its_manifest() {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::create(dir.path()).unwrap();
        let step = staged(&lake, "a.parquet", "a");
        publish(&lake, vec![step.clone()], Vec::new(), &manifest()).unwrap();
        assert_eq!(fs::read(lake.resolve(&step.to)).unwrap(), b"a");
        let held = super::super::Holdings::read(&lake).unwrap();
        assert_eq!((held.sequence, held.settings), (1, Some(Settings::default())));
    }
}
