//! Repairing: makes what a lake has lost again, from what is left.
//!
//! Parts say whose rows they hold, so a manifest can be made from them. Partial summaries are counted again from the
//! rows, and tables follow from these. What is gone for good is named. Its captures are marked, so that the next
//! conversion reads them again if they still exist. All of it is one commit, or none.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::cancel::Cancel;
use crate::convert::{FinalStage, TouchedDays, stage_empty};
use crate::day::Day;
use crate::error::{Error, Result};
use crate::lake::{
    Action, DeltaEntry, InputEntry, Layout, Snapshot, Transaction, days_of_lost_captures, days_of_lost_tables,
    faults_of_doubles, hold, id_in_log, mend_delta, names_are_lost, remains, sweep_staging, tables_left_over,
};
use crate::names::PtrOptions;
use crate::outcome::{LostFile, PartlyLost, Repaired, Report};

use super::resum::count_again;
use super::verify::VerifyRequest;

/// Mends a lake.
///
/// # Errors
/// If another run holds the lake, or something cannot be read or written. Then the lake is as it was.
pub(super) fn repair(request: &VerifyRequest) -> Result<Repaired> {
    let lake = Layout::create(&request.lake)?;
    let _lock = hold(&lake, request.wait, &request.cancel)?;
    let mended = mend(&lake, request.jobs, &request.cancel);
    let swept = sweep_staging(&lake);
    let mut mended = mended?;
    swept?;
    // What a lake lost says nothing of its log, so the log is held against all that is left.
    let log = mend_delta(&lake, &Snapshot::read(&lake)?)?;
    sweep_staging(&lake)?;
    mended.delta_log = log.found;
    lake.give_up_orphans();
    mended.notes = lake.notes();
    Ok(mended)
}

