//! Whether the archive is there: an unmounted disk must not look like a day without traffic.
//!
//! It is away if nothing that was given leads to a capture. It is also away if a folder exists without captures and the
//! lake has captures of it: that is what an empty mount point looks like. A folder that was removed was most likely
//! rotated away, and only counts its captures as missing, unless it was given itself.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::discover::{Lead, Places};
use crate::error::Result;
use crate::lake::Snapshot;
use crate::outcome::Away;
use crate::storage::objects::is_object;
use crate::storage::{local, true_name};

use super::number_set::NumberSet;

/// The captures that were found, whatever is done with them: files that are captures, or claim to be.
#[derive(Debug, Default)]
pub(super) struct Present {
    /// Those that the lake has under their paths, by their numbers.
    held: NumberSet,
    /// Those of which it is not known what the lake has under their paths, by absolute path.
    others: HashSet<PathBuf>,
    /// The folders with captures, and the folders above; absolute paths.
    folders: HashSet<PathBuf>,
    /// The same folders as they were given or found, which may be links.
    met: HashSet<PathBuf>,
}

impl Present {
    /// Adds a capture, by its path as found and by its absolute path, and the number of what the lake has under it.
    pub(super) fn add(&mut self, path: &Path, absolute: &Path, held: Option<usize>) {
        held.into_iter().for_each(|number| self.held.insert(number));
        self.add_folders(path, absolute);
    }

    /// Adds a capture of which it is not known what the lake has under its path.
    pub(super) fn add_unknown(&mut self, path: &Path, absolute: &Path) {
        self.others.insert(absolute.to_path_buf());
        self.add_folders(path, absolute);
    }

    fn add_folders(&mut self, path: &Path, absolute: &Path) {
        for folder in path.ancestors().skip(1).take_while(|_| !is_object(absolute)) {
            if self.met.contains(folder) {
                break;
            }
            self.met.insert(folder.to_path_buf());
            self.folders.extend(local::canonical(folder).ok());
        }
        for folder in absolute.ancestors().skip(1) {
            if self.folders.contains(folder) && self.met.contains(folder) {
                break;
            }
            self.met.insert(folder.to_path_buf());
            self.folders.insert(folder.to_path_buf());
        }
    }

    /// Whether a capture of the lake was found under its path.
    pub(super) fn has(&self, number: usize, absolute: &Path) -> bool {
        self.held.contains(number) || self.others.contains(absolute)
    }

    /// Whether a given path leads to a capture.
    pub(super) fn is_below(&self, lead: &Lead) -> bool {
        let name = |path: &PathBuf| if is_object(path) { Some(true_name(path)) } else { local::canonical(path).ok() };
        lead.to.iter().filter_map(name).any(|path| self.folders.contains(&path))
    }

    /// How many captures of these places are in the lake but no longer exist, and the folders that look like an unmounted
    /// disk. `elsewhere` are captures of the lake that have another name now.
    pub(super) fn missing(
        &self,
        snapshot: &Snapshot,
        places: &Places,
        elsewhere: impl Fn(usize) -> bool,
    ) -> Result<(u64, Vec<Away>)> {
        let mut missing = 0;
        let mut away: BTreeMap<PathBuf, u64> = BTreeMap::new();
        // The disk is asked once for each folder, not for each capture.
        let mut known: HashMap<PathBuf, (PathBuf, Option<PathBuf>)> = HashMap::new();
        snapshot.each_file(|number, absolute, is_left_out| {
            if is_left_out || self.has(number, absolute) || elsewhere(number) {
                return;
            }
            let Some(root) = places.root_of(absolute) else { return };
            missing += 1;
            let Some(parent) = absolute.parent() else { return };
            if known.get(parent).is_none_or(|(held, _)| held != root) {
                let folder = self.empty_folder(parent, root, places).map(Path::to_path_buf);
                known.insert(parent.to_path_buf(), (root.to_path_buf(), folder));
            }
            if let Some(folder) = known.get(parent).and_then(|(_, folder)| folder.clone()) {
                *away.entry(folder).or_default() += 1;
            }
        })?;
        Ok((missing, away.into_iter().map(|(path, captures)| Away { path, captures }).collect()))
    }

    /// The uppermost folder, from `parent` up to `root`, that exists or was given, and has no capture.
    fn empty_folder<'a>(&self, parent: &'a Path, root: &Path, places: &Places) -> Option<&'a Path> {
        let below = parent.ancestors().take_while(|folder| folder.starts_with(root));
        let empty = below.take_while(|folder| !self.folders.contains(*folder));
        empty.filter(|folder| places.is_named(folder) || is_there(folder)).last()
    }
}

/// Whether no given path is a file or leads to a capture.
pub(super) fn nothing_is_there(leads: &[Lead], present: &Present) -> bool {
    !leads.is_empty() && leads.iter().all(|lead| !lead.is_file && !present.is_below(lead))
}

/// Whether a folder exists. A folder that cannot be read counts: then a failing disk shows as a folder without captures.
fn is_there(folder: &Path) -> bool {
    // A bucket has no folders that could be empty.
    if is_object(folder) {
        return false;
    }
    match local::facts(folder) {
        Ok(found) => found.is_folder(),
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}
