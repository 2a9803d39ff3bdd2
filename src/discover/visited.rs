//! Which files have been found, without remembering each of them.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::storage::Inode;

use super::candidate::Candidate;
use super::names::is_unfinished;

/// What has been found, by absolute paths without links. Whichever path leads to a file, it is found once.
pub(super) struct Visited<'a> {
    /// Takes the files.
    pub(super) each: &'a mut dyn FnMut(Candidate),
    /// Files that were found otherwise than below their folder. Of the others their folders tell.
    pub(super) files: HashSet<PathBuf>,
    pub(super) folders: HashSet<PathBuf>,
    /// Streams: `-` and `/dev/stdin` are one.
    pub(super) streams: HashSet<Inode>,
}

impl Visited<'_> {
    /// Adds a file that was named, or that a pattern or a link leads to, or an object. `walking` are the folders that the walk is in.
    pub(super) fn add(&mut self, candidate: Candidate, walking: &[Walked]) {
        if !self.was_walked(&candidate.absolute, walking) && self.files.insert(candidate.absolute.clone()) {
            (self.each)(candidate);
        }
    }

    /// Adds a file that the walk of its folder has found.
    pub(super) fn add_walked(&mut self, candidate: Candidate) {
        if self.files.is_empty() || !self.files.contains(&candidate.absolute) {
            (self.each)(candidate);
        }
    }

    /// Whether the walk of a file's folder has found the file already. In a folder that it is in, it has come to a name.
    fn was_walked(&self, file: &Path, walking: &[Walked]) -> bool {
        let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else { return false };
        let is_met = match walking.iter().find(|walked| walked.folder == folder) {
            Some(walked) => name < walked.at.as_os_str(),
            None => self.folders.contains(folder),
        };
        is_met && !is_unfinished(file)
    }
}

/// A folder that a walk is in.
pub(super) struct Walked {
    /// Its absolute path without links.
    pub(super) folder: PathBuf,
    /// The name in it that the walk has come to.
    pub(super) at: OsString,
}
