//! The threads that decode ahead of the caller.

use std::collections::VecDeque;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use arrow::array::RecordBatch;

use crate::capture::{CaptureReader, Position, begin_range, resync, want_soon};
use crate::discover::Input;
use crate::error::Error;
use crate::memory::SMALL_WINDOW;
use crate::observer::Meter;
use crate::packets::{Projection, Rows};
use crate::storage::objects::{RangeInHand, ReadSoon, is_object};

use super::chunk::{ChunkReader, ChunkResult, ChunkStep};
use super::request::ReadCaptures;
use super::task::ReadTask;

/// How many batches of a chunk may wait to be taken. Batches of a whole capture do not wait, because they may be large.
const WAITING: usize = 4;

/// What a worker reports about its task, in this order: where it began, batches, the end.
pub(super) enum TaskMessage {
    /// The task began here: at the beginning of the capture, or where a record was guessed.
    Began(Option<Position>),
    /// Rows.
    Batch(RecordBatch),
    /// Everything has been read.
    Ended(Box<ChunkResult>),
    /// The task could not be read ahead. The caller's thread reads it in turn.
    InTurn,
    /// The run was stopped.
    Failed(Error),
}

/// What all workers of an iterator share.
pub(super) struct Shared {
    pub(super) request: ReadCaptures,
    pub(super) projection: Projection,
    pub(super) captures: Vec<Input>,
    pub(super) tasks: Vec<ReadTask>,
    pub(super) meter: Arc<Meter>,
    /// Whether the caller wants no more.
    stopped: AtomicBool,
    /// Tasks that may be under way at once.
    ahead: usize,
    state: Mutex<Progressing>,
    changed: Condvar,
    /// What was asked for ahead of the workers.
    soon: Mutex<ReadSoon>,
    /// Memory of rows of tasks that have ended: at most of as many as have been under way at once.
    spare: Mutex<Vec<Rows>>,
}

#[derive(Default)]
struct Progressing {
    /// The task that is begun next.
    next: usize,
    /// Tasks whose batches have all been taken.
    taken: usize,
    /// The messages of tasks that have begun, in order.
    begun: VecDeque<Receiver<TaskMessage>>,
}

impl Shared {
    pub(super) fn new(
        request: ReadCaptures,
        projection: Projection,
        captures: Vec<Input>,
        tasks: Vec<ReadTask>,
        jobs: usize,
    ) -> Self {
        Self {
            request,
            projection,
            captures,
            tasks,
            meter: Arc::default(),
            stopped: AtomicBool::new(false),
            ahead: 2 * jobs,
            state: Mutex::default(),
            changed: Condvar::new(),
            soon: Mutex::default(),
            spare: Mutex::default(),
        }
    }

