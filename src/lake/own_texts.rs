//! Small texts in the lake's own folder: plans that it keeps, and the rows of their units.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::storage::local;

use super::committer;
use super::layout::Layout;

impl Layout {
    /// Writes a text that is whole whenever it has its name. Two who write it at once write the same.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_text(&self, path: &Path, text: &str) -> Result<()> {
        if let Some(bucket) = self.bucket() {
            return bucket.write_text(path, text);
        }
        let path = self.make_room(path)?;
        let unfinished = path.with_extension(format!("{}-{:x}", std::process::id(), random()));
        local::write_synced(&unfinished, text.as_bytes())?;
        local::rename(&unfinished, &path).map_err(Error::io("rename", &unfinished))
    }

    /// Reads a text. `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read_text(&self, path: &Path) -> Result<Option<String>> {
        let bytes = match self.bucket() {
            Some(bucket) => bucket.read_bytes(path)?,
            None => {
                let path = self.resolve(path);
                match local::read(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                    bytes => Some(bytes.map_err(Error::io("read", &path))?),
                }
            }
        };
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The texts in a folder, by their paths below the lake. One that is being written has another extension than `json`.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn texts_in(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        if let Some(bucket) = self.bucket() {
            return Ok(bucket.sizes(folder)?.into_keys().collect());
        }
        let path = self.resolve(folder);
        let entries = match local::list(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(Error::io("read", &path))?,
        };
        entries.map(|entry| Ok(folder.join(entry.map_err(Error::io("read", &path))?.name()))).collect()
    }

    /// The folders in a folder in which nothing was written since a time, in nanoseconds since the Unix epoch, if the lake is in a
    /// bucket. None if there is no such time.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub fn old_folders_in_bucket(&self, folder: &Path, before: Option<i64>) -> Result<Option<Vec<PathBuf>>> {
        let Some(bucket) = self.bucket() else { return Ok(None) };
        let Some(before) = before else { return Ok(Some(Vec::new())) };
        let mut newest: BTreeMap<PathBuf, i64> = BTreeMap::new();
        for (path, modified) in bucket.times(folder)? {
            let Some(name) = path.strip_prefix(folder).ok().and_then(|below| below.iter().next()) else { continue };
            let newest = newest.entry(folder.join(name)).or_insert(i64::MIN);
            *newest = modified.max(*newest);
        }
        Ok(Some(newest.into_iter().filter(|(_, newest)| *newest < before).map(|(folder, _)| folder).collect()))
    }

    /// Removes all that is below a folder of the lake's own.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove_below(&self, folder: &Path) -> Result<()> {
        match self.bucket() {
            None => committer::sweep(&self.resolve(folder)),
            Some(bucket) => bucket.discard(&bucket.sizes(folder)?.into_keys().collect::<Vec<_>>()),
        }
    }
}

/// A number that no other process has.
fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}
