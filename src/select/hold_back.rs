//! A run over a lake that has lost a file: what needs the file stays as it is and is named. The rest goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::discover::Input;
use crate::error::{Error, Result};
use crate::lake::{Layout, Losses, Snapshot, is_loss, problem_of, read_to_remove};
use crate::outcome::{HeldBack, Lost};
use crate::threads::in_order;

use super::selection::Selection;

/// Of captures to be removed, the ones that cannot be, each with the lost file that would have to be read. Files that
/// turn out to differ from what was written are added to the losses.
///
/// # Errors
/// If the run is cancelled.
pub(crate) fn cannot_go(
    lake: &Layout,
    snapshot: &Snapshot,
    wanted: &BTreeSet<usize>,
    losses: &mut Losses,
    (jobs, cancel): (usize, &Cancel),
) -> Result<BTreeMap<usize, PathBuf>> {
    let mut removed = wanted.clone();
    let mut kept = BTreeMap::new();
    let mut sound = BTreeSet::new();
    loop {
        let needed = read_to_remove(snapshot, &removed);
        let unknown = needed.iter().filter(|(path, ..)| !losses.contains(path) && !sound.contains(path));
        let looked = in_order::<_, _, Error>(unknown.copied().collect(), jobs, |(path, bytes, checksum)| {
            cancel.check()?;
            Ok((path, lake.check(path, bytes, checksum).err()))
        })?;
        for (path, error) in looked {
            match error {
                Some(error) if is_loss(&error) => losses.add(path, problem_of(&error)),
                Some(error) => return Err(error),
                None => drop(sound.insert(path)),
            }
        }
        let before = kept.len();
        for (path, ..) in needed.iter().filter(|(path, ..)| losses.contains(path)) {
            for input in snapshot.inputs_in(path) {
                if removed.remove(&input) {
                    kept.insert(input, path.to_path_buf());
                }
            }
        }
        if kept.len() == before {
            return Ok(kept);
        }
    }
}

/// Leaves out of a run what cannot be replaced because a file of the lake is lost.
///
/// # Errors
/// As [`cannot_go`].
pub(crate) fn hold_back(
    lake: &Layout,
    snapshot: &Snapshot,
    selection: &mut Selection,
    mut losses: Losses,
    (jobs, cancel): (usize, &Cancel),
    lost: &mut Lost,
) -> Result<()> {
    let met: BTreeMap<&Path, usize> =
        selection.relocated.iter().map(|met| (met.seen.absolute.as_path(), met.input)).collect();
    let mut others: BTreeMap<&Path, Vec<usize>> = BTreeMap::new();
    for (path, id) in selection.goes_on.iter().chain(&selection.may_be) {
        others.entry(path.as_path()).or_default().push(*id);
    }
    let replaces = |input: &Input| {
        let absolute = input.absolute.as_path();
        let own = snapshot.input_at(absolute).map(|entry| entry.id);
        let others = others.get(absolute).into_iter().flatten().copied();
        [own, met.get(absolute).copied()].into_iter().flatten().chain(others)
    };
    let mut wanted: BTreeSet<usize> = selection.convert.iter().flat_map(replaces).collect();
    wanted.extend(selection.superseded.iter().map(|(_, id)| *id));
    let kept = cannot_go(lake, snapshot, &wanted, &mut losses, (jobs, cancel))?;
    lost.add(&losses, snapshot);
    if kept.is_empty() {
        return Ok(());
    }
    let because = |input: &Input| replaces(input).find_map(|id| kept.get(&id));
    let held_back = selection
        .convert
        .iter()
        .filter_map(|input| because(input).map(|path| HeldBack { path: input.path.clone(), lost: path.clone() }));
    lost.held_back.extend(held_back);
    let left: BTreeSet<PathBuf> =
        selection.convert.iter().filter(|input| because(input).is_some()).map(|input| input.absolute.clone()).collect();
    // A renamed capture that would take the path of a capture that stays keeps its old name for now.
    let places: BTreeSet<PathBuf> = selection
        .superseded
        .iter()
        .filter(|(_, id)| kept.contains_key(id))
        .filter_map(|(_, id)| Some(snapshot.inputs.get(id)?.input.absolute.clone()))
        .collect();
    selection.convert.retain(|input| !left.contains(&input.absolute));
    selection.relocated.retain(|met| !places.contains(&met.seen.absolute));
    selection.goes_on.retain(|(_, id)| !kept.contains_key(id));
    selection.may_be.retain(|(_, id)| !kept.contains_key(id));
    // One that stays stands for itself, and one that is not converted for no other.
    let stays = |input: &Input| snapshot.input_at(&input.absolute).is_some_and(|entry| kept.contains_key(&entry.id));
    selection.deduplicated.retain(|(input, same_as)| !left.contains(same_as) && !stays(input));
    // A capture that a left-out one would replace stays as well.
    selection.superseded.retain(|(path, id)| !kept.contains_key(id) && !left.contains(path));
    Ok(())
}
