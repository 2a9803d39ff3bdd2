//! The end of a conversion: staged files are checked, what they replace is removed, and everything is published.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::capture::Damage;
use crate::day::Day;
use crate::error::{Error, Result};
use crate::lake::{
    Action, InputEntry, PlanProgress, RefusedEntry, Rewriter, Snapshot, Transaction, days_of_changed,
    days_of_relocated, look_at_delta, remove_captures,
};
use crate::outcome::{Changing, MaxDamaged, Renamed, Report};
use crate::packets::Encoder;
use crate::plan::{CaptureEntry, UnitResult};
use crate::select::Selection;
use crate::storage::open_for_writing;

use super::final_stage::{FinalStage, TouchedDays};

/// Which captures may be damaged, and what a commit is part of.
#[derive(Clone, Debug)]
pub(crate) struct PublishOptions {
    /// Workers, for parts that are written again.
    pub(crate) jobs: usize,
    /// How many captures of the run may be damaged or refused.
    pub(crate) max_damaged: Option<MaxDamaged>,
    /// Captures that later portions of the run will convert.
    pub(crate) to_come: u64,
    /// Refusals of the report that earlier portions of the run have committed.
    pub(crate) refusals_committed: usize,
    /// Bytes of manifests since the last checkpoint from which on a commit makes one.
    pub(crate) checkpoint_after: u64,
    /// How far a plan is committed then, if it is committed in portions.
    pub(crate) progress: Option<PlanProgress>,
}

