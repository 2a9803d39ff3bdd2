//! Where things lie in a lake.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::partition::Day;

/// Parts of the packets table, below the lake.
pub const PACKETS: &str = "packets";
/// Summary tables, below the lake.
pub const SUMMARIES: &str = "summaries";
/// What is parcap's own; readers skip names that begin with an underscore.
const OWN: &str = "_parcap";

/// The folders of one lake.
#[derive(Clone, Debug)]
pub struct Lake {
    root: PathBuf,
}

impl Lake {
    /// The lake in a directory, which is made if it does not exist.
    ///
    /// # Errors
    /// If it is no directory, or cannot be made.
    pub fn create(root: &Path) -> Result<Self> {
        if root.is_file() {
            return Err(Error::LakeIsAFile { path: root.to_path_buf() });
        }
        let lake = Self { root: root.to_path_buf() };
        for folder in [lake.manifest(), lake.partials()] {
            fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        }
        Ok(lake)
    }

    /// The lake in a directory, as it is, whether it exists or not.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
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
    pub fn last_commit(&self, held: &super::Holdings) -> Result<u64> {
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
        Path::new(OWN).join("set-aside").join(name)
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
        super::holdings::check_names(self)
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

    /// The lock.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.root.join(OWN).join("lock")
    }
}

/// Makes the names in a directory durable.
///
/// # Errors
/// If the directory cannot be opened or synced.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    let file = fs::File::open(folder).map_err(Error::io("open", folder))?;
    file.sync_all().map_err(Error::io("sync", folder))
}
