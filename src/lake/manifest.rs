//! The manifest: the content of the lake, and which rows came from where. Each commit writes one JSON file, which people
//! can read. The lake is the sum of its manifests.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::error::{Error, Result};
use crate::packets::SCHEMA_VERSION;
use crate::path_text;
use crate::storage::local;

use super::bucket::{Pending, Retired};
use super::checkpoint::Checkpoint;
use super::delta::DeltaEntry;
use super::layout::{Layout, PACKETS, SUMMARIES, is_below};
use super::manifest_text::MANIFEST_VERSION;
use super::record::{CommittedPart, CommittedPartial, CommittedTable, InputEntry, RefusedEntry, Relocated, UnitEntry};
use super::retained::RetainedPart;

/// What kind of run made a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Captures were converted, and perhaps replaced.
    #[default]
    Convert,
    /// Small files became larger ones. The lake has the same rows.
    Compact,
    /// Captures were removed.
    Forget,
    /// Lost files were made again from what was left.
    Repair,
    /// A Delta log was begun, mended or given up. The lake has the same rows.
    Delta,
}

/// How far a plan is committed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanProgress {
    /// The identity of the plan.
    pub plan: String,
    /// How many of its units, from the first one on, are committed or were left out.
    pub units: usize,
}

/// What one commit changed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the manifest's own format.
    #[serde(default)]
    pub version: u32,
    /// The version of parcap that wrote it.
    pub parcap: String,
    /// The version of the packets table.
    pub schema_version: u32,
    /// Its number, from 1 on.
    pub sequence: u64,
    /// The kind of run that made it.
    #[serde(default)]
    pub action: Action,
    /// Whether it describes the whole lake, so that earlier manifests do not count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub base: bool,
    /// A checkpoint of the lake before this commit; of a base, of the lake with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// The number of the commit that made the last checkpoint. Readers begin with its manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_at: Option<u64>,
    /// The plan of whose units it has some, if those are committed in portions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanProgress>,
    /// In a bucket, of a commit that made a checkpoint: the number of the last manifest before it that describes the whole lake. Readers
    /// that begin here do not come to that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_at: Option<u64>,
    /// The settings that shape rows, parts and summaries.
    pub settings: Settings,
    /// What the Delta log says of the commit, in lakes with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<DeltaEntry>,
    /// Records framed and rows written by converting; they are equal.
    pub records: u64,
    /// See `records`.
    pub rows: u64,
    /// What was removed before anything was added.
    #[serde(default)]
    pub removed: Removed,
    /// Captures that were added.
    pub inputs: Vec<Arc<InputEntry>>,
    /// Captures that have another name or time of modification now.
    #[serde(default)]
    pub met_again: Vec<Relocated>,
    /// Units that were converted.
    pub units: Vec<UnitEntry>,
    /// Parts that were added.
    #[serde(default)]
    pub parts: Vec<CommittedPart>,
    /// Partial summaries that were added.
    #[serde(default)]
    pub partials: Vec<CommittedPartial>,
    /// Summary tables that were written.
    #[serde(default)]
    pub tables: Vec<CommittedTable>,
    /// The answers of reverse lookups, if they were written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<CommittedTable>,
    /// Inputs that were refused, with the reason.
    pub refused: Vec<RefusedEntry>,
    /// In a bucket: what tells the run that made it from all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// In a bucket: when it was decided, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<i64>,
    /// In a bucket: what is left to do. As long as there is something, the manifest does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// In a bucket: whether the commit was undone. It changed nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub void: bool,
    /// In a bucket: names of files that are not given again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<Retired>,
    /// Parts that it removed and whose files stay for now; of one that describes the whole lake, all of those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retained: Vec<RetainedPart>,
}

/// What a commit removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Removed {
    /// Captures, by their numbers in the lake.
    pub inputs: Vec<usize>,
    /// Parts, below the lake.
    #[serde(with = "path_text::list")]
    pub parts: Vec<PathBuf>,
    /// Partial summaries, below the lake.
    #[serde(with = "path_text::list")]
    pub partials: Vec<PathBuf>,
    /// Summary tables, below the lake.
    #[serde(with = "path_text::list")]
    pub tables: Vec<PathBuf>,
    /// Refusals that no longer hold, by the absolute path of the file.
    #[serde(with = "path_text::list")]
    pub refused: Vec<PathBuf>,
    /// Parts that earlier commits removed and whose files stayed until now, below the lake.
    #[serde(with = "path_text::list", skip_serializing_if = "Vec::is_empty")]
    pub retained: Vec<PathBuf>,
}

