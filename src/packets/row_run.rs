//! Rows of many partitions on disk, sorted by partition, and runs of them merged.
//!
//! In: rows in the order of their capture, each with its partition. Out: the rows of one partition after the other, in their
//! order. Memory: a run is written at once; while runs are merged, 64 KiB and a row for each.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::bug::bug;
use crate::error::{Error, Result};
use crate::storage::{LocalFile, Spool};

use super::mixed_rows::MixedRows;
use super::partition::PartitionKey;
use super::rows::{Rows, Span};

/// Bytes that are read at once, about. A block has whole rows.
const BLOCK: usize = 64 << 10;

/// What is written before the rows of a stretch.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct RowStretch {
    pub(super) key: PartitionKey,
    input: usize,
    rows: u64,
    first_offset: u64,
    last_offset: u64,
}

impl RowStretch {
    fn of(key: PartitionKey, span: Span) -> Self {
        let Span { input, rows, first_offset, last_offset } = span;
        Self { key, input, rows, first_offset, last_offset }
    }
}

/// Rows on disk, sorted by partition. Their file has no name, and is gone when this is dropped.
#[derive(Debug)]
pub struct RowRun {
    file: LocalFile,
    /// The folder of the file, for errors.
    folder: PathBuf,
    bytes: u64,
    /// Rows of each input, by its place in the unit.
    rows: BTreeMap<usize, u64>,
    /// Records before the one from which the numbers of its records count.
    frames_before: u64,
}

impl RowRun {
    /// Writes rows.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write(rows: &mut MixedRows, folder: &Path) -> Result<Self> {
        let failed = || Error::io("spill rows to", folder);
        let spool = Spool::new(folder).map_err(failed())?;
        let mut writer = RowRunWriter { spool, block: Vec::new(), bytes: 0, rows: BTreeMap::new() };
        rows.each_stretch(|key, span, rows, first| writer.stretch(&RowStretch::of(key, span), rows, first))
            .and_then(|()| writer.end_of_block())
            .map_err(failed())?;
        let file = writer.spool.into_file().map_err(failed())?;
        Ok(Self { file, folder: folder.to_path_buf(), bytes: writer.bytes, rows: writer.rows, frames_before: 0 })
    }

    /// Says how many records are before the one from which the numbers of its records count.
    pub fn count_frames_after(&mut self, frames_before: u64) {
        self.frames_before = frames_before;
    }

    /// Rows of each input, by its place in the unit.
    pub fn rows(&self) -> impl Iterator<Item = (usize, u64)> {
        self.rows.iter().map(|(input, rows)| (*input, *rows))
    }
}

struct RowRunWriter {
    spool: Spool,
    block: Vec<u8>,
    bytes: u64,
    rows: BTreeMap<usize, u64>,
}

impl RowRunWriter {
    /// Writes a stretch of rows, which begins at the row `first` of `rows`.
    fn stretch(&mut self, stretch: &RowStretch, rows: &Rows, first: usize) -> io::Result<()> {
        *self.rows.entry(stretch.input).or_default() += stretch.rows;
        let block = std::mem::take(&mut self.block);
        self.block = postcard::to_extend(stretch, block).map_err(io::Error::other)?;
        let count = usize::try_from(stretch.rows).map_err(io::Error::other)?;
        for row in first..first + count {
            let block = std::mem::take(&mut self.block);
            self.block = rows.write_row(row, block).ok_or_else(|| io::Error::other(bug!()))?;
            if self.block.len() >= BLOCK {
                self.end_of_block()?;
            }
        }
        Ok(())
    }

    fn end_of_block(&mut self) -> io::Result<()> {
        let bytes = u32::try_from(self.block.len()).map_err(io::Error::other)?;
        self.spool.append(&bytes.to_le_bytes())?;
        self.spool.append(&self.block)?;
        self.bytes += 4 + u64::from(bytes);
        self.block.clear();
        Ok(())
    }
}

