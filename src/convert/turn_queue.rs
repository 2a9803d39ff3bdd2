//! Workers take turns: rows are written in the order of the tasks, and each chunk proves the next one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cancel::Cancel;
use crate::capture::{Position, Timestamp};
use crate::error::Result;

/// How often a waiting worker checks whether the run has been stopped.
const PATIENCE: Duration = Duration::from_millis(50);

/// What the worker of one chunk tells the worker of the next.
#[derive(Clone, Debug)]
pub(super) struct ChunkEnd {
    /// Where the chunk ended.
    pub(super) position: Position,
    /// Time of the last timed record before that position.
    pub(super) last: Option<Timestamp>,
    /// Records before that position.
    pub(super) frames: u64,
}

/// Whose turn it is, among the tasks of one capture or of one unit of small captures.
///
/// Tasks begin in order. So the task whose turn it is has always begun, and a task that waits does so for work that is
/// being done.
#[derive(Debug)]
pub(crate) struct TurnQueue {
    state: Mutex<(u64, Option<ChunkEnd>)>,
    turn: Condvar,
}

impl TurnQueue {
    /// A queue whose first turn is that of the task numbered `first`.
    pub(crate) fn starting_at(first: u64) -> Self {
        Self { state: Mutex::new((first, None)), turn: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, (u64, Option<ChunkEnd>)> {
        // Nothing in here can panic with the lock held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is the turn of this task.
    pub(super) fn is_turn(&self, task: u64) -> bool {
        self.lock().0 == task
    }

    /// Whether it is the turn of this task, and the one before it has said where it ended.
    pub(super) fn is_proved(&self, task: u64) -> bool {
        let state = self.lock();
        state.0 == task && state.1.is_some()
    }

    /// Whether it is the turn of this task, and none came before it.
    pub(super) fn is_first(&self, task: u64) -> bool {
        let state = self.lock();
        state.0 == task && state.1.is_none()
    }

    /// Waits for the turn of a task. Returns the end of the chunk before, if there is one.
    pub(super) fn wait(&self, task: u64, cancel: &Cancel) -> Result<Option<ChunkEnd>> {
        let mut state = self.lock();
        while state.0 != task {
            cancel.check()?;
            (state, _) = self.turn.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(state.1.clone())
    }

    /// Ends the turn of a task.
    pub(super) fn pass(&self, task: u64, chunk_end: Option<ChunkEnd>) {
        *self.lock() = (task + 1, chunk_end);
        self.turn.notify_all();
    }
}
