//! The parts of a unit while they are written: one open file a partition.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use crate::bug::bug;
use crate::day::Day;
use crate::error::Result;
use crate::lake::PACKETS;
use crate::packets::{EncodedRowGroup, Origin, PartFile, PartWriter, PartitionKey, RowRange, RowRun, When};
use crate::plan::{PartEntry, Unit};
use crate::storage::UnsyncedFiles;
use crate::summary::Partial;

use super::job::ConvertContext;
use super::spilled::Spilled;

/// The most parts that are being written at the same time. When there are more, the part that has waited longest for a
/// row group is ended.
const MAX_PARTS: usize = 1024;
/// The most of these parts whose files are open.
const MAX_FILES: usize = 64;
/// The most bytes of memory of all these parts: footers and Bloom filters, which are written at the end, and take 20 KiB a row group
/// and a little more. When there are more, the part with most is ended; a part of the usual size has those of a hundred row groups.
const MAX_MEMORY: u64 = 40 << 20;

/// Takes row groups in order, and makes parts of them.
pub(crate) struct PartSet<'a> {
    pub(super) context: &'a ConvertContext,
    /// Where parts are staged, below the lake.
    staging: PathBuf,
    /// The unit, for the parts' metadata.
    pub(super) unit: &'a Unit,
    open: BTreeMap<PartitionKey, OpenPart>,
    closed: Vec<(PartitionKey, usize, PartFile)>,
    /// Parts begun so far. Their numbers order the parts of a partition as their rows are ordered.
    begun: usize,
    appended: u64,
    /// Files that are open.
    files: usize,
    /// Bytes of memory of the parts that are open.
    memory: u64,
    resolved: BTreeMap<usize, When>,
    /// Rows of more partitions than fit.
    pub(super) spilled: Spilled,
    /// What these contribute to the summaries.
    pub(super) sums: Option<Partial>,
    /// Parts that are not durable yet.
    unsynced: UnsyncedFiles,
}

/// What is known at the end of a unit: the unit, and the rows of each of its captures.
pub(super) type EndOfUnit<'u> = (&'u Unit, BTreeMap<usize, u64>);

struct OpenPart {
    writer: PartWriter,
    number: usize,
    last_append: u64,
    /// Whether its file is closed for now.
    parked: bool,
}

impl<'a> PartSet<'a> {
    pub(super) fn new(context: &'a ConvertContext, staging: PathBuf, unit: &'a Unit) -> Self {
        Self {
            context,
            staging,
            unit,
            open: BTreeMap::new(),
            closed: Vec::new(),
            begun: 0,
            appended: 0,
            files: 0,
            memory: 0,
            resolved: BTreeMap::new(),
            spilled: Spilled::default(),
            sums: None,
            unsynced: UnsyncedFiles::default(),
        }
    }

    /// Appends a row group to the part of its partition, after all rows that came before.
    pub(super) fn append(&mut self, key: PartitionKey, group: EncodedRowGroup) -> Result<()> {
        if self.spilled.is_empty() {
            return self.write(key, group);
        }
        if key.when.day().is_none() {
            // Its date will be one of theirs, perhaps.
            self.put_together(None)?;
            return self.write(key, group);
        }
        self.spilled.add_later(key, group);
        if self.spilled.is_full() { self.put_together(None) } else { Ok(()) }
    }

    /// Takes rows of many partitions, to write them partition by partition.
    pub(super) fn append_run(&mut self, run: RowRun) -> Result<()> {
        self.spilled.add_run(run);
        if self.spilled.is_full() { self.put_together(None) } else { Ok(()) }
    }

