//! Hashes bytes while they are written.

use std::fs::File;
use std::io::{self, Write};

use crate::bug::bug;
use crate::hash::{ContentHash, checksum};

/// A file whose bytes are counted and hashed as they are written. It does not buffer; the writer above it does.
#[derive(Debug)]
pub struct HashedFile {
    file: File,
    hash: ContentHash,
    bytes: u64,
}

impl HashedFile {
    /// A hashed file over an empty file.
    #[must_use]
    pub fn new(file: File) -> Self {
        Self { file, hash: ContentHash::default(), bytes: 0 }
    }

    /// The checksum of the bytes that were written so far.
    #[must_use]
    pub fn checksum(&self) -> String {
        checksum(&self.hash)
    }

    /// The file, how many bytes were written, and their checksum.
    #[must_use]
    pub fn into_parts(self) -> (File, u64, String) {
        (self.file, self.bytes, checksum(&self.hash))
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
