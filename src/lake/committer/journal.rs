//! The journal: the list of steps of a commit that is decided, as a file of the lake.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::lake::delta_commit::DeltaStep;
use crate::lake::last;
use crate::lake::layout::{Layout, PACKETS, SUMMARIES, is_below};
use crate::path_text;
use crate::storage::{local, open_own};

use super::Move;
use super::beside::BESIDE;
use super::exchange::Exchange;

/// The steps of a commit, once it is decided.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    /// Files that are added. Earlier versions called the field `moves`. The new name keeps them from carrying out half of
    /// a commit.
    #[serde(alias = "moves")]
    pub(super) adds: Vec<Move>,
    /// Partitions that are exchanged as a whole.
    #[serde(default)]
    pub(super) exchanges: Vec<Exchange>,
    /// Files that are removed, below the lake.
    #[serde(default, with = "path_text::list")]
    pub(super) removes: Vec<PathBuf>,
    pub(super) manifest: Move,
    /// Whether everything that is replaced is kept, so that the commit can be undone until the manifest is in its place.
    #[serde(default)]
    pub(super) kept: bool,
    /// Whether it could not be carried out, and is being undone.
    #[serde(default)]
    pub(super) undo: bool,
    /// The step of the Delta log, in a lake with one that can go on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) delta: Option<DeltaStep>,
}

impl Journal {
    /// Where the file is kept that an added file replaces, by number, below the lake.
    pub(super) fn kept(number: usize) -> PathBuf {
        Layout::staging().join("kept").join(number.to_string())
    }

    /// Where files that go are kept.
    pub(super) fn gone_folder() -> PathBuf {
        Layout::staging().join("gone")
    }

    /// Where a removed file is kept.
    pub(super) fn gone(number: usize) -> PathBuf {
        Self::gone_folder().join(number.to_string())
    }

    /// Whether a manifest of this commit is in its place: then it can only be finished.
    pub(super) fn is_published(&self, lake: &Layout) -> bool {
        !local::name_exists(&lake.resolve(&self.manifest.from)) && local::exists(&lake.resolve(&self.manifest.to))
    }

    /// Whether readers of the Delta log know this commit: then it can only be finished as well.
    pub(super) fn is_in_log(&self, lake: &Layout) -> bool {
        self.delta.as_ref().is_some_and(|step| step.is_known(lake))
    }

    /// Writes the journal, and moves it into place.
    pub(super) fn write(&self, lake: &Layout) -> Result<()> {
        let (draft, pending) = (lake.pending_draft(), lake.pending());
        let mut text =
            serde_json::to_vec_pretty(self).map_err(|source| Error::io("write", &draft)(io::Error::other(source)))?;
        text.push(b'\n');
        local::write_synced(&draft, &text)?;
        local::rename(&draft, &pending).map_err(Error::io("rename", &pending))
    }

    /// Reads the journal of a lake, if a commit is decided and not carried out. Checks that all files in it are where
    /// such files belong.
    pub(super) fn read(lake: &Layout) -> Result<Option<Self>> {
        let pending = lake.pending();
        let mut text = Vec::new();
        match open_own(&pending).and_then(|mut file| file.read_to_end(&mut text)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", &pending)(error)),
        }
        let name = path_text::printable(&pending);
        let journal: Self =
            serde_json::from_slice(&text).map_err(|source| Error::Json { name, what: "journal", source })?;
        match journal.strange() {
            Some(named) => Err(Error::Outside { path: pending, named: path_text::printable(named) }),
            None => Ok(Some(journal)),
        }
    }

    /// The first path that is not where such a file belongs.
    pub(super) fn strange(&self) -> Option<&Path> {
        let is_place = |path: &Path| {
            [
                PathBuf::from(PACKETS),
                SUMMARIES.into(),
                Layout::partial_folder(),
                Layout::names_folder(),
                Layout::aside_folder(),
                Layout::checkpoints(),
            ]
            .iter()
            .any(|folder| is_below(path, folder))
                || *path == Layout::own(last::NAME)
        };
        // A damaged part is not staged: it comes from where readers see it.
        let is_aside = |step: &Move| is_below(&step.from, PACKETS) && is_below(&step.to, Layout::aside_folder());
        let is_staged = |path: &Path| is_below(path, Layout::staging()) || is_below(path, Layout::units());
        let is_beside = |step: &Move| step.to.parent().is_some_and(|folder| is_below(&step.from, folder.join(BESIDE)));
        let is_manifest = |path: &Path| is_below(path, Layout::manifests());
        let (adds, exchanges) = (self.adds.iter(), self.exchanges.iter());
        let from = adds.clone().chain([&self.manifest]);
        let from = from.filter(|step| !is_staged(&step.from) && !is_beside(step) && !is_aside(step));
        let from = from.map(|step| &step.from);
        let to = adds.map(|step| &step.to).filter(|path| !is_place(path));
        let goes = self.removes.iter().filter(|path| !is_place(path) && !is_manifest(path));
        let manifest = [&self.manifest.to].into_iter().filter(|path| !is_manifest(path));
        let folders = exchanges.clone().map(|exchange| &exchange.folder);
        let folders = folders.filter(|path| !is_below(path, PACKETS) && !is_below(path, SUMMARIES));
        let built = exchanges.clone().map(|exchange| &exchange.built).filter(|path| !is_below(path, Layout::staging()));
        let within = exchanges.flat_map(|exchange| {
            exchange.adds.iter().chain(&exchange.removes).chain([&exchange.witness]).filter(|path| !is_below(path, ""))
        });
        let text = self.delta.iter().map(DeltaStep::text).filter(|path| !is_staged(path));
        let mut all = from.chain(text).chain(to).chain(goes).chain(manifest).chain(folders).chain(built).chain(within);
        all.next().map(PathBuf::as_path)
    }
}