impl Manifest {
    /// The manifest of a commit that changes nothing yet.
    #[must_use]
    pub fn new(sequence: u64, action: Action, settings: Settings) -> Self {
        Self {
            version: MANIFEST_VERSION,
            parcap: env!("CARGO_PKG_VERSION").to_owned(),
            schema_version: SCHEMA_VERSION,
            sequence,
            action,
            settings,
            ..Self::default()
        }
    }

    /// Whether the lake's content stays the same with it, except for refusals.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        !self.base
            && self.removed == Removed::default()
            && self.inputs.is_empty()
            && self.met_again.is_empty()
            && self.units.is_empty()
            && self.parts.is_empty()
            && self.partials.is_empty()
            && self.tables.is_empty()
            && self.names.is_none()
    }

    /// Whether captures are added, removed, or have another name or time.
    pub(super) fn changes_captures(&self) -> bool {
        !self.removed.inputs.is_empty() || !self.inputs.is_empty() || !self.met_again.is_empty()
    }

    /// The file name of the manifest of a commit.
    #[must_use]
    pub fn file_name(sequence: u64) -> String {
        format!("{sequence:010}.json")
    }

    /// The first path that is not where such a file belongs: parcap would read the file, and remove it one day.
    pub(super) fn strange(&self) -> Option<&Path> {
        let Removed { parts, partials, tables, retained, .. } = &self.removed;
        let retained = self.retained.iter().map(|part| &part.path).chain(retained);
        let parts = self.parts.iter().map(|part| &part.path).chain(parts).chain(retained);
        let parts = parts.filter(|path| !is_below(path, PACKETS));
        let tables = self.tables.iter().map(|table| &table.path).chain(tables);
        let tables = tables.filter(|path| !is_below(path, SUMMARIES));
        let folder = Layout::partial_folder();
        let partials = self.partials.iter().map(|partial| &partial.path).chain(partials);
        let retired = self.retired.iter().map(|retired| &retired.path);
        let retired = retired.filter(|path| !is_below(path, PACKETS) && !is_below(path, &folder));
        let left = self.pending.iter().flat_map(Pending::strange);
        let of_checkpoint = self.checkpoint.iter().filter_map(Checkpoint::strange);
        let mut all = parts.chain(tables).chain(partials.filter(|path| !is_below(path, &folder)));
        let own = all.next().or_else(|| retired.chain(left).next()).map(PathBuf::as_path);
        own.or_else(|| of_checkpoint.into_iter().next())
    }

    /// Makes it one that changes nothing, of a commit that was undone. The names that it would have given are not given again.
    /// `checkpoint_at` is the number of the commit that made the last checkpoint before it.
    pub(super) fn make_void(&mut self, checkpoint_at: Option<u64>) {
        let retired = self.parts.iter().map(|part| &part.path).chain(self.partials.iter().map(|partial| &partial.path));
        let since = self.committed.unwrap_or(0);
        let retired = retired.map(|path| Retired { path: path.clone(), since }).collect();
        let made = Self::new(self.sequence, self.action, self.settings.clone());
        *self = Self { run: self.run.take(), committed: self.committed, void: true, retired, checkpoint_at, ..made };
    }

    /// Notes that a table is not what it says: the next run that looks makes it again.
    pub(super) fn note_as_stale(&mut self, path: &Path) {
        for table in self.tables.iter_mut().chain(&mut self.names).filter(|table| table.path == path) {
            (table.bytes, table.checksum) = (0, "stale".to_owned());
        }
    }
}

/// The number of the newest manifest, by its name; 0 if there is none.
pub(super) fn newest(lake: &Layout) -> Result<u64> {
    Ok(files(lake)?.iter().filter_map(|path| number_of(path)).max().unwrap_or(0))
}

/// The number of the commit that a manifest should belong to, by its name.
pub(super) fn number_of(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.parse().ok()
}

/// The manifests of a lake that count, in order. None if there is no lake. Of a lake in a bucket, they are fetched: those since its last
/// checkpoint, as long as that can be read.
///
/// # Errors
/// If the folder cannot be read, or the bucket.
pub(super) fn files(lake: &Layout) -> Result<Vec<PathBuf>> {
    if let Some(bucket) = lake.bucket() {
        bucket.look()?;
    }
    let folder = &lake.resolve(&Layout::manifests());
    let entries = match local::list(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", folder)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension().is_some_and(|extension| extension == "json") && !is_hidden {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
