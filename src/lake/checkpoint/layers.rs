//! The segments of a checkpoint, one above the other: which rows of each count.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Result;
use crate::lake::committer::Move;
use crate::lake::layout::Layout;
use crate::lake::record::{CommittedTable, InputEntry};

use super::base::each_entry;
use super::columns::{CAPTURE, SAME_AS};
use super::merged::Merged;
use super::removals::Removals;
use super::rows::CheckpointRows;
use super::{Kind, Segment};

/// Segments that lie above each other, oldest first.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// Their files, where they can be read.
    files: Vec<Vec<(Kind, PathBuf)>>,
    removals: Vec<Removals>,
}

impl Layers {
    /// Opens segments.
    ///
    /// # Errors
    /// If a file cannot be read, or is not as it was written.
    pub(super) fn open(lake: &Layout, segments: &[Segment]) -> Result<Self> {
        Self::of_staged(lake, segments, &[])
    }

    /// Opens segments, some of whose files may not be in their places yet.
    ///
    /// # Errors
    /// As [`Layers::open`].
    pub(super) fn of_staged(lake: &Layout, segments: &[Segment], moves: &[Move]) -> Result<Self> {
        let mut layers = Self::default();
        let is_staged = |file: &CommittedTable| moves.iter().any(|step| step.to == file.path);
        let in_place: Vec<_> = segments.iter().flat_map(|it| &it.files).filter(|file| !is_staged(file)).collect();
        // A page that is damaged may be read as other captures: it has no checksum of its own.
        lake.keep(&in_place)?;
        for segment in segments {
            let mut files = Vec::new();
            for kind in Kind::ALL {
                if let Some(file) = segment.file(kind) {
                    let staged = moves.iter().find(|step| step.to == file.path);
                    files.push((kind, lake.resolve(staged.map_or(&file.path, |step| &step.from))));
                }
            }
            let removed = files.iter().find(|(kind, _)| *kind == Kind::Removed);
            layers.removals.push(removed.map(|(_, path)| Removals::read(path)).transpose()?.unwrap_or_default());
            layers.files.push(files);
        }
        Ok(layers)
    }

    /// Lays what was removed since above them.
    pub(super) fn cover(&mut self, removals: Removals) {
        self.files.push(Vec::new());
        self.removals.push(removals);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// The file of a kind that a layer has.
    pub(super) fn file(&self, layer: usize, kind: Kind) -> Option<&PathBuf> {
        self.files.get(layer)?.iter().find(|(held, _)| *held == kind).map(|(_, path)| path)
    }

    /// What the layers above one have removed, where it is anything.
    pub(super) fn above(&self, layer: usize) -> impl Iterator<Item = &Removals> {
        self.removals.iter().skip(layer + 1).filter(|removals| !removals.is_empty())
    }

    /// What a layer has removed from those below.
    pub(super) fn removals(&self, layer: usize) -> Option<&Removals> {
        self.removals.get(layer)
    }

    /// All that was removed from the layers below the first one.
    pub(super) fn into_removals(self) -> Removals {
        self.removals.into_iter().fold(Removals::default(), |mut all, newer| {
            all.extend(newer);
            all
        })
    }

    /// The rows of a kind that count, in order.
    pub(super) fn merged(&self, kind: Kind, columns: &[&str]) -> Result<Merged<'_>> {
        Merged::open(self, kind, columns)
    }

    /// The captures that are wanted, by their numbers.
    ///
    /// # Memory
    /// The wanted ones, and a bit for each row of a layer that has some.
    pub(super) fn captures(&self, wanted: &HashSet<usize>) -> Result<Vec<Arc<InputEntry>>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        self.captures_where(&[CAPTURE, SAME_AS], |rows| rows.capture(0).is_some_and(|number| wanted.contains(&number)))
    }

    /// The captures whose rows are wanted, judged by these columns; they begin with the number and what stands for it.
    pub(super) fn captures_where(
        &self,
        columns: &[&str],
        is_wanted: impl FnMut(&CheckpointRows) -> bool,
    ) -> Result<Vec<Arc<InputEntry>>> {
        let mut entries = Vec::new();
        self.each_capture_where(columns, is_wanted, |entry| {
            entries.push(Arc::new(entry));
            Ok(())
        })?;
        Ok(entries)
    }

    /// As [`Layers::captures_where`], one at a time.
    pub(super) fn each_capture_where(
        &self,
        columns: &[&str],
        mut is_wanted: impl FnMut(&CheckpointRows) -> bool,
        mut take: impl FnMut(InputEntry) -> Result<()>,
    ) -> Result<()> {
        for layer in 0..self.len() {
            let Some(path) = self.file(layer, Kind::Captures) else { continue };
            let mut places = Vec::new();
            let mut rows = CheckpointRows::open(path, columns, None)?;
            let mut place = 0;
            while rows.is_there() {
                if is_wanted(&rows) && self.counts(layer, rows.capture(0).unwrap_or(0), rows.capture(1)) {
                    places.push(place);
                }
                place += 1;
                rows.step()?;
            }
            each_entry(path, &places, &mut take)?;
        }
        Ok(())
    }

    /// Whether a capture of a layer has been removed by none above.
    pub(super) fn counts(&self, layer: usize, number: usize, same_as: Option<usize>) -> bool {
        self.above(layer).all(|removals| !removals.has_capture(number, same_as))
    }
}
