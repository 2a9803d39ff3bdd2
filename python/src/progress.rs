//! How far a run or a pass is, told to a function of Python.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use parcap::{Meter, Observer};
use pyo3::prelude::*;

/// How often it is told at most.
const OFTEN: Duration = Duration::from_millis(100);

/// How far something is. The thread that works writes it.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<Option<(u64, Arc<Meter>)>>);

impl Seen {
    /// Bytes read, bytes in all, packets; nothing before the work has begun.
    fn now(&self) -> Option<(u64, u64, u64)> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, meter) = seen.as_ref()?;
        // A worker reads on for a little beyond the end of its chunk.
        Some((meter.bytes.load(Ordering::Relaxed).min(*all), *all, meter.records.load(Ordering::Relaxed)))
    }
}

impl Observer for Seen {
    fn begin(&self, bytes: u64, meter: &Arc<Meter>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((bytes, Arc::clone(meter)));
    }

    fn end(&self) {}
}

/// A function of Python that is told bytes read, bytes in all, and packets.
pub(crate) struct Progress {
    pub(crate) seen: Arc<Seen>,
    told: Option<Py<PyAny>>,
    last: Mutex<Option<Instant>>,
}

impl Progress {
    pub(crate) fn of(told: Option<Py<PyAny>>) -> Self {
        Self { seen: Arc::default(), told, last: Mutex::default() }
    }

    /// Tells how far it is, unless that was told a moment ago.
    pub(crate) fn tell(&self, py: Python<'_>) -> PyResult<()> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if self.told.is_none() || last.is_some_and(|last| last.elapsed() < OFTEN) {
            return Ok(());
        }
        *last = Some(Instant::now());
        // The function may let another thread of Python run.
        drop(last);
        self.tell_last(py)
    }

    /// Tells how far it is, at the end.
    pub(crate) fn tell_last(&self, py: Python<'_>) -> PyResult<()> {
        match (&self.told, self.seen.now()) {
            (Some(told), Some(now)) => told.call1(py, now).map(drop),
            _ => Ok(()),
        }
    }
}
