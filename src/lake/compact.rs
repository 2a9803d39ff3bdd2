//! Makes larger files of small ones: of the parts of a partition, of sums of the same dates, and of manifests.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::aggregate::{Aggregator, Owners, Saved, Space};
use crate::bug::bug;
use crate::error::{Error, Result};
use crate::plan::{PartialEntry, derived_identity};
use crate::threads::in_order;

use super::layout::Layout;
use super::losses::Losses;
use super::record::{CommittedPart, CommittedPartial, is_none};
use super::renew::{parts_of_earlier_form, renew_tables};
use super::rewriter::{Rewriter, Written};
use super::snapshot::Snapshot;
use super::transaction::Transaction;

/// The most manifests that are left as they are. More than that become one.
const MANIFESTS: usize = 8;
/// The most bytes of partial summaries that become one.
const PARTIAL_BYTES: u64 = 64 << 20;

/// How files are compacted.
#[derive(Clone, Copy, Debug)]
pub struct Compacting {
    /// Workers.
    pub jobs: usize,
    /// Whether files of an earlier form are written again as well, even alone.
    pub earlier_forms: bool,
}

/// What compacting did to a lake's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compacted {
    /// Parts that were replaced: small ones, and parts of an earlier form.
    pub parts_before: u64,
    /// Parts that replaced them.
    pub parts_after: u64,
    /// How many of the replaced parts were of an earlier form, if that was asked for.
    pub earlier_parts: u64,
    /// Rows that were written again.
    pub rows: u64,
    /// Bytes of the parts that were replaced.
    pub bytes_before: u64,
    /// Bytes of the parts that replaced them.
    pub bytes_after: u64,
    /// Partial summaries that were replaced.
    pub partials_before: u64,
    /// Partial summaries that replaced them.
    pub partials_after: u64,
    /// Summary tables of an earlier form that were written again, if that was asked for.
    pub earlier_tables: u64,
    /// Manifests that became one.
    pub manifests: u64,
    /// Parts that earlier commits removed, and whose files stayed until now.
    #[serde(skip_serializing_if = "is_none")]
    pub released: u64,
}

/// Plans and stages fewer, larger files for a lake and, if wanted, gives all files today's form. The rows are the same,
/// in the same order within each capture. Files that are lost stay as they are.
///
/// # Errors
/// If a file cannot be read, differs from what was written, or cannot be written.
pub fn compact(
    rewriter: &Rewriter<'_>,
    how: Compacting,
    losses: &Losses,
    change: &mut Transaction,
) -> Result<Compacted> {
    let mut done = Compacted::default();
    let earlier = if how.earlier_forms { parts_of_earlier_form(rewriter, how.jobs, losses)? } else { BTreeSet::new() };
    let groups = groups(rewriter.snapshot, rewriter.encoder.settings().target_file_size, &earlier, losses);
    let written = in_order::<_, _, Error>(groups, how.jobs, |group| {
        let unit = derived_identity("compact", group.iter().map(|part| part.checksum.as_str()));
        let written = rewriter.write(&unit, &group, &|_| true, &mut |_, _| Ok(()))?;
        Ok((group, unit, written))
    })?;
    for (group, unit, Written { parts, inputs }) in written {
        for part in group {
            done.parts_before += 1;
            done.earlier_parts += u64::from(earlier.contains(part.path.as_path()));
            done.bytes_before += part.bytes;
            change.remove_part(part);
        }
        for part in &parts {
            done.parts_after += 1;
            done.rows += part.rows;
            done.bytes_after += part.bytes;
            change.add_part(&unit, part, &inputs)?;
        }
    }
    if how.earlier_forms {
        done.earlier_tables = renew_tables(rewriter, how.jobs, losses, change)?;
    }
    for group in groups_of_partials(rewriter.snapshot, losses) {
        done.partials_before += group.len() as u64;
        done.partials_after += 1;
        merge_partials(rewriter, &group, change)?;
    }
    let manifests = rewriter.lake.manifest_files()?;
    if manifests.len() > MANIFESTS {
        done.manifests = manifests.len() as u64;
        change.replace_manifests(manifests);
    }
    Ok(done)
}

