//! Planning: the units of a conversion, for processes that convert them elsewhere, and what the conversion would know
//! besides.
//!
//! A plan changes nothing. Its first line has what its commit must know besides the units: captures that have another
//! name, what was refused, what is left out. That line belongs to the lake as it was. A commit takes it only as long as
//! the lake has the same captures.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::config::Settings;
use crate::discover::Input;
use crate::error::{Error, Result};
use crate::lake::{Layout, Snapshot};
use crate::outcome::Report;
use crate::packets::FRAME;
use crate::plan::{Packing, Unit, count_frames, sample};
use crate::select::{HELD, SelectOptions, Selection, Target};
use crate::storage::{SpoolWriter, Spooled, scratch_root};

use super::first_line::{Plan, PlannedUnit};

/// Captures that are looked at together.
const SAMPLED: usize = 1024;

/// A plan, its units, and the report on it.
#[derive(Debug)]
pub struct Planned {
    /// The first line. `None` if the archive is away: then there is nothing to commit.
    pub plan: Option<Plan>,
    /// The units.
    pub units: PlannedUnits,
    /// What was found.
    pub report: Report,
}

/// The units of a plan. They are on disk: those of a million captures do not fit into memory.
#[derive(Debug, Default)]
pub struct PlannedUnits {
    units: Option<Spooled<Unit>>,
    plan: String,
    only_with_plan: bool,
}

impl PlannedUnits {
    /// The units, in the order of a conversion. An error is that one cannot be read.
    pub fn iter(&self) -> impl Iterator<Item = Result<Unit>> {
        self.units.iter().flat_map(Spooled::items).map(|unit| {
            let unit = unit.map_err(Error::io("read units from", scratch_root()))?;
            Ok(Unit { plan: Some(self.plan.clone()), only_with_plan: self.only_with_plan, ..unit })
        })
    }
}

/// Plans a conversion of `named` into a lake. A plan cannot contain standard input.
///
/// # Memory
/// The paths of the captures, of each what it does not share with the one before, and 16 bytes more. What the lake holds, and captures
/// that may have to do with it or with each other, as for a conversion.
/// # Errors
/// If the lake's manifests cannot be read, it was made with other settings, what was found cannot be written to the folder for
/// temporary files, or a signal has arrived.
pub fn plan(
    named: &[PathBuf],
    lake: &Path,
    settings: &Settings,
    rules: &SelectOptions,
    cancel: &Cancel,
) -> Result<Planned> {
    plan_holding(HELD, named, lake, settings, rules, cancel)
}

/// As [`plan`], where this many captures at most are all held in memory.
///
/// # Errors
/// As [`plan`].
pub fn plan_holding(
    held: usize,
    named: &[PathBuf],
    lake: &Path,
    settings: &Settings,
    rules: &SelectOptions,
    cancel: &Cancel,
) -> Result<Planned> {
    let lake = Layout::at(lake);
    let mut report = Report { lake: lake.root().to_path_buf(), ..Report::default() };
    let mut target = Target::begin(&lake, settings)?;
    let settings = &target.settings.clone();
    let mut survey = target.survey(named, rules, cancel, &mut report)?;
    let (mut selection, to_convert) = survey.select_all(&mut target.snapshot, rules, (cancel, held), &mut report)?;
    drop(survey);
    if !report.away.is_empty() {
        return Ok(Planned { plan: None, units: PlannedUnits::default(), report });
    }
    target.hold_back(&lake, &mut selection, (1, cancel), &mut report)?;
    let snapshot = target.snapshot;
    let inputs = std::mem::take(&mut selection.convert);
    if inputs.iter().any(Input::is_stdin) {
        return Err(Error::StreamInPlan);
    }
    // The others replace nothing.
    let taken = snapshot.identities_beside(inputs.iter().map(|input| input.absolute.as_path()));
    let mut planning = Planning {
        settings,
        cancel,
        packing: Packing::new(settings, taken),
        waiting: Vec::new(),
        written: SpoolWriter::new().map_err(not_written())?,
        units: Vec::new(),
        takes_place: !only_adds(&selection, &snapshot),
        snapshot: &snapshot,
    };
    to_convert.each(inputs, |input| {
        report.inputs += 1;
        report.bytes_in += input.size;
        planning.add(input)
    })?;
    let (units, written, only_with_plan) = planning.finish()?;
    let plan = Plan::of(&snapshot, settings, units, selection, &report)?;
    let units = PlannedUnits { units: Some(written), plan: plan.plan.clone(), only_with_plan };
    Ok(Planned { plan: Some(plan), units, report })
}

/// Makes units of captures, and writes them.
struct Planning<'a> {
    settings: &'a Settings,
    cancel: &'a Cancel,
    packing: Packing<'a>,
    /// Captures that have not been looked at.
    waiting: Vec<Input>,
    written: SpoolWriter<Unit>,
    units: Vec<PlannedUnit>,
    /// Whether something in the lake changes besides that captures are added.
    takes_place: bool,
    snapshot: &'a Snapshot,
}

impl Planning<'_> {
    fn add(&mut self, input: Input) -> Result<()> {
        self.waiting.push(input);
        if self.waiting.len() < SAMPLED { Ok(()) } else { self.pack() }
    }

    fn pack(&mut self) -> Result<()> {
        self.cancel.check()?;
        let sampled = sample(std::mem::take(&mut self.waiting), self.settings.chunk_size);
        sampled.into_iter().for_each(|sampled| self.packing.add(sampled));
        let full = self.packing.full();
        self.write(full)
    }

    fn write(&mut self, mut units: Vec<Unit>) -> Result<()> {
        if self.settings.columns.names().any(|name| name == FRAME) {
            count_frames(&mut units, self.cancel)?;
        }
        for unit in units {
            self.takes_place |= self.snapshot.has_unit(&unit.id);
            self.written.push(&unit).map_err(not_written())?;
            self.units.push(PlannedUnit::of(&unit));
        }
        Ok(())
    }

    /// The units, and whether they must be committed together with the plan's first line.
    fn finish(mut self) -> Result<(Vec<PlannedUnit>, Spooled<Unit>, bool)> {
        self.pack()?;
        let last = std::mem::replace(&mut self.packing, Packing::new(self.settings, HashSet::new())).finish();
        self.write(last)?;
        Ok((self.units, self.written.finish().map_err(not_written())?, self.takes_place))
    }
}

/// Units cannot wait on disk.
fn not_written() -> impl FnOnce(io::Error) -> Error {
    Error::io("write units to", scratch_root())
}

/// Whether a selection only adds captures, so that its rows do no harm without the plan's first line. New captures are new without it
/// as well. And the next run can note another time of modification, a copy that is left out, or a refusal that is over.
fn only_adds(selection: &Selection, snapshot: &Snapshot) -> bool {
    let mut is_touched = selection
        .relocated
        .iter()
        .map(|met| snapshot.inputs.get(&met.input).is_some_and(|entry| entry.input.absolute == met.seen.absolute));
    let rest = Selection { relocated: vec![], deduplicated: vec![], cleared_refusals: vec![], ..selection.clone() };
    is_touched.all(|is_touched| is_touched) && rest == Selection::default()
}
