//! Which captures the parts belong to that no manifest names.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bug::bug;
use crate::discover::Input;
use crate::error::Result;
use crate::packets::{Origin, PartSays};
use crate::plan::CaptureEntry;
use crate::storage::{Location, local, true_name};

use super::expected::{Expected, rows_in_parts};
use super::record::InputEntry;
use super::snapshot::Snapshot;

/// The numbers of captures.
pub(super) struct Captures {
    by_content: HashMap<String, Vec<NumberedCapture>>,
    by_path: HashMap<PathBuf, usize>,
    by_unit: HashMap<(String, usize), usize>,
    next: usize,
    in_parts: HashMap<String, RowsInParts>,
    chunk_size: u64,
}

/// A capture of some content.
struct NumberedCapture {
    number: usize,
    /// The paths by which parts and manifests know it.
    paths: Vec<PathBuf>,
    /// Rows that it gave and that are in no part under one of these paths. `None` if nothing tells.
    missing: Option<u64>,
}

/// The rows of one content in the parts that no manifest names.
#[derive(Default)]
struct RowsInParts {
    expected: Expected,
    by_path: HashMap<PathBuf, u64>,
}

impl Captures {
    /// The captures that manifests name, before those of the parts that none names. `says` is what these parts say.
    pub(super) fn of<'a>(
        snapshot: &Snapshot,
        says: impl Iterator<Item = &'a PartSays>,
        chunk_size: u64,
    ) -> Result<Self> {
        let mut captures = Self {
            by_content: HashMap::new(),
            by_path: HashMap::new(),
            by_unit: HashMap::new(),
            next: snapshot.next_input(),
            in_parts: rows_of_contents(says)?,
            chunk_size,
        };
        let rows = rows_in_parts(snapshot);
        for entry in snapshot.inputs.values().filter(|entry| entry.same_as.is_none()) {
            let rows = rows.get(&entry.id).copied().unwrap_or(0);
            let gave = if entry.from_rows {
                captures.expected(entry.input.fingerprint.as_ref(), entry.input.size)
            } else {
                Some(entry.found.rows.saturating_add(entry.lost_rows))
            };
            captures.add(&entry.input, entry.id, gave.map(|gave| gave.saturating_sub(rows)));
        }
        Ok(captures)
    }

    /// Adds a capture that misses `missing` rows, not counting those that parts have under its name.
    fn add(&mut self, input: &Input, number: usize, missing: Option<u64>) {
        match &input.fingerprint {
            Some(content) => {
                let rows = self.rows_under(Some(content), &input.absolute).unwrap_or(0);
                let missing = missing.map(|missing| missing.saturating_sub(rows));
                let paths = vec![input.absolute.clone()];
                self.by_content.entry(content.clone()).or_default().push(NumberedCapture { number, paths, missing });
            }
            None => drop(self.by_path.insert(input.absolute.clone(), number)),
        }
    }

    /// The number of a capture by its content. A capture under another name counts if it misses the rows that there are
    /// under this one, and no other capture does: then it was renamed between two parts. Otherwise this is a copy.
    fn same(&mut self, origin: &Origin, absolute: &Path) -> Option<usize> {
        let rows = self.rows_under(origin.fingerprint.as_ref(), absolute);
        let same = self.by_content.get_mut(origin.fingerprint.as_ref()?)?;
        if let Some(there) = same.iter().find(|capture| capture.paths.iter().any(|path| path == absolute)) {
            return Some(there.number);
        }
        let mut fitting = same.iter_mut().filter(|capture| capture.missing.is_none_or(|missing| rows <= Some(missing)));
        let (Some(only), None) = (fitting.next(), fitting.next()) else { return None };
        only.paths.push(absolute.to_path_buf());
        only.missing = only.missing.zip(rows).map(|(missing, rows)| missing - rows);
        Some(only.number)
    }

    /// Rows of a content that parts have under a name.
    fn rows_under(&self, content: Option<&String>, absolute: &Path) -> Option<u64> {
        self.in_parts.get(content?)?.by_path.get(absolute).copied()
    }

    /// Rows that a capture gave, as the parts say that no manifest names.
    fn expected(&self, content: Option<&String>, size: u64) -> Option<u64> {
        self.in_parts.get(content?)?.expected.rows(size.div_ceil(self.chunk_size))
    }

    /// The number of a capture that a part of a unit names: that of a known capture, or a new one.
    pub(super) fn number(&mut self, unit: &str, origin: &Origin, snapshot: &mut Snapshot) -> Result<usize> {
        let place = origin.place.map(|place| (unit.to_owned(), place));
        let absolute = absolute(&origin.path);
        let in_unit = place.as_ref().and_then(|place| self.by_unit.get(place)).copied();
        let known = in_unit.or_else(|| self.same(origin, &absolute));
        let known = known.or_else(|| match &origin.fingerprint {
            None if !Location::of(&origin.path).is_stdin() => self.by_path.get(&absolute).copied(),
            _ => None,
        });
        let number = known.unwrap_or_else(|| {
            let number = self.next;
            self.next += 1;
            let gave = self.expected(origin.fingerprint.as_ref(), origin.size);
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
                etag: None,
                version: None,
            };
            let found = CaptureEntry {
                format: origin.format,
                compression: origin.format.map(|_| origin.compression),
                ..CaptureEntry::default()
            };
            self.add(&input, number, gave);
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

/// The rows of each content, by the paths that parts name for it.
fn rows_of_contents<'a>(says: impl Iterator<Item = &'a PartSays>) -> Result<HashMap<String, RowsInParts>> {
    let mut contents: HashMap<String, RowsInParts> = HashMap::new();
    for part in says {
        let of: Vec<_> = part.origins.iter().map(|origin| (origin, absolute(&origin.path))).collect();
        for (origin, _) in &of {
            if let Some(content) = &origin.fingerprint {
                contents.entry(content.clone()).or_default().expected.note(origin);
            }
        }
        for range in &part.ranges {
            let (origin, path) = of.get(range.input).ok_or_else(|| bug!())?;
            if let Some(content) = &origin.fingerprint {
                let rows = contents.entry(content.clone()).or_default().by_path.entry(path.clone()).or_default();
                *rows = rows.saturating_add(range.rows);
            }
        }
    }
    Ok(contents)
}

/// The absolute path of a capture from the path that was given.
fn absolute(path: &Path) -> PathBuf {
    match Location::of(path) {
        Location::Stdin => return path.to_path_buf(),
        Location::Url { .. } => return true_name(path),
        Location::Path(_) => {}
    }
    local::canonical(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_path_buf())
}