    /// No rows, in the memory of an earlier task if there is some.
    pub(super) fn take_rows(&self) -> Rows {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| self.new_rows())
    }

    /// Keeps the memory of rows that nobody needs any more.
    pub(super) fn put_rows(&self, rows: &mut Rows) {
        let mut rows = std::mem::replace(rows, self.new_rows());
        rows.clear();
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(rows);
    }

    fn new_rows(&self) -> Rows {
        Rows::wanted_by(&self.projection, self.request.unit, self.request.length)
    }

    /// Starts as many workers as the system lets start, up to `jobs`.
    pub(super) fn start(self: &Arc<Self>, jobs: usize) -> Vec<JoinHandle<()>> {
        let start = |worker| {
            let shared = Arc::clone(self);
            let name = format!("parcap-read-{worker}");
            thread::Builder::new().name(name).spawn(move || shared.work()).ok()
        };
        (0..jobs).map_while(start).collect()
    }

    /// Tells the workers to end.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        // The senders learn that nobody listens.
        self.lock().begun.clear();
        self.changed.notify_all();
    }

    /// Waits until the next task has begun. Returns its worker's messages.
    pub(super) fn next_begun(&self) -> Receiver<TaskMessage> {
        let mut state = self.lock();
        loop {
            if let Some(begun) = state.begun.pop_front() {
                return begun;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Notes that all batches of a task have been taken, so that another task may begin.
    pub(super) fn release(&self) {
        self.lock().taken += 1;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Progressing> {
        // Nothing in here can panic with the lock held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn work(self: &Arc<Self>) {
        while let Some((task, send)) = self.begin() {
            // A panic is a bug. The batches then end with an error, and nobody waits forever.
            let result = catch_unwind(AssertUnwindSafe(|| self.run(task, &send)));
            if result.is_err() {
                let unit = self.captures.get(task.place).map(Input::name).unwrap_or_default();
                let error = Error::Worker { unit, message: "it panicked".to_owned() };
                let _ = send.send(TaskMessage::Failed(error));
            }
        }
    }

    /// The next task, once it is not too far ahead.
    fn begin(&self) -> Option<(ReadTask, SyncSender<TaskMessage>)> {
        let mut state = self.lock();
        loop {
            let task = *self.tasks.get(state.next).filter(|_| !self.is_stopped())?;
            if state.next < state.taken + self.ahead {
                state.next += 1;
                let (send, receive) = sync_channel(if task.chunk.is_some() { WAITING } else { 0 });
                state.begun.push_back(receive);
                let next = state.next;
                drop(state);
                self.changed.notify_all();
                self.want_next(next);
                return Some((task, send));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Where the records of a task begin in its capture.
    fn range_of(&self, task: &ReadTask, input: &Input) -> Range<u64> {
        let size = self.request.chunk_size;
        task.chunk.map_or(0..input.size, |chunk| chunk * size..(chunk + 1) * size)
    }

    /// Asks for what the next tasks read first. Each would take a request's time otherwise.
    fn want_next(&self, next: usize) {
        let tasks = self.tasks.get(next..).unwrap_or_default();
        let of_task = |task: &ReadTask| {
            let input = self.captures.get(task.place)?;
            Some((input, self.range_of(task, input)))
        };
        let mut next = tasks.iter().filter_map(of_task).peekable();
        if next.peek().is_some_and(|(input, _)| is_object(&input.absolute)) {
            want_soon(&mut self.soon.lock().unwrap_or_else(PoisonError::into_inner), next);
        }
    }

    /// Reads a task ahead of its turn. Stops where the caller is gone.
    fn run(self: &Arc<Self>, task: ReadTask, send: &SyncSender<TaskMessage>) {
        let input = self.captures.get(task.place);
        let in_hand = input.and_then(|input| begin_range(&self.soon, input, self.range_of(&task, input)));
        let Some((reader, began)) = self.open(task) else {
            // The caller will read it.
            in_hand.into_iter().for_each(RangeInHand::leave);
            let _ = send.send(TaskMessage::InTurn);
            return;
        };
        let is_guess = began.is_some();
        if send.send(TaskMessage::Began(began)).is_err() {
            return;
        }
        let mut chunk = match ChunkReader::new(self, reader, None, is_guess) {
            Ok(chunk) => chunk,
            Err(error) => {
                let _ = send.send(TaskMessage::Failed(error));
                return;
            }
        };
        loop {
            let (message, is_last) = match chunk.next() {
                Ok(ChunkStep::Batch(batch)) => (TaskMessage::Batch(batch), false),
                Ok(ChunkStep::End(result)) => (TaskMessage::Ended(result), true),
                Ok(ChunkStep::WrongGuess) => (TaskMessage::InTurn, true),
                Err(error) => (TaskMessage::Failed(error), true),
            };
            if send.send(message).is_err() || is_last {
                return;
            }
        }
    }

    /// Opens what can be read ahead: the first chunk, a chunk whose beginning can be guessed, or a capture whose
    /// decompression takes little memory. What cannot be opened is opened again in its turn, and refused there.
    fn open(&self, task: ReadTask) -> Option<(CaptureReader, Option<Position>)> {
        let input = self.captures.get(task.place)?;
        let chunk_size = self.request.chunk_size;
        match task.chunk {
            None if input.is_stdin() || input.window().ok()?.is_some_and(|window| window > SMALL_WINDOW) => None,
            None => Some((CaptureReader::open_within(input, SMALL_WINDOW).ok()?, None)),
            Some(0) => {
                let mut reader = CaptureReader::open(input).ok()?;
                reader.set_limit(chunk_size);
                Some((reader, None))
            }
            Some(chunk) => {
                let reader = resync::guess_reader(input, chunk * chunk_size, (chunk + 1) * chunk_size).ok()??;
                let position = reader.position().clone();
                Some((reader, Some(position)))
            }
        }
    }
}
