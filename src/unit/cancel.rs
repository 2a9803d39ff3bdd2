//! How a run is stopped early: by a signal, or by the first worker that fails.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::error::{Error, Result};
use crate::tally::Space;

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

    /// Tells the others that one has failed.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// A folder for sums that have no room in memory, whose work ends when this says so.
    #[must_use]
    pub fn space(&self, folder: &Path) -> Space {
        let cancel = self.clone();
        Space::new(folder).with_stop(move || cancel.check())
    }

    /// Asks whether to go on.
    ///
    /// # Errors
    /// If a signal has arrived, or another worker has failed. What is returned for the latter is never shown: the
    /// failure itself is.
    pub fn check(&self) -> Result<()> {
        let signal = self.signal.load(Ordering::Relaxed);
        if signal != 0 || self.failed.load(Ordering::Relaxed) {
            return Err(Error::Interrupted { signal });
        }
        Ok(())
    }
}
