//! Files that are made durable together.
//!
//! To sync a small file waits for the disk, and writes a journal of the file system for it alone. Many files are written back at once
//! first (`syncfs`, on Linux); then each sync finds nothing to do, and says whether its file has come to the disk.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

use super::system::write_back;

/// More files or folders than this are written back at once before each is synced.
const MANY: usize = 256;

/// Files that were written and closed, and are not durable yet.
#[derive(Debug, Default)]
pub(crate) struct UnsyncedFiles(Vec<PathBuf>);

impl UnsyncedFiles {
    pub(crate) fn add(&mut self, path: PathBuf) {
        self.0.push(path);
    }

    /// Makes their content durable. Their names are not durable yet.
    ///
    /// # Errors
    /// If one cannot be opened or synced.
    pub(crate) fn sync(&mut self) -> Result<()> {
        write_back_many(&self.0)?;
        std::mem::take(&mut self.0).into_iter().try_for_each(|path| {
            let file = File::open(&path).map_err(Error::io("open", &path))?;
            file.sync_all().map_err(Error::io("sync", &path))
        })
    }
}

/// If these are many files or folders, writes back all that was written to the file system of the first one. Each must be synced all
/// the same.
///
/// # Errors
/// If that fails, other than because the system cannot do it.
pub(crate) fn write_back_many(paths: &[impl AsRef<Path>]) -> Result<()> {
    match paths.first().map(AsRef::as_ref) {
        Some(first) if paths.len() > MANY => write_back(first).map_err(Error::io("sync", first)),
        _ => Ok(()),
    }
}
