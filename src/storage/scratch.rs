//! Folders for what a run needs on the local disk while it works.

use std::io;
use std::path::Path;

/// A folder of its own below the folder for temporary files (`$TMPDIR`). It is removed with all that is in it when this is
/// dropped.
#[derive(Debug)]
pub(crate) struct ScratchFolder(tempfile::TempDir);

impl ScratchFolder {
    pub(crate) fn create() -> io::Result<Self> {
        tempfile::Builder::new().prefix("parcap-").tempdir().map(Self)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}
