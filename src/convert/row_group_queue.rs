//! The results of a task: row groups, which are encoded while rows are collected and written in the task's turn.

use crate::cancel::Interrupted;
use crate::capture::Position;
use crate::error::Error;
use crate::packets::{EncodedRowGroup, MixedRows, PartitionKey, Partitioner, RowRun, Rows, When};

use super::encode_thread::{Done, EncodeThread};
use super::job::Job;

/// Bytes of encoded row groups that a task holds before its turn. With more, it waits.
const MAX_HELD: u64 = 12 << 20;
/// What rows on disk count for among these, because they take an open file.
const RUN: u64 = 1 << 20;

/// Row groups on their way to the parts of their unit.
pub(super) struct RowGroupQueue<'j, 'a> {
    job: &'j Job<'a>,
    turn: u64,
    held: Vec<Waiting>,
    held_bytes: u64,
    /// The guessed position that awaits its proof.
    pub(super) guessed: Option<Position>,
    pub(super) is_in_turn: bool,
    /// Whether records are numbered from a beginning that was guessed.
    pub(super) numbers_from_guess: bool,
    /// Records before that, once they are known.
    pub(super) frames_before: u64,
    /// Whether the input can only be read from its beginning, so that no other worker can help.
    pub(super) is_alone: bool,
    encode_thread: Option<EncodeThread<'j>>,
}

/// What waits for the task's turn.
enum Waiting {
    /// A row group of a partition.
    RowGroup(PartitionKey, EncodedRowGroup),
    /// Rows of many partitions on disk.
    Run(RowRun),
    /// The date of a capture's rows that came before its first timed row.
    Resolved(usize, When),
}

/// Why a task stops short.
pub(super) enum TaskError {
    /// A guess was wrong, or does not tell what is needed. The work is dropped and done again in turn.
    WrongGuess,
    /// The run cannot go on.
    Failed(Error),
}

impl From<Interrupted> for TaskError {
    fn from(interrupted: Interrupted) -> Self {
        Self::Failed(interrupted.into())
    }
}

impl From<Error> for TaskError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl<'j, 'a> RowGroupQueue<'j, 'a> {
    pub(super) fn new(job: &'j Job<'a>, turn: u64) -> Self {
        Self {
            job,
            turn,
            held: Vec::new(),
            held_bytes: 0,
            guessed: None,
            is_in_turn: false,
            numbers_from_guess: false,
            frames_before: 0,
            is_alone: false,
            encode_thread: None,
        }
    }

    /// Encodes rows, here or on the encode thread. Their memory goes back to the partitioner.
    pub(super) fn add(
        &mut self,
        key: PartitionKey,
        rows: Rows,
        partitioner: &mut Partitioner,
    ) -> Result<(), TaskError> {
        self.find_encode_thread(partitioner)?;
        let Some(encode_thread) = &mut self.encode_thread else {
            let encoder = &self.job.context.encoder;
            let group = if self.numbers_from_guess { encoder.encode_unnumbered(&rows) } else { encoder.encode(&rows) };
            return self.take_over(Done { key, rows, group }, partitioner);
        };
        encode_thread.give(key, rows)?;
        while let Some(done) = self.encode_thread.as_mut().map_or(Ok(None), EncodeThread::done)? {
            self.take_over(done, partitioner)?;
        }
        Ok(())
    }

    /// Writes rows of more partitions than fit to disk, until the unit ends. Their memory goes back to the partitioner.
    pub(super) fn add_mixed(&mut self, mut rows: MixedRows, partitioner: &mut Partitioner) -> Result<(), TaskError> {
        self.wait_for_encode_thread(partitioner)?;
        let run = RowRun::write(&mut rows, &self.job.folder())?;
        partitioner.recycle(rows.into_spare());
        self.held_bytes += RUN;
        self.held.push(Waiting::Run(run));
        self.write_if_due()
    }

