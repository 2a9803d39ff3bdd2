//! Rows of more partitions than fit, until they are put together: runs on disk, and what comes after them in their unit.
//!
//! A part holds its rows in the order of their captures. So a row group of a partition that comes later than rows on disk waits
//! for them.

use std::collections::{BTreeMap, VecDeque};

use crate::error::Result;
use crate::packets::{EncodedRowGroup, PartitionKey, RowRun, RunMerge};

/// The most runs of a unit: each is an open file, and takes a block of memory when they are merged. With more, they are merged
/// before the unit ends.
const MAX_RUNS: usize = 32;
/// The most bytes of encoded row groups that wait for rows on disk: of 1,800 dates, or of 500 where a table has all columns. Beyond that,
/// a date gets a second part.
const MAX_LATER: u64 = 32 << 20;

/// A row group that comes after rows on disk: those of as many runs.
pub(super) type Later = (usize, EncodedRowGroup);

/// Rows on disk, and row groups that come after them.
#[derive(Default)]
pub(super) struct Spilled {
    runs: Vec<RowRun>,
    later: BTreeMap<PartitionKey, VecDeque<Later>>,
    later_bytes: u64,
}

impl Spilled {
    /// Adds rows on disk.
    pub(super) fn add_run(&mut self, run: RowRun) {
        self.runs.push(run);
    }

    /// Adds a row group that comes after all rows that are there.
    pub(super) fn add_later(&mut self, key: PartitionKey, group: EncodedRowGroup) {
        self.later_bytes += group.memory();
        self.later.entry(key).or_default().push_back((self.runs.len(), group));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether there is more than a unit keeps until its end.
    pub(super) fn is_full(&self) -> bool {
        self.runs.len() >= MAX_RUNS || self.later_bytes > MAX_LATER
    }

    /// Rows of each input, by its place in the unit.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, u64)> {
        let spans = self.later.values().flatten().flat_map(|(_, group)| &group.spans);
        self.runs.iter().flat_map(RowRun::rows).chain(spans.map(|span| (span.input, span.rows)))
    }

    /// The rows, partition by partition, and the row groups.
    pub(super) fn into_parts(self) -> Result<(RunMerge, BTreeMap<PartitionKey, VecDeque<Later>>)> {
        Ok((RunMerge::new(self.runs)?, self.later))
    }
}
