//! How a run is stopped early: by a signal, or by the first worker that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// A run was stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// The number of the signal; 0 if it was another worker that failed, and no signal.
    pub signal: u8,
}

/// Shared by all workers of a run.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    signal: Arc<AtomicU8>,
    failed: Arc<AtomicBool>,
}

impl Cancel {
    /// Tells all workers that a signal has arrived.
    pub fn signal(&self, number: u8) {
        self.signal.store(number, Ordering::Relaxed);
    }

    /// Tells the other workers that one has failed.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Asks whether to go on.
    ///
    /// # Errors
    /// If a signal has arrived, or another worker has failed. The error for the latter is never shown: the failure itself
    /// is.
    pub fn check(&self) -> Result<(), Interrupted> {
        let signal = self.signal.load(Ordering::Relaxed);
        if signal != 0 || self.failed.load(Ordering::Relaxed) {
            return Err(Interrupted { signal });
        }
        Ok(())
    }
}
