//! Decides a commit: makes all of it ready, so that only moves and removals are left, and writes the journal.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use crate::bug::bug;
use crate::error::{Error, Result};
use crate::lake::check::checked;
use crate::lake::delta::LOG;
use crate::lake::delta_commit::DeltaStep;
use crate::lake::layout::Layout;
use crate::lake::manifest::Manifest;
use crate::storage::{Mount, local};

use super::beside::bring_beside;
use super::ground::Ground;
use super::journal::Journal;
use super::{Move, exchange};

/// Everything that can go wrong goes wrong here, before the last line.
pub(super) fn decide(
    lake: &Layout,
    ground: &mut Ground<'_>,
    mut moves: Vec<Move>,
    mut removes: Vec<PathBuf>,
    manifest: &Manifest,
    delta: Option<DeltaStep>,
) -> Result<Journal> {
    is_staged(lake, &moves, manifest)?;
    let staging = Layout::staging();
    let folder = lake.make_folder(&staging)?;
    let name = Manifest::file_name(manifest.sequence);
    let mut step = Move { from: staging.join(&name), to: Layout::manifests().join(&name) };
    manifest.write(&lake.resolve(&step.from))?;
    let written: HashSet<&PathBuf> = moves.iter().map(|step| &step.to).collect();
    removes.retain(|path| !written.contains(path));
    removes.iter().try_for_each(|path| ground.removal(path))?;
    if !removes.is_empty() {
        // Made now, while there is room for it.
        lake.make_folder(&Journal::gone_folder())?;
    }
    if delta.is_some() {
        ground.folder(LOG.as_ref())?;
    }
    let exchanges = exchange::build(lake, &mut moves, &mut removes)?;
    let kept = keep(lake, &moves)?;
    bring(lake, ground, moves.iter_mut().chain([&mut step]).collect())?;
    // The names of all files in the list are durable before the list is.
    let folders: BTreeSet<_> = moves.iter().filter_map(|step| step.from.parent()).collect();
    folders.iter().try_for_each(|folder| lake.sync_folder(&lake.resolve(folder)))?;
    lake.sync_folder(&folder)?;
    let journal = Journal { adds: moves, exchanges, removes, manifest: step, kept, undo: false, delta };
    debug_assert_eq!(journal.strange(), None, "the next run would refuse to finish it");
    journal.write(lake)?;
    Ok(journal)
}

/// Checks that staged files are what the manifest says. Files that this process wrote, hashed and synced need only have
/// the right size. Files that were converted elsewhere came over unknown networks and disks, so they are read whole.
fn is_staged(lake: &Layout, moves: &[Move], manifest: &Manifest) -> Result<()> {
    let parts = manifest.parts.iter().map(|part| (&part.path, part.bytes, &part.checksum));
    let partials = manifest.partials.iter().map(|partial| (&partial.path, partial.bytes, &partial.checksum));
    let tables = manifest.tables.iter().map(|table| (&table.path, table.bytes, &table.checksum));
    let of_checkpoint = manifest.checkpoint.iter().flat_map(|checkpoint| checkpoint.files());
    let tables = tables.chain(of_checkpoint.map(|table| (&table.path, table.bytes, &table.checksum)));
    let known: HashMap<_, _> =
        parts.chain(partials).chain(tables).map(|(path, bytes, checksum)| (path, (bytes, checksum))).collect();
    for step in moves {
        let from = lake.resolve(&step.from);
        let found = local::facts(&from).map_err(Error::io("commit", &from))?;
        match known.get(&step.to) {
            Some((bytes, checksum)) if step.from.starts_with(Layout::units()) => checked(&from, *bytes, checksum)?,
            Some((bytes, _)) if found.size != *bytes => {
                let (expected, found) = (format!("{bytes} bytes"), format!("{} bytes", found.size));
                return Err(Error::FileDiffers { path: from, what: "size", expected, found });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Gives second names to files that will be replaced, until the manifest says that they were. Returns whether all of them
/// have one.
fn keep(lake: &Layout, moves: &[Move]) -> Result<bool> {
    let folder = Layout::staging().join("kept");
    let (mut all, mut some) = (true, false);
    for (number, step) in moves.iter().enumerate() {
        let place = lake.resolve(&step.to);
        if !local::name_exists(&place) {
            continue;
        }
        if !some {
            lake.make_folder(&folder)?;
            some = true;
        }
        all &= local::link(&place, &lake.resolve(&Journal::kept(number))).is_ok();
    }
    if some {
        lake.sync_folder(&lake.resolve(&folder))?;
    }
    Ok(all)
}

/// Checks that each file can be put in its place. A file that is on another file system than its place is copied there,
/// so that only a move is left to do for each.
fn bring(lake: &Layout, ground: &mut Ground<'_>, steps: Vec<&mut Move>) -> Result<()> {
    let mut mounts: HashMap<PathBuf, Mount> = HashMap::new();
    let mut abroad = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        let there = ground.place(&step.to)?;
        let folder = step.from.parent().ok_or_else(|| bug!())?.to_path_buf();
        let path = lake.resolve(&folder);
        let here = match mounts.get(&folder) {
            Some(mount) => *mount,
            None => Mount::of(&path).map_err(Error::io("read", &path))?,
        };
        mounts.insert(folder, here);
        if here != there {
            abroad.push(place);
        }
    }
    if abroad.is_empty() {
        return Ok(());
    }
    let is_abroad: HashSet<_> = abroad.into_iter().collect();
    let steps = steps.into_iter().enumerate().filter(|(place, _)| is_abroad.contains(place));
    bring_beside(lake, steps.map(|(_, step)| step).collect())
}