/// Reads a run.
struct RowRunReader {
    run: RowRun,
    /// The place of the next block.
    at: u64,
    block: Vec<u8>,
    read: usize,
    next: Option<RowStretch>,
}

impl RowRunReader {
    fn new(run: RowRun) -> Result<Self> {
        let mut cursor = Self { run, at: 0, block: Vec::new(), read: 0, next: None };
        cursor.step()?;
        Ok(cursor)
    }

    /// Goes to the next stretch.
    fn step(&mut self) -> Result<()> {
        self.next = match self.rest()? {
            [] => None,
            rest => {
                let (stretch, after) = postcard::take_from_bytes(rest).map_err(|_| bug!())?;
                let read = rest.len() - after.len();
                self.read += read;
                Some(stretch)
            }
        };
        Ok(())
    }

    /// The bytes of the block that have not been read; of the next one, if there are none.
    fn rest(&mut self) -> Result<&[u8]> {
        if self.read >= self.block.len() && self.at < self.run.bytes {
            let mut bytes = [0; 4];
            let mut read = || {
                self.run.file.read_exact_at(&mut bytes, self.at)?;
                self.block.resize(u32::from_le_bytes(bytes) as usize, 0);
                self.run.file.read_exact_at(&mut self.block, self.at + 4)
            };
            read().map_err(Error::io("read spilled rows in", &self.run.folder))?;
            self.at += 4 + self.block.len() as u64;
            self.read = 0;
        }
        self.block.get(self.read..).ok_or_else(|| bug!())
    }

    /// Appends the rows of the stretch, and goes to the next one.
    fn read(&mut self, stretch: &RowStretch, into: &mut Rows) -> Result<()> {
        let frames_before = self.run.frames_before;
        for _ in 0..stretch.rows {
            let rest = self.rest()?;
            let after = into.read_row(rest, frames_before).ok_or_else(|| bug!())?;
            let read = rest.len() - after.len();
            self.read += read;
        }
        into.note_origin(stretch.input, stretch.rows, [stretch.first_offset, stretch.last_offset]);
        self.step()
    }
}

/// Runs that are read together: one partition after the other, and of each the rows of the first run first.
pub struct RunMerge {
    cursors: Vec<RowRunReader>,
    /// The next partition of each run that has one.
    next: BinaryHeap<Reverse<(PartitionKey, usize)>>,
}

/// What is read next: rows that belong together, because only the offsets of the first and the last one are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextRows {
    /// Their partition.
    pub key: PartitionKey,
    /// Their run, by its place among those that are merged.
    pub run: usize,
    /// How many.
    pub rows: u64,
}

impl RunMerge {
    /// Opens runs.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn new(runs: Vec<RowRun>) -> Result<Self> {
        let cursors = runs.into_iter().map(RowRunReader::new).collect::<Result<Vec<_>>>()?;
        let keys = cursors.iter().enumerate();
        let next = keys.filter_map(|(run, cursor)| Some(Reverse((cursor.next?.key, run)))).collect();
        Ok(Self { cursors, next })
    }

    /// What is read next.
    #[must_use]
    pub fn peek(&self) -> Option<NextRows> {
        let Reverse((key, run)) = *self.next.peek()?;
        let rows = self.cursors.get(run)?.next?.rows;
        Some(NextRows { key, run, rows })
    }

    /// Appends what is next to the rows of its partition.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&mut self, into: &mut Rows) -> Result<()> {
        let mut top = self.next.peek_mut().ok_or_else(|| bug!())?;
        let Reverse((key, run)) = *top;
        let cursor = self.cursors.get_mut(run).ok_or_else(|| bug!())?;
        let stretch = cursor.next.ok_or_else(|| bug!())?;
        cursor.read(&stretch, into)?;
        match cursor.next {
            Some(next) if next.key == key => {}
            Some(next) => *top = Reverse((next.key, run)),
            None => {
                PeekMut::pop(top);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
