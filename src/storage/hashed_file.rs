//! Hashes bytes while they are written.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::bug::bug;
use crate::hash::{ContentHash, checksum};

use super::local_file::LocalFile;

/// A new file whose bytes are counted and hashed as they are written. It does not buffer; the writer above it does.
#[derive(Debug)]
pub struct HashedFile {
    file: File,
    hash: ContentHash,
    bytes: u64,
}

impl HashedFile {
    /// Creates a file.
    ///
    /// # Errors
    /// If one exists, or it cannot be created.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        File::create_new(path).map(Self::over)
    }

    /// Creates a file without a name, in a folder. It is gone when it is closed.
    ///
    /// # Errors
    /// If it cannot be created.
    pub(crate) fn nameless(folder: &Path) -> io::Result<Self> {
        tempfile::tempfile_in(folder).map(Self::over)
    }

    fn over(file: File) -> Self {
        Self { file, hash: ContentHash::default(), bytes: 0 }
    }

    /// The checksum of the bytes that were written so far.
    #[must_use]
    pub fn checksum(&self) -> String {
        checksum(&self.hash)
    }

    /// Makes the content durable. Returns the number of bytes and their checksum. The file's name is not durable yet.
    ///
    /// # Errors
    /// If it cannot be synced.
    pub(crate) fn finish(self) -> io::Result<(u64, String)> {
        self.file.sync_all()?;
        Ok((self.bytes, checksum(&self.hash)))
    }

    /// As [`HashedFile::finish`], without making the content durable.
    pub(crate) fn finish_unsynced(self) -> (u64, String) {
        (self.bytes, checksum(&self.hash))
    }

    /// What was written, for reading.
    pub(crate) fn into_file(self) -> LocalFile {
        LocalFile::from(self.file)
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        self.hash.update(bytes.get(..written).ok_or_else(|| io::Error::other(bug!()))?);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