/// Groups of parts of one partition that together fit into one part of the target size, in the order of their captures.
/// Also each part of an earlier form that fits with no other.
fn groups<'a>(
    snapshot: &'a Snapshot,
    target: u64,
    earlier: &BTreeSet<&Path>,
    losses: &Losses,
) -> Vec<Vec<&'a CommittedPart>> {
    let mut partitions: BTreeMap<Option<&Path>, Vec<&CommittedPart>> = BTreeMap::new();
    let there = |part: &&CommittedPart| !losses.contains(&part.path);
    for part in snapshot.parts.values().filter(there).filter(|part| part.bytes < target / 2) {
        partitions.entry(part.path.parent()).or_default().push(part);
    }
    let mut groups = Vec::new();
    for mut parts in partitions.into_values() {
        parts.sort_by_key(|part| (part.ranges.first().map(|range| (range.input, range.first_offset)), &part.path));
        groups.extend(together(parts, target, |part| part.bytes));
    }
    let grouped: BTreeSet<_> = groups.iter().flatten().map(|part| part.path.as_path()).collect();
    let alone = |part: &&CommittedPart| earlier.contains(part.path.as_path()) && !grouped.contains(part.path.as_path());
    let alone: Vec<_> = snapshot.parts.values().filter(alone).map(|part| vec![part]).collect();
    groups.extend(alone);
    groups
}

/// Groups files in their order, up to `limit` bytes a group. Files that would be alone are left out.
fn together<T>(files: Vec<&T>, limit: u64, bytes: impl Fn(&T) -> u64) -> Vec<Vec<&T>> {
    let mut groups: Vec<Vec<&T>> = Vec::new();
    // No group is begun: whatever comes first is too much for it.
    let mut sum = u64::MAX;
    for file in files {
        sum = sum.saturating_add(bytes(file));
        match groups.last_mut() {
            Some(group) if sum <= limit => group.push(file),
            _ => {
                sum = bytes(file);
                groups.push(vec![file]);
            }
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// Partial summaries of the same dates whose captures are in no other partial summary.
fn groups_of_partials<'a>(snapshot: &'a Snapshot, losses: &Losses) -> Vec<Vec<&'a CommittedPartial>> {
    let mut places: HashMap<usize, u64> = HashMap::new();
    for input in snapshot.partials.values().flat_map(|partial| &partial.inputs) {
        *places.entry(*input).or_default() += 1;
    }
    let alone = |input: &usize| *input == 0 || places.get(input) == Some(&1);
    let mut by_dates: BTreeMap<_, Vec<&CommittedPartial>> = BTreeMap::new();
    for partial in snapshot.partials.values() {
        let is_small = partial.bytes < PARTIAL_BYTES / 2 && !losses.contains(&partial.path);
        if is_small && partial.inputs.iter().all(alone) {
            by_dates.entry(&partial.days).or_default().push(partial);
        }
    }
    let mut groups = Vec::new();
    for mut partials in by_dates.into_values() {
        partials
            .sort_by_key(|partial| (partial.inputs.iter().copied().filter(|input| *input > 0).min(), &partial.path));
        groups.extend(together(partials, PARTIAL_BYTES, |partial| partial.bytes));
    }
    groups
}

fn merge_partials(rewriter: &Rewriter<'_>, group: &[&CommittedPartial], change: &mut Transaction) -> Result<()> {
    let space = Space::new(&rewriter.lake.resolve(&rewriter.folder()?)).cancelled_by(rewriter.cancel);
    let mut aggregator = Aggregator::new(&space);
    let mut inputs = Vec::new();
    for partial in group {
        let mut numbers = Vec::new();
        for input in &partial.inputs {
            // 0 stands for a capture that gave nothing.
            let number = (*input > 0).then_some(inputs.len()).map(u32::try_from);
            let number = number.transpose().map_err(|_| bug!())?;
            inputs.extend(number.map(|_| *input));
            numbers.push(number);
        }
        partial.append_to(&mut aggregator, rewriter.lake, None, Owners::Renumber(numbers.into()))?;
        change.remove_partial(&partial.path);
    }
    let staged: PathBuf = rewriter.staged("arrow")?;
    let Saved { bytes, checksum, days } = aggregator.save(&rewriter.lake.resolve(&staged))?;
    let unit = derived_identity("compact", group.iter().map(|partial| partial.checksum.as_str()));
    let entry = PartialEntry { staged, path: Layout::partial_path(&unit), bytes, checksum, days };
    change.add_partial(&unit, &entry, inputs)
}
