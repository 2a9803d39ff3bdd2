//! The end of a conversion: what was staged is checked, what it replaces is taken out, and everything is published.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::commit::{Action, Change, Holdings, InputEntry, MetAgain, RefusedEntry, UnitRow};
use crate::discover::open_for_writing;
use crate::error::{Error, Result};
use crate::partition::Day;
use crate::read::Damage;
use crate::rewrite::{Rewriter, take_out};

use super::convert::{MaxDamaged, encoder};
use super::report::{Changing, Renamed, Report};
use super::summaries::FinalStage;
use super::tonight::Tonight;

/// Checks, summarizes and publishes what was staged.
///
/// # Errors
/// If it does not add up, too much of it is damaged, or something cannot be read or written; nothing is visible then.
pub(super) fn publish(
    stage: FinalStage<'_>,
    mut rows: Vec<UnitRow>,
    tonight: Tonight,
    mut held: Holdings,
    (jobs, max_damaged): (usize, Option<MaxDamaged>),
    report: &mut Report,
) -> Result<()> {
    let (lake, settings) = (stage.lake, stage.settings);
    // The same bytes through standard input once more are not converted twice, whatever the settings.
    let again = |row: &UnitRow| {
        let mut streams = row.unit.captures.iter().filter(|capture| capture.input.is_stdin());
        streams.any(|capture| capture.input.fingerprint.as_ref().is_some_and(|known| held.streams.contains(known)))
    };
    let before = rows.len();
    rows.retain(|row| !again(row));
    report.unchanged += (before - rows.len()) as u64;

    let mut change = Change::new(&held, Action::Convert, settings.clone());
    tonight.met_again.iter().for_each(|met| held.meet_again(met.clone()));
    let is_renamed = |met: &MetAgain| report.renamed.iter().any(|renamed| renamed.path == met.path);
    let renamed = tonight.met_again.iter().any(is_renamed);
    change.manifest.met_again = tonight.met_again;
    change.manifest.removed.refused = tonight.forgiven;
    change.manifest.refused.clone_from(&report.refused);

    let mut days = days_of(&rows);
    let mut replaced = replaced_by(&rows, &held);
    replaced.extend(&tonight.displaced);
    let repacked = repacked(&tonight.repacked, &rows, &held, report);
    // What was not compressed or unpacked after all is gone.
    let gone = tonight.repacked.iter().filter(|(_, id)| !repacked.contains(id)).count() as u64;
    report.captures_missing = report.captures_missing.map(|missing| missing + gone);
    replaced.extend(repacked);
    let had_rows = |id: &&usize| held.inputs.get(id).is_some_and(|entry| entry.same_as.is_none());
    report.replaced = replaced.iter().filter(had_rows).count() as u64;
    if !replaced.is_empty() {
        let encoder = encoder(settings, lake)?;
        let rewriter = Rewriter::new(lake, &held, &encoder, stage.cancel);
        days.extend(take_out(&rewriter, &replaced, jobs, &mut change)?);
    }
    let mut writers = None;
    report.parts = rows.iter().map(|row| row.parts.len() as u64).sum();
    report.bytes_out = rows.iter().flat_map(|row| &row.parts).map(|part| part.bytes).sum();
    change.add_units(rows, |entry| {
        let changing = Changing::of(entry, &mut writers);
        if changing.is_open() {
            entry.mark_open();
        }
        report.add(entry, changing);
    });
    for (input, same_as) in tonight.left_out {
        if let Some(same_as) = number_of(&same_as, &change, &held) {
            change.add_input(InputEntry::of_duplicate(input, same_as));
        }
    }
    (report.records, report.rows) = (change.manifest.records, change.manifest.rows);
    if report.records != report.rows {
        return Err(Error::RowsDiffer { framed: report.records, written: report.rows });
    }
    report.check(max_damaged)?;
    report.newest_packet_timestamp_seconds = held.newest_packet();
    if !changes_the_lake(&change, &held) {
        return Ok(());
    }
    let mut after = held;
    after.add(change.manifest.clone());
    report.newest_packet_timestamp_seconds = after.newest_packet();
    if settings.summaries && (renamed || !change.manifest.inputs.is_empty() || !replaced.is_empty()) {
        stage.stage(days, &after, &mut change, report)?;
    }
    report.lost.leave_out_mended(&change, &after);
    change.publish(lake, after)
}

