//! Planning: the units of a conversion, for processes that convert them elsewhere, and what the conversion would know
//! besides.
//!
//! A plan changes nothing. Its first line has what its commit must know besides the units: captures that have another
//! name, what was refused, what is left out. That line belongs to the lake as it was. A commit takes it only as long as
//! the lake has the same captures.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cancel::Cancel;
use crate::config::Settings;
use crate::discover::Input;
use crate::error::{Error, Result};
use crate::hash::ContentHash;
use crate::lake::{FileStamp, Layout, Losses, Relocated, Snapshot};
use crate::outcome::Report;
use crate::path_text;
use crate::plan::{Unit, UnitResult, derived_identity, plan as units_of, sample};
use crate::select::{SelectOptions, Selection, hold_back, select};

use super::noted::Noted;

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

/// A unit of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedUnit {
    /// Its identity.
    pub id: String,
    /// Absolute paths of its captures.
    #[serde(with = "path_text::list")]
    pub captures: Vec<PathBuf>,
}

/// What only the commit has to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ForCommit {
    /// A hash of the captures that the lake had.
    lake: String,
    selection: Selection,
    noted: Noted,
}

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
    let snapshot = Snapshot::read(&Layout::at(lake))?;
    snapshot.agrees_with(settings, lake)?;
    let mut report = Report { lake: lake.to_path_buf(), ..Report::default() };
    report.newest_packet_timestamp_seconds = snapshot.newest_packet();
    let losses = Losses::find(&Layout::at(lake), &snapshot)?;
    report.lost.add(&losses, &snapshot);
    let mut selection = select(named, &snapshot, rules, cancel, &mut report)?;
    if !report.away.is_empty() {
        return Ok(Planned { plan: None, units: Vec::new(), report });
    }
    hold_back(&Layout::at(lake), &snapshot, &mut selection, losses, (1, cancel), &mut report.lost)?;
    let inputs = std::mem::take(&mut selection.convert);
    if inputs.iter().any(Input::is_stdin) {
        return Err(Error::StreamInPlan);
    }
    report.inputs = inputs.len() as u64;
    report.bytes_in = inputs.iter().map(|input| input.size).sum();
    let replaced = inputs.iter().filter_map(|input| Some(snapshot.input_at(&input.absolute)?.id)).collect();
    let sampled = inputs.into_iter().map(|input| sample(input, settings.chunk_size)).collect();
    let mut units = units_of(sampled, settings, &snapshot.identities_without(&replaced));
    let mut plan = Plan {
        plan: String::new(),
        sequence: snapshot.sequence,
        captures: report.inputs,
        bytes: report.bytes_in,
        settings: settings.clone(),
        units: units.iter().map(PlannedUnit::of).collect(),
        for_commit: ForCommit { lake: captures_of(&snapshot), selection, noted: Noted::of(&report) },
    };
    plan.plan = plan.identity()?;
    let only_with_plan = !only_adds(&plan.for_commit.selection, &units, &snapshot);
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

impl Plan {
    fn identity(&self) -> Result<String> {
        let nameless = Self { plan: String::new(), ..self.clone() };
        let text = serde_json::to_string(&nameless).map_err(|source| Error::io("write", "a plan")(source.into()))?;
        Ok(derived_identity("plan", std::iter::once(text.as_str())))
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

    /// Whether a lake has the captures that it had when the plan was made. Compacting does not change that.
    pub(super) fn is_of(&self, snapshot: &Snapshot) -> bool {
        self.for_commit.lake == captures_of(snapshot)
    }

    /// Whether a lake has all its units, and each capture under the name under which it was found. Then the plan was
    /// committed, or its work was done in another way.
    pub(super) fn is_done(&self, snapshot: &Snapshot) -> bool {
        let Selection { relocated, superseded, .. } = &self.for_commit.selection;
        let is_there = |met: &Relocated| {
            snapshot.inputs.get(&met.input).is_none_or(|entry| FileStamp::of_input(&entry.input) == met.seen)
        };
        self.units.iter().all(|unit| snapshot.has_unit(&unit.id))
            && relocated.iter().all(is_there)
            && !superseded.iter().any(|(_, id)| snapshot.inputs.contains_key(id))
    }

    /// What is to be done besides converting.
    pub(super) fn selection(&self) -> Selection {
        self.for_commit.selection.clone()
    }

    /// Notes what was found when the plan was made.
    pub(super) fn note(&self, report: &mut Report) {
        self.for_commit.noted.clone().note(report);
    }

    /// Keeps the rows of its units, each once and in order. Also returns how many others there were.
    pub(super) fn rows(&self, rows: Vec<UnitResult>) -> (Vec<UnitResult>, usize) {
        let places: HashMap<&str, (usize, &PlannedUnit)> =
            self.units.iter().enumerate().map(|(place, unit)| (unit.id.as_str(), (place, unit))).collect();
        let (mut seen, mut kept, mut others) = (HashSet::new(), Vec::new(), 0);
        for row in rows {
            // A capture that was renamed since an earlier plan has the same identity.
            match places.get(row.unit.id.as_str()) {
                Some((place, unit)) if **unit == PlannedUnit::of(&row.unit) => {
                    if seen.insert(*place) {
                        kept.push((*place, row));
                    }
                }
                _ => others += 1,
            }
        }
        kept.sort_by_key(|(place, _)| *place);
        (kept.into_iter().map(|(_, row)| row).collect(), others)
    }

    /// The captures of units without a row, and how many units those are.
    pub(super) fn missing(&self, rows: &[UnitResult]) -> (BTreeSet<PathBuf>, usize) {
        let there: HashSet<&str> = rows.iter().map(|row| row.unit.id.as_str()).collect();
        let missing: Vec<_> = self.units.iter().filter(|unit| !there.contains(unit.id.as_str())).collect();
        (missing.iter().flat_map(|unit| unit.captures.iter().cloned()).collect(), missing.len())
    }
}

impl PlannedUnit {
    fn of(unit: &Unit) -> Self {
        let captures = unit.captures.iter().map(|capture| capture.input.absolute.clone()).collect();
        Self { id: unit.id.clone(), captures }
    }
}

/// A hash of all captures of a lake. What a plan decides follows from them.
fn captures_of(snapshot: &Snapshot) -> String {
    let mut hash = ContentHash::default();
    for entry in snapshot.inputs.values() {
        let input = &entry.input;
        hash.field(input.absolute.as_os_str().as_encoded_bytes());
        hash.field(input.fingerprint.as_deref().unwrap_or_default().as_bytes());
        hash.field(entry.status.name().as_bytes());
        for number in [entry.id as u64, input.size, input.modified.cast_unsigned(), entry.same_as.unwrap_or(0) as u64] {
            hash.update(&number.to_le_bytes());
        }
    }
    hash.hex()
}
