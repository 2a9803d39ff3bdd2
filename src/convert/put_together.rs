//! Rows of more partitions than fit become parts, one partition after the other.

use std::collections::{BTreeMap, VecDeque};

use crate::aggregate::Space;
use crate::bug::bug;
use crate::error::{Error, Result};
use crate::packets::{EncodedRowGroup, ParquetError, PartitionKey, Rows, RunMerge, room_of_rows};
use crate::summary::Partial;

use super::encode_thread::{Done, EncodeThread};
use super::part_set::{EndOfUnit, PartSet};
use super::spilled::Later;
use super::task::day_of;

/// Rows after which the bytes of a row group are counted again.
const STRIDE: usize = 64;

/// What is to be done with a partition, in this order.
enum PartStep {
    /// Writing what the encode thread gives back next.
    Encoded(PartitionKey),
    /// Writing a row group.
    Write(PartitionKey, Box<EncodedRowGroup>),
    /// Ending the part.
    End(PartitionKey),
}

impl PartSet<'_> {
    /// Writes the rows that are on disk, and the row groups that wait for them. Their parts are ended; `known` is what is known at
    /// the end of the unit, if this is its end.
    ///
    /// # Memory
    /// The rows of a row group, or three with an encode thread; a block for each run.
    pub(super) fn put_together(&mut self, known: Option<&EndOfUnit<'_>>) -> Result<()> {
        let (merge, later) = std::mem::take(&mut self.spilled).into_parts()?;
        let context = self.context;
        let encode_thread = EncodeThread::start(&context.idle, &context.encoder);
        let mut work = PutTogether { parts: self, known, encode_thread, spare: Vec::new(), steps: VecDeque::new() };
        work.run(merge, later)
    }
}

/// Rows on their way into parts.
struct PutTogether<'w, 'a, 'u> {
    parts: &'w mut PartSet<'a>,
    known: Option<&'w EndOfUnit<'u>>,
    encode_thread: Option<EncodeThread<'a>>,
    spare: Vec<Rows>,
    steps: VecDeque<PartStep>,
}

impl PutTogether<'_, '_, '_> {
    fn run(&mut self, mut merge: RunMerge, mut later: BTreeMap<PartitionKey, VecDeque<Later>>) -> Result<()> {
        let encoder = &self.parts.context.encoder;
        let full = encoder.settings().row_group_rows.max(1);
        let room = room_of_rows(encoder.table(), full);
        let mut rows = self.no_rows();
        let mut current = None;
        while let Some(next) = merge.peek() {
            if let Some(before) = current.replace(next.key).filter(|before| *before != next.key) {
                self.add(before, &mut rows)?;
                self.end(before, later.remove(&before).unwrap_or_default())?;
            }
            // What came before rows of this run.
            if let Some(later) = later.get_mut(&next.key) {
                while let Some((_, group)) = later.pop_front_if(|(runs, _)| *runs <= next.run) {
                    self.add(next.key, &mut rows)?;
                    self.step(PartStep::Write(next.key, Box::new(group)))?;
                }
            }
            let is_full = rows.len() as u64 + next.rows > full as u64;
            if is_full || rows.len().is_multiple_of(STRIDE) && rows.bytes() >= room {
                self.add(next.key, &mut rows)?;
            }
            merge.read(&mut rows)?;
        }
        if let Some(last) = current {
            self.add(last, &mut rows)?;
            self.end(last, later.remove(&last).unwrap_or_default())?;
        }
        self.finish()?;
        let rest = later.into_iter().flat_map(|(key, later)| later.into_iter().map(move |(_, group)| (key, group)));
        rest.into_iter().try_for_each(|(key, group)| self.parts.write(key, group))
    }

    /// Makes a row group of the rows.
    fn add(&mut self, key: PartitionKey, rows: &mut Rows) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let context = self.parts.context;
        context.cancel.check()?;
        let settings = &self.parts.unit.settings;
        if settings.summaries {
            let space = Space::new(&self.parts.folder()).cancelled_by(&context.cancel);
            let sums =
                self.parts.sums.get_or_insert_with(|| Partial::new(&space).with_flows(settings.flow_timeout, true));
            sums.add_rows(day_of(key.when), rows, settings.window)?;
        }
        if context.idle.is_wanted_back() {
            self.finish()?;
            self.encode_thread = None;
        }
        let next = self.spare.pop().unwrap_or_else(|| self.no_rows());
        match &mut self.encode_thread {
            Some(thread) => {
                thread.give(key, std::mem::replace(rows, next))?;
                self.step(PartStep::Encoded(key))
            }
            None => {
                self.spare.push(next);
                let group = context.encoder.encode(rows).map_err(|source| self.failed(source))?;
                rows.clear();
                self.step(PartStep::Write(key, Box::new(group)))
            }
        }
    }

    /// Writes the row groups that come after a partition's rows, and ends its part.
    fn end(&mut self, key: PartitionKey, later: VecDeque<Later>) -> Result<()> {
        for (_, group) in later {
            self.step(PartStep::Write(key, Box::new(group)))?;
        }
        self.step(PartStep::End(key))
    }

    /// Adds a step, and does those that need not wait.
    fn step(&mut self, step: PartStep) -> Result<()> {
        self.steps.push_back(step);
        self.take_steps(false)
    }

    /// Does all steps.
    fn finish(&mut self) -> Result<()> {
        self.take_steps(true)
    }

    fn take_steps(&mut self, is_waiting: bool) -> Result<()> {
        while let Some(step) = self.steps.pop_front() {
            match step {
                PartStep::Encoded(key) => {
                    let thread = self.encode_thread.as_mut().ok_or_else(|| bug!())?;
                    let done = if is_waiting { thread.wait()? } else { thread.done()? };
                    let Some(Done { mut rows, group, .. }) = done else {
                        self.steps.push_front(PartStep::Encoded(key));
                        return Ok(());
                    };
                    rows.clear();
                    self.spare.push(rows);
                    let group = group.map_err(|source| self.failed(source))?;
                    self.parts.write(key, group)?;
                }
                PartStep::Write(key, group) => self.parts.write(key, *group)?,
                PartStep::End(key) => self.parts.end(key, self.known)?,
            }
        }
        Ok(())
    }

    fn no_rows(&self) -> Rows {
        let encoder = &self.parts.context.encoder;
        let settings = encoder.settings();
        Rows::new(encoder.table().clone(), settings.timestamp_unit, settings.length)
    }

    fn failed(&self, source: ParquetError) -> Error {
        Error::Parquet { path: self.parts.context.lake.root().to_path_buf(), source }
    }
}
