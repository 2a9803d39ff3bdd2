//! How a run is stopped early: by a signal, or by the first worker that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::error::{Error, Result};

/// Shared by all workers of a run.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    signal: Arc<AtomicUsize>,
    failed: Arc<AtomicBool>,
}

impl Cancel {
    /// Where a signal handler puts the signal's number.
    #[must_use]
    pub fn signal(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.signal)
    }

    /// Tells the others that one has failed.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Asks whether to go on.
    ///
    /// # Errors
    /// If a signal has arrived, or another worker has failed. What is returned for the latter is never shown: the
    /// failure itself is.
    pub fn check(&self) -> Result<()> {
        let signal = self.signal.load(Ordering::Relaxed);
        if signal != 0 || self.failed.load(Ordering::Relaxed) {
            return Err(Error::Interrupted { signal: u8::try_from(signal).unwrap_or(0) });
        }
        Ok(())
    }
}
