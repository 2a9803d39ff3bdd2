//! Where things lie in a lake.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::bug::bug;
use crate::day::Day;
use crate::error::{Error, Result};

use crate::storage::is_unsupported;

/// Parts of the packets table, below the lake.
pub const PACKETS: &str = "packets";
/// Summary tables, below the lake.
pub const SUMMARIES: &str = "summaries";
/// What is parcap's own; readers skip names that begin with an underscore.
const OWN: &str = "_parcap";

/// The folders of one lake.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
    /// What a person should know of the place where it lies, once for each thing, whatever copy of this met it.
    notes: Arc<Mutex<Vec<(&'static str, String)>>>,
}

impl Layout {
    /// The lake in a directory, which is made if it does not exist.
    ///
    /// # Errors
    /// If it is no directory, or cannot be made.
    pub fn create(root: &Path) -> Result<Self> {
        if root.is_file() {
            return Err(Error::LakeIsAFile { path: root.to_path_buf() });
        }
        let lake = Self::at(root);
        for folder in [lake.manifest(), lake.partials()] {
            fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        }
        Ok(lake)
    }

    /// The lake in a directory, as it is, whether it exists or not.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_path_buf(), notes: Arc::default() }
    }

    /// Whether there is a lake, or what is left of one.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.manifest().is_dir() || super::losses::has_data(self).unwrap_or(true)
    }

    /// The number of the last commit that anything in the lake tells of.
    ///
    /// # Errors
    /// If the folder of the manifests cannot be read.
    pub fn last_commit(&self, held: &super::snapshot::Snapshot) -> Result<u64> {
        let named = super::manifest::newest(&self.manifest())?;
        Ok(held.sequence.max(named).max(super::last::last(self).unwrap_or(0)))
    }

    /// Whether the number of the last commit can be read, if it is there.
    #[must_use]
    pub fn last_is_sound(&self) -> bool {
        super::last::last(self).is_some() || !self.resolve(&Self::own(super::last::NAME)).exists()
    }

    /// Where a part is put that is damaged, below the lake.
    #[must_use]
    pub fn set_aside(path: &Path) -> PathBuf {
        let name = path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("-");
        Self::aside_folder().join(name)
    }

    /// Where all of those are.
    pub(super) fn aside_folder() -> PathBuf {
        Self::own("set-aside")
    }

    /// A file of parcap's own, below the lake.
    pub(super) fn own(name: &str) -> PathBuf {
        Path::new(OWN).join(name)
    }

    /// Whether the lake has what says what it holds, as far as names tell: packets without a manifest are no new lake, and
    /// neither are manifests of which one is missing.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if something is missing; if a folder cannot be read.
    pub fn check_is_whole(&self) -> Result<()> {
        super::snapshot::check_names(self)
    }

    /// The lake's directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Something in the lake, by its path below the lake's directory.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    /// The folder of manifests, one file a commit.
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        self.root.join(OWN).join("manifest")
    }

    /// The same, below the lake.
    #[must_use]
    pub fn manifests() -> PathBuf {
        Path::new(OWN).join("manifest")
    }

    /// The manifests that there are, in order, below the lake.
    ///
    /// # Errors
    /// If their folder cannot be read.
    pub fn manifest_files(&self) -> Result<Vec<PathBuf>> {
        let files = super::manifest::files(&self.manifest())?;
        Ok(files.iter().filter_map(|file| Some(Self::manifests().join(file.file_name()?))).collect())
    }

    /// The date of a part or table, by its path below the lake.
    #[must_use]
    pub fn day_of(path: &Path) -> Day {
        let names = path.iter().filter_map(|name| name.to_str()?.strip_prefix("date="));
        names.filter_map(Day::of_text).next().unwrap_or(Day::EPOCH)
    }

    /// The folder of partial summaries, one file a unit.
    #[must_use]
    pub fn partials(&self) -> PathBuf {
        self.root.join(OWN).join("partials")
    }

    /// Where the partial summary of a unit belongs, below the lake.
    #[must_use]
    pub fn partial_path(unit: &str) -> PathBuf {
        Path::new(OWN).join("partials").join(format!("{unit}.arrow"))
    }

    /// The folder of partial summaries, below the lake.
    #[must_use]
    pub(super) fn partial_folder() -> PathBuf {
        Path::new(OWN).join("partials")
    }

    /// The folder of what is kept of names, below the lake.
    #[must_use]
    pub(super) fn names_folder() -> PathBuf {
        Path::new(OWN).join("names")
    }

    /// Where the answers of reverse lookups are kept, below the lake.
    #[must_use]
    pub fn ptr_cache() -> PathBuf {
        Path::new(OWN).join("names").join("ptr.parquet")
    }

    /// The folder where a run stages what it writes, below the lake; swept when a run begins.
    #[must_use]
    pub fn staging() -> PathBuf {
        Path::new(OWN).join("staging")
    }

    /// The folder where units that were converted elsewhere wait for their commit, below the lake.
    #[must_use]
    pub fn units() -> PathBuf {
        Path::new(OWN).join("units")
    }

    /// The file that holds a commit which is decided and perhaps not carried out.
    #[must_use]
    pub fn pending(&self) -> PathBuf {
        self.root.join(OWN).join("pending.json")
    }

    /// Where that file is written, before it is renamed into place.
    #[must_use]
    pub(super) fn pending_draft(&self) -> PathBuf {
        self.root.join(OWN).join("pending.draft")
    }

    /// The lock.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.root.join(OWN).join("lock")
    }
}

impl Layout {
    /// Makes the names in a directory durable. Where the file system does not have that for directories, it is noted, and
    /// what was written is whole all the same: the order of names behind a power failure is then the file system's.
    ///
    /// # Errors
    /// If the directory cannot be opened or synced.
    pub(crate) fn sync_folder(&self, folder: &Path) -> Result<()> {
        let file = fs::File::open(folder).map_err(Error::io("open", folder))?;
        match file.sync_all() {
            Err(error) if is_unsupported(&error) => {
                self.note("sync", || {
                    let root = self.root.display();
                    format!(
                        "{root}: its file system cannot sync folders ({error}), so a power failure may undo what a run has committed"
                    )
                });
                Ok(())
            }
            result => result.map_err(Error::io("sync", folder)),
        }
    }

    /// Makes the name of a file durable.
    pub(super) fn sync_parent(&self, path: &Path) -> Result<()> {
        self.sync_folder(path.parent().ok_or_else(|| bug!())?)
    }

    /// Notes what a person should know, once for each thing that there is to be known.
    pub(super) fn note(&self, about: &'static str, text: impl FnOnce() -> String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.iter().all(|(held, _)| *held != about) {
            notes.push((about, text()));
        }
    }

    /// What a person should know of the place where the lake lies: what its file system cannot do.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(_, text)| text.clone()).collect()
    }
}

/// Whether a path leads to something below a folder of the lake, and nowhere else: it begins with the folder, goes on, and
/// never up. Whoever writes into a lake's own files must not make anybody write or remove elsewhere.
#[must_use]
pub(super) fn is_below(path: &Path, folder: impl AsRef<Path>) -> bool {
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    plain && path.strip_prefix(folder).is_ok_and(|rest| rest.components().next().is_some())
}
