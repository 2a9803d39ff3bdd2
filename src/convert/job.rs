//! One unit while workers convert it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::aggregate::{Aggregator, Saved, Space};
use crate::bug::bug;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::lake::Layout;
use crate::memory::Memory;
use crate::observer::Meter;
use crate::packets::{Encoder, Rows};
use crate::plan::{CaptureEntry, PartialEntry, Task, Unit, UnitResult};
use crate::storage::objects::ReadSoon;

use super::decoder_memory::DecoderMemory;
use super::encode_thread::IdleWorkers;
use super::kept_sums::KeptSums;
use super::part_set::PartSet;
use super::turn_queue::TurnQueue;

/// What all units of a run share.
pub struct ConvertContext {
    /// Where parts go.
    pub lake: Layout,
    /// The folder for staged files, below the lake.
    pub staging: PathBuf,
    /// Makes row groups.
    pub encoder: Arc<Encoder>,
    /// How a run is stopped early.
    pub cancel: Cancel,
    /// The memory that the workers may take.
    pub memory: Memory,
    /// Memory for dictionaries larger than usual.
    pub decoder_memory: DecoderMemory,
    /// How far the run is.
    pub meter: Arc<Meter>,
    /// Memory for rows that no task uses now.
    pub row_pool: RowPool,
    /// What was asked for ahead of objects that are cut into chunks.
    pub(super) soon: Arc<Mutex<ReadSoon>>,
    /// Workers that are idle.
    pub(super) idle: IdleWorkers,
    /// The sums of the only unit.
    pub(crate) kept_sums: Arc<KeptSums>,
}

impl ConvertContext {
    /// A context that writes parts into a lake, and stages them in the folder of units that are being converted.
    #[must_use]
    pub fn new(lake: Layout, encoder: Encoder, memory: Memory, cancel: Cancel) -> Self {
        Self {
            lake,
            staging: Layout::staging().join("units"),
            encoder: Arc::new(encoder),
            cancel,
            memory,
            decoder_memory: DecoderMemory::new(&memory),
            meter: Arc::default(),
            row_pool: RowPool::default(),
            soon: Arc::default(),
            idle: IdleWorkers::default(),
            kept_sums: Arc::default(),
        }
    }
}

/// Memory for rows, passed on from task to task: allocating it again for each costs time, and fragments the heap.
#[derive(Debug, Default)]
pub struct RowPool(Mutex<Vec<Vec<Rows>>>);

impl RowPool {
    pub(super) fn take(&self) -> Vec<Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    pub(super) fn give(&self, mut spare: Vec<Rows>) {
        // A task with many partitions has many row buffers. One is enough to begin with.
        spare.truncate(1);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(spare);
    }
}

/// A unit, its tasks, and their results so far. Any threads run the tasks, which begin in order.
pub(crate) struct Job<'a> {
    pub(super) unit: &'a Unit,
    pub(super) tasks: Vec<Task>,
    pub(super) context: &'a ConvertContext,
    pub(super) turns: Arc<TurnQueue>,
    staging: PathBuf,
    state: Mutex<State<'a>>,
}

struct State<'a> {
    parts: Option<PartSet<'a>>,
    captures: Vec<CaptureEntry>,
    aggregator: Aggregator,
    unfinished: usize,
}

impl<'a> Job<'a> {
    /// Prepares a unit. `number` tells its staged files from those of other units. `turns` is the turn queue, which the
    /// units of one capture share.
    pub(crate) fn open(
        unit: &'a Unit,
        number: usize,
        turns: Arc<TurnQueue>,
        context: &'a ConvertContext,
    ) -> Result<Self> {
        let staging = context.staging.join(format!("{number:06}"));
        let folder = context.lake.make_folder(&staging)?;
        let tasks = unit.tasks();
        let state = State {
            parts: Some(PartSet::new(context, staging.clone(), unit)),
            captures: vec![CaptureEntry::nothing(); unit.captures.len()],
            aggregator: Aggregator::new(&Space::new(&folder).cancelled_by(&context.cancel)),
            unfinished: tasks.len(),
        };
        Ok(Self { unit, tasks, context, turns, staging, state: Mutex::new(state) })
    }

