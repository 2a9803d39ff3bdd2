//! Parts that commits removed and that stay in their places for a while, for readers of versions before.
//!
//! Always: a commit that removes a part lists it here, with the time from which on it may go; a later commit that finds that time
//! past removes the file, and says so. In between it is none of the lake's parts: whatever reads manifests does not count it. Where
//! nothing is retained any more, the first commit that says so removes all that was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::clock::now_ms;
use crate::config::Settings;
use crate::path_text;

use super::manifest::Action;
use super::record::CommittedPart;
use super::snapshot::Snapshot;
use super::transaction::Transaction;

/// A part that a commit removed and whose file is still in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetainedPart {
    /// Its path below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// The captures whose rows it has, by their numbers in the lake before the commit that says so. Of a capture that was replaced
    /// by another one at its path, [`Snapshot::retained`] has the number of the last one. One that the lake does not hold
    /// was replaced or removed in a way that does not tell what has its rows now.
    pub inputs: BTreeSet<usize>,
    /// From when on it may go, in milliseconds since the Unix epoch.
    pub until: i64,
}

impl RetainedPart {
    fn of(part: &CommittedPart) -> Self {
        let inputs = part.ranges.iter().map(|range| range.input).filter(|input| *input > 0).collect();
        Self { path: part.path.clone(), bytes: part.bytes, inputs, until: 0 }
    }
}

/// Captures that a commit removes, with their absolute paths.
pub(super) struct Replaced(Vec<(usize, PathBuf)>);

impl Snapshot {
    /// The captures that a commit removes, as long as they are there: what may be retained of them follows them.
    pub(super) fn replaced_by(&self, removed: &[usize], retained: &[RetainedPart]) -> Replaced {
        if self.retained.is_empty() && retained.is_empty() {
            return Replaced(Vec::new());
        }
        let entries = removed.iter().filter_map(|id| self.inputs.get(id));
        let files = entries.filter(|entry| !entry.input.is_stdin());
        Replaced(files.map(|entry| (entry.id, entry.input.absolute.clone())).collect())
    }

    /// Takes over what a commit says of retained parts. A capture that another one replaced at its path is the other one from now
    /// on: what is done with that one is to be done with what it replaced.
    pub(super) fn retain(&mut self, retained: Vec<RetainedPart>, gone: &[PathBuf], replaced: &Replaced) {
        self.retained.extend(retained.into_iter().map(|part| (part.path.clone(), part)));
        gone.iter().for_each(|path| drop(self.retained.remove(path)));
        let now = replaced.0.iter().filter_map(|(id, absolute)| Some((*id, self.input_at(absolute)?.id)));
        let now: BTreeMap<usize, usize> = now.collect();
        if now.is_empty() {
            return;
        }
        for part in self.retained.values_mut() {
            part.inputs = part.inputs.iter().map(|input| now.get(input).copied().unwrap_or(*input)).collect();
        }
    }

    /// Whether all rows of a retained part are of captures that the lake holds, or of what these took the place of.
    fn holds_all_of(&self, part: &RetainedPart) -> bool {
        !part.inputs.is_empty() && part.inputs.iter().all(|input| self.inputs.contains_key(input))
    }
}

/// How long parts stay, as a run asked for it and the lake had it before: what the run did not say stays as it was.
pub(super) fn merged(settings: &Settings, held: Option<&Settings>) -> Option<u64> {
    let retain = settings.retain_ms.or_else(|| held?.retain_ms);
    retain.filter(|retain| *retain > 0 && settings.delta)
}

impl Transaction {
    /// Removes a part. If removed parts are retained, its file stays for now.
    pub fn remove_part(&mut self, part: &CommittedPart) {
        // A file that stays keeps its name. In a bucket no name is given twice: if the commit is undone, the file that has it now
        // must stay.
        if self.keeps_removed_parts() {
            self.manifest.retained.push(RetainedPart::of(part));
        } else {
            self.free_name(&part.path);
        }
        self.manifest.removed.parts.push(part.path.clone());
    }

    /// What is forgotten goes at once. What a lake has lost is of no version that a reader could read.
    fn keeps_removed_parts(&self) -> bool {
        let deletes = matches!(self.manifest.action, Action::Forget | Action::Repair);
        self.manifest.settings.retain_ms.is_some() && !deletes
    }

    /// Removes all parts that are retained: after manifests were lost, nothing tells for sure whose rows they have.
    pub fn release_all(&mut self) {
        self.releases_all = true;
    }

    /// Whether this commit changes how long parts are retained, which is a reason to commit.
    #[must_use]
    pub fn changes_retention(&self, held: &Snapshot) -> bool {
        let before = held.settings.as_ref().and_then(|settings| settings.retain_ms);
        self.manifest.settings.retain_ms != before
    }

    /// How many retained parts this commit would remove now.
    #[must_use]
    pub fn due(&self, held: &Snapshot) -> u64 {
        let now = now_ms();
        held.retained.values().filter(|part| self.goes(part, held, now)).count() as u64
    }

    /// Whether a part that was retained before goes with this commit. `after` is the lake's content then.
    fn goes(&self, part: &RetainedPart, after: &Snapshot, now: i64) -> bool {
        self.releases_all
            || self.manifest.settings.retain_ms.is_none()
            || part.until <= now
            || self.manifest.action == Action::Forget && !after.holds_all_of(part)
    }

    /// Gives the parts that this commit retains their time, and removes those whose time has come. `now` is the clock of the commit.
    pub(super) fn release(&mut self, after: &mut Snapshot, now: i64) {
        let retain = self.manifest.settings.retain_ms.and_then(|retain| i64::try_from(retain).ok());
        let until = now.saturating_add(retain.unwrap_or(i64::MAX));
        for part in &mut self.manifest.retained {
            part.until = until;
            if let Some(part) = after.retained.get_mut(&part.path) {
                part.until = until;
            }
        }
        let gone = after.retained.values().filter(|part| self.goes(part, after, now)).map(|part| part.path.clone());
        let gone: Vec<PathBuf> = gone.collect();
        gone.iter().for_each(|path| drop(after.retained.remove(path)));
        self.manifest.removed.retained = gone;
    }
}