    /// Sets the date of a capture's rows before its first timed row. Rows that have been added so far are among them.
    pub(super) fn resolve(&mut self, place: usize, when: When, partitioner: &mut Partitioner) -> Result<(), TaskError> {
        self.wait_for_encode_thread(partitioner)?;
        self.held.push(Waiting::Resolved(place, when));
        Ok(())
    }

    /// Writes the rest, as soon as it is the task's turn.
    pub(super) fn finish(&mut self, partitioner: &mut Partitioner) -> Result<(), TaskError> {
        self.wait_for_encode_thread(partitioner)?;
        self.write_held()
    }

    /// Starts an encode thread, where it helps and a worker is idle. Gives the thread up where its place is wanted.
    fn find_encode_thread(&mut self, partitioner: &mut Partitioner) -> Result<(), TaskError> {
        let context = self.job.context;
        if self.encode_thread.is_none() {
            if self.is_alone {
                self.encode_thread = EncodeThread::start(&context.idle, &context.encoder);
            }
        } else if context.idle.is_wanted_back() {
            self.wait_for_encode_thread(partitioner)?;
            self.encode_thread = None;
        }
        Ok(())
    }

    /// Takes over all row groups that are being encoded.
    fn wait_for_encode_thread(&mut self, partitioner: &mut Partitioner) -> Result<(), TaskError> {
        while let Some(done) = self.encode_thread.as_mut().map_or(Ok(None), EncodeThread::wait)? {
            self.take_over(done, partitioner)?;
        }
        Ok(())
    }

    /// Keeps an encoded row group, and writes all that are kept as soon as the turn allows.
    fn take_over(&mut self, Done { key, rows, group }: Done, partitioner: &mut Partitioner) -> Result<(), TaskError> {
        let path = || self.job.context.lake.root().to_path_buf();
        let group = group.map_err(|source| Error::Parquet { path: path(), source })?;
        partitioner.recycle(rows);
        self.held_bytes += group.memory();
        self.held.push(Waiting::RowGroup(key, group));
        // After each one: rows of thousands of partitions may have been handed on at once.
        self.write_if_due()
    }

    fn write_if_due(&mut self) -> Result<(), TaskError> {
        if self.is_in_turn || self.held_bytes > MAX_HELD || self.job.turns.is_turn(self.turn) {
            self.write_held()?;
        }
        Ok(())
    }

    /// Waits for the turn, has the guess proved, and writes the row groups that are kept.
    pub(super) fn write_held(&mut self) -> Result<(), TaskError> {
        if !self.is_in_turn {
            let chunk_end = self.job.turns.wait(self.turn, &self.job.context.cancel)?;
            if let (Some(guessed), Some(chunk_end)) = (&self.guessed, &chunk_end)
                && *guessed != chunk_end.position
            {
                return Err(TaskError::WrongGuess);
            }
            if self.guessed.take().is_some() {
                let of_unit = self.job.frames_before_unit();
                self.frames_before = chunk_end.map_or_else(|| of_unit.unwrap_or(0), |chunk_end| chunk_end.frames);
            }
            self.is_in_turn = true;
        }
        self.held_bytes = 0;
        let held = std::mem::take(&mut self.held);
        let (encoder, frames_before) = (&self.job.context.encoder, self.frames_before);
        let path = || self.job.context.lake.root().to_path_buf();
        self.job.with_parts(|parts| {
            held.into_iter().try_for_each(|held| match held {
                Waiting::RowGroup(key, mut group) => {
                    let numbered = encoder.number_frames(&mut group, frames_before);
                    numbered.map_err(|source| Error::Parquet { path: path(), source })?;
                    parts.append(key, group)
                }
                Waiting::Run(mut run) => {
                    run.count_frames_after(frames_before);
                    parts.append_run(run)
                }
                Waiting::Resolved(place, when) => parts.resolve(place, when),
            })
        })?;
        Ok(())
    }
}