/// Checks, summarizes and publishes what was staged. Returns the content of the lake then.
///
/// # Errors
/// If it does not add up, if too much of it is damaged, or if something cannot be read or written. Then nothing of it is
/// visible.
pub(crate) fn publish(
    stage: &mut FinalStage<'_>,
    mut rows: Vec<UnitResult>,
    selection: Selection,
    mut snapshot: Snapshot,
    options: PublishOptions,
    report: &mut Report,
) -> Result<Snapshot> {
    let (lake, settings) = (stage.lake, stage.settings);
    // The same bytes through standard input are not converted twice, whatever the settings.
    let mut seen = HashSet::new();
    let mut again = |row: &UnitResult| {
        let mut streams = row.unit.captures.iter().filter(|capture| capture.input.is_stdin());
        streams.any(|capture| {
            capture
                .input
                .fingerprint
                .as_ref()
                .is_some_and(|known| snapshot.streams.contains(known) || !seen.insert(known.clone()))
        })
    };
    let before = rows.len();
    rows.retain(|row| !again(row));
    report.unchanged += (before - rows.len()) as u64;

    let mut change = Transaction::new(&snapshot, Action::Convert, settings.clone());
    (change.checkpoint_after, change.is_read_again) = (options.checkpoint_after, true);
    change.manifest.plan = options.progress;
    let mut touched =
        TouchedDays { packets: days_of(&rows), captures: days_of_relocated(&snapshot, &selection.relocated) };
    selection.relocated.iter().for_each(|met| snapshot.meet_again(met.clone()));
    change.manifest.met_again = selection.relocated;
    change.manifest.removed.refused = selection.cleared_refusals;
    // A refusal that names no file as it was seen counts as of the last commit: each repeats it.
    let is_said =
        |(place, refused): &(usize, &RefusedEntry)| *place >= options.refusals_committed || refused.seen.is_none();
    let refused = report.refused.iter().enumerate().filter(is_said);
    change.manifest.refused = refused.map(|(_, refused)| refused.clone()).collect();

    let mut replaced = replaced_by(&rows, &snapshot);
    replaced.extend(selection.superseded.iter().map(|(_, id)| *id));
    replaced.extend(those_that_go_on(&selection.goes_on, &rows));
    let the_same = those_that_are_the_same(&selection.may_be, &rows, &snapshot, report);
    // Captures that no new file turned out to be are gone.
    let gone: BTreeSet<usize> =
        selection.may_be.iter().map(|(_, id)| *id).filter(|id| !the_same.contains(id)).collect();
    report.captures_missing = report.captures_missing.map(|missing| missing + gone.len() as u64);
    replaced.extend(the_same);
    let had_rows = |id: &&usize| snapshot.inputs.get(id).is_some_and(|entry| entry.same_as.is_none());
    report.replaced += replaced.iter().filter(had_rows).count() as u64;
    if !replaced.is_empty() {
        let encoder = Encoder::of_lake(settings, lake.root())?;
        let rewriter = Rewriter::new(lake, &snapshot, &encoder, stage.cancel);
        touched.packets.extend(remove_captures(&rewriter, &replaced, options.jobs, &mut change)?);
    }
    let mut writers = None;
    report.parts += rows.iter().map(|row| row.parts.len() as u64).sum::<u64>();
    report.bytes_out += rows.iter().flat_map(|row| &row.parts).map(|part| part.bytes).sum::<u64>();
    change.add_units(rows, |entry| {
        let changing = Changing::of(entry, &mut writers);
        if changing.is_open() {
            entry.mark_open();
        }
        if matches!(changing, Changing::Shrank { .. } | Changing::Rewritten) {
            // What was read is not, or not only, what had been fingerprinted. So the fingerprint does not count.
            entry.input.fingerprint = None;
        }
        report.add(entry, changing);
    })?;
    // In an archive of doubles they are as many as the others.
    let converted = change.manifest.inputs.iter().filter(|_| !selection.deduplicated.is_empty());
    let converted: HashMap<_, _> = converted.map(|entry| (entry.input.absolute.clone(), entry.id)).collect();
    for (input, same_as) in selection.deduplicated {
        // What goes in this commit stands for nothing: the next run finds the capture as a new one.
        let snapshot = || snapshot.input_at(&same_as).map(|entry| entry.id).filter(|id| !replaced.contains(id));
        if let Some(same_as) = converted.get(&same_as).copied().or_else(snapshot) {
            change.add_input(InputEntry::of_duplicate(input, same_as));
        }
    }
    let (framed, written) = (change.manifest.records, change.manifest.rows);
    if framed != written {
        return Err(Error::RowsDiffer { framed, written });
    }
    (report.records, report.rows) = (report.records + framed, report.rows + written);
    report.check(options.max_damaged, options.to_come)?;
    report.newest_packet_timestamp_seconds = snapshot.newest_packet();
    if !changes_the_lake(&change, &snapshot) {
        look_at_delta(lake, &snapshot)?;
        return Ok(snapshot);
    }
    touched.captures.extend(days_of_changed(&snapshot, &change.manifest));
    let mut after = snapshot;
    after.add(change.manifest.clone());
    report.newest_packet_timestamp_seconds = after.newest_packet();
    if settings.summaries && !touched.captures.is_empty() {
        stage.stage(touched, &after, &mut change, report)?;
    }
    report.lost.leave_out_mended(&change, &after);
    let converted = change.manifest.inputs.len() as u64;
    change.publish(lake, &mut after)?;
    (report.commits, report.committed) = (report.commits + 1, report.committed + converted);
    Ok(after)
}

/// Whether a commit is needed. A refusal that is known already, or that will be tried again anyway, is no reason for one.
fn changes_the_lake(change: &Transaction, snapshot: &Snapshot) -> bool {
    let is_news = |refused: &RefusedEntry| {
        let known = refused.seen.as_ref().map(|seen| snapshot.quarantine.get(&seen.absolute));
        known.is_some_and(|known| known != Some(refused))
    };
    let is_news = change.manifest.refused.iter().any(is_news);
    !change.manifest.changes_nothing() || is_news || change.changes_retention(snapshot)
}

/// The dates that units contribute to.
fn days_of(rows: &[UnitResult]) -> BTreeSet<Day> {
    rows.iter().filter_map(|row| row.partial.as_ref()).flat_map(|partial| partial.days.iter().copied()).collect()
}

