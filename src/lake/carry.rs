//! What a commit does once it is decided, step by step. Each step may have been done already, by a run that was killed.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};

use super::exchange::{ExchangeOutcome, is_partition, note};
use super::journal::{Journal, Move, copy_beside};
use super::layout::{Layout, PACKETS, SUMMARIES};

/// How long a folder stays as it was when another one has taken its place: whoever had opened it, and not yet listed it, must
/// not find that it is being emptied. That takes readers microseconds; this is what a busy machine makes of it.
const GRACE: Duration = Duration::from_millis(100);

/// Carries a commit out: files and partitions into their places, what goes aside, the manifest; then nothing is kept any
/// more.
///
/// # Errors
/// If something cannot be moved, removed or synced. What has been done is not done again.
pub(super) fn carry_out(lake: &Layout, journal: &mut Journal) -> Result<()> {
    if !journal.is_published(lake) {
        place(lake, journal)?;
        carry_out_move(lake, &journal.manifest)?;
        lake.sync_parent(&lake.resolve(&journal.manifest.to))?;
    }
    // A reader who knows only the manifest before finds all that it names; a manifest that takes the place of others is
    // there before they go.
    remove(lake, &journal.removes)?;
    end(lake)?;
    if !journal.exchanges.is_empty() {
        thread::sleep(GRACE);
    }
    Ok(())
}

/// All but the manifest.
fn place(lake: &Layout, journal: &mut Journal) -> Result<()> {
    for step in &journal.adds {
        carry_out_move(lake, step)?;
    }
    while let Some(next) = exchange_all(lake, journal)? {
        by_itself(lake, journal, next)?;
    }
    // Names are durable before the manifest says that they are there, and before what they replace goes.
    let placed =
        journal.adds.iter().map(|step| &step.to).chain(journal.exchanges.iter().map(|exchange| &exchange.folder));
    sync_above(lake, placed)?;
    let built: BTreeSet<_> = journal.exchanges.iter().filter_map(|exchange| exchange.built.parent()).collect();
    built.iter().try_for_each(|folder| lake.sync_folder(&lake.resolve(folder)))?;
    set_aside(lake, &journal.removes)
}

