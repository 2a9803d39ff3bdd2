//! What a transaction does for the Delta log of its lake.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::Result;

use super::delta_commit::{DeltaStep, describe, new_entry};
use super::layout::Layout;
use super::manifest::Action;
use super::snapshot::Snapshot;
use super::transaction::Transaction;

/// A lake with a Delta log, as it was before a commit.
#[derive(Debug)]
pub(super) struct Before {
    /// Number of the last commit that was not undone; 0 for a new lake.
    sequence: u64,
    /// The identity of the table; `None` for a new one.
    id: Option<String>,
    /// The parts, with their sizes.
    parts: BTreeMap<PathBuf, u64>,
}

impl Before {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let parts = snapshot.parts.iter().map(|(path, part)| (path.clone(), part.bytes));
        let id = snapshot.delta.as_ref().map(|delta| delta.id.clone());
        Self { sequence: snapshot.last_change, id, parts: parts.collect() }
    }
}

impl Transaction {
    /// Gives up the Delta log: this commit does not write it, and none after it.
    pub fn leave_delta(&mut self) {
        self.manifest.settings.delta = false;
        self.manifest.settings.retain_ms = None;
        self.before = None;
    }

    /// In a lake with a Delta log: completes what the manifest keeps for it, and makes the step of the commit ready. A commit that
    /// begins or mends the log has none, for the log is written after it.
    pub(super) fn prepare_delta(&mut self, lake: &Layout, after: &mut Snapshot) -> Result<Option<DeltaStep>> {
        let mut parts = std::mem::take(&mut self.manifest.parts);
        let Some(before) = self.before.take() else {
            // What was noted of parts when they were uploaded serves no log.
            parts.iter_mut().for_each(|part| part.delta = None);
            self.manifest.parts = parts;
            self.release(after, 0);
            return Ok(None);
        };
        let entry = new_entry(before.id.as_deref());
        self.release(after, entry.time);
        let noted = parts.iter_mut().filter_map(|part| part.delta.as_mut());
        noted.for_each(|delta| delta.modified = entry.time);
        let staged = self.staged();
        // Before its commit a part is where it was staged.
        let place = |path: &Path| staged.get(path).map_or_else(|| path.to_path_buf(), |staged| staged.to_path_buf());
        describe(lake, parts.iter_mut(), &place, entry.time);
        for part in &parts {
            after.parts.insert(part.path.clone(), part.clone());
        }
        if self.says_everything {
            describe(lake, after.parts.values_mut(), &place, entry.time);
        }
        self.manifest.parts = parts;
        self.manifest.delta = Some(entry.clone());
        after.delta = Some(entry.clone());
        after.settings = Some(self.manifest.settings.clone());
        if matches!(self.manifest.action, Action::Delta | Action::Repair) {
            return Ok(None);
        }
        DeltaStep::prepare(lake, &self.manifest, &entry, before.sequence, &before.parts)
    }
}