/// Captures of the lake that converted ones replace. A capture that could not be read replaces nothing.
fn replaced_by(rows: &[UnitResult], snapshot: &Snapshot) -> BTreeSet<usize> {
    let captures = rows.iter().flat_map(|row| row.unit.captures.iter().zip(&row.captures));
    let read = captures.filter(|(_, found)| found.refused.is_none());
    read.filter_map(|(capture, _)| Some(snapshot.input_at(&capture.input.absolute)?.id)).collect()
}

/// Captures of the lake that continue in others, if the others could be read.
fn those_that_go_on(goes_on: &[(PathBuf, usize)], rows: &[UnitResult]) -> BTreeSet<usize> {
    let mut by_path: HashMap<&Path, Vec<usize>> = HashMap::new();
    goes_on.iter().for_each(|(absolute, id)| by_path.entry(absolute).or_default().push(*id));
    let captures = rows.iter().flat_map(|row| row.unit.captures.iter().zip(&row.captures));
    let read = captures.filter(|(_, found)| found.refused.is_none());
    read.filter_map(|(capture, _)| by_path.get(capture.input.absolute.as_path())).flatten().copied().collect()
}

/// Captures of the lake that are the same as new ones, as far as can be told for captures of an earlier version: the new
/// file gives what the old one gave.
fn those_that_are_the_same(
    may_be: &[(PathBuf, usize)],
    rows: &[UnitResult],
    snapshot: &Snapshot,
    report: &mut Report,
) -> BTreeSet<usize> {
    let mut found: HashMap<&Path, Option<(&Path, CaptureEntry)>> =
        may_be.iter().map(|(absolute, _)| (absolute.as_path(), None)).collect();
    for (capture, share) in rows.iter().flat_map(|row| row.unit.captures.iter().zip(&row.captures)) {
        match found.get_mut(capture.input.absolute.as_path()) {
            Some(Some((_, entry))) => *entry += share.clone(),
            Some(entry) => *entry = Some((&capture.input.path, share.clone())),
            None => {}
        }
    }
    let mut same = BTreeSet::new();
    for (absolute, id) in may_be {
        let (Some(Some((path, found))), Some(before)) = (found.get(absolute.as_path()), snapshot.inputs.get(id)) else {
            continue;
        };
        if found.gives_the_same(&before.found) && same.insert(*id) {
            report.renamed.push(Renamed { path: path.to_path_buf(), was: before.input.path.clone() });
        }
    }
    same
}

impl Changing {
    /// Whether a stream came to its own end.
    pub(crate) fn of_stream(entry: &InputEntry) -> Self {
        let ended = entry.found.stream.as_ref().filter(|stream| stream.ended);
        ended.map_or(Self::No, |stream| Self::Ended { cut: stream.cut })
    }

    /// Looks at a capture again after it was read. `writers` are found when they are first asked for.
    pub(super) fn of(entry: &InputEntry, writers: &mut Option<HashSet<PathBuf>>) -> Self {
        let input = &entry.input;
        if entry.found.refused.is_some() {
            return Self::No;
        }
        if input.is_stdin() {
            return Self::of_stream(entry);
        }
        // Of an object, no other bytes were read than those of this version.
        if input.etag.is_some() {
            return Self::No;
        }
        let cut = entry.found.damage.as_ref().is_some_and(Damage::is_at_the_end) && entry.found.gaps.is_empty();
        let cut_or_whole = cut || entry.found.damage.is_none();
        match crate::discover::Candidate::of(&input.absolute, true) {
            Ok(now) if now.size > input.size && cut_or_whole => Self::Grows,
            // The file got its length beforehand, and is being filled.
            Ok(now) if now.size == input.size && now.modified != input.modified && entry.found.ends_in_zeros() => {
                Self::Grows
            }
            Ok(now) if now.size < input.size => Self::Shrank { from: input.size, to: now.size },
            Ok(now) if now.size > input.size || now.modified != input.modified => Self::Rewritten,
            Ok(_) if cut && writers.get_or_insert_with(open_for_writing).contains(&input.absolute) => Self::Grows,
            Ok(_) => Self::No,
            // A process that had it open read it to its end.
            Err(_) if entry.found.damage.is_none() => Self::Gone,
            Err(_) => Self::No,
        }
    }
}
