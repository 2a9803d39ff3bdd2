//! Bytes that are kept on disk for a while, without a name.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek as _, Write as _};
use std::path::Path;

use super::local_file::LocalFile;
use super::location::Location;

/// Bytes that are written at once.
const BUFFER: usize = 128 << 10;

/// A file without a name that is appended to, and then read. It is gone when it is closed.
#[derive(Debug)]
pub(crate) struct Spool {
    file: BufWriter<File>,
    bytes: u64,
}

impl Spool {
    /// An empty one in a folder.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(BUFFER, tempfile::tempfile_in(folder)?), bytes: 0 })
    }

    /// Appends bytes. Returns their place.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        self.file.write_all(bytes)?;
        let place = self.bytes;
        self.bytes += bytes.len() as u64;
        Ok(place)
    }

    /// Appends all that a reader gives.
    pub(crate) fn append_all(&mut self, bytes: &mut dyn Read) -> io::Result<()> {
        self.bytes += io::copy(bytes, &mut self.file)?;
        Ok(())
    }

    /// What was appended, for reading.
    pub(crate) fn into_file(self) -> io::Result<LocalFile> {
        self.file.into_inner().map(LocalFile::from).map_err(io::IntoInnerError::into_error)
    }
}

/// A file that can be read at any place: the regular file at a path, or else all bytes of standard input (`-`), a FIFO or a
/// device, kept in `folder`. It waits for the end of a stream.
pub(crate) fn open_seekable(path: &Path, folder: &Path) -> io::Result<LocalFile> {
    let mut stream: Box<dyn Read> = if Location::of(path).is_stdin() {
        Box::new(io::stdin())
    } else {
        let file = File::open(path)?;
        if file.metadata()?.is_file() {
            return Ok(LocalFile::from(file));
        }
        Box::new(file)
    };
    let mut spool = Spool::new(folder)?;
    spool.append_all(&mut *stream)?;
    let mut file = spool.into_file()?;
    file.rewind()?;
    Ok(file)
}
