//! The results of units as they come from other processes: which of them count, whether each is what it says, and where
//! its files are.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Foreign, Result};
use crate::lake::{Layout, PACKETS};
use crate::outcome::Report;
use crate::plan::{UnitResult, first_beyond_sums};
use crate::text::plural_of;

use super::commit::CommitOptions;
use super::unit_results::{CollectedResults, ResultFacts};

/// Whether all files of a unit are where its row says, and as they were written.
#[must_use]
pub fn is_staged(lake: &Layout, row: &UnitResult) -> bool {
    staged(row).all(|(staged, bytes, checksum)| lake.check(staged, bytes, checksum).is_ok())
}

/// Whether they have the sizes that they should have.
pub(super) fn is_staged_by_size(lake: &Layout, row: &UnitResult) -> bool {
    staged(row).all(|(staged, bytes, _)| lake.staged_size(staged).is_ok_and(|found| found == Some(bytes)))
}

/// The files of a unit that are staged: where, their bytes and checksums. Of parts that are uploaded, nothing is known before they
/// are committed.
fn staged(row: &UnitResult) -> impl Iterator<Item = (&PathBuf, u64, &String)> {
    let parts =
        row.parts.iter().filter(|part| part.held.is_none()).map(|part| (&part.staged, part.bytes, &part.checksum));
    parts.chain(row.partial.iter().map(|partial| (&partial.staged, partial.bytes, &partial.checksum)))
}

/// Keeps the results to be committed, in order.
pub(super) fn deliver(
    facts: &mut Vec<ResultFacts>,
    results: &CollectedResults,
    options: &CommitOptions,
    report: &mut Report,
) -> Result<()> {
    if let Some(plan) = &options.plan {
        plan.check()?;
        plan.note(report);
        let others = plan.take_in(facts);
        if others > 0 {
            let rows = plural_of(others as u64, "row was", "rows were");
            report.notes.push(format!("{rows} passed over, of units that are not in this plan"));
        }
    } else {
        if let Some(of_it) = facts.iter().find(|of_it| of_it.only_with_plan) {
            return Err(Error::NeedsPlan { unit: results.read(of_it)?.unit.name() });
        }
        let mut seen = HashSet::new();
        facts.retain(|of_it| seen.insert(of_it.id.clone()));
        facts.sort_by(|a, b| a.key().cmp(&b.key()));
        facts.iter_mut().zip(0..).for_each(|(of_it, place)| of_it.place = place);
    }
    let of_first = facts.first().and_then(|of_it| results.settings.get(of_it.settings));
    let settings = options.plan.as_ref().map(|plan| &plan.settings).or(of_first);
    for of_it in &mut *facts {
        if results.settings.get(of_it.settings) != settings {
            let problem = "was converted with other settings than the units before it".to_owned();
            return Err(Error::Commit { path: results.read(of_it)?.unit.name().into(), problem });
        }
        of_it.fault.take().map_or(Ok(()), Err)?;
    }
    match first_beyond_sums(facts.iter().map(|of_it| of_it.sum)).and_then(|place| facts.get(place)) {
        Some(of_it) => Err(Error::Foreign { path: results.read(of_it)?.unit.name().into(), what: Foreign::Result }),
        None => Ok(()),
    }
}

/// What is wrong with a result, which may come from anywhere: it must name nothing outside the lake's own folders.
pub(super) fn fault(row: &UnitResult) -> Option<Error> {
    let plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    let captures = row.unit.captures.len();
    let mut ranges = row.parts.iter().flat_map(|part| &part.ranges);
    if row.captures.len() != captures || ranges.any(|range| range.input >= captures) || !row.unit.is_sound() {
        return Some(Error::Foreign { path: row.unit.name().into(), what: Foreign::Result });
    }
    let parts = row.parts.iter().map(|part| (&part.staged, &part.path, part.path.starts_with(PACKETS)));
    let partial =
        row.partial.iter().map(|part| (&part.staged, &part.path, part.path == Layout::partial_path(&row.unit.id)));
    parts.chain(partial).find_map(|(staged, path, belongs)| {
        if !plain(staged) || folder_above(staged, &row.unit.id).is_none() {
            return Some(Error::Foreign { path: staged.clone(), what: Foreign::StagedFile });
        }
        let problem = || "is not a place for a part of the lake".to_owned();
        (!plain(path) || !belongs).then(|| Error::Commit { path: path.clone(), problem: problem() })
    })
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
