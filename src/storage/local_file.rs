//! A file that is open for reading.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::facts::Facts;

/// A file that is open for reading: from its beginning on, or at any place. Reading at a place leaves the other alone, so
/// threads may share it.
#[derive(Debug)]
pub struct LocalFile(File);

impl LocalFile {
    /// Opens a file. It waits for the writer of a FIFO; [`open_regular`](super::open_regular) opens files only.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        File::open(path).map(Self)
    }

    /// What the system says of the open file.
    pub(crate) fn facts(&self) -> io::Result<Facts> {
        self.0.metadata().map(|metadata| Facts::of(&metadata))
    }

    /// Reads bytes at a place.
    #[inline]
    pub(crate) fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(buffer, at)
    }

    /// Fills a buffer from a place on.
    pub(crate) fn read_exact_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, at)
    }

    /// The same file once more. The two share the place of reading one after another.
    pub(crate) fn share(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// The standard library's file, for crates that read files by themselves.
    pub(crate) fn into_std(self) -> File {
        self.0
    }
}

impl From<File> for LocalFile {
    fn from(file: File) -> Self {
        Self(file)
    }
}

impl Read for LocalFile {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    fn read_to_end(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        self.0.read_to_end(buffer)
    }
}

impl Read for &LocalFile {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buffer)
    }
}

impl Seek for LocalFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}
