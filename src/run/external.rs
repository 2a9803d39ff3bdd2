//! `plan`, `convert-unit` and `commit`: the same run in pieces, for a scheduler that runs the units elsewhere.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::commit::{Holdings, Lake, Losses, PACKETS, UnitRow, sweep, sweep_staging, unproved};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::memory::Memory;
use crate::names::PtrOptions;
use crate::plan::{self, Unit};
use crate::unit::{self, Cancel, Workshop, convert_units};

use super::convert::{encoder, hold, per_second, sample};
use super::publish::publish;
use super::report::Report;
use super::strict::refuse_damaged;
use super::summaries::FinalStage;
use super::tonight::{Rules, Tonight, tonight};

/// The units that a conversion of `named` into the lake would work on. Standard input has no place in a plan.
///
/// # Errors
/// If the lake's manifests cannot be read, or it was made with other settings.
pub fn plan(named: &[PathBuf], lake: &Path, settings: &Settings, rules: &Rules) -> Result<(Vec<Unit>, Report)> {
    let held = Holdings::read(&Lake::at(lake))?;
    held.agrees_with(settings, lake)?;
    let mut report = Report { lake: lake.to_path_buf(), ..Report::default() };
    report.lost.add(&Losses::find(&Lake::at(lake), &held)?, &held);
    // A capture under a new name is one to convert, for a plan changes nothing of the lake.
    let rules = Rules { rename: false, ..rules.clone() };
    let inputs = tonight(named, &held, &rules, &mut report).convert;
    if !report.away.is_empty() {
        return Ok((Vec::new(), report));
    }
    report.inputs = inputs.len() as u64;
    let replaced = inputs.iter().filter_map(|input| Some(held.input_at(&input.absolute)?.id)).collect();
    let sampled = inputs.into_iter().map(|input| sample(input, settings.chunk_size)).collect();
    Ok((plan::plan(sampled, settings, &held.identities_without(&replaced)), report))
}

/// Converts one unit, and stages what it gives in a folder of the lake that no other conversion uses, so that the same
/// unit may be converted twice, also at the same time.
///
/// # Errors
/// If the lake cannot be written.
pub fn convert_unit(unit: &Unit, lake: &Path, jobs: usize, cancel: Cancel) -> Result<UnitRow> {
    Lake::at(lake).check_is_whole()?;
    let lake = Lake::create(lake)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let staging = Lake::units().join(format!("{}-{}-{now:x}", unit.id, std::process::id()));
    let encoder = encoder(&unit.settings, &lake)?;
    let memory = Memory::share(None, unit::workers(jobs), unit.settings.row_group_rows)?;
    let mut workshop = Workshop::new(lake, encoder, memory, cancel);
    workshop.staging = staging;
    unit::convert_unit(unit, &workshop, jobs)
}

/// How units that were converted elsewhere are committed.
#[derive(Clone, Debug)]
pub struct CommitOptions {
    /// Workers, for what has to be converted again; 0 for one a core.
    pub jobs: usize,
    /// How reverse lookups are done, if they are a source of names.
    pub ptr: PtrOptions,
    /// Whether a damaged capture is refused, instead of converted up to its fault.
    pub strict: bool,
    /// Rows of each summary table that the report shows.
    pub top: usize,
    /// How long to wait for another run to end.
    pub wait: Duration,
    /// How the commit is stopped early.
    pub cancel: Cancel,
}