    /// Writes a row group into the part of its partition.
    pub(super) fn write(&mut self, key: PartitionKey, group: EncodedRowGroup) -> Result<()> {
        if self.open.len() >= MAX_PARTS && !self.open.contains_key(&key) {
            let idle = self.open.iter().min_by_key(|(_, open)| open.last_append).map(|(key, _)| *key);
            idle.map_or(Ok(()), |key| self.close(key, None))?;
        }
        let open = match self.open.entry(key) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => {
                let staged = self.context.lake.resolve(&self.staging).join(format!("{:05}.parquet", self.begun));
                let writer = PartWriter::create(&staged, &self.context.encoder)?;
                let number = self.begun;
                self.begun += 1;
                place.insert(OpenPart { writer, number, last_append: 0, parked: true })
            }
        };
        self.appended += 1;
        open.last_append = self.appended;
        self.files += usize::from(std::mem::take(&mut open.parked));
        let before = open.writer.memory();
        open.writer.append(group)?;
        self.memory += open.writer.memory() - before;
        if open.writer.is_full(self.context.encoder.settings().target_file_size) {
            self.close(key, None)?;
        }
        if self.files > MAX_FILES {
            self.park_idle()?;
        }
        if self.memory > MAX_MEMORY {
            let largest = self.open.iter().max_by_key(|(_, open)| (open.writer.memory(), Reverse(open.last_append)));
            largest.map(|(key, _)| *key).map_or(Ok(()), |key| self.close(key, None))?;
        }
        Ok(())
    }

    /// Closes the file that has waited longest for a row group, until its next one comes.
    fn park_idle(&mut self) -> Result<()> {
        let open = self.open.values_mut().filter(|open| !open.parked);
        if let Some(idle) = open.min_by_key(|open| open.last_append) {
            idle.writer.park()?;
            idle.parked = true;
            self.files -= 1;
        }
        Ok(())
    }

    /// Ends a part. `known` is what is known at the end of the unit, if this is its end.
    fn close(&mut self, key: PartitionKey, known: Option<&EndOfUnit<'_>>) -> Result<()> {
        self.close_part(key, known, false)
    }

    /// As [`PartSet::close`]. If `is_later`, it is synced at the end of the unit, with others.
    fn close_part(&mut self, key: PartitionKey, known: Option<&EndOfUnit<'_>>, is_later: bool) -> Result<()> {
        let open = self.open.remove(&key).ok_or_else(|| bug!())?;
        self.memory -= open.writer.memory();
        self.files -= usize::from(!open.parked);
        let origin = |place: usize| match known {
            Some((unit, rows)) => origin(unit, place, rows.get(&place).copied()),
            None => origin(self.unit, place, None),
        };
        let later = is_later.then_some(&mut self.unsynced);
        self.closed.push((key, open.number, open.writer.close(&origin, later)?));
        Ok(())
    }

    /// Sets the date of a capture's rows that came before its first timed row. Open parts of that date are closed first,
    /// so that the rows that follow come after them.
    pub(super) fn resolve(&mut self, input: usize, when: When) -> Result<()> {
        let waiting = |key: &PartitionKey| key.when == When::BeforeFirst(input);
        if self.resolved.contains_key(&input)
            || !(self.open.keys().any(waiting) || self.closed.iter().any(|(key, ..)| waiting(key)))
        {
            return Ok(());
        }
        self.resolved.insert(input, when);
        let keys: Vec<_> = self.open.keys().copied().filter(|key| waiting(key) || key.when == when).collect();
        keys.into_iter().try_for_each(|key| self.close(key, None))
    }

    /// The folder where parts are staged.
    pub(super) fn folder(&self) -> PathBuf {
        self.context.lake.resolve(&self.staging)
    }

    /// Ends the part of a partition, if one is open.
    pub(super) fn end(&mut self, key: PartitionKey, known: Option<&EndOfUnit<'_>>) -> Result<()> {
        if self.open.contains_key(&key) { self.close_part(key, known, true) } else { Ok(()) }
    }

    /// Closes every part, and says where each belongs; with them, what rows contribute to the summaries that were not counted
    /// before. `unit` is the unit with all that is known at its end.
    pub(super) fn finish(mut self, unit: &Unit) -> Result<(Vec<PartEntry>, Option<Partial>)> {
        let closed = self.closed.iter().flat_map(|(_, _, file)| &file.ranges);
        let open = self.open.values().flat_map(|open| open.writer.ranges());
        let mut rows: BTreeMap<usize, u64> = BTreeMap::new();
        let ranges = closed.chain(open).map(|range: &RowRange| (range.input, range.rows));
        ranges.chain(self.spilled.rows()).for_each(|(input, count)| *rows.entry(input).or_default() += count);
        let known = (unit, rows);
        if !self.spilled.is_empty() {
            self.put_together(Some(&known))?;
        }
        let open: Vec<_> = self.open.keys().copied().collect();
        open.into_iter().try_for_each(|key| self.close(key, Some(&known)))?;
        self.unsynced.sync()?;
        let unit = &unit.id;
        self.closed.sort_by_key(|(_, number, _)| *number);
        let parts = self.closed.into_iter().map(|(key, number, file)| {
            let hour = self.context.encoder.settings().partition_by.hour.then_some(0);
            let when = match key.when {
                // Of a capture without any time nothing was said.
                When::BeforeFirst(input) => self.resolved.get(&input).copied().unwrap_or(When::At(Day::EPOCH, hour)),
                at @ When::At(..) => at,
            };
            let folder = PartitionKey { when, ..key }.folder();
            let name = file.staged.file_name().ok_or_else(|| bug!())?;
            Ok(PartEntry {
                staged: self.staging.join(name),
                path: Path::new(PACKETS).join(folder).join(format!("part-{unit}-{number:05}.parquet")),
                rows: file.rows,
                bytes: file.bytes,
                checksum: file.checksum,
                ranges: file.ranges,
                held: None,
                stats: None,
            })
        });
        Ok((parts.collect::<Result<_>>()?, self.sums))
    }
}

/// What the parts of a unit say about one of its captures.
fn origin(unit: &Unit, place: usize, rows: Option<u64>) -> Option<Origin> {
    let capture = unit.captures.get(place)?;
    Some(Origin { place: Some(place), ..Origin::of(&capture.input, capture.chunks.clone(), rows) })
}
