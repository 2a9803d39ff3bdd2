//! Where things are in a lake.

use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::bug::bug;
use crate::day::Day;
use crate::error::{Error, Result};
use crate::storage::{FolderSync, local};

use super::bucket::Bucket;
use super::snapshot::Snapshot;

/// Parts of the packets table, below the lake.
pub const PACKETS: &str = "packets";
/// Summary tables, below the lake.
pub const SUMMARIES: &str = "summaries";
/// The folder for parcap itself. Readers skip names that begin with an underscore.
const OWN: &str = "_parcap";

/// A place that nothing can be below.
const NOWHERE: &str = "/dev/null";

/// The folders of one lake.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
    /// If the lake is in a bucket. Its local folder then has what is staged, and copies of manifests.
    bucket: Option<Arc<Bucket>>,
    /// What the user should know about the file system of the lake. Each thing is noted once, whichever copy of this
    /// finds it.
    notes: Arc<Mutex<Vec<(&'static str, String)>>>,
    /// Why the Delta log lacks a commit, if it does.
    delta_lacks: Arc<Mutex<Option<String>>>,
}

impl Layout {
    /// The lake in a directory. The directory is made if it does not exist.
    ///
    /// # Errors
    /// If it is no directory, or cannot be made.
    pub fn create(root: &Path) -> Result<Self> {
        if local::is_file(root) {
            return Err(Error::LakeIsAFile { path: root.to_path_buf() });
        }
        Self::at(root).made()
    }

    /// Makes a lake that is not there yet.
    ///
    /// # Errors
    /// As [`Layout::create`]; of a bucket, if its store cannot commit safely.
    pub fn made(self) -> Result<Self> {
        if let Some(bucket) = &self.bucket {
            bucket.scratch().map_err(Error::io("make a scratch folder for", &self.root))?;
            if !self.is_there() {
                bucket.probe()?;
            }
        }
        for folder in [Self::manifests(), Self::partial_folder()] {
            self.make_folder(&folder)?;
        }
        Ok(self)
    }

