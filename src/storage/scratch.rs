//! Folders for what a run needs on the local disk while it works.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The folder that was asked for, in this process.
static WANTED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Notes where temporary files are to lie from now on. With `None` that is the system's folder for them (`$TMPDIR`).
pub fn want_scratch(folder: Option<PathBuf>) {
    *WANTED.lock().unwrap_or_else(PoisonError::into_inner) = folder;
}

/// The folder for temporary files.
pub(crate) fn scratch_root() -> PathBuf {
    WANTED.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_else(std::env::temp_dir)
}

/// A folder of its own below the folder for temporary files. It is removed with all that is in it when this is dropped.
#[derive(Debug)]
pub(crate) struct ScratchFolder(tempfile::TempDir);

impl ScratchFolder {
    pub(crate) fn create() -> io::Result<Self> {
        tempfile::Builder::new().prefix("parcap-").tempdir_in(scratch_root()).map(Self)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}
