//! Files that a walk has found and that have to be opened, in the order of the walk. What does not fit into memory waits on disk.

use std::collections::VecDeque;
use std::io;

use serde::{Deserialize, Serialize};

use crate::discover::Candidate;
use crate::error::{Error, Result};
use crate::storage::{SpoolWriter, SpooledItems, scratch_root};

/// Files that wait in memory.
const WAITING: usize = 16 << 10;

/// A file that has to be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ToOpen {
    pub(super) candidate: Candidate,
    /// The number of the capture that the lake has under its path, and how many packets that has.
    pub(super) own: Option<(usize, u64)>,
}

/// Files that wait to be opened.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    first: VecDeque<ToOpen>,
    rest: Rest,
    /// How many there are, and their bytes.
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// Those on disk.
#[derive(Debug, Default)]
enum Rest {
    #[default]
    None,
    Written(SpoolWriter<ToOpen>),
    Read(SpooledItems<ToOpen>),
}

impl Backlog {
    /// Adds a file. None may be added once one has been taken.
    ///
    /// # Errors
    /// If it cannot be written to the folder for temporary files.
    pub(super) fn push(&mut self, file: ToOpen) -> Result<()> {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(file.candidate.size);
        if self.first.len() < WAITING && matches!(self.rest, Rest::None) {
            self.first.push_back(file);
            return Ok(());
        }
        if matches!(self.rest, Rest::None) {
            self.rest = Rest::Written(SpoolWriter::new().map_err(not_written())?);
        }
        if let Rest::Written(written) = &mut self.rest {
            written.push(&file).map_err(not_written())?;
        }
        Ok(())
    }

    /// Takes the next files, at most `count`. There are none left if there are fewer.
    ///
    /// # Errors
    /// If they cannot be read again.
    pub(super) fn take(&mut self, count: usize) -> Result<Vec<ToOpen>> {
        let mut taken: Vec<_> = self.first.drain(..count.min(self.first.len())).collect();
        if let Rest::Written(_) = self.rest
            && let Rest::Written(written) = std::mem::take(&mut self.rest)
        {
            self.rest = Rest::Read(written.finish().map_err(not_written())?.items());
        }
        if let Rest::Read(files) = &mut self.rest {
            for file in files.take(count - taken.len()) {
                taken.push(file.map_err(not_read())?);
            }
        }
        self.files -= taken.len() as u64;
        let bytes = taken.iter().map(|file| file.candidate.size).fold(0, u64::saturating_add);
        self.bytes = self.bytes.saturating_sub(bytes);
        Ok(taken)
    }
}

/// What was found cannot wait on disk.
pub(super) fn not_written() -> impl FnOnce(io::Error) -> Error {
    Error::io("write what was found to", scratch_root())
}

/// What was found and waits on disk cannot be read.
pub(super) fn not_read() -> impl FnOnce(io::Error) -> Error {
    Error::io("read what was found from", scratch_root())
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::PathBuf;

    use super::*;
    use crate::storage::objects::ObjectVersion;

    #[test]
    fn files_come_out_in_the_order_in_which_they_went_in() {
        let file = |place: usize| {
            let name = [b"/a/".as_slice(), place.to_string().as_bytes(), &[0xff]].concat();
            let path = PathBuf::from(std::ffi::OsStr::from_bytes(&name));
            let candidate = Candidate {
                path: place.to_string().into(),
                absolute: path.clone(),
                reached: (place.is_multiple_of(3)).then_some(path),
                size: place as u64,
                modified: -1,
                claimed: place.is_multiple_of(2),
                version: ObjectVersion { etag: (place.is_multiple_of(5)).then(|| "\"e\"".to_owned()), version: None },
            };
            ToOpen { candidate, own: (place.is_multiple_of(7)).then_some((place, 3)) }
        };
        for count in [0, 1, WAITING, WAITING + 1, 3 * WAITING + 7] {
            let mut backlog = Backlog::default();
            let all: Vec<_> = (0..count).map(file).collect();
            all.iter().for_each(|file| backlog.push(file.clone()).unwrap());
            assert_eq!(backlog.files, count as u64);
            assert_eq!(backlog.bytes, (0..count as u64).sum::<u64>());
            let mut out = Vec::new();
            loop {
                let some = backlog.take(1000).unwrap();
                if some.is_empty() {
                    break;
                }
                out.extend(some);
            }
            assert!(out == all, "{count}");
            assert_eq!((backlog.files, backlog.bytes), (0, 0));
        }
    }
}
