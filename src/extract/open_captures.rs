//! Reads captured bytes at places in captures, of which a bounded number is open.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::bug::bug;
use crate::error::{Error, Result};
use crate::lake::Snapshot;
use crate::storage::{CaptureFile, FileIdentity, steadily};

/// The most captures that are open at the same time.
const OPEN: usize = 64;
/// Bytes that are read at once where packets follow one another.
const AHEAD: usize = 64 << 10;
/// The same of an object.
const AHEAD_OF_OBJECT: usize = 1 << 20;
/// Packets within this many bytes after what was read are read together.
const NEAR: u64 = 16 << 10;

/// Captures that are open for reading.
pub(super) struct OpenCaptures<'a> {
    snapshot: &'a Snapshot,
    /// The files in which the records were found.
    files: BTreeMap<usize, FileIdentity>,
    open: BTreeMap<usize, OpenedCapture>,
    /// Counts reads, to know which capture was not read for the longest time.
    reads: u64,
}

struct OpenedCapture {
    file: CaptureFile,
    bytes: Vec<u8>,
    /// Where in the file they are from.
    at: u64,
    last_read: u64,
}

impl<'a> OpenCaptures<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, files: BTreeMap<usize, FileIdentity>) -> Self {
        Self { snapshot, files, open: BTreeMap::new(), reads: 0 }
    }

    /// The bytes at a place in a capture.
    pub(super) fn read(&mut self, input: usize, at: u64, len: usize) -> Result<&[u8]> {
        self.reads += 1;
        let path = self.snapshot.inputs.get(&input).map_or(Path::new(""), |entry| &entry.input.absolute);
        if !self.open.contains_key(&input) {
            if self.open.len() >= OPEN
                && let Some(longest) =
                    self.open.iter().min_by_key(|(_, opened)| opened.last_read).map(|(input, _)| *input)
            {
                self.open.remove(&longest);
            }
            let entry = self.snapshot.inputs.get(&input).ok_or_else(|| bug!())?;
            let found = self.files.get(&input).ok_or_else(|| bug!())?;
            let file = CaptureFile::open_found(path, found, entry.input.size).map_err(Error::io("read", path))?;
            self.open.insert(input, OpenedCapture { file, bytes: Vec::new(), at: 0, last_read: 0 });
        }
        let none = || io::Error::from(io::ErrorKind::NotFound);
        let opened = self.open.get_mut(&input).ok_or_else(none).map_err(Error::io("read", path))?;
        opened.last_read = self.reads;
        opened.fill(at, len).map_err(Error::io("read", path))
    }
}

impl OpenedCapture {
    fn fill(&mut self, at: u64, len: usize) -> io::Result<&[u8]> {
        let end = self.at + self.bytes.len() as u64;
        let is_held = self.at <= at && at + len as u64 <= end;
        if !is_held {
            let is_near = !self.bytes.is_empty() && (self.at..end + NEAR).contains(&at);
            // An object takes as long to give a few bytes as to give some more.
            let ahead = if matches!(self.file, CaptureFile::Object(_)) { AHEAD_OF_OBJECT } else { AHEAD };
            let wanted = if is_near { len.max(ahead) } else { len };
            self.at = at;
            self.bytes.resize(wanted, 0);
            let mut filled = 0;
            while let Some(rest) = self.bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                match steadily(|| self.file.read_at(rest, at + filled as u64))? {
                    0 => break,
                    read => filled += read,
                }
            }
            self.bytes.truncate(filled);
        }
        let start = usize::try_from(at - self.at).map_err(io::Error::other)?;
        // It has become shorter since its records were found.
        self.bytes.get(start..start + len).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
