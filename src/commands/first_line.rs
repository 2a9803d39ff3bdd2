//! The first line of a plan: what its commit has to know besides the units.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::error::{Error, Result};
use crate::hash::ContentHash;
use crate::lake::{FileStamp, Relocated, Snapshot};
use crate::outcome::Report;
use crate::path_text;
use crate::plan::{Unit, UnitResult, derived_identity};
use crate::select::Selection;

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

impl Plan {
    /// The first line of the plan of some units, and of what is to be done besides converting them. The report has what
    /// was found.
    pub(super) fn of(
        snapshot: &Snapshot,
        settings: &Settings,
        units: &[Unit],
        selection: Selection,
        report: &Report,
    ) -> Result<Self> {
        let mut plan = Self {
            plan: String::new(),
            sequence: snapshot.sequence,
            captures: report.inputs,
            bytes: report.bytes_in,
            settings: settings.clone(),
            units: units.iter().map(PlannedUnit::of).collect(),
            for_commit: ForCommit { lake: captures_of(snapshot), selection, noted: Noted::of(report) },
        };
        plan.plan = plan.identity()?;
        Ok(plan)
    }

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
