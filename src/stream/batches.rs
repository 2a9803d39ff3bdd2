//! The batches, in order.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::capture::{CaptureReader, Position};
use crate::discover::Input;
use crate::error::{Error, Result};
use crate::lake::RefusedEntry;
use crate::memory::fetches_of;
use crate::observer::Meter;
use crate::outcome::{Damaged, Report};
use crate::packets::Projection;
use crate::select;
use crate::storage::objects::limit_fetches;
use crate::threads::workers;

use super::chunk::{ChunkReader, ChunkResult, ChunkStep};
use super::ledger::{Ledger, ReadEnd};
use super::metered::Metered;
use super::request::ReadCaptures;
use super::task::{ReadTask, task_of_chunk, tasks_of};
use super::workers::{Shared, TaskMessage};

/// How often a caller that waits for a batch checks whether the reading was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// Packets of captures as Arrow batches: one row a packet. Captures come in the order given and found, and the rows of a
/// capture in the order of its records. Dropping it early ends its threads.
pub struct PacketBatches {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// The next task.
    next: usize,
    /// Where the batches of the current task come from.
    current: Current,
    ledger: Ledger,
    is_done: bool,
}

enum Current {
    /// The current task is over.
    Over,
    /// A worker reads it ahead. The last field says whether its start has been proved.
    Ahead(ReadTask, Receiver<TaskMessage>, bool),
    /// It is read here, in its turn.
    Here(ReadTask, Box<ChunkReader>),
}

impl PacketBatches {
    /// Looks at the given paths, and starts the workers.
    pub(super) fn start(request: ReadCaptures, projection: Projection) -> Result<Self> {
        let mut report = Report::default();
        let captures = select::inputs(&request.named, &mut report)?;
        let tasks = match request.chunk {
            Some(_) => task_of_chunk(&captures)?,
            None => tasks_of(&captures, request.chunk_size),
        };
        let jobs = workers(request.jobs).min(tasks.len());
        limit_fetches(fetches_of(jobs));
        let shared = Arc::new(Shared::new(request, projection, captures, tasks, jobs));
        let threads = shared.start(jobs);
        Ok(Self {
            shared,
            threads,
            next: 0,
            current: Current::Over,
            ledger: Ledger::new(report.refused),
            is_done: false,
        })
    }

