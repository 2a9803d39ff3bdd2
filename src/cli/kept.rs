//! Plans that a lake keeps: `plan --keep`, `convert-unit --of`, `commit --plan ID`. What was a line from one process to the next
//! lies in the lake.

use std::path::Path;

use serde::Serialize;

use crate::cancel::Cancel;
use crate::commands::{KeptPlan, Planned, convert_unit, is_staged};
use crate::error::Error;
use crate::lake::Layout;
use crate::path_text;
use crate::plan::{CaptureEntry, Unit, UnitResult, is_identity};
use crate::storage::local;

use super::given_rows::GivenRows;
use super::json::{line, read};

/// What `convert-unit --of` prints of a unit: its row is in the lake.
#[derive(Serialize)]
struct StagedLine<'a> {
    /// The plan.
    of: &'a str,
    /// Its place in the plan, from 0 on.
    place: usize,
    /// The identity of the unit.
    unit: &'a str,
    captures: usize,
    records: u64,
    /// Captures that are damaged, and that could not be read.
    damaged: usize,
    refused: usize,
    /// Whether it had been converted already.
    known: bool,
}

/// Keeps a plan in its lake.
pub(super) fn keep(lake: &Path, planned: &Planned) -> Result<(), Error> {
    let Some(plan) = &planned.plan else { return Ok(()) };
    Layout::create(lake)?;
    KeptPlan::of(lake, &plan.plan)?.write(&line(plan)?, planned.units.iter().map(|unit| line(&unit?)))
}

/// Converts a unit of a plan that the lake keeps, unless it has its row already. Returns what to print.
pub(super) fn convert(lake: &Path, of: &str, place: usize, jobs: usize, cancel: &Cancel) -> Result<String, Error> {
    let kept = KeptPlan::of(lake, of)?;
    let name = format!("unit {place} of plan {of}");
    let unit: Unit = read("unit", &name, &kept.unit(place)?)?;
    // A row that cannot be read, or whose files are not as they were written, is no reason to stop: there will be another one.
    let row = kept.row(&unit.id)?.and_then(|row| read::<UnitResult>("unit row", &name, &row).ok());
    let (result, known) = match row.filter(|row| is_staged(&Layout::at(lake), row)) {
        Some(row) => (row, true),
        None => {
            let result = convert_unit(&unit, lake, jobs, cancel.clone())?;
            kept.keep_row(&unit.id, &line(&result)?)?;
            (result, false)
        }
    };
    let count = |is_such: fn(&CaptureEntry) -> bool| result.captures.iter().filter(|it| is_such(it)).count();
    line(&StagedLine {
        of,
        place,
        unit: &unit.id,
        captures: unit.captures.len(),
        records: result.captures.iter().map(|found| found.records).sum(),
        damaged: count(|found| found.damage.is_some()),
        refused: count(|found| found.refused.is_some()),
        known,
    })
}

/// A plan that a lake keeps, and the rows that are there.
pub(super) fn given(lake: &Path, of: &str) -> Result<GivenRows, Error> {
    let kept = KeptPlan::of(lake, of)?;
    let plan = read("plan", &format!("plan {of}"), &kept.plan()?)?;
    let mut given = GivenRows::of(Some(plan))?;
    kept.each_row(|path, text| given.take_row(&path_text::printable(path), text))?;
    Ok(given)
}

/// The name of a plan.
pub(super) fn identity(text: &str) -> Result<String, String> {
    let problem = "give the name of a plan, as its first line has it: 16 hexadecimal digits";
    if is_identity(text) { Ok(text.to_owned()) } else { Err(problem.to_owned()) }
}

/// The identity that stands for a plan that the lake keeps, if this names no file.
pub(super) fn identity_of(plan: &Path) -> Option<&str> {
    plan.to_str().filter(|text| is_identity(text) && !local::name_exists(plan))
}
