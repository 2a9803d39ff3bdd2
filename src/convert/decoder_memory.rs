//! Memory for decompressors whose windows are larger than every worker has room for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Result;
use crate::memory::{Memory, SMALL_WINDOW};

use crate::cancel::Cancel;

/// How often a waiting worker looks whether the run has been stopped.
const PATIENCE: Duration = Duration::from_millis(50);

/// Bytes that nobody has taken.
///
/// Only a task whose turn it is may take some: it waits for nobody else, so whoever waits here waits for work that is
/// being done.
#[derive(Debug)]
pub struct DecoderMemory {
    free: Mutex<u64>,
    freed: Condvar,
}

/// Bytes that somebody has taken; they are free again when this is dropped.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    of: &'a DecoderMemory,
    bytes: u64,
}

impl DecoderMemory {
    /// All that a run has for large windows.
    #[must_use]
    pub fn new(memory: &Memory) -> Self {
        Self { free: Mutex::new(memory.windows()), freed: Condvar::new() }
    }

    /// Waits until there is room for a window of so many bytes, of which each worker has the first ones. There must be
    /// so many in all.
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