/// Publishes the rows of units that were converted elsewhere.
///
/// A chunk that began at a position which turns out wrong is converted again here, with the rest of its capture; so are
/// the neighbours of a damaged capture, if `strict` refuses it.
///
/// # Errors
/// If units of the plan are missing, a capture that has to be converted again is not there, or the lake cannot be
/// written.
pub fn commit(lake: &Path, rows: Vec<UnitRow>, options: CommitOptions) -> Result<Report> {
    let started = Instant::now();
    let mut report = Report { lake: lake.to_path_buf(), ..Report::default() };
    let Some(settings) = rows.first().map(|row| row.unit.settings.clone()) else {
        return Ok(report);
    };
    rows.iter().try_for_each(|row| fits(row, &settings))?;
    Lake::at(lake).check_is_whole()?;
    let lake = Lake::create(lake)?;
    let _lock = hold(&lake, options.wait, &options.cancel)?;
    let held = Holdings::read(&lake)?;
    held.agrees_with(&settings, lake.root())?;
    report.lost.add(&Losses::find(&lake, &held)?, &held);
    let stage = FinalStage::open(&lake, (&settings, &held), &options.ptr, options.top, &options.cancel)?;
    let mut seen = HashSet::new();
    let mut is_new = |row: &UnitRow| !held.has_unit(&row.unit.id) && seen.insert(row.unit.id.clone());
    let mut rows: Vec<_> = rows.into_iter().filter(|row| is_new(row)).collect();
    rows.sort_by(|a, b| place_of(a).cmp(&place_of(b)));
    let again: HashSet<_> = unproved(&rows).into_iter().collect();
    if !again.is_empty() {
        let workshop = workshop(&lake, &settings, options.jobs, &options.cancel)?;
        rows = convert_again(&workshop, rows, &again, options.jobs)?;
    }
    if let Some(path) = unproved(&rows).into_iter().next() {
        let problem = "some of its units are missing; commit all units of a capture together".to_owned();
        return Err(Error::Commit { path, problem });
    }
    let folders: Vec<_> = rows.iter().filter_map(folder_of).collect();
    if options.strict {
        let workshop = workshop(&lake, &settings, options.jobs, &options.cancel)?;
        let refused = refused(&rows);
        rows = refuse_damaged(rows, workshop, options.jobs, &held.identities_without(&BTreeSet::new()), &mut report)?;
        if let Some(path) = self::refused(&rows).into_iter().find(|path| !refused.contains(path)) {
            let problem =
                "shares a unit with a damaged capture, and cannot be read here to convert it again".to_owned();
            return Err(Error::Commit { path, problem });
        }
    }
    let result = publish(stage, rows, Tonight::default(), held, (options.jobs, None), &mut report);
    let swept = sweep_staging(&lake);
    result?;
    swept?;
    // Only after the commit: until then they are all there is of the work.
    folders.iter().try_for_each(|folder| sweep(&lake.resolve(folder)))?;
    // Goes when it is empty; units of other plans may wait there.
    let _ = fs::remove_dir(lake.resolve(&Lake::units()));
    report.seconds = started.elapsed().as_secs_f64();
    report.packets_per_second = per_second(report.records, report.seconds);
    Ok(report)
}

/// The captures that gave no rows because they could not be read.
fn refused(rows: &[UnitRow]) -> HashSet<PathBuf> {
    let captures = rows.iter().flat_map(|row| row.unit.captures.iter().zip(&row.captures));
    captures.filter(|(_, found)| found.refused.is_some()).map(|(capture, _)| capture.input.path.clone()).collect()
}

/// A row comes from anywhere: it must be of the same settings as the others, and name nothing outside the lake's own
/// folders.
fn fits(row: &UnitRow, settings: &Settings) -> Result<()> {
    let refused =
        |path: &Path, problem: &str| Err(Error::Commit { path: path.to_path_buf(), problem: problem.to_owned() });
    let plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    if row.unit.settings != *settings {
        return refused(Path::new(&row.unit.name()), "was converted with other settings than the units before it");
    }
    let parts = row.parts.iter().map(|part| (&part.staged, &part.path, part.path.starts_with(PACKETS)));
    let partial =
        row.partial.iter().map(|part| (&part.staged, &part.path, part.path == Lake::partial_path(&row.unit.id)));
    for (staged, path, belongs) in parts.chain(partial) {
        if !plain(staged) || !staged.starts_with(Lake::units()) {
            return refused(staged, "is not where `parcap convert-unit` stages its files");
        }
        if !plain(path) || !belongs {
            return refused(path, "is not a place for a part of the lake");
        }
    }
    Ok(())
}

/// Orders rows as a plan does, whatever order a scheduler finished them in.
fn place_of(row: &UnitRow) -> (Option<&Path>, u64, &str) {
    let first = row.unit.captures.first();
    let chunk = first.and_then(|capture| capture.chunks.as_ref()).map_or(0, |chunks| chunks.start);
    (first.map(|capture| capture.input.absolute.as_path()), chunk, &row.unit.id)
}

/// The folder in which a unit was staged.
fn folder_of(row: &UnitRow) -> Option<PathBuf> {
    let staged = row.parts.first().map(|part| &part.staged).or(row.partial.as_ref().map(|partial| &partial.staged))?;
    let folder = staged.parent()?.parent()?;
    folder.starts_with(Lake::units()).then(|| folder.to_path_buf())
}

/// What units are converted with that have to be converted again here.
fn workshop(lake: &Lake, settings: &Settings, jobs: usize, cancel: &Cancel) -> Result<Workshop> {
    let memory = Memory::share(None, unit::workers(jobs), settings.row_group_rows)?;
    Ok(Workshop::new(lake.clone(), encoder(settings, lake)?, memory, cancel.clone()))
}

fn convert_again(
    workshop: &Workshop,
    rows: Vec<UnitRow>,
    again: &HashSet<PathBuf>,
    jobs: usize,
) -> Result<Vec<UnitRow>> {
    let of_those = |row: &UnitRow| row.unit.captures.iter().any(|capture| again.contains(&capture.input.absolute));
    let (disproved, mut kept): (Vec<_>, Vec<_>) = rows.into_iter().partition(of_those);
    let units: Vec<_> = disproved.into_iter().map(|row| row.unit).collect();
    kept.extend(convert_units(&units, workshop, jobs)?);
    Ok(kept)
}
