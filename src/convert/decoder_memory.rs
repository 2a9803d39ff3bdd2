//! Memory for decompressors whose dictionary is larger than the share of each worker.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::memory::{Memory, SMALL_WINDOW};

/// How often a waiting worker checks whether the run has been stopped.
const PATIENCE: Duration = Duration::from_millis(50);

/// Bytes that are free.
///
/// Only a task in its turn may take some. It waits for no other task, so a task that waits here waits for work that is
/// being done.
#[derive(Debug)]
pub struct DecoderMemory {
    free: Mutex<u64>,
    freed: Condvar,
}

/// Bytes that a task has taken. They are free again when this is dropped.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    of: &'a DecoderMemory,
    bytes: u64,
}

impl DecoderMemory {
    /// All memory that a run has for large dictionaries.
    #[must_use]
    pub fn new(memory: &Memory) -> Self {
        Self { free: Mutex::new(memory.windows()), freed: Condvar::new() }
    }

    /// Waits until `window` bytes of decoder memory are free. The first `SMALL_WINDOW` bytes belong to each worker and
    /// are not taken from here. The rest must not exceed the memory of the run.
    ///
    /// # Errors
    /// If the run is stopped meanwhile.
    pub(super) fn take(&self, window: u64, cancel: &Cancel) -> Result<Taken<'_>> {
        let bytes = window.saturating_sub(SMALL_WINDOW);
        let mut free = self.free();
        while *free < bytes {
            cancel.check()?;
            (free, _) = self.freed.wait_timeout(free, PATIENCE).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= bytes;
        Ok(Taken { of: self, bytes })
    }

    fn free(&self) -> MutexGuard<'_, u64> {
        // Nothing in here can panic with the lock held.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.of.free() += self.bytes;
        self.of.freed.notify_all();
    }
}
