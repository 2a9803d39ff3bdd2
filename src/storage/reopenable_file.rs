//! A part's file, which can be closed for a while: a unit may have more parts than a process may have open files.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::bug::bug;
use crate::hash::{ContentHash, checksum};

use super::unsynced::UnsyncedFiles;

/// Bytes that are written at once: pages come in pieces of 8 KiB.
const BUFFER: usize = 128 << 10;

/// A file whose bytes are counted and hashed. It is open only between a write and [`ReopenableFile::park`].
#[derive(Debug)]
pub(crate) struct ReopenableFile {
    path: PathBuf,
    open: Option<BufWriter<File>>,
    hash: ContentHash,
    bytes: u64,
}

impl ReopenableFile {
    /// Creates the file.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let open = Some(BufWriter::with_capacity(BUFFER, File::create_new(path)?));
        Ok(Self { path: path.to_path_buf(), open, hash: ContentHash::default(), bytes: 0 })
    }

    /// Closes the file until the next write.
    pub(crate) fn park(&mut self) -> io::Result<()> {
        self.flush()?;
        self.open = None;
        Ok(())
    }

    /// Makes what was written durable; or notes in `later` that it is not. Returns the number of bytes and their checksum.
    pub(crate) fn finish(mut self, later: Option<&mut UnsyncedFiles>) -> io::Result<(u64, String)> {
        self.flush()?;
        match later {
            Some(later) => later.add(self.path),
            None => self.file()?.get_ref().sync_all()?,
        }
        Ok((self.bytes, checksum(&self.hash)))
    }

    fn file(&mut self) -> io::Result<&mut BufWriter<File>> {
        match &mut self.open {
            Some(open) => Ok(open),
            closed => {
                let file = File::options().append(true).open(&self.path)?;
                Ok(closed.insert(BufWriter::with_capacity(BUFFER, file)))
            }
        }
    }
}

impl Write for ReopenableFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file()?.write(bytes)?;
        self.bytes += written as u64;
        self.hash.update(bytes.get(..written).ok_or_else(|| io::Error::other(bug!()))?);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}
