//! Files of a lake, wherever they are: in their places, or in a bucket.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::packets::{ColumnBounds, part_bounds};
use crate::plan::{PartEntry, PartialEntry};
use crate::storage::local;
use crate::storage::objects::HeldUpload;
use crate::text::plural_of;

use super::bucket::{Bucket, Fetched};
use super::check::checked;
use super::delta::statistics_of;
use super::layout::{Layout, PACKETS, SUMMARIES};
use super::record::CommittedTable;
use super::snapshot::Snapshot;

impl Layout {
    /// A file of the lake, to be read at a local path, from its path below the lake.
    ///
    /// # Errors
    /// If it is in a bucket and cannot be fetched.
    pub fn fetch(&self, path: &Path) -> Result<Fetched> {
        match self.bucket() {
            None => Ok(Fetched::in_place(self.resolve(path))),
            Some(bucket) => bucket.fetch(path),
        }
    }

    /// What the footers of parts say of their columns, of staged ones and of others. `None` where that cannot be read.
    #[must_use]
    pub fn bounds_of(&self, parts: &[PathBuf]) -> Vec<Option<Vec<ColumnBounds>>> {
        match self.bucket() {
            None => parts.iter().map(|path| part_bounds(&self.resolve(path)).ok()).collect(),
            // Without a store, nothing can be read.
            Some(bucket) => bucket.bounds_of(parts).unwrap_or_else(|_| vec![None; parts.len()]),
        }
    }

    /// A staged file, to be read at a local path, whichever process staged it.
    ///
    /// # Errors
    /// If it is in a bucket and cannot be fetched.
    pub fn fetch_staged(&self, path: &Path) -> Result<Fetched> {
        match self.bucket() {
            None => Ok(Fetched::in_place(self.resolve(path))),
            Some(bucket) => bucket.fetch_or_staged(path),
        }
    }

    /// Makes sure that files of a checkpoint are where [`Layout::resolve`] says, as they were written.
    ///
    /// # Errors
    /// If one cannot be read; [`Error::FileDiffers`](crate::error::Error::FileDiffers) if it differs.
    pub(super) fn keep(&self, files: &[&CommittedTable]) -> Result<()> {
        match self.bucket() {
            None => files.iter().try_for_each(|file| checked(&self.resolve(&file.path), file.bytes, &file.checksum)),
            Some(bucket) => bucket.keep(files),
        }
    }

    /// Reads a file of the lake, from its path below the lake, and compares its size and checksum with the recorded ones.
    ///
    /// # Errors
    /// If it cannot be read; [`Error::FileDiffers`](crate::error::Error::FileDiffers) if it differs.
    pub fn check(&self, path: &Path, bytes: u64, checksum: &str) -> Result<()> {
        checked(&self.fetch(path)?, bytes, checksum)
    }

    /// Whether the lake has a file at a path below it.
    ///
    /// # Errors
    /// If the bucket cannot be asked.
    pub fn has(&self, path: &Path) -> Result<bool> {
        match self.bucket() {
            None => Ok(local::exists(&self.resolve(path))),
            Some(bucket) => bucket.has(path),
        }
    }

    /// The bytes of a file that another process staged. `None` if there is none.
    ///
    /// # Errors
    /// If the lake cannot be asked.
    pub fn staged_size(&self, staged: &Path) -> Result<Option<u64>> {
        match self.bucket() {
            None => Ok(local::facts(&self.resolve(staged)).ok().map(|found| found.size)),
            Some(bucket) => bucket.size_of(staged),
        }
    }

    /// Whether a commit is decided and not carried out.
    ///
    /// # Errors
    /// If the bucket cannot be asked.
    pub fn is_pending(&self) -> Result<bool> {
        match self.bucket() {
            None => Ok(local::name_exists(&self.pending())),
            Some(bucket) => {
                bucket.look()?;
                Ok(bucket.is_pending())
            }
        }
    }

