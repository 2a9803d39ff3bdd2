//! The dates whose tables of captures a commit changes.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::day::Day;

use super::manifest::Manifest;
use super::record::{InputEntry, Relocated};
use super::snapshot::Snapshot;

/// The dates of captures that a commit removes or adds. `before` is the lake before the commit.
#[must_use]
pub fn days_of_changed(before: &Snapshot, manifest: &Manifest) -> BTreeSet<Day> {
    let mut days: BTreeSet<Day> = manifest.inputs.iter().map(|entry| entry.day()).collect();
    let removed: HashSet<usize> = manifest.removed.inputs.iter().copied().collect();
    if !removed.is_empty() {
        // Captures that were left out because of a removed one go with it.
        let goes = |entry: &&Arc<InputEntry>| {
            removed.contains(&entry.id) || entry.same_as.is_some_and(|same_as| removed.contains(&same_as))
        };
        days.extend(before.inputs.values().filter(goes).map(|entry| entry.day()));
    }
    days
}

/// The dates of captures whose rows say something else once they are met again. Another time of modification is in no row. `before` is
/// the lake before that.
#[must_use]
pub fn days_of_relocated(before: &Snapshot, relocated: &[Relocated]) -> BTreeSet<Day> {
    let day = |met: &Relocated| {
        let entry = before.inputs.get(&met.input)?;
        let (input, seen) = (&entry.input, &met.seen);
        let is_same = (&input.path, &input.absolute, input.size) == (&met.path, &seen.absolute, seen.size);
        (!is_same || met.packed.is_some()).then(|| entry.day())
    };
    relocated.iter().filter_map(day).collect()
}