    /// The lake in a directory, whether it exists or not. Nothing is made.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        let bucket = Bucket::at(root).map(Arc::new);
        Self { root: root.to_path_buf(), bucket, notes: Arc::default(), delta_lacks: Arc::default() }
    }

    /// The lake in a bucket. For tests.
    #[cfg(test)]
    pub(super) fn in_bucket(bucket: Bucket) -> Self {
        Self { bucket: Some(Arc::new(bucket)), ..Self::at(Path::new("")) }
    }

    /// The bucket that the lake is in, if it is in one.
    pub(super) fn bucket(&self) -> Option<&Bucket> {
        self.bucket.as_deref()
    }

    /// What names of partial summaries end with, where runs must not give the same one.
    pub(super) fn run(&self) -> Option<&str> {
        self.bucket().map(Bucket::run)
    }

    /// Whether there is a lake, or the rest of one.
    #[must_use]
    pub fn is_there(&self) -> bool {
        match &self.bucket {
            None => local::is_folder(&self.manifest()) || super::losses::has_data(self).unwrap_or(true),
            // What is wrong with the bucket shows when it is read.
            Some(bucket) => bucket.is_there().unwrap_or(true),
        }
    }

    /// The highest number of a commit that anything in the lake names.
    ///
    /// # Errors
    /// If the folder of the manifests cannot be read.
    pub fn last_commit(&self, snapshot: &Snapshot) -> Result<u64> {
        let named = super::manifest::newest(self)?;
        Ok(snapshot.sequence.max(named).max(super::last::last(self).unwrap_or(0)))
    }

    /// Whether the number of the last commit can be read, if its file exists.
    #[must_use]
    pub fn last_is_sound(&self) -> bool {
        self.bucket.is_some()
            || super::last::last(self).is_some()
            || !local::exists(&self.resolve(&Self::own(super::last::NAME)))
    }

    /// Where a damaged part is put, below the lake.
    #[must_use]
    pub fn set_aside(path: &Path) -> PathBuf {
        let name = path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("-");
        Self::aside_folder().join(name)
    }

    /// The folder of all damaged parts.
    pub(super) fn aside_folder() -> PathBuf {
        Self::own("set-aside")
    }

    /// A file in parcap's own folder, below the lake.
    pub(super) fn own(name: &str) -> PathBuf {
        Path::new(OWN).join(name)
    }

    /// Checks, by names alone, that the lake has all its manifests. Packets without a manifest are not a new lake, and a
    /// lake with a missing manifest is not whole.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if something is missing; an I/O error if a folder cannot be read.
    pub fn check_is_whole(&self) -> Result<()> {
        super::completeness::check_names(self)
    }

    /// The lake's directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path in the lake, from its path below the lake's directory. Of a lake in a bucket, where such a file is staged.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        match self.bucket() {
            None => self.root.join(path),
            // Where no local folder can be made, nothing can be staged, and no folder is to be called `s3:`.
            Some(bucket) => bucket.scratch().unwrap_or(Path::new(NOWHERE)).join(path),
        }
    }

    /// A path in the lake, for messages.
    #[must_use]
    pub fn shown(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    /// Makes a folder of the lake, by its path below the lake, and those above it. Returns its path.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn make_folder(&self, below: &Path) -> Result<PathBuf> {
        let folder = self.resolve(below);
        local::make_folders(&folder).map_err(Error::io("create", &folder))?;
        Ok(folder)
    }

    /// Makes the folder that a file of the lake will be in, by the file's path below the lake. Returns the file's path.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn make_room(&self, below: &Path) -> Result<PathBuf> {
        if let Some(folder) = below.parent() {
            self.make_folder(folder)?;
        }
        Ok(self.resolve(below))
    }

    /// The folder of manifests, one file a commit.
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        self.root.join(OWN).join("manifest")
    }

    /// The folder of manifests, below the lake.
    #[must_use]
    pub fn manifests() -> PathBuf {
        Path::new(OWN).join("manifest")
    }

    /// The existing manifests, in order, below the lake.
    ///
    /// # Errors
    /// If their folder cannot be read.
    pub fn manifest_files(&self) -> Result<Vec<PathBuf>> {
        if let Some(bucket) = self.bucket() {
            return bucket.manifest_files();
        }
        let files = super::manifest::files(self)?;
        Ok(files.iter().filter_map(|file| Some(Self::manifests().join(file.file_name()?))).collect())
    }

    /// The name that a file gets if its own is taken.
    pub(super) fn another_name(path: &Path) -> Result<PathBuf> {
        let mut name = path.file_stem().ok_or_else(|| bug!())?.to_owned();
        name.push("b");
        let mut another = path.with_file_name(name);
        another.set_extension(path.extension().unwrap_or_default());
        Ok(another)
    }

    /// The date of a part or table, by its path below the lake.
    #[must_use]
    pub fn day_of(path: &Path) -> Day {
        let names = path.iter().filter_map(|name| name.to_str()?.strip_prefix("date="));
        names.filter_map(Day::of_text).next().unwrap_or(Day::EPOCH)
    }

    /// Whether a path below the lake is that of a part or table of one date.
    #[must_use]
    pub fn is_of_a_date(path: &Path) -> bool {
        path.to_string_lossy().contains("date=")
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

    /// The folder of what is kept about names, below the lake.
    #[must_use]
    pub(super) fn names_folder() -> PathBuf {
        Path::new(OWN).join("names")
    }

    /// Where the answers of reverse lookups are kept, below the lake.
    #[must_use]
    pub fn ptr_cache() -> PathBuf {
        Path::new(OWN).join("names").join("ptr.parquet")
    }

    /// The folder where a run stages its files, below the lake. It is swept when a run begins.
    #[must_use]
    pub fn staging() -> PathBuf {
        Path::new(OWN).join("staging")
    }

    /// The folder where units that were converted elsewhere wait for their commit, below the lake.
    #[must_use]
    pub fn units() -> PathBuf {
        Path::new(OWN).join("units")
    }

    /// The journal: the file of a commit that is decided and perhaps not carried out.
    #[must_use]
    pub fn pending(&self) -> PathBuf {
        self.root.join(OWN).join("pending.json")
    }

    /// Where the journal is written before it is moved into place.
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
    /// Makes the names in a directory durable. Where the file system cannot do that for directories, it is noted. The
    /// files are whole all the same; after a power failure, the order of names is then up to the file system.
    ///
    /// # Errors
    /// If the directory cannot be opened or synced.
    pub(crate) fn sync_folder(&self, folder: &Path) -> Result<()> {
        if let FolderSync::Unsupported(error) = local::sync_folder(folder)? {
            self.note("sync", || {
                let root = self.root.display();
                format!(
                    "{root}: its file system cannot sync folders ({error}), so a power failure may undo what a run has committed"
                )
            });
        }
        Ok(())
    }

    /// Makes the name of a file durable.
    pub(super) fn sync_parent(&self, path: &Path) -> Result<()> {
        self.sync_folder(path.parent().ok_or_else(|| bug!())?)
    }

    /// Notes something that the user should know, once for each subject.
    pub(super) fn note(&self, about: &'static str, text: impl FnOnce() -> String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.iter().all(|(held, _)| *held != about) {
            notes.push((about, text()));
        }
    }

    /// Notes that the Delta log lacks a commit, and why. The first reason is kept.
    pub(super) fn note_delta_lack(&self, why: String) {
        self.delta_lacks.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }

    /// Why the Delta log lacks a commit of this run, or of one that it finished. `None` if it lacks none.
    #[must_use]
    pub fn delta_lacks(&self) -> Option<String> {
        let noted = self.delta_lacks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        noted.or_else(|| self.bucket()?.delta_lacks())
    }

    /// What the user should know about the file system of the lake: what it cannot do.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(_, text)| text.clone()).collect()
    }
}

/// Whether a path leads to something only below a folder of the lake: it begins with the folder, goes on, and
/// never goes up. A changed file of the lake must not make parcap write or remove anything elsewhere.
#[must_use]
pub(super) fn is_below(path: &Path, folder: impl AsRef<Path>) -> bool {
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    plain && path.strip_prefix(folder).is_ok_and(|rest| rest.components().next().is_some())
}