/// Exchanges partitions, up to the first one where that is not possible, whose place it gives.
fn exchange_all(lake: &Layout, journal: &Journal) -> Result<Option<usize>> {
    for (place, exchange) in journal.exchanges.iter().enumerate() {
        if let ExchangeOutcome::Cannot(why) = exchange.carry_out(lake)? {
            note(lake, &exchange.folder, &why.to_string());
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// A partition that cannot be exchanged: its files are moved one by one. The journal says so before the first is.
pub(super) fn by_itself(lake: &Layout, journal: &mut Journal, place: usize) -> Result<()> {
    let exchange = journal.exchanges.remove(place);
    for below in exchange.adds {
        let step = Move { from: exchange.built.join(&below), to: exchange.folder.join(&below) };
        // What it replaces has no second name.
        journal.kept &= lake.resolve(&step.to).symlink_metadata().is_err();
        journal.adds.push(step);
    }
    let removes = exchange.removes.iter().map(|below| exchange.folder.join(below));
    journal.removes.extend(removes);
    journal.write(lake)?;
    lake.sync_parent(&lake.pending())?;
    journal.adds.iter().try_for_each(|step| carry_out_move(lake, step))
}

/// Undoes a commit whose manifest is not in its place.
///
/// # Errors
/// If something cannot be moved back. What has been undone is not undone again.
pub(super) fn undo(lake: &Layout, journal: &mut Journal) -> Result<()> {
    if !journal.undo {
        journal.undo = true;
        journal.write(lake)?;
        lake.sync_parent(&lake.pending())?;
    }
    journal.exchanges.iter().try_for_each(|exchange| exchange.undo(lake))?;
    for (number, path) in journal.removes.iter().enumerate() {
        put_back(lake, &Journal::gone(number), path)?;
    }
    for (number, step) in journal.adds.iter().enumerate() {
        // Where it is not staged any more, what is in its place is what came.
        if lake.resolve(&step.from).symlink_metadata().is_err() {
            put_back(lake, &step.to, &step.from)?;
        }
        put_back(lake, &Journal::kept(number), &step.to)?;
    }
    let places: Vec<_> = journal.adds.iter().map(|step| step.to.clone()).collect();
    let exchanged = journal.exchanges.iter().map(|exchange| &exchange.folder);
    prune(lake, &places)?;
    sync_above(lake, places.iter().chain(&journal.removes).chain(exchanged))?;
    end(lake)
}

/// Renames a file, if it is there.
fn put_back(lake: &Layout, from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (lake.resolve(from), lake.resolve(to));
    if from.symlink_metadata().is_err() {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    fs::rename(&from, &to).map_err(Error::io("rename", &to))
}

/// Nothing is to be done any more.
fn end(lake: &Layout) -> Result<()> {
    let pending = lake.pending();
    fs::remove_file(&pending).map_err(Error::io("remove", &pending))?;
    lake.sync_parent(&pending)
}

/// Syncs all folders of the lake above some places, as far as they are there.
fn sync_above<'a>(lake: &Layout, places: impl Iterator<Item = &'a PathBuf>) -> Result<()> {
    let folders: BTreeSet<_> =
        places.flat_map(|place| place.ancestors().skip(1)).map(|below| lake.resolve(below)).collect();
    folders.iter().filter(|folder| folder.is_dir()).try_for_each(|folder| lake.sync_folder(folder))
}

/// Moves what readers must not see any more to where it is kept until the manifest is in its place. What is on another file
/// system waits until then, and is removed.
pub(super) fn set_aside(lake: &Layout, removes: &[PathBuf]) -> Result<()> {
    let is_seen = |path: &PathBuf| path.starts_with(PACKETS) || path.starts_with(SUMMARIES);
    let mut seen = removes.iter().enumerate().filter(|(_, path)| is_seen(path)).peekable();
    if seen.peek().is_none() {
        return Ok(());
    }
    let folder = lake.resolve(&Journal::gone_folder());
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let mut gone = Vec::new();
    for (number, path) in seen {
        let (from, to) = (lake.resolve(path), lake.resolve(&Journal::gone(number)));
        match fs::rename(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => continue,
            Err(error) if !is_absent(&error) => return Err(Error::io("remove", &from)(error)),
            _ => gone.push(path.clone()),
        }
    }
    prune(lake, &gone)?;
    lake.sync_folder(&folder)
}

/// Removes files, as far as they are there, and the folders that are empty then.
fn remove(lake: &Layout, files: &[PathBuf]) -> Result<()> {
    let is_manifest = |path: &&PathBuf| path.starts_with(Layout::manifests());
    let (manifests, others): (Vec<_>, Vec<_>) = files.iter().partition(is_manifest);
    let (mut folders, mut removed) = (BTreeSet::new(), Vec::new());
    for file in others.into_iter().chain(manifests) {
        let path = lake.resolve(file);
        match fs::remove_file(&path) {
            Err(error) if is_absent(&error) => continue,
            result => result.map_err(Error::io("remove", &path))?,
        }
        folders.extend(path.parent().map(Path::to_path_buf));
        removed.push(file.clone());
    }
    prune(lake, &removed)?;
    folders.iter().filter(|folder| folder.is_dir()).try_for_each(|folder| lake.sync_folder(folder))
}

/// Whether a file is not there, or the folder that it would be in.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Removes the folders of partitions in which files were, if they are empty, and makes the names above them durable.
fn prune(lake: &Layout, files: &[PathBuf]) -> Result<()> {
    // The table's own folder stays, the folders of its partitions go with their last file.
    let partitions = |file: &PathBuf| {
        let folders = file.ancestors().skip(1).take_while(|folder| is_partition(folder));
        folders.map(Path::to_path_buf).collect::<Vec<_>>()
    };
    let folders: BTreeSet<_> = files.iter().flat_map(partitions).collect();
    let mut kept = BTreeSet::new();
    // The deepest first.
    for folder in folders.iter().rev() {
        let path = lake.resolve(folder);
        match fs::remove_dir(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // A link to a folder, or a mount: whoever made it wants it there.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory | io::ErrorKind::ResourceBusy
                ) =>
            {
                kept.insert(path.clone());
            }
            Err(error) => return Err(Error::io("remove", &path)(error)),
        }
        kept.extend(path.parent().filter(|parent| parent.is_dir()).map(Path::to_path_buf));
    }
    kept.iter().filter(|folder| folder.is_dir()).try_for_each(|folder| lake.sync_folder(folder))
}

pub(super) fn carry_out_move(lake: &Layout, step: &Move) -> Result<()> {
    let (from, to) = (lake.resolve(&step.from), lake.resolve(&step.to));
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    match fs::rename(&from, &to) {
        // Moved already, by the run that did not get to the end.
        Err(error) if error.kind() == io::ErrorKind::NotFound && to.exists() => Ok(()),
        // What had seemed to be one file system is none.
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let copy = lake.resolve(&copy_beside(lake, step)?);
            fs::rename(&copy, &to).map_err(Error::io("rename", &to))?;
            if let Some(folder) = copy.parent() {
                let _ = fs::remove_dir(folder);
            }
            fs::remove_file(&from).map_err(Error::io("remove", &from))
        }
        result => result.map_err(Error::io("rename", &to)),
    }
}
