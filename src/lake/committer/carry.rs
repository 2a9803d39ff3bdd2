//! The steps of a decided commit. A killed run may have done any of them already.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{io, thread};

use crate::error::{Error, Result};
use crate::lake::layout::{Layout, PACKETS, SUMMARIES, is_below};
use crate::storage::{local, write_back_many};

use super::Move;
use super::beside::copy_beside;
use super::exchange::{ExchangeOutcome, is_partition, note};
use super::journal::Journal;

/// How long the old folder stays complete after another one has taken its place. A reader that had opened it and not yet
/// listed it must not find it being emptied. Readers need microseconds; this allows for a busy machine.
const GRACE: Duration = Duration::from_millis(250);

/// Carries a commit out: puts files and partitions in their places, moves aside what goes, and publishes the manifest.
/// After that nothing is kept for undoing.
///
/// # Errors
/// If something cannot be moved, removed or synced. What has been done is not done again.
pub(super) fn carry_out(lake: &Layout, journal: &mut Journal) -> Result<()> {
    if !journal.is_published(lake) {
        place(lake, journal)?;
        carry_out_move(lake, &journal.manifest)?;
        lake.sync_parent(&lake.resolve(&journal.manifest.to))?;
    }
    // A reader who knows only the manifest before finds all files that it names. A manifest that replaces others exists
    // before they are removed.
    remove(lake, &journal.removes)?;
    end(lake)?;
    if !journal.exchanges.is_empty() {
        thread::sleep(GRACE);
    }
    Ok(())
}

/// All steps except the manifest.
fn place(lake: &Layout, journal: &mut Journal) -> Result<()> {
    // Tables that go are gone before others come: no reader finds a table of all dates beside those of each date.
    move_aside(lake, &journal.removes, &[SUMMARIES])?;
    for step in &journal.adds {
        carry_out_move(lake, step)?;
    }
    while let Some(next) = exchange_all(lake, journal)? {
        by_itself(lake, journal, next)?;
    }
    let aside = move_aside(lake, &journal.removes, &[PACKETS, SUMMARIES])?;
    if let Some(step) = &journal.delta {
        // At once: readers of the log look for files that are gone. Durability can wait, for the journal is there.
        step.carry_out(lake)?;
    }
    // Names are durable before the manifest says that they exist, and before what they replace is removed.
    let placed =
        journal.adds.iter().map(|step| &step.to).chain(journal.exchanges.iter().map(|exchange| &exchange.folder));
    sync_above(lake, placed)?;
    let built: BTreeSet<_> = journal.exchanges.iter().filter_map(|exchange| exchange.built.parent()).collect();
    built.iter().try_for_each(|folder| lake.sync_folder(&lake.resolve(folder)))?;
    sync_aside(lake, &aside)
}

