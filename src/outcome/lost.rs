//! What a run found out about a lake that has lost files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::lake::{Losses, Snapshot, Transaction};
use crate::path_text;

/// A file of the lake that is gone, or differs from what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostFile {
    /// Its path below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// Rows that were in it, if it is a part.
    pub rows: u64,
    /// The captures that have rows or sums in it.
    #[serde(with = "path_text::list")]
    pub captures: Vec<PathBuf>,
}

impl LostFile {
    /// What the manifests say about a file.
    pub(crate) fn of(path: &Path, problem: &str, snapshot: &Snapshot) -> Self {
        let inputs: BTreeSet<_> = snapshot.inputs_in(path).collect();
        let captures = inputs.iter().filter_map(|id| snapshot.inputs.get(id)).map(|entry| entry.input.path.clone());
        Self {
            path: path.to_path_buf(),
            problem: problem.to_owned(),
            rows: snapshot.parts.get(path).map_or(0, |part| part.rows),
            captures: captures.collect(),
        }
    }
}

/// A capture that was left in the lake as it was, because a file with its rows and those of other captures is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// Its path as it was given, or found.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// The lost file, as a path below the lake.
    #[serde(with = "path_text")]
    pub lost: PathBuf,
}

/// What a run found out about a lake that is not whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Files that are lost, each once.
    #[serde(rename = "lost")]
    pub files: Vec<LostFile>,
    /// Captures that were to be replaced or removed, but are as they were.
    pub held_back: Vec<HeldBack>,
    /// Why the Delta log lacks what the lake has committed, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_lacks: Option<String>,
}

impl Lost {
    /// Whether nothing is lost, and the Delta log lacks nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.held_back.is_empty() && self.delta_lacks.is_none()
    }

    /// Adds files that are lost.
    pub(crate) fn add(&mut self, losses: &Losses, snapshot: &Snapshot) {
        for (path, problem) in losses.iter() {
            if self.files.iter().all(|lost| lost.path != path) {
                self.files.push(LostFile::of(path, problem, snapshot));
            }
        }
    }

    /// Adds captures that stay, each with the file that is lost.
    pub(crate) fn hold_back(&mut self, kept: &BTreeMap<usize, PathBuf>, snapshot: &Snapshot) {
        for (id, lost) in kept {
            let entry = snapshot.inputs.get(id).map(|entry| entry.input.path.clone());
            self.held_back.extend(entry.map(|path| HeldBack { path, lost: lost.clone() }));
        }
    }

    /// Leaves out what a commit mends: files that the lake no longer names, and tables that were written again.
    pub(crate) fn leave_out_mended(&mut self, change: &Transaction, after: &Snapshot) {
        let added = &change.manifest;
        let parts = added.parts.iter().map(|part| part.path.as_path());
        let partials = added.partials.iter().map(|partial| partial.path.as_path());
        let rewritten: BTreeSet<&Path> =
            parts.chain(partials).chain(added.tables.iter().map(|table| table.path.as_path())).collect();
        self.files.retain(|lost| {
            let path = lost.path.as_path();
            let is_named = after.parts.contains_key(path) || after.partials.contains_key(path);
            (is_named || after.tables.contains_key(path)) && !rewritten.contains(path)
        });
    }
}