    /// The schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.shared.projection.schema()
    }

    /// The captures that are read, in their order.
    #[must_use]
    pub fn captures(&self) -> &[Input] {
        &self.shared.captures
    }

    /// Counts what has been read so far, ahead of the batches that were taken. It may be watched from another thread.
    #[must_use]
    pub fn meter(&self) -> &Arc<Meter> {
        &self.shared.meter
    }

    /// What gives no rows, and why: given paths that are no captures, and captures that could not be opened so far.
    #[must_use]
    pub fn refused(&self) -> &[RefusedEntry] {
        &self.ledger.refused
    }

    /// The damaged captures, among those whose last batch has been taken. Their rows before the damage were handed out. If one
    /// chunk is read, damage that begins in it: the packet is counted from the beginning of the capture, and the records are
    /// those of the chunk.
    #[must_use]
    pub fn damaged(&self) -> &[Damaged] {
        &self.ledger.damaged
    }

    /// The next batch, or `None` at the end.
    fn step(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            match std::mem::replace(&mut self.current, Current::Over) {
                Current::Over => {
                    if !self.turn_to_next()? {
                        return Ok(None);
                    }
                }
                Current::Here(task, mut chunk) => match chunk.next()? {
                    ChunkStep::Batch(batch) => {
                        self.current = Current::Here(task, chunk);
                        return Ok(Some(batch));
                    }
                    ChunkStep::End(result) => self.ledger.end(task, *result),
                    ChunkStep::WrongGuess => return Err(self.bug(task)),
                },
                Current::Ahead(task, messages, is_proved) => {
                    let message = self.wait(task, &messages)?;
                    if let Some(batch) = self.hear(task, messages, is_proved, message)? {
                        return Ok(Some(batch));
                    }
                }
            }
        }
    }

    /// Goes to the next task. Returns false if there is none.
    fn turn_to_next(&mut self) -> Result<bool> {
        let task = self.shared.tasks.get(self.next).copied();
        self.ledger.turn_to(task.map(|task| task.place), &self.shared.captures);
        let Some(task) = task else { return Ok(false) };
        self.next += 1;
        if self.threads.is_empty() {
            self.read_here(task)?;
        } else {
            self.current = Current::Ahead(task, self.shared.next_begun(), false);
        }
        Ok(true)
    }

    /// Waits for the next message of a task's worker.
    fn wait(&self, task: ReadTask, messages: &Receiver<TaskMessage>) -> Result<TaskMessage> {
        loop {
            match messages.recv_timeout(LOOK) {
                Ok(message) => return Ok(message),
                Err(RecvTimeoutError::Timeout) => self.shared.request.cancel.check()?,
                Err(RecvTimeoutError::Disconnected) => return Err(self.bug(task)),
            }
        }
    }

    /// Handles a message of a task's worker.
    fn hear(
        &mut self,
        task: ReadTask,
        messages: Receiver<TaskMessage>,
        is_proved: bool,
        message: TaskMessage,
    ) -> Result<Option<RecordBatch>> {
        match message {
            TaskMessage::Began(began) if self.is_as_expected(task, began.as_ref()) => {
                self.current = Current::Ahead(task, messages, true);
            }
            TaskMessage::Batch(batch) if is_proved => {
                self.current = Current::Ahead(task, messages, true);
                // Its worker did not know how many records are before the chunk.
                let before = self.ledger.expected(task).filter(|_| task.chunk > Some(0)).map_or(0, |end| end.frames);
                return self.shared.projection.number_frames(batch, before).map(Some);
            }
            TaskMessage::Ended(result) if is_proved => {
                self.shared.release();
                self.ledger.end(task, *result);
            }
            TaskMessage::Failed(error) => return Err(error),
            TaskMessage::Began(_) | TaskMessage::InTurn => {
                // Its worker can send to nobody any more.
                drop(messages);
                self.shared.release();
                self.read_here(task)?;
            }
            TaskMessage::Batch(_) | TaskMessage::Ended(_) => return Err(self.bug(task)),
        }
        Ok(None)
    }

    /// Whether a worker began where the chunk before ended. The first chunk begins at the beginning.
    fn is_as_expected(&self, task: ReadTask, began: Option<&Position>) -> bool {
        match (task.chunk, self.ledger.expected(task)) {
            (None | Some(0), _) => true,
            (Some(_), Some(end)) => !end.position.ended && began == Some(&end.position),
            (Some(_), None) => false,
        }
    }

    /// Reads a task in its turn, if no worker has begun it, or if one began it at the wrong place.
    fn read_here(&mut self, task: ReadTask) -> Result<()> {
        let input = self.shared.captures.get(task.place).cloned().ok_or_else(|| self.bug(task))?;
        let chunk_size = self.shared.request.chunk_size;
        let (opened, last) = match task.chunk {
            None => (CaptureReader::open(&input).map(Some), None),
            Some(0) => {
                let opened = CaptureReader::open(&input).map(|mut reader| {
                    reader.set_limit(chunk_size);
                    Some(reader)
                });
                (opened, None)
            }
            Some(chunk) => match self.ledger.expected(task).cloned() {
                Some(ReadEnd { position, last, frames }) if !position.ended => {
                    let resumed = CaptureReader::resume(&input, position, (chunk + 1) * chunk_size);
                    (resumed.map(|reader| Some(reader?.after_frames(frames))), last)
                }
                // The capture ended in an earlier chunk, or could not be opened.
                _ => return Ok(()),
            },
        };
        match opened {
            Ok(Some(reader)) => {
                let chunk = ChunkReader::new(&self.shared, reader, last, false)?;
                self.current = Current::Here(task, Box::new(chunk));
            }
            Ok(None) => self.lose(task, "it cannot be read on from where it was left".to_owned()),
            Err(refusal) if task.chunk.is_none_or(|chunk| chunk == 0) => self.ledger.refuse(&input, &refusal),
            Err(refusal) => self.lose(task, format!("it {refusal}")),
        }
        Ok(())
    }

    /// Handles a capture that could be opened when it was begun, and cannot be read on.
    fn lose(&mut self, task: ReadTask, detail: String) {
        let Some(ReadEnd { position, last, .. }) = self.ledger.expected(task).cloned() else { return };
        let metered = Metered::new(&self.shared.meter);
        self.ledger.end(task, ChunkResult::lost(position, last, detail, metered));
    }

    fn bug(&self, task: ReadTask) -> Error {
        let unit = self.shared.captures.get(task.place).map_or_else(|| "a capture".to_owned(), Input::name);
        Error::Worker { unit, message: "a chunk was not read in order".to_owned() }
    }
}

impl Iterator for PacketBatches {
    type Item = Result<RecordBatch>;

    /// The next batch. After an error there is none.
    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let step = self.step().transpose();
        if !matches!(step, Some(Ok(_))) {
            self.is_done = true;
            self.shared.stop();
        }
        step
    }
}

impl fmt::Debug for PacketBatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketBatches").field("captures", &self.shared.captures.len()).finish_non_exhaustive()
    }
}

impl Drop for PacketBatches {
    fn drop(&mut self) {
        // Otherwise a worker that sends to it would wait forever.
        self.current = Current::Over;
        self.shared.stop();
        for thread in self.threads.drain(..) {
            // A panic has been reported already.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn office() -> ReadCaptures {
        ReadCaptures::new([concat!(env!("CARGO_MANIFEST_DIR"), "/data/captures/office-hour.pcap")])
    }

    #[test]
    fn no_thread_is_left_of_what_is_dropped_early() {
        for taken in [0, 1, 3] {
            let mut batches = office().chunk_size(10_000).batch_rows(5).jobs(3).open().unwrap();
            for _ in 0..taken {
                assert_eq!(batches.next().unwrap().unwrap().num_rows(), 5);
            }
            // Each thread holds it until it ends.
            let shared = Arc::downgrade(&batches.shared);
            drop(batches);
            assert_eq!(shared.strong_count(), 0, "{taken} taken");
        }
    }

    #[test]
    fn what_is_cancelled_ends_with_an_error_and_then_not_at_all() {
        let cancel = crate::cancel::Cancel::default();
        let mut batches = office().chunk_size(10_000).batch_rows(5).jobs(2).cancel(&cancel).open().unwrap();
        cancel.signal(2);
        let error = batches.find_map(Result::err).unwrap();
        assert!(matches!(error, Error::Interrupted { signal: 2 }), "{error}");
        assert!(batches.next().is_none());
    }
}
