//! Repairing: makes what a lake has lost again, from what is left.
//!
//! Parts say whose rows they hold, so a manifest can be made from them. Partial summaries are counted again from the
//! rows, and tables follow from these. What is gone for good is named. Its captures are marked, so that the next
//! conversion reads them again if they still exist. All of it is one commit, or none.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cancel::Cancel;
use crate::convert::FinalStage;
use crate::day::Day;
use crate::error::{Error, Result};
use crate::lake::{
    Action, Layout, SUMMARIES as FOLDER, Snapshot, Transaction, checked, data_files, hold, remains, sweep_staging,
};
use crate::names::PtrOptions;
use crate::outcome::{LostFile, Report};
use crate::path_text;
use crate::storage::local;
use crate::summary::SUMMARIES;
use crate::threads::in_order;

use super::resum::count_again;
use super::verify::VerifyRequest;

/// What was mended, and what is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// Why everything was taken from the parts: manifests that were missing or could not be read.
    pub manifests: Vec<String>,
    /// Parts that no manifest named, and that count again.
    #[serde(with = "path_text::list")]
    pub taken_up: Vec<PathBuf>,
    /// Parts that are lost, with their rows.
    pub lost: Vec<LostFile>,
    /// Where damaged parts were put: readers do not see them there.
    #[serde(with = "path_text::list")]
    pub set_aside: Vec<PathBuf>,
    /// Captures that have lost rows. The next conversion reads them again if they still exist.
    pub incomplete: Vec<PartlyLost>,
    /// Captures of which nothing tells whether all their rows exist: older parts do not say it.
    #[serde(with = "path_text::list")]
    pub unproved: Vec<PathBuf>,
    /// Partial summaries that were counted again.
    pub partials: u64,
    /// Captures whose DNS messages are no longer in any summary: the rows do not have their content.
    #[serde(with = "path_text::list")]
    pub without_messages: Vec<PathBuf>,
    /// Summary tables that were made again.
    pub tables: u64,
    /// Files that no manifest names and that do not count, each with the reason.
    pub left_out: Vec<LostFile>,
}

/// A capture that has lost rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartlyLost {
    /// The path as it was given.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// How many lost rows are known of.
    pub rows: u64,
}

impl Repaired {
    /// Whether there was nothing to mend.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self { left_out: self.left_out.clone(), ..Self::default() }
    }

    /// Whether something is gone that was in the lake.
    #[must_use]
    pub fn is_loss(&self) -> bool {
        !(self.lost.is_empty()
            && self.incomplete.is_empty()
            && self.unproved.is_empty()
            && self.without_messages.is_empty())
    }
}

/// Mends a lake.
///
/// # Errors
/// If another run holds the lake, or something cannot be read or written. Then the lake is as it was.
pub(super) fn repair(request: &VerifyRequest) -> Result<Repaired> {
    let lake = Layout::create(&request.lake)?;
    let _lock = hold(&lake, request.wait, &request.cancel)?;
    let mended = mend(&lake, request.jobs, &request.cancel);
    let swept = sweep_staging(&lake);
    let mended = mended?;
    swept?;
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
    snapshot.sequence = lake.last_commit(&snapshot)?;
    let before = snapshot.clone();
    let mut left = remains(lake, snapshot, !repaired.manifests.is_empty(), jobs, cancel)?;
    // A lost manifest takes with it what it said about tables.
    let is_remade = !repaired.manifests.is_empty() || !left.taken_up.is_empty();
    let settings = left.snapshot.settings.clone().unwrap_or_default();
    left.snapshot.settings = Some(settings.clone());
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
    for path in before.parts.keys().filter(|path| !left.snapshot.parts.contains_key(*path)) {
        change.remove_part(path);
        if local::exists(&lake.resolve(path)) {
            repaired.set_aside.push(change.set_aside(path));
        }
    }
    let mut days = BTreeSet::new();
    if settings.summaries {
        days = count_again(lake, &mut left, &settings, &mut change, (jobs, cancel), &mut repaired)?;
        days.extend(lost_tables(lake, &left.snapshot, jobs)?);
        if is_remade {
            days.extend(left.snapshot.parts.keys().map(|path| Layout::day_of(path)));
            days.extend(before.tables.keys().filter(|path| is_of_a_date(path)).map(|path| Layout::day_of(path)));
        }
    }
    let names_are_lost = left
        .snapshot
        .names
        .as_ref()
        .is_some_and(|names| checked(&lake.resolve(&names.path), names.bytes, &names.checksum).is_err());
    if names_are_lost {
        left.snapshot.names = None;
        change.remove_table(&Layout::ptr_cache());
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
    let captures_are_lost = settings.summaries && lost_captures(lake, &left.snapshot);
    if repaired.is_empty() && days.is_empty() && !names_are_lost && !captures_are_lost && lake.last_is_sound() {
        return Ok(repaired);
    }
    let mut after = left.snapshot;
    if settings.summaries {
        let ptr = PtrOptions { limit: 0, ..PtrOptions::default() };
        let stage = FinalStage::open(lake, (&settings, &after), &ptr, 0, cancel)?;
        stage.stage(days, &after, &mut change, &mut Report::default())?;
        change.manifest.removed.tables.iter().for_each(|path| drop(after.tables.remove(path)));
        repaired.tables = change.manifest.tables.len() as u64;
        after.add_tables(change.manifest.tables.clone());
        if is_remade {
            // Tables of dates that have no rows left, which a lost manifest named.
            let stale = data_files(lake)?.into_keys().filter(|path| is_table(path) && !after.tables.contains_key(path));
            stale.for_each(|path| change.remove_table(&path));
        }
    }
    change.replace_manifests(lake.manifest_files()?);
    change.publish(lake, after)?;
    Ok(repaired)
}

/// Whether a file is in the place of a table of one date: `summaries/ports/date=2024-03-11/ports.parquet`.
fn is_table(path: &Path) -> bool {
    let mut tables = SUMMARIES.iter().map(|table| Path::new(FOLDER).join(table.name));
    is_of_a_date(path) && tables.any(|folder| path.starts_with(&folder) && path.file_stem() == folder.file_name())
}

fn is_of_a_date(path: &Path) -> bool {
    path.to_string_lossy().contains("date=")
}

/// The dates that have lost a table.
fn lost_tables(lake: &Layout, snapshot: &Snapshot, jobs: usize) -> Result<BTreeSet<Day>> {
    let tables = snapshot.tables.values().filter(|table| is_of_a_date(&table.path)).collect();
    let lost = in_order::<_, _, Error>(tables, jobs, |table| {
        let found = checked(&lake.resolve(&table.path), table.bytes, &table.checksum);
        Ok(found.is_err().then(|| Layout::day_of(&table.path)))
    })?;
    Ok(lost.into_iter().flatten().collect())
}

/// Whether the table of captures is lost.
fn lost_captures(lake: &Layout, snapshot: &Snapshot) -> bool {
    let mut tables = snapshot.tables.values().filter(|table| !is_of_a_date(&table.path));
    let is_lost = |path: &Path, bytes, checksum: &str| checked(&lake.resolve(path), bytes, checksum).is_err();
    tables.any(|table| is_lost(&table.path, table.bytes, &table.checksum))
}