    /// Sees, from here on, what others have committed in the meantime. A lake on disk is looked at each time.
    pub fn look_again(&self) {
        self.bucket().into_iter().for_each(Bucket::look_again);
    }

    /// Objects where readers look that are not `known`, if the lake is in a bucket.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub fn strays_in_bucket(&self, known: &BTreeSet<&Path>) -> Result<Option<Vec<PathBuf>>> {
        let Some(bucket) = self.bucket() else { return Ok(None) };
        let found = bucket.list_all(&[PACKETS, SUMMARIES].map(Path::new))?;
        let found = found.into_iter().flat_map(BTreeMap::into_keys);
        Ok(Some(found.filter(|path| !known.contains(path.as_path()) && !path.ends_with("_SUCCESS")).collect()))
    }

    /// Whether tables are replaced only, and never removed: one without rows is written in place of one that would go. Only the table
    /// of captures of earlier versions goes.
    #[must_use]
    pub fn keeps_tables(&self) -> bool {
        self.bucket().is_some()
    }

    /// Begins to upload a staged part, if the lake is in a bucket: beside the work, and finished files wait for it. It then takes no room
    /// here.
    ///
    /// # Errors
    /// If an earlier part cannot be uploaded.
    pub fn deliver(&self, part: &mut PartEntry) -> Result<()> {
        if let Some(bucket) = self.bucket() {
            let columns = part_bounds(&self.resolve(&part.staged));
            part.stats = columns.ok().map(|columns| statistics_of(part.rows, &columns));
            part.path = bucket.free(&part.path)?;
            bucket.upload(&part.staged, &part.path)?;
        }
        Ok(())
    }

    /// Waits until a part is uploaded, if the lake is in a bucket. Any process can then commit it.
    ///
    /// # Errors
    /// If it cannot be uploaded.
    pub fn finish_delivery(&self, part: &mut PartEntry) -> Result<()> {
        if let Some(bucket) = self.bucket().filter(|_| part.held.is_none()) {
            part.held = bucket.uploaded(&part.staged)?;
        }
        Ok(())
    }

    /// Puts a staged partial summary where other processes find it, if the lake is in a bucket and another one commits it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn deliver_partial(&self, partial: &PartialEntry) -> Result<()> {
        match self.bucket() {
            Some(bucket) if partial.staged.starts_with(Self::units()) => bucket.put_staged(&partial.staged),
            _ => Ok(()),
        }
    }

    /// Gives up uploads that dead runs have left, if the lake is in a bucket, and notes how many they were, or why it cannot be told.
    pub fn give_up_orphans(&self) {
        let Some(bucket) = self.bucket() else { return };
        match bucket.sweep_uploads_alone() {
            Ok(0) => {}
            // Azure has no list: blocks without a commit go by themselves.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            Ok(count) => {
                let uploads = plural_of(count, "upload", "uploads");
                self.note("uploads", || {
                    format!("{uploads} that earlier runs had left open for over a week were given up")
                });
            }
            Err(error) => {
                self.note("uploads", || {
                    format!("whether earlier runs have left uploads open cannot be told ({error})")
                });
            }
        }
    }

    /// Leaves what was delivered to the process that commits it.
    pub fn hand_over(&self) {
        self.bucket().into_iter().for_each(|bucket| drop(bucket.take_open()));
    }

    /// Gives up those of some uploads that this process has not committed: of units that were converted twice, or left out.
    pub fn give_up_others(&self, uploads: &[HeldUpload]) {
        self.bucket().into_iter().for_each(|bucket| bucket.give_up_others(uploads));
    }

    /// Takes note of names of parts that are given, so that others are uploaded, if the lake is in a bucket.
    ///
    /// # Errors
    /// If its manifests cannot be read.
    pub fn take_note_of_names(&self) -> Result<()> {
        if self.bucket().is_some() {
            Snapshot::begin(self)?;
        }
        Ok(())
    }
}
