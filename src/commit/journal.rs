//! Publishing: everything of a run becomes visible, or nothing does.
//!
//! Staged files are whole and synced before this begins. The list of their moves is written, synced and renamed into
//! place: from that moment the commit is decided. Then the files are moved, the manifest last, and the list is removed.
//! A run that finds a list carries it out before anything else; moving what has been moved already does nothing.

use std::collections::BTreeSet;
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
}

/// Publishes staged files, and the manifest that names them.
///
/// # Errors
/// If anything cannot be written, synced or moved. If that happens before the commit is decided, the lake is as it was;
/// after, the next run finishes it.
pub fn publish(lake: &Lake, mut moves: Vec<Move>, manifest: &Manifest) -> Result<()> {
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
    write_json(&lake.resolve(&staged), manifest)?;
    let place = lake.manifest().join(&name);
    let to = place.strip_prefix(lake.root()).map_or(place.clone(), Path::to_path_buf);
    moves.push(Move { from: staged, to });
    let draft = lake.resolve(&staging).join("journal.json");
    let journal = Journal { moves };
    write_json(&draft, &journal)?;
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
    sweep(&lake.resolve(&Lake::staging()))
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
    let Some((manifest, files)) = journal.moves.split_last() else {
        return Ok(());
    };
    let mut folders = BTreeSet::new();
    for step in files {
        carry_out_move(lake, step)?;
        folders.extend(step.to.ancestors().skip(1).map(|folder| lake.resolve(folder)));
    }
    // Names are durable before the manifest says that they are there.
    folders.iter().try_for_each(|folder| sync_folder(folder))?;
    carry_out_move(lake, manifest)?;
    sync_parent(&lake.resolve(&manifest.to))?;
    let pending = lake.pending();
    fs::remove_file(&pending).map_err(Error::io("remove", &pending))?;
    sync_parent(&pending)
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
    use crate::config::Settings;

    fn staged(lake: &Lake, name: &str, text: &str) -> Move {
        let from = Lake::staging().join(name);
        fs::create_dir_all(lake.resolve(&Lake::staging())).unwrap();
        fs::write(lake.resolve(&from), text).unwrap();
        Move { from, to: Path::new("packets").join("date=1970-01-01").join(name) }
    }

    #[test]
    fn a_commit_that_was_decided_is_finished_by_the_next_run() {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::create(dir.path()).unwrap();
        let moves = vec![staged(&lake, "a.parquet", "a"), staged(&lake, "b.parquet", "b"), staged(&lake, "m", "m")];
        // As a run leaves it that was killed after it had moved the first file.
        fs::write(lake.pending(), serde_json::to_vec(&Journal { moves: moves.clone() }).unwrap()).unwrap();
        carry_out_move(&lake, &moves[0]).unwrap();
        recover(&lake).unwrap();
        for step in &moves {
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
        publish(&lake, vec![step], &Manifest::new(1, Settings::default(), &[], Vec::new())).unwrap_err();
        assert!(!lake.pending().exists());
        recover(&lake).unwrap();
    }

    #[test]
    fn a_commit_ends_with_its_manifest() {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::create(dir.path()).unwrap();
        let step = staged(&lake, "a.parquet", "a");
        let manifest = Manifest::new(1, Settings::default(), &[], Vec::new());
        publish(&lake, vec![step.clone()], &manifest).unwrap();
        assert_eq!(fs::read(lake.resolve(&step.to)).unwrap(), b"a");
        let held = super::super::manifest::Holdings::read(&lake).unwrap();
        assert_eq!((held.sequence, held.settings), (1, Some(Settings::default())));
    }
}
