//! What a manifest says of its own commit, as long as it is not carried out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::lake::delta_commit::DeltaStep;
use crate::lake::layout::{Layout, PACKETS, SUMMARIES, is_below};
use crate::path_text;
use crate::storage::objects::HeldUpload;

/// How far a decided commit is. Each step to the next one is an exchange of the manifest for one that says so, if it is
/// still as it was read: so of those who carry a commit out, one goes on and the others learn of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommitStage {
    /// Its number is won. Parts are being completed; nothing has been replaced or removed.
    Decided,
    /// All parts are in their places. It can only be finished.
    Placed,
    /// A part cannot be placed. It can only be undone.
    Voiding,
}

/// What is left to do of a commit that is decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// How far it is.
    pub stage: CommitStage,
    /// New parts.
    pub parts: Vec<HeldUpload>,
    /// Files that are written in place of earlier ones: summary tables, and answers of reverse lookups.
    pub tables: Vec<HeldUpload>,
    /// The step of the Delta log, in a lake with one that can go on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::lake) delta: Option<DeltaStep>,
    /// Files that go, below the lake.
    #[serde(with = "path_text::list")]
    pub removes: Vec<PathBuf>,
    /// The number of the commit that made the last checkpoint before this one, which counts if this one is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_at: Option<u64>,
}

impl Pending {
    /// Paths that are not where such files belong.
    pub(in crate::lake) fn strange(&self) -> impl Iterator<Item = &PathBuf> {
        let parts = self.parts.iter().map(|held| &held.path).filter(|path| !is_below(path, PACKETS));
        let tables = self.tables.iter().map(|held| &held.path);
        let tables = tables.filter(|path| !is_below(path, SUMMARIES) && !is_below(path, Layout::names_folder()));
        let goes =
            |path: &&PathBuf| is_below(path, PACKETS) || is_below(path, SUMMARIES) || is_below(path, Layout::own(""));
        let text = self.delta.iter().map(DeltaStep::text).filter(|path| !is_below(path, Layout::own("delta")));
        parts.chain(tables).chain(text).chain(self.removes.iter().filter(move |path| !goes(path)))
    }
}

/// The name of a part or partial summary that is not given again: a request to remove it may still come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retired {
    /// The name, below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// When it was removed, in milliseconds since the Unix epoch.
    pub since: i64,
}
