//! Finds what a lake holds at paths that come more or less in order, as a walk meets them.

use std::path::Path;

use crate::error::Result;
use crate::lake::held_capture::HeldCapture;
use crate::lake::snapshot::Snapshot;
use crate::path_text;

use super::Kind;
use super::base::each;
use super::columns::{AGAIN, BYTES, ETAG, MODIFIED, PACKETS, of_word};
use super::merged::Merged;
use super::rows::{CheckpointRows, key_order};

/// Looks for captures by their paths: those of the snapshot at once, those of its base by going on from the last one.
pub(crate) struct Lookup<'a> {
    snapshot: &'a Snapshot,
    base: Option<Merged<'a>>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, base: None }
    }

    /// What the lake has under each of some absolute paths. Paths that lie before those of the last call make it begin again.
    ///
    /// # Errors
    /// If the checkpoint cannot be read.
    pub(crate) fn find(&mut self, paths: &[&Path]) -> Result<Vec<Option<HeldCapture>>> {
        let mut found: Vec<_> = paths.iter().map(|path| self.snapshot.input_at(path).map(HeldCapture::of)).collect();
        let Some(base) = &self.snapshot.base else { return Ok(found) };
        let unknown = paths.iter().zip(&found).enumerate().filter(|(_, (_, found))| found.is_none());
        let mut wanted: Vec<_> = unknown.map(|(place, (path, _))| (path_text::to_text(path), place)).collect();
        wanted.sort_by(|(a, _), (b, _)| key_order(a, b));
        let Some((first, _)) = wanted.first() else { return Ok(found) };
        let is_before = |rows: &CheckpointRows| rows.key().is_some_and(|key| key_order(key, first).is_le());
        let mut merged = match self.base.take().filter(|merged| merged.row().is_some_and(is_before)) {
            Some(merged) => merged,
            None => {
                let mut merged = base.layers.merged(Kind::Captures, &[BYTES, MODIFIED, ETAG, PACKETS, AGAIN])?;
                merged.next()?;
                merged
            }
        };
        for (key, place) in wanted {
            while merged.row().and_then(CheckpointRows::key).is_some_and(|held| key_order(held, &key).is_lt()) {
                merged.next()?;
            }
            let Some(rows) = merged.row().filter(|rows| rows.key() == Some(&key)) else { continue };
            let id = rows.capture(1).unwrap_or(0);
            if let Some(found) = found.get_mut(place).filter(|_| !base.loaded.contains(&id)) {
                *found = Some(HeldCapture {
                    id,
                    same_as: rows.capture(2),
                    size: rows.int(3).and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
                    modified: rows.int(4).unwrap_or(0),
                    etag: rows.text(5).map(str::to_owned),
                    packets: rows.int(6).and_then(|packets| u64::try_from(packets).ok()).unwrap_or(0),
                    again: rows.text(7).and_then(of_word),
                });
            }
        }
        self.base = Some(merged);
        Ok(found)
    }
}

impl Snapshot {
    /// Does something with each capture that is a file or an object: its number, its absolute path, and whether another one's rows
    /// stand for its own.
    ///
    /// # Errors
    /// If the checkpoint cannot be read.
    pub(crate) fn each_file(&self, mut take: impl FnMut(usize, &Path, bool)) -> Result<()> {
        for entry in self.inputs.values().filter(|entry| !entry.input.is_stdin()) {
            take(entry.id, &entry.input.absolute, entry.same_as.is_some());
        }
        let Some(base) = &self.base else { return Ok(()) };
        each(&base.layers, Kind::Captures, &[], &mut |rows, _| {
            let (key, id) = (rows.key().unwrap_or_default(), rows.capture(1).unwrap_or(0));
            let path = super::columns::of_key(key, rows.path())?;
            if !path.starts_with("-") && !base.loaded.contains(&id) {
                take(id, &path, rows.capture(2).is_some());
            }
            Ok(())
        })
    }
}
