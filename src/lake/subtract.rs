//! Removes captures from the files that hold their rows and their sums.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::aggregate::{Aggregator, Owners, Saved, Space};
use crate::bug::bug;
use crate::day::Day;
use crate::error::{Error, Result};
use crate::plan::{PartialEntry, derived_identity};
use crate::summary::Partial;
use crate::threads::in_order;

use super::layout::Layout;
use super::record::{CommittedPart, CommittedPartial};
use super::rewriter::{Rewriter, Written};
use super::snapshot::Snapshot;
use super::transaction::Transaction;

/// The captures to remove whose sums share a partial summary with others, and that partial summary.
fn beside_others<'a>(snapshot: &'a Snapshot, removed: &BTreeSet<usize>) -> BTreeMap<usize, &'a CommittedPartial> {
    let mut beside = BTreeMap::new();
    for partial in snapshot.partials.values().filter(|partial| !all_go(partial, removed)) {
        let gone = partial.inputs.iter().filter(|input| removed.contains(input));
        beside.extend(gone.map(|input| (*input, partial)));
    }
    beside
}

/// Whether all captures of a partial summary are removed. A capture that gave nothing has number 0.
fn all_go(partial: &CommittedPartial, removed: &BTreeSet<usize>) -> bool {
    partial.inputs.iter().all(|input| *input == 0 || removed.contains(input))
}

/// Whether a part is removed without being read.
fn goes_unread(part: &CommittedPart, removed: &BTreeSet<usize>, beside: &BTreeMap<usize, &CommittedPartial>) -> bool {
    part.ranges.iter().all(|range| removed.contains(&range.input) && !beside.contains_key(&range.input))
}

/// The files that [`remove_captures`] has to read: their paths below the lake, bytes and checksums.
#[must_use]
pub fn read_to_remove<'a>(snapshot: &'a Snapshot, removed: &BTreeSet<usize>) -> Vec<(&'a Path, u64, &'a str)> {
    let beside = beside_others(snapshot, removed);
    let mut files: BTreeMap<&Path, (u64, &str)> = BTreeMap::new();
    for part in snapshot.parts.values().filter(|part| part.ranges.iter().any(|range| removed.contains(&range.input))) {
        if !goes_unread(part, removed, &beside) {
            files.insert(&part.path, (part.bytes, &part.checksum));
        }
    }
    for partial in beside.values() {
        files.insert(&partial.path, (partial.bytes, &partial.checksum));
    }
    files.into_iter().map(|(path, (bytes, checksum))| (path, bytes, checksum)).collect()
}

/// Removes captures. Files that hold nothing other than them are removed; the others are written again without them.
/// Returns the dates whose tables must be made again.
///
/// What the captures have added to the sums is counted again from their rows. The counts of their DNS messages are kept
/// by owner.
///
/// # Errors
/// If a file cannot be read, differs from what was written, or cannot be written.
pub fn remove_captures(
    rewriter: &Rewriter<'_>,
    removed: &BTreeSet<usize>,
    jobs: usize,
    change: &mut Transaction,
) -> Result<BTreeSet<Day>> {
    let snapshot = rewriter.snapshot;
    change.remove_inputs(removed.iter().copied());
    let goes = |input: &usize| *input == 0 || removed.contains(input);
    let touched = |partial: &&CommittedPartial| partial.inputs.iter().any(|input| removed.contains(input));
    let partials: Vec<_> = snapshot.partials.values().filter(touched).collect();
    let counted = beside_others(snapshot, removed);
    let gone: Mutex<BTreeMap<&Path, Partial>> = Mutex::default();
    let space = Space::new(&rewriter.lake.resolve(&rewriter.folder()?)).cancelled_by(rewriter.cancel);
    let window = rewriter.encoder.settings().window;
    let of_those = |part: &&CommittedPart| part.ranges.iter().any(|range| removed.contains(&range.input));
    let parts: Vec<_> = snapshot.parts.values().filter(of_those).collect();
    let rewritten = in_order::<_, _, Error>(parts, jobs, |part| {
        if goes_unread(part, removed, &counted) {
            return Ok((part, None));
        }
        let day = Layout::day_of(&part.path);
        let unit = without(part, removed);
        let written = rewriter.write(&unit, &[part], &|input| !removed.contains(&input), &mut |input, rows| {
            // The sums of other captures go as a whole.
            let Some(partial) = counted.get(&input) else { return Ok(()) };
            let mut gone = gone.lock().unwrap_or_else(PoisonError::into_inner);
            gone.entry(partial.path.as_path()).or_insert_with(|| Partial::new(&space)).add_rows(day, rows, window)
        })?;
        Ok((part, Some((unit, written))))
    })?;
    for (part, written) in rewritten {
        change.remove_part(part);
        if let Some((unit, Written { parts, inputs })) = written {
            parts.iter().try_for_each(|part| change.add_part(&unit, part, &inputs))?;
        }
    }
    let mut gone = gone.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut days = BTreeSet::new();
    for partial in partials {
        days.extend(partial.days.iter().copied());
        change.remove_partial(&partial.path);
        if all_go(partial, removed) {
            continue;
        }
        let kept: Vec<_> = partial.inputs.iter().copied().filter(|input| !goes(input)).collect();
        let mut aggregator = Aggregator::new(&space);
        partial.append_to(&mut aggregator, rewriter.lake, None, renumbered(&partial.inputs, &kept)?)?;
        if let Some(gone) = gone.remove(partial.path.as_path()) {
            aggregator.subtract(gone.into_aggregator())?;
        }
        let staged: PathBuf = rewriter.staged("arrow")?;
        let Saved { bytes, checksum, days } = aggregator.save(&rewriter.lake.resolve(&staged))?;
        let numbers: Vec<_> = kept.iter().map(ToString::to_string).collect();
        let fields = std::iter::once(partial.checksum.as_str()).chain(numbers.iter().map(String::as_str));
        let unit = derived_identity("without", fields);
        if !days.is_empty() {
            let entry = PartialEntry { staged, path: Layout::partial_path(&unit), bytes, checksum, days };
            change.add_partial(&unit, &entry, kept)?;
        }
    }
    Ok(days)
}

/// The identity of a part without some captures. It follows from what is left of the part.
fn without(part: &CommittedPart, removed: &BTreeSet<usize>) -> String {
    let kept = part.ranges.iter().filter(|range| !removed.contains(&range.input));
    let kept: Vec<_> = kept.map(|range| format!("{}+{}", range.first_row, range.rows)).collect();
    derived_identity("without", std::iter::once(part.checksum.as_str()).chain(kept.iter().map(String::as_str)))
}

/// The new places of captures that stay, by their old ones.
fn renumbered(before: &[usize], after: &[usize]) -> Result<Owners> {
    let place = |input: &usize| after.iter().position(|kept| kept == input).map(u32::try_from).transpose();
    Ok(Owners::Renumber(before.iter().map(place).collect::<std::result::Result<_, _>>().map_err(|_| bug!())?))
}
