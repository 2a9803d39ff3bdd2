//! Planning: the units of a conversion, for processes that convert them elsewhere, and what the conversion would know
//! besides.
//!
//! A plan changes nothing. Its first line has what its commit must know besides the units: captures that have another
//! name, what was refused, what is left out. That line belongs to the lake as it was. A commit takes it only as long as
//! the lake has the same captures.

use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::config::Settings;
use crate::discover::Input;
use crate::error::{Error, Result};
use crate::lake::{Layout, Snapshot};
use crate::outcome::Report;
use crate::packets::FRAME;
use crate::plan::{Unit, count_frames, plan as units_of, sample};
use crate::select::{SelectOptions, Selection, Target};

use super::first_line::Plan;

/// A plan, its units, and the report on it.
#[derive(Debug)]
pub struct Planned {
    /// The first line. `None` if the archive is away: then there is nothing to commit.
    pub plan: Option<Plan>,
    /// The units.
    pub units: Vec<Unit>,
    /// What was found.
    pub report: Report,
}

/// Plans a conversion of `named` into a lake. A plan cannot contain standard input.
///
/// # Errors
/// If the lake's manifests cannot be read, it was made with other settings, or a signal has arrived.
pub fn plan(
    named: &[PathBuf],
    lake: &Path,
    settings: &Settings,
    rules: &SelectOptions,
    cancel: &Cancel,
) -> Result<Planned> {
    let lake = Layout::at(lake);
    let mut report = Report { lake: lake.root().to_path_buf(), ..Report::default() };
    let mut target = Target::read(&lake, settings)?;
    let mut selection = target.select(named, rules, cancel, &mut report)?;
    if !report.away.is_empty() {
        return Ok(Planned { plan: None, units: Vec::new(), report });
    }
    target.hold_back(&lake, &mut selection, (1, cancel), &mut report)?;
    let snapshot = target.snapshot;
    let inputs = std::mem::take(&mut selection.convert);
    if inputs.iter().any(Input::is_stdin) {
        return Err(Error::StreamInPlan);
    }
    report.inputs = inputs.len() as u64;
    report.bytes_in = inputs.iter().map(|input| input.size).sum();
    let taken = snapshot.identities_beside(inputs.iter().map(|input| input.absolute.as_path()));
    let sampled = sample(inputs, settings.chunk_size);
    let mut units = units_of(sampled, settings, &taken);
    if settings.columns.names().any(|name| name == FRAME) {
        count_frames(&mut units, cancel)?;
    }
    let only_with_plan = !only_adds(&selection, &units, &snapshot);
    let plan = Plan::of(&snapshot, settings, &units, selection, &report)?;
    for unit in &mut units {
        (unit.plan, unit.only_with_plan) = (Some(plan.plan.clone()), only_with_plan);
    }
    Ok(Planned { plan: Some(plan), units, report })
}

/// Whether a plan only adds captures, so that its rows do no harm without its first line. New captures are new without it
/// as well. And the next run can note another time of modification, a copy that is left out, or a refusal that is over.
fn only_adds(selection: &Selection, units: &[Unit], snapshot: &Snapshot) -> bool {
    let mut is_touched = selection
        .relocated
        .iter()
        .map(|met| snapshot.inputs.get(&met.input).is_some_and(|entry| entry.input.absolute == met.seen.absolute));
    let rest = Selection { relocated: vec![], deduplicated: vec![], cleared_refusals: vec![], ..selection.clone() };
    is_touched.all(|is_touched| is_touched)
        && rest == Selection::default()
        && !units.iter().any(|unit| snapshot.has_unit(&unit.id))
}
