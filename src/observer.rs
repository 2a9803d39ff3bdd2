//! Lets a caller follow how far a run is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts that a progress bar reads while workers write them.
#[derive(Debug, Default)]
pub struct Meter {
    /// Bytes of the inputs that have been read, as they are in the files: compressed ones of compressed captures.
    pub bytes: AtomicU64,
    /// Packet records converted.
    pub records: AtomicU64,
}

impl Meter {
    pub(super) fn add(&self, bytes: u64, records: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.records.fetch_add(records, Ordering::Relaxed);
    }

    /// What was read counts no more, because it will be read again.
    pub(super) fn take_back(&self, bytes: u64, records: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.records.fetch_sub(records, Ordering::Relaxed);
    }
}

/// Is told when a run begins and ends to read captures. What it draws, and where, is its own business: a run prints
/// nothing.
///
/// ```
/// # use std::sync::{Arc, Mutex};
/// # use std::sync::atomic::Ordering;
/// # use parcap::observer::{Meter, Observer};
/// #[derive(Debug, Default)]
/// struct Records(Mutex<Option<Arc<Meter>>>);
///
/// impl Observer for Records {
///     fn begin(&self, _bytes: u64, meter: &Arc<Meter>) {
///         *self.0.lock().unwrap() = Some(Arc::clone(meter));
///     }
///     fn end(&self) {
///         let meter = self.0.lock().unwrap().take().unwrap();
///         println!("{} records", meter.records.load(Ordering::Relaxed));
///     }
/// }
/// ```
pub trait Observer: fmt::Debug + Send + Sync {
    /// Captures of `bytes` bytes are about to be read. `meter` counts what has been read, until [`Observer::end`].
    fn begin(&self, bytes: u64, meter: &Arc<Meter>);

    /// They have been read, or the run failed.
    fn end(&self);
}

/// An observer that ignores everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn begin(&self, _bytes: u64, _meter: &Arc<Meter>) {}

    fn end(&self) {}
}

/// Does the work. Tells an observer before and after it, even if the work panics.
pub(crate) fn observed<T>(observer: &dyn Observer, bytes: u64, meter: &Arc<Meter>, work: impl FnOnce() -> T) -> T {
    struct Ended<'a>(&'a dyn Observer);
    impl Drop for Ended<'_> {
        fn drop(&mut self) {
            self.0.end();
        }
    }
    observer.begin(bytes, meter);
    let _ended = Ended(observer);
    work()
}