/// A refusal that is known already, or that will be tried again anyway, is no reason for a commit.
fn changes_the_lake(change: &Change, held: &Holdings) -> bool {
    let is_news = |refused: &RefusedEntry| {
        let known = refused.seen.as_ref().map(|seen| held.quarantine.get(&seen.absolute));
        known.is_some_and(|known| known != Some(refused))
    };
    !change.manifest.changes_nothing() || change.manifest.refused.iter().any(is_news)
}

/// The dates to which units contribute.
fn days_of(rows: &[UnitRow]) -> BTreeSet<Day> {
    rows.iter().filter_map(|row| row.partial.as_ref()).flat_map(|partial| partial.days.iter().copied()).collect()
}

/// Captures of the lake in whose place others were converted. One that could not be read replaces nothing.
fn replaced_by(rows: &[UnitRow], held: &Holdings) -> BTreeSet<usize> {
    let captures = rows.iter().flat_map(|row| row.unit.captures.iter().zip(&row.captures));
    let read = captures.filter(|(_, found)| found.refused.is_none());
    read.filter_map(|(capture, _)| Some(held.input_at(&capture.input.absolute)?.id)).collect()
}

/// Captures of the lake that were compressed or unpacked since: the new file gives what the old one gave.
fn repacked(candidates: &[(PathBuf, usize)], rows: &[UnitRow], held: &Holdings, report: &mut Report) -> Vec<usize> {
    let mut same = Vec::new();
    for (absolute, id) in candidates {
        let captures = rows.iter().flat_map(|row| row.unit.captures.iter().zip(&row.captures));
        let mut of_it = captures.filter(|(capture, _)| capture.input.absolute == *absolute);
        let (Some((capture, first)), Some(before)) = (of_it.next(), held.inputs.get(id)) else { continue };
        let mut found = first.clone();
        of_it.for_each(|(_, more)| found += more.clone());
        if found.gives_the_same(&before.found) {
            same.push(*id);
            report.renamed.push(Renamed { path: capture.input.path.clone(), was: before.input.path.clone() });
        }
    }
    same
}

/// The number of a capture that was added, or that is there.
fn number_of(absolute: &Path, change: &Change, held: &Holdings) -> Option<usize> {
    let added = change.manifest.inputs.iter().find(|entry| entry.input.absolute == *absolute);
    added.map(Arc::as_ref).or_else(|| held.input_at(absolute)).map(|entry| entry.id)
}

impl Changing {
    /// Looks at a capture once more, after it was read. `writers` are found when they are first asked for.
    pub(super) fn of(entry: &InputEntry, writers: &mut Option<HashSet<PathBuf>>) -> Self {
        let input = &entry.input;
        if input.is_stdin() || entry.found.refused.is_some() {
            return Self::No;
        }
        let cut = entry.found.damage.as_ref().is_some_and(Damage::is_at_the_end) && entry.found.gaps.is_empty();
        let cut_or_whole = cut || entry.found.damage.is_none();
        match crate::discover::Candidate::of(&input.absolute, true) {
            Ok(now) if now.size > input.size && cut_or_whole => Self::Grows,
            Ok(now) if now.size < input.size => Self::Shrank { from: input.size, to: now.size },
            Ok(now) if now.size > input.size || now.modified != input.modified => Self::Rewritten,
            Ok(_) if cut && writers.get_or_insert_with(open_for_writing).contains(&input.absolute) => Self::Grows,
            Ok(_) => Self::No,
            // Read to its end, by whoever had it open.
            Err(_) if entry.found.damage.is_none() => Self::Gone,
            Err(_) => Self::No,
        }
    }
}