fn mend(lake: &Layout, jobs: usize, cancel: &Cancel) -> Result<Repaired> {
    let mut repaired = Repaired::default();
    let mut unreadable = Vec::new();
    let (mut snapshot, problem) = Snapshot::read_all(lake, |error| {
        // A manifest of a later version of parcap is not damage.
        if matches!(error, Error::ManifestVersion { .. }) {
            return Err(error);
        }
        unreadable.push(error.to_string());
        Ok(())
    })?;
    unreadable.extend(problem.map(|problem| problem.to_string()));
    repaired.manifests = unreadable;
    if repaired.manifests.is_empty() {
        let doubled = faults_of_doubles(lake, cancel)?;
        repaired.checkpoint = doubled.iter().map(ToString::to_string).collect();
    }
    snapshot.sequence = lake.last_commit(&snapshot)?;
    let before = snapshot.clone();
    let mut left = remains(lake, snapshot, !repaired.manifests.is_empty(), jobs, cancel)?;
    // A lost manifest takes with it what it said about tables.
    let is_remade = !repaired.manifests.is_empty() || !left.taken_up.is_empty();
    let settings = left.snapshot.settings.clone().unwrap_or_default();
    left.snapshot.settings = Some(settings.clone());
    if !repaired.manifests.is_empty() && left.snapshot.delta.is_none() {
        // Parts do not say whether the lake has a Delta log. The log does.
        left.snapshot.delta = id_in_log(lake)?.map(|id| DeltaEntry { id, time: 0 });
    }
    for path in before.parts.keys().filter(|path| !left.snapshot.parts.contains_key(*path)) {
        let problem = left.lost.remove(path).or_else(|| left.left_out.remove(path));
        let lacks = |input| left.snapshot.inputs.get(&input).is_some_and(|entry| entry.lost_rows > 0);
        // A commit whose manifest is lost may have put these rows into other parts.
        if !is_remade || before.inputs_in(path).any(lacks) {
            repaired.lost.push(LostFile::of(path, problem.as_deref().unwrap_or("is not there"), &before));
        }
    }
    for (path, problem) in &left.left_out {
        repaired.left_out.push(LostFile::of(path, problem, &left.snapshot));
    }
    repaired.taken_up = left.taken_up.iter().cloned().collect();

    let mut change = Transaction::new(&left.snapshot, Action::Repair, settings.clone());
    if !repaired.manifests.is_empty() {
        change.release_all();
    }
    for (path, part) in before.parts.iter().filter(|(path, _)| !left.snapshot.parts.contains_key(*path)) {
        change.remove_part(part);
        if lake.has(path)? {
            repaired.set_aside.push(change.set_aside(path));
        }
    }
    let mut days = BTreeSet::new();
    if settings.summaries {
        days = count_again(lake, &mut left, &settings, &mut change, (jobs, cancel), &mut repaired)?;
        days.extend(days_of_lost_tables(lake, &left.snapshot, jobs)?);
        if is_remade {
            days.extend(left.snapshot.parts.keys().map(|path| Layout::day_of(path)));
            days.extend(
                before.tables.keys().filter(|path| Layout::is_of_a_date(path)).map(|path| Layout::day_of(path)),
            );
        }
    }
    let names_are_lost = names_are_lost(lake, &left.snapshot);
    if names_are_lost {
        left.snapshot.names = None;
        if !lake.keeps_tables() {
            change.remove_table(&Layout::ptr_cache());
        }
    }
    for (unit, places) in &left.units {
        if let Some(last) = places.keys().next_back() {
            let inputs = (0..=*last).map(|place| places.get(&place).copied().unwrap_or(0)).collect();
            left.snapshot.take_up_unit(unit, inputs);
        }
    }
    for number in &left.changed {
        let Some(entry) = left.snapshot.inputs.get(number) else { continue };
        if entry.lost_rows > 0 {
            repaired.incomplete.push(PartlyLost { path: entry.input.path.clone(), rows: entry.lost_rows });
        }
    }
    repaired.unproved = left
        .unproved
        .iter()
        .filter_map(|id| left.snapshot.inputs.get(id))
        .map(|entry| entry.input.path.clone())
        .collect();
    let mut captures = BTreeSet::new();
    if settings.summaries {
        captures = days_of_lost_captures(lake, &left.snapshot, jobs)?;
    }
    if repaired.is_empty() && days.is_empty() && !names_are_lost && captures.is_empty() && lake.last_is_sound() {
        return Ok(repaired);
    }
    let mut after = left.snapshot;
    if settings.summaries {
        let ptr = PtrOptions { limit: 0, ..PtrOptions::default() };
        let mut stage = FinalStage::open(lake, (&settings, &after), &ptr, 0, cancel)?;
        captures.extend(days_that_differ(&before, &after));
        if is_remade {
            captures.extend(after.inputs.values().map(|entry| entry.day()));
            captures.extend(
                before.tables.keys().filter(|path| Layout::is_of_captures(path)).map(|path| Layout::day_of(path)),
            );
        }
        stage.stage(TouchedDays { packets: days, captures }, &after, &mut change, &mut Report::default())?;
        change.manifest.removed.tables.iter().for_each(|path| drop(after.tables.remove(path)));
        repaired.tables = change.manifest.tables.len() as u64;
        after.add_tables(change.manifest.tables.clone());
        if is_remade {
            // Tables of dates that have no rows left, which a lost manifest named.
            for path in tables_left_over(lake, &after)? {
                if lake.keeps_tables() && path != Layout::earlier_captures() {
                    let empty = stage_empty(lake, &settings, &path)?;
                    after.add_tables(vec![empty.1.clone()]);
                    change.add_table(empty);
                } else {
                    change.remove_table(&path);
                }
            }
        }
    }
    change.replace_manifests(lake.manifest_files()?);
    change.publish(lake, &mut after)?;
    Ok(repaired)
}

/// The dates of captures of which one lake says something else than another one that was made of it.
fn days_that_differ(before: &Snapshot, after: &Snapshot) -> BTreeSet<Day> {
    let is_held = |other: &Snapshot, entry: &Arc<InputEntry>| {
        other.inputs.get(&entry.id).is_some_and(|held| Arc::ptr_eq(held, entry))
    };
    let gone = before.inputs.values().filter(|entry| !is_held(after, entry));
    let new = after.inputs.values().filter(|entry| !is_held(before, entry));
    gone.chain(new).map(|entry| entry.day()).collect()
}
