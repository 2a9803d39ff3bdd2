//! Which captures the parts belong to that no manifest names.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bug::bug;
use crate::discover::Input;
use crate::error::Result;
use crate::packets::Origin;
use crate::plan::CaptureEntry;
use crate::storage::{Location, local};

use super::record::InputEntry;
use super::snapshot::Snapshot;

/// The numbers of captures.
pub(super) struct Captures {
    by_content: HashMap<String, Vec<(PathBuf, usize)>>,
    by_path: HashMap<PathBuf, usize>,
    by_unit: HashMap<(String, usize), usize>,
    next: usize,
}

impl Captures {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut captures = Self {
            by_content: HashMap::new(),
            by_path: HashMap::new(),
            by_unit: HashMap::new(),
            next: snapshot.next_input(),
        };
        for entry in snapshot.inputs.values().filter(|entry| entry.same_as.is_none()) {
            captures.add(&entry.input, entry.id);
        }
        captures
    }

    fn add(&mut self, input: &Input, number: usize) {
        match &input.fingerprint {
            Some(content) => {
                self.by_content.entry(content.clone()).or_default().push((input.absolute.clone(), number));
            }
            None => drop(self.by_path.insert(input.absolute.clone(), number)),
        }
    }

    /// The number of a capture that a part of a unit names: that of a known capture, or a new one.
    pub(super) fn number(&mut self, unit: &str, origin: &Origin, snapshot: &mut Snapshot) -> Result<usize> {
        let place = origin.place.map(|place| (unit.to_owned(), place));
        let absolute = absolute(&origin.path);
        let in_unit = place.as_ref().and_then(|place| self.by_unit.get(place)).copied();
        let same = origin.fingerprint.as_ref().and_then(|content| self.by_content.get(content));
        let same = same.and_then(|same| {
            let there = same.iter().find(|(path, _)| *path == absolute);
            // A capture under another name counts if there is no doubt which one it is.
            there.or(match same.as_slice() {
                [only] => Some(only),
                _ => None,
            })
        });
        let known = in_unit.or(same.map(|(_, number)| *number));
        let known = known.or_else(|| match &origin.fingerprint {
            None if !Location::of(&origin.path).is_stdin() => self.by_path.get(&absolute).copied(),
            _ => None,
        });
        let number = known.unwrap_or_else(|| {
            let number = self.next;
            self.next += 1;
            let input = Input {
                path: origin.path.clone(),
                absolute,
                reached: None,
                size: origin.size,
                modified: 0,
                fingerprint: origin.fingerprint.clone(),
                compression: origin.compression,
                format: origin.format,
                head: None,
            };
            let found = CaptureEntry {
                format: origin.format,
                compression: origin.format.map(|_| origin.compression),
                ..CaptureEntry::default()
            };
            self.add(&input, number);
            snapshot.take_up(InputEntry { id: number, from_rows: true, ..InputEntry::of(input, found) });
            number
        });
        // Standard input is known by its content once it has ended.
        let entry = snapshot.inputs.get_mut(&number).map(Arc::make_mut).ok_or_else(|| bug!())?;
        if entry.input.fingerprint.is_none() {
            entry.input.fingerprint.clone_from(&origin.fingerprint);
            entry.input.size = origin.size;
        }
        place.map(|place| self.by_unit.insert(place, number));
        Ok(number)
    }
}

/// The absolute path of a capture from the path that was given.
fn absolute(path: &Path) -> PathBuf {
    if Location::of(path).is_stdin() {
        return path.to_path_buf();
    }
    local::canonical(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_path_buf())
}
