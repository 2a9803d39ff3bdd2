//! Writes the files of a segment where a commit stages them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Result;
use crate::lake::committer::Move;
use crate::lake::layout::Layout;
use crate::lake::record::CommittedTable;
use crate::lake::snapshot::Snapshot;
use crate::path_text;
use crate::tables::{PIECE, PageMaker, Table, TableFile, TableWriter};

use super::columns::{LONG_ROWS, ListRow, captures, list, of_part, of_partial, of_refusal, of_table, of_unit};
use super::removals::Removals;
use super::rows::key_order;
use super::{Kind, Segment};

/// A segment that is being written.
pub(super) struct Staging<'a> {
    lake: &'a Layout,
    /// The name of its folder.
    name: String,
    segment: Segment,
    moves: Vec<Move>,
}

impl<'a> Staging<'a> {
    pub(super) fn new(lake: &'a Layout, mut name: String) -> Self {
        // In a bucket no name is given twice: another run may write the same commit's, and removing them may come late.
        lake.run().into_iter().for_each(|run| name.extend(["-", run]));
        Self { lake, name, segment: Segment::default(), moves: Vec::new() }
    }

    /// Writes the file of a kind, if it has rows. `next` gives some of them at a time, and none at the end.
    pub(super) fn write(&mut self, kind: Kind, mut next: impl FnMut(&Path) -> Result<Table>) -> Result<()> {
        let (step, path) = self.place(kind)?;
        let mut piece = next(&path)?;
        if piece.rows() == 0 {
            return Ok(());
        }
        let mut writer = TableWriter::create(&path, &piece, &PageMaker::new(&path)?)?;
        while piece.rows() > 0 {
            writer.write(&piece)?;
            piece = next(&path)?;
        }
        let TableFile { rows, bytes, checksum } = writer.close()?;
        self.segment.files.push(CommittedTable { path: step.to.clone(), rows, bytes, checksum });
        self.moves.push(step);
        Ok(())
    }

    fn place(&self, kind: Kind) -> Result<(Move, PathBuf)> {
        let file = format!("{}.parquet", kind.name());
        let from = Layout::staging().join("checkpoint").join(format!("{}-{file}", self.name));
        let to = Layout::checkpoints().join(&self.name).join(file);
        let path = self.lake.make_room(&from)?;
        Ok((Move { from, to }, path))
    }

    /// Writes all that a snapshot holds, and what was removed from the segments before.
    pub(super) fn write_all(&mut self, held: &Snapshot, removals: &Removals) -> Result<()> {
        let mut entries: Vec<_> =
            held.inputs.values().map(|entry| (path_text::to_text(&entry.input.absolute), entry)).collect();
        entries.sort_by(|(a, one), (b, other)| key_order(a, b).then(one.id.cmp(&other.id)));
        let mut entries = entries.into_iter().map(|(_, entry)| Arc::clone(entry));
        self.write(Kind::Captures, |at| captures(&entries.by_ref().take(PIECE).collect::<Vec<_>>(), at))?;
        self.list(Kind::Units, held.unit_lists(), |(id, captures), at| of_unit(id, captures, at))?;
        self.list(Kind::Parts, held.parts.values(), of_part)?;
        self.list(Kind::Partials, held.partials.values(), of_partial)?;
        self.list(Kind::Tables, held.tables.values(), of_table)?;
        self.list(Kind::Refusals, held.quarantine.iter(), |(file, refused), at| of_refusal(file, refused, at))?;
        let mut removed = Some(removals.to_table());
        self.write(Kind::Removed, |_| Ok(removed.take().unwrap_or_default()))
    }

    fn list<'r, T>(
        &mut self,
        kind: Kind,
        things: impl Iterator<Item = T>,
        row: impl Fn(T, &Path) -> Result<ListRow<'r>>,
    ) -> Result<()> {
        let mut rows = things.map(|thing| row(thing, Path::new(kind.name()))).collect::<Result<Vec<_>>>()?;
        rows.sort_by(|a, b| key_order(&a.key, &b.key));
        let mut rows = rows.into_iter();
        self.write(kind, |_| Ok(list(rows.by_ref().take(LONG_ROWS).collect())))
    }

    /// The segment, and how its files get into their places.
    pub(super) fn finish(self) -> (Segment, Vec<Move>) {
        (self.segment, self.moves)
    }
}
