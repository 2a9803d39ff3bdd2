//! Goes through the parts of a lake, with the captures whose rows they have.

use std::path::Path;

use crate::error::Result;
use crate::lake::record::CommittedPart;
use crate::lake::snapshot::Snapshot;
use crate::packets::RowRange;
use crate::path_text;

use super::Kind;
use super::columns::CAPTURES;
use super::layers::Layers;
use super::merged::Merged;
use super::rows::{CheckpointRows, key_order};

impl Snapshot {
    /// Does something with each part that is wanted and the captures whose rows it has, in the order of their paths.
    ///
    /// # Memory
    /// That of the captures of one part at a time.
    /// # Errors
    /// If the checkpoint cannot be read, or `take` fails.
    pub(crate) fn each_part(
        &self,
        is_wanted: impl Fn(&Path) -> bool,
        mut take: impl FnMut(&CommittedPart) -> Result<()>,
    ) -> Result<()> {
        let mut ranges = self.base.as_ref().map(|base| PartRanges { layers: &base.layers, merged: None });
        for part in self.parts.values().filter(|part| is_wanted(&part.path)) {
            let found = match &mut ranges {
                Some(ranges) if part.ranges.is_empty() => ranges.of(&part.path)?,
                _ => None,
            };
            match found {
                Some(ranges) => take(&CommittedPart { ranges, ..part.clone() })?,
                None => take(part)?,
            }
        }
        Ok(())
    }
}

/// The captures of parts that a checkpoint has, by going on from the last one.
struct PartRanges<'a> {
    layers: &'a Layers,
    merged: Option<Merged<'a>>,
}

impl PartRanges<'_> {
    /// The ranges of a part, if the checkpoint has it. A path that lies before the last one makes it begin again.
    fn of(&mut self, path: &Path) -> Result<Option<Vec<RowRange>>> {
        let key = path_text::to_text(path);
        let is_before = |rows: &CheckpointRows| rows.key().is_some_and(|held| key_order(held, &key).is_le());
        let mut merged = match self.merged.take().filter(|merged| merged.row().is_some_and(is_before)) {
            Some(merged) => merged,
            None => {
                let mut merged = self.layers.merged(Kind::Parts, &[CAPTURES])?;
                merged.next()?;
                merged
            }
        };
        while merged.row().and_then(CheckpointRows::key).is_some_and(|held| key_order(held, &key).is_lt()) {
            merged.next()?;
        }
        let rows = merged.row().filter(|rows| rows.key() == Some(&key));
        let found = rows.map(|rows| rows.entry(Kind::Parts.own_columns().len())).transpose()?;
        self.merged = Some(merged);
        Ok(found)
    }
}
