//! The checkpoint: what a lake holds at a commit, in sorted Parquet files beside the manifests.
//!
//! The manifests are the log, one a commit. To add all of them up takes time and memory that follow the number of captures. So a
//! commit that finds many bytes of them since the last checkpoint writes a new one, with the same transaction that publishes it; and
//! so does one that describes a whole large lake. A reader begins with the last checkpoint, and adds the manifests from its commit on.
//!
//! A checkpoint is a list of *segments*, oldest first. Each says what some commits have removed and added, in one file for each kind
//! of thing, sorted by path. A new segment is of the manifests since the one before; when segments of one size are many, they become
//! one. So a night writes what the night changed, and each entry is written again only as often as the lake has grown eightfold.
//!
//! Always: a row of a segment counts if no newer segment, and no manifest since, has removed or replaced it. Whichever segments there
//! are, what a checkpoint says is the sum of the manifests up to it.

mod base;
mod briefs;
mod columns;
mod content_keys;
mod doubles;
mod layers;
mod load;
mod lookup;
mod make;
mod merge;
mod merged;
mod of_commit;
mod parts;
mod read;
mod removals;
mod rows;
mod stage;
mod state_of_captures;
mod tail;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::Settings;

use super::bucket::Retired;
use super::delta::DeltaEntry;
use super::layout::{Layout, is_below};
use super::record::CommittedTable;
use super::retained::RetainedPart;

pub(super) use base::Base;
pub(crate) use briefs::{CaptureBrief, CaptureVisitor, FoundBrief};
pub(super) use columns::again;
pub(crate) use columns::content_key;
pub(crate) use doubles::faults_of_doubles;
pub(crate) use load::WantedCaptures;
pub(crate) use lookup::Lookup;

/// A checkpoint, as the manifest of the commit that made it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The number of the last commit that is in it.
    pub sequence: u64,
    /// Its segments, oldest first.
    pub segments: Vec<Segment>,
    /// What there is once.
    #[serde(flatten)]
    pub state: LakeState,
}

/// Files of a checkpoint: what some consecutive commits have changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The files, one for each kind of thing that there is.
    pub files: Vec<CommittedTable>,
}

/// What a lake has once, however many captures it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LakeState {
    /// The last number that was given to a capture.
    pub last_input: usize,
    /// Number of the last commit that was not undone.
    pub last_change: u64,
    /// The settings of that commit.
    pub settings: Option<Settings>,
    /// What it says of the Delta log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<DeltaEntry>,
    /// The answers of reverse lookups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<CommittedTable>,
    /// In a bucket: names that are not given again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<Retired>,
    /// Parts that commits removed and whose files stay for now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retained: Vec<RetainedPart>,
}

/// The kinds of things that a segment has a file of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Captures,
    Units,
    Parts,
    Partials,
    Tables,
    Refusals,
    /// What was removed before that.
    Removed,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Captures, Self::Units, Self::Parts, Self::Partials, Self::Tables, Self::Refusals, Self::Removed];

    /// The name of its files, without the suffix.
    fn name(self) -> &'static str {
        match self {
            Self::Captures => "captures",
            Self::Units => "units",
            Self::Parts => "parts",
            Self::Partials => "partials",
            Self::Tables => "tables",
            Self::Refusals => "refusals",
            Self::Removed => "removed",
        }
    }
}

impl Segment {
    /// Its file of a kind, if it has one.
    fn file(&self, kind: Kind) -> Option<&CommittedTable> {
        self.files.iter().find(|file| file.path.file_stem().is_some_and(|name| name == kind.name()))
    }

    /// How many captures it adds and things it removes.
    fn entries(&self) -> u64 {
        let files = [Kind::Captures, Kind::Removed].into_iter().filter_map(|kind| self.file(kind));
        files.map(|file| file.rows).fold(0, u64::saturating_add)
    }
}

impl Checkpoint {
    /// All its files.
    pub fn files(&self) -> impl Iterator<Item = &CommittedTable> {
        self.segments.iter().flat_map(|segment| &segment.files)
    }

    /// The first path that is not where such a file belongs.
    pub(super) fn strange(&self) -> Option<&Path> {
        let retained = self.state.retained.iter().map(|part| &part.path);
        let retained = retained.filter(|path| !is_below(path, super::layout::PACKETS));
        let folder = Layout::checkpoints();
        let files = self.files().map(|file| &file.path).filter(|path| !is_below(path, &folder));
        files.chain(retained).next().map(PathBuf::as_path)
    }
}

impl Layout {
    /// The folder of checkpoints, below the lake: a folder for each segment.
    #[must_use]
    pub(in crate::lake) fn checkpoints() -> PathBuf {
        Self::own("checkpoint")
    }
}
