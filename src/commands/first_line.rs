//! The first line of a plan: what its commit has to know besides the units.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::error::{Error, Result};
use crate::lake::{FileStamp, Relocated, Snapshot, WantedCaptures};
use crate::outcome::Report;
use crate::plan::{PathList, Unit, identity_of_document};
use crate::select::Selection;

use super::noted::Noted;
use super::unit_results::ResultFacts;

/// The content of a plan besides its units: its first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Its identity, a hash of all the rest. The folder that its units are staged in has this name.
    pub plan: String,
    /// Number of the lake's last commit; 0 if there was no lake.
    pub sequence: u64,
    /// Captures to be converted.
    pub captures: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// The settings that shape rows, parts and summaries.
    pub settings: Settings,
    /// The units, in the order of a conversion.
    pub units: Vec<PlannedUnit>,
    for_commit: ForCommit,
}

/// How a plan stands in a lake.
pub(super) enum PlanState {
    /// The lake is as it was when the plan was made.
    IsNew,
    /// Units before this place are committed, or were left out, and nothing else has changed since.
    HasBegun(usize),
    /// It was committed, or its work was done in another way.
    IsDone,
    /// The lake has other captures now.
    IsOld,
}

/// A unit of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedUnit {
    /// Its identity.
    pub id: String,
    /// Absolute paths of its captures.
    pub captures: PathList,
}

/// What the identity of a plan follows from.
#[derive(Serialize)]
struct Nameless<'a> {
    sequence: u64,
    captures: u64,
    bytes: u64,
    settings: &'a Settings,
    units: &'a [PlannedUnit],
    for_commit: &'a ForCommit,
}

/// What only the commit has to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ForCommit {
    /// A hash of the captures that the lake had.
    lake: String,
    selection: Selection,
    noted: Noted,
}

impl Plan {
    /// The first line of the plan of some units, and of what is to be done besides converting them. The report has what
    /// was found.
    pub(super) fn of(
        snapshot: &Snapshot,
        settings: &Settings,
        units: Vec<PlannedUnit>,
        selection: Selection,
        report: &Report,
    ) -> Result<Self> {
        let mut plan = Self {
            plan: String::new(),
            sequence: snapshot.sequence,
            captures: report.inputs,
            bytes: report.bytes_in,
            settings: settings.clone(),
            units,
            for_commit: ForCommit { lake: snapshot.state_of_captures()?, selection, noted: Noted::of(report) },
        };
        plan.plan = plan.identity()?;
        Ok(plan)
    }

    fn identity(&self) -> Result<String> {
        let Self { plan: _, sequence, captures, bytes, settings, units, for_commit } = self;
        let (sequence, captures, bytes) = (*sequence, *captures, *bytes);
        let nameless = Nameless { sequence, captures, bytes, settings, units, for_commit };
        identity_of_document(&nameless).map_err(|source| Error::io("write", "a plan")(source.into()))
    }

    /// Checks that it is as it was made: it may have come a long way.
    ///
    /// # Errors
    /// [`Error::Commit`] if it is not.
    pub(super) fn check(&self) -> Result<()> {
        if self.identity()? == self.plan {
            return Ok(());
        }
        let problem = "was changed, or made by another version of parcap; plan again".to_owned();
        Err(Error::Commit { path: format!("plan {}", self.plan).into(), problem })
    }

    /// How it stands in a lake. Captures that it speaks of are loaded if that has to be looked at.
    pub(super) fn state_in(&self, snapshot: &mut Snapshot) -> Result<PlanState> {
        if self.is_of(snapshot)? {
            return Ok(PlanState::IsNew);
        }
        let begun = snapshot.plan.as_ref().filter(|progress| progress.plan == self.plan);
        if let Some(progress) = begun.filter(|progress| progress.units < self.units.len()) {
            return Ok(PlanState::HasBegun(progress.units));
        }
        let mut wanted = WantedCaptures::default();
        self.selection().ask_for(&mut wanted);
        snapshot.load(&wanted)?;
        Ok(if self.is_done(snapshot) { PlanState::IsDone } else { PlanState::IsOld })
    }

    /// Whether a lake has the captures that it had when the plan was made. Compacting does not change that.
    fn is_of(&self, snapshot: &Snapshot) -> Result<bool> {
        Ok(self.for_commit.lake == snapshot.state_of_captures()?)
    }

    /// Whether a lake has all its units, and each capture under the name under which it was found. Then the plan was
    /// committed, or its work was done in another way.
    fn is_done(&self, snapshot: &Snapshot) -> bool {
        let Selection { relocated, superseded, .. } = &self.for_commit.selection;
        let is_there = |met: &Relocated| {
            snapshot.inputs.get(&met.input).is_none_or(|entry| FileStamp::of_input(&entry.input) == met.seen)
        };
        self.units.iter().all(|unit| snapshot.has_unit(&unit.id))
            && relocated.iter().all(is_there)
            && !superseded.iter().any(|(_, id)| snapshot.inputs.contains_key(id))
    }

    /// What is to be done besides converting.
    pub(super) fn selection(&self) -> &Selection {
        &self.for_commit.selection
    }

    /// Notes what was found when the plan was made.
    pub(super) fn note(&self, report: &mut Report) {
        self.for_commit.noted.clone().note(report);
    }

    /// Keeps the results of its units, each once and in order. Returns how many others there were.
    pub(super) fn take_in(&self, results: &mut Vec<ResultFacts>) -> usize {
        let places: HashMap<&str, (usize, &PlannedUnit)> =
            self.units.iter().enumerate().map(|(place, unit)| (unit.id.as_str(), (place, unit))).collect();
        let (mut seen, mut others) = (HashSet::new(), 0);
        results.retain_mut(|of_it| {
            // A capture that was renamed since an earlier plan has the same identity.
            match places.get(of_it.id.as_str()) {
                Some((place, unit)) if (unit.captures.len(), unit.captures.key()) == (of_it.captures, of_it.paths) => {
                    of_it.place = *place;
                    seen.insert(*place)
                }
                _ => {
                    others += 1;
                    false
                }
            }
        });
        results.sort_by_key(|of_it| of_it.place);
        others
    }

    /// The captures of units without a result, from a place on, and how many units those are.
    pub(super) fn missing(&self, results: &[ResultFacts], from: usize) -> (BTreeSet<PathBuf>, usize) {
        let there: HashSet<usize> = results.iter().map(|of_it| of_it.place).collect();
        let missing = self.units.iter().enumerate().skip(from).filter(|(place, _)| !there.contains(place));
        let missing: Vec<_> = missing.map(|(_, unit)| unit).collect();
        (missing.iter().flat_map(|unit| unit.captures.iter()).collect(), missing.len())
    }

    /// The captures of units before a place that a lake does not have.
    pub(super) fn left_out_before(&self, place: usize, snapshot: &Snapshot) -> impl Iterator<Item = PathBuf> {
        let left_out = self.units.iter().take(place).filter(|unit| !snapshot.has_unit(&unit.id));
        left_out.flat_map(|unit| unit.captures.iter())
    }
}

impl PlannedUnit {
    pub(super) fn of(unit: &Unit) -> Self {
        let captures = unit.captures.iter().map(|capture| &capture.input.absolute).collect();
        Self { id: unit.id.clone(), captures }
    }
}