    /// Where sums are spilled that do not fit in memory.
    pub(super) fn space(&self) -> Space {
        Space::new(&self.folder()).cancelled_by(&self.context.cancel)
    }

    /// The folder for staged files.
    pub(super) fn folder(&self) -> PathBuf {
        self.context.lake.resolve(&self.staging)
    }

    /// How many tasks there are.
    pub(crate) fn tasks(&self) -> usize {
        self.tasks.len()
    }

    /// Records of a capture that is cut before the chunks of the unit, if they were counted.
    pub(super) fn frames_before_unit(&self) -> Option<u64> {
        self.unit.captures.first()?.frames_before
    }

    /// The turn of a task in its turn queue.
    pub(super) fn turn(&self, task: usize) -> u64 {
        self.tasks.get(task).and_then(|task| task.chunk).unwrap_or(task as u64)
    }

    /// Where the records of a chunk begin in its capture.
    pub(super) fn range_of(&self, chunk: u64) -> Range<u64> {
        let size = self.unit.settings.chunk_size;
        chunk.saturating_mul(size)..chunk.saturating_add(1).saturating_mul(size)
    }

    /// Works on the parts. Only the task in its turn does so, so this never waits long.
    pub(super) fn with_parts(&self, work: impl FnOnce(&mut PartSet<'a>) -> Result<()>) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        work(state.parts.as_mut().ok_or_else(|| bug!())?)
    }

    /// Takes over what a task has found. Returns true if it was the unit's last task.
    pub(super) fn add(&self, captures: Vec<(usize, CaptureEntry)>, aggregator: Aggregator) -> Result<bool> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, entry) in captures {
            *state.captures.get_mut(place).ok_or_else(|| bug!())? += entry;
        }
        state.aggregator.append(aggregator)?;
        state.unfinished -= 1;
        Ok(state.unfinished == 0)
    }

    /// Closes the unit. After this, its parts and its partial summary are whole and synced.
    pub(crate) fn finish(&self) -> Result<UnitResult> {
        let (parts, captures, mut aggregator) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            (
                state.parts.take(),
                std::mem::take(&mut state.captures),
                std::mem::replace(&mut state.aggregator, Aggregator::new(&self.space())),
            )
        };
        let mut unit = self.unit.clone();
        if let (Some(stream), Some(capture)) =
            (captures.first().and_then(|entry| entry.stream.clone()), unit.captures.first_mut())
        {
            unit.id = Unit::id_of_stream(&stream.fingerprint, &unit.settings);
            capture.input.size = stream.bytes;
            capture.input.fingerprint = Some(stream.fingerprint);
        }
        let lake = &self.context.lake;
        let (mut parts, sums) = parts.ok_or_else(|| bug!())?.finish(&unit)?;
        sums.map_or(Ok(()), |sums| aggregator.append(sums.into_aggregator()))?;
        parts.iter_mut().try_for_each(|part| lake.deliver(part))?;
        let partial = self.save(&unit.id, &mut aggregator)?;
        if let Some(partial) = &partial {
            self.context.kept_sums.offer(partial, aggregator);
        }
        partial.iter().try_for_each(|partial| lake.deliver_partial(partial))?;
        let row = UnitResult { partial, unit, captures, parts };
        lake.sync_folder(&self.folder())?;
        let places: BTreeSet<_> = row.parts.iter().map(|part| &part.path).collect();
        debug_assert_eq!(places.len(), row.parts.len(), "every part has a place of its own");
        Ok(row)
    }

    fn save(&self, id: &str, aggregator: &mut Aggregator) -> Result<Option<PartialEntry>> {
        if aggregator.groups().is_empty() {
            return Ok(None);
        }
        let staged = self.staging.join("partial.arrow");
        let Saved { bytes, checksum, days } = aggregator.save(&self.context.lake.resolve(&staged))?;
        Ok(Some(PartialEntry { staged, path: Layout::partial_path(id), bytes, checksum, days }))
    }
}