/// Exchanges partitions, up to the first one where that is not possible. Returns the place of that one.
fn exchange_all(lake: &Layout, journal: &Journal) -> Result<Option<usize>> {
    for (place, exchange) in journal.exchanges.iter().enumerate() {
        if let ExchangeOutcome::Cannot(why) = exchange.carry_out(lake)? {
            note(lake, &exchange.folder, &why.to_string());
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// Replaces the exchange of a partition by moves of its files. The journal says so before the first move.
pub(super) fn by_itself(lake: &Layout, journal: &mut Journal, place: usize) -> Result<()> {
    let exchange = journal.exchanges.remove(place);
    for below in exchange.adds {
        let step = Move { from: exchange.built.join(&below), to: exchange.folder.join(&below) };
        // What it replaces has no second name.
        journal.kept &= !local::name_exists(&lake.resolve(&step.to));
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
    let removes = journal.removes.iter().enumerate();
    let (tables, others): (Vec<_>, Vec<_>) = removes.partition(|(_, path)| path.starts_with(SUMMARIES));
    others.into_iter().try_for_each(|(number, path)| put_back(lake, &Journal::gone(number), path))?;
    for (number, step) in journal.adds.iter().enumerate() {
        // If a file is no longer staged, it has been moved to its place.
        if !local::name_exists(&lake.resolve(&step.from)) {
            put_back(lake, &step.to, &step.from)?;
        }
        put_back(lake, &Journal::kept(number), &step.to)?;
    }
    // As they went before others came, they come back when those have gone.
    tables.into_iter().try_for_each(|(number, path)| put_back(lake, &Journal::gone(number), path))?;
    let places: Vec<_> = journal.adds.iter().map(|step| step.to.clone()).collect();
    let exchanged = journal.exchanges.iter().map(|exchange| &exchange.folder);
    prune(lake, &places)?;
    sync_above(lake, places.iter().chain(&journal.removes).chain(exchanged))?;
    end(lake)
}

/// Moves a file, if it exists.
fn put_back(lake: &Layout, from: &Path, to: &Path) -> Result<()> {
    let from = lake.resolve(from);
    if !local::name_exists(&from) {
        return Ok(());
    }
    let to = lake.make_room(to)?;
    local::rename(&from, &to).map_err(Error::io("rename", &to))
}

/// Ends the commit: nothing is left to do.
fn end(lake: &Layout) -> Result<()> {
    let pending = lake.pending();
    local::remove(&pending).map_err(Error::io("remove", &pending))?;
    lake.sync_parent(&pending)
}

/// Syncs all existing folders of the lake above some places.
fn sync_above<'a>(lake: &Layout, places: impl Iterator<Item = &'a PathBuf>) -> Result<()> {
    let folders: BTreeSet<_> =
        places.flat_map(|place| place.ancestors().skip(1)).map(|below| lake.resolve(below)).collect();
    let folders: Vec<_> = folders.into_iter().filter(|folder| local::is_folder(folder)).collect();
    write_back_many(&folders)?;
    folders.iter().try_for_each(|folder| lake.sync_folder(folder))
}

/// Moves files below some folders, which readers must not see any more, to where they are kept until the manifest is in its place. Files on
/// another file system wait until then, and are removed. Returns the files that are gone from their places.
pub(super) fn move_aside(lake: &Layout, removes: &[PathBuf], folders: &[&str]) -> Result<Vec<PathBuf>> {
    let is_seen = |path: &PathBuf| folders.iter().any(|folder| path.starts_with(folder));
    let mut seen = removes.iter().enumerate().filter(|(_, path)| is_seen(path)).peekable();
    if seen.peek().is_none() {
        return Ok(Vec::new());
    }
    lake.make_folder(&Journal::gone_folder())?;
    let mut gone = Vec::new();
    for (number, path) in seen {
        let (from, to) = (lake.resolve(path), lake.resolve(&Journal::gone(number)));
        match local::rename(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => continue,
            Err(error) if !is_absent(&error) => return Err(Error::io("remove", &from)(error)),
            _ => gone.push(path.clone()),
        }
    }
    Ok(gone)
}

/// Makes durable what [`move_aside`] did, and removes the folders that are empty.
fn sync_aside(lake: &Layout, gone: &[PathBuf]) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    prune(lake, gone)?;
    lake.sync_folder(&lake.resolve(&Journal::gone_folder()))
}

/// Removes files that exist, and then the folders that are empty.
fn remove(lake: &Layout, files: &[PathBuf]) -> Result<()> {
    let is_manifest = |path: &&PathBuf| path.starts_with(Layout::manifests());
    let (manifests, others): (Vec<_>, Vec<_>) = files.iter().partition(is_manifest);
    let (mut folders, mut removed) = (BTreeSet::new(), Vec::new());
    for file in others.into_iter().chain(manifests) {
        let path = lake.resolve(file);
        match local::remove(&path) {
            Err(error) if is_absent(&error) => continue,
            result => result.map_err(Error::io("remove", &path))?,
        }
        folders.extend(path.parent().map(Path::to_path_buf));
        removed.push(file.clone());
    }
    prune(lake, &removed)?;
    folders.iter().filter(|folder| local::is_folder(folder)).try_for_each(|folder| lake.sync_folder(folder))
}

/// Whether an error says that a file, or its folder, does not exist.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Removes empty folders of partitions that files were in, and makes the names above them durable.
fn prune(lake: &Layout, files: &[PathBuf]) -> Result<()> {
    // The folder of a table stays. The folders of its partitions go with their last file, and so do those of segments.
    let partitions = |file: &PathBuf| {
        let of_checkpoint = |folder: &Path| is_below(folder, Layout::checkpoints());
        let folders = file.ancestors().skip(1).take_while(|folder| is_partition(folder) || of_checkpoint(folder));
        folders.map(Path::to_path_buf).collect::<Vec<_>>()
    };
    let folders: BTreeSet<_> = files.iter().flat_map(partitions).collect();
    let mut kept = BTreeSet::new();
    // The deepest come first.
    for folder in folders.iter().rev() {
        let path = lake.resolve(folder);
        match local::remove_folder(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // A link to a folder, or a mount: it was put there on purpose.
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
        kept.extend(path.parent().filter(|parent| local::is_folder(parent)).map(Path::to_path_buf));
    }
    kept.iter().filter(|folder| local::is_folder(folder)).try_for_each(|folder| lake.sync_folder(folder))
}

pub(super) fn carry_out_move(lake: &Layout, step: &Move) -> Result<()> {
    let (from, to) = (lake.resolve(&step.from), lake.resolve(&step.to));
    let mut moved = local::rename(&from, &to);
    if moved.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) && !local::exists(&to) {
        // Its folder was made when the commit was decided. A killed run may have removed it.
        lake.make_room(&step.to)?;
        moved = local::rename(&from, &to);
    }
    match moved {
        // Moved already, by a run that did not get to the end.
        Err(error) if error.kind() == io::ErrorKind::NotFound && local::exists(&to) => Ok(()),
        // The two places seemed to be on one file system, but are not.
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let copy = lake.resolve(&copy_beside(lake, step)?);
            local::rename(&copy, &to).map_err(Error::io("rename", &to))?;
            if let Some(folder) = copy.parent() {
                let _ = local::remove_folder(folder);
            }
            local::remove(&from).map_err(Error::io("remove", &from))
        }
        result => result.map_err(Error::io("rename", &to)),
    }
}
