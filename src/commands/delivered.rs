//! The results of units as they come from other processes: which of them count, whether each is what it says, and where
//! its files are.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use crate::config::Settings;
use crate::error::{Error, Foreign, Result};
use crate::lake::{Layout, PACKETS};
use crate::outcome::Report;
use crate::plan::{UnitResult, first_beyond_sums};
use crate::text::plural_of;

use super::commit::CommitOptions;

/// Drops attempts whose files are gone, of units that were converted more than once.
pub(super) fn whole(lake: &Layout, mut rows: Vec<UnitResult>) -> Vec<UnitResult> {
    let mut attempts: HashMap<String, usize> = HashMap::new();
    rows.iter().for_each(|row| *attempts.entry(row.unit.id.clone()).or_default() += 1);
    let is_there =
        |(staged, bytes, _): (&PathBuf, u64, &String)| lake.staged_size(staged).is_ok_and(|found| found == Some(bytes));
    rows.retain(|row| attempts.get(&row.unit.id) == Some(&1) || staged(row).all(is_there));
    rows
}

/// The files of a unit that are staged: where, their bytes and checksums. Of parts that are uploaded, nothing is known before they
/// are committed.
fn staged(row: &UnitResult) -> impl Iterator<Item = (&PathBuf, u64, &String)> {
    let parts =
        row.parts.iter().filter(|part| part.held.is_none()).map(|part| (&part.staged, part.bytes, &part.checksum));
    parts.chain(row.partial.iter().map(|partial| (&partial.staged, partial.bytes, &partial.checksum)))
}

/// The rows to be committed, in order.
pub(super) fn delivered(
    mut rows: Vec<UnitResult>,
    options: &CommitOptions,
    report: &mut Report,
) -> Result<Vec<UnitResult>> {
    if let Some(plan) = &options.plan {
        plan.check()?;
        plan.note(report);
        let (of_plan, others) = plan.rows(rows);
        rows = of_plan;
        if others > 0 {
            let rows = plural_of(others as u64, "row was", "rows were");
            report.notes.push(format!("{rows} passed over, of units that are not in this plan"));
        }
    } else {
        if let Some(row) = rows.iter().find(|row| row.unit.only_with_plan) {
            return Err(Error::NeedsPlan { unit: row.unit.name() });
        }
        let mut seen = HashSet::new();
        rows.retain(|row| seen.insert(row.unit.id.clone()));
        rows.sort_by(|a, b| place_of(a).cmp(&place_of(b)));
    }
    let of_rows = rows.first().map(|row| &row.unit.settings);
    if let Some(settings) = options.plan.as_ref().map(|plan| &plan.settings).or(of_rows) {
        rows.iter().try_for_each(|row| fits(row, settings))?;
    }
    if let Some(row) = first_beyond_sums(&rows) {
        return Err(Error::Foreign { path: row.unit.name().into(), what: Foreign::Result });
    }
    Ok(rows)
}

/// Whether all files of a unit are where its row says, and as they were written.
#[must_use]
pub fn is_staged(lake: &Layout, row: &UnitResult) -> bool {
    staged(row).all(|(staged, bytes, checksum)| lake.check(staged, bytes, checksum).is_ok())
}

/// Checks a row, which may come from anywhere: it must have the same settings as the others, and name nothing outside the
/// lake's own folders.
fn fits(row: &UnitResult, settings: &Settings) -> Result<()> {
    let refused =
        |path: &Path, problem: &str| Err(Error::Commit { path: path.to_path_buf(), problem: problem.to_owned() });
    let plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    if row.unit.settings != *settings {
        return refused(Path::new(&row.unit.name()), "was converted with other settings than the units before it");
    }
    let captures = row.unit.captures.len();
    let mut ranges = row.parts.iter().flat_map(|part| &part.ranges);
    if row.captures.len() != captures || ranges.any(|range| range.input >= captures) || !row.unit.is_sound() {
        return Err(Error::Foreign { path: row.unit.name().into(), what: Foreign::Result });
    }
    let parts = row.parts.iter().map(|part| (&part.staged, &part.path, part.path.starts_with(PACKETS)));
    let partial =
        row.partial.iter().map(|part| (&part.staged, &part.path, part.path == Layout::partial_path(&row.unit.id)));
    for (staged, path, belongs) in parts.chain(partial) {
        if !plain(staged) || folder_above(staged, &row.unit.id).is_none() {
            return Err(Error::Foreign { path: staged.clone(), what: Foreign::StagedFile });
        }
        if !plain(path) || !belongs {
            return refused(path, "is not a place for a part of the lake");
        }
    }
    Ok(())
}

/// Orders rows as a plan does, whatever order a scheduler finished them in.
fn place_of(row: &UnitResult) -> (Option<&Path>, u64, &str) {
    let first = row.unit.captures.first();
    let chunk = first.and_then(|capture| capture.chunks.as_ref()).map_or(0, |chunks| chunks.start);
    (first.map(|capture| capture.input.absolute.as_path()), chunk, &row.unit.id)
}

/// The folder that a unit was staged in.
pub(super) fn folder_of(row: &UnitResult) -> Option<PathBuf> {
    let staged = row.parts.first().map(|part| &part.staged).or(row.partial.as_ref().map(|partial| &partial.staged))?;
    folder_above(staged, &row.unit.id).map(Path::to_path_buf)
}

/// The folder of an attempt at a unit: `units/UNIT-…`, or `units/PLAN/UNIT-…`. Its files are in a folder below it.
fn folder_above<'a>(staged: &'a Path, unit: &str) -> Option<&'a Path> {
    let folder = staged.parent()?.parent()?;
    let above = folder.parent()?;
    let is_its_own = folder.file_name()?.to_str()?.strip_prefix(unit)?.starts_with('-');
    let is_below = above == Layout::units() || above.parent() == Some(&Layout::units());
    (is_its_own && is_below && !unit.is_empty()).then_some(folder)
}
