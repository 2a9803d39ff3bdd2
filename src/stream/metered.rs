//! What a meter has counted of one chunk.

use std::sync::Arc;

use crate::observer::Meter;

/// The bytes and records of a chunk that a meter has counted. They are taken back if the chunk is dropped before it is known to
/// be one: it is read again then.
pub(super) struct Metered {
    meter: Arc<Meter>,
    bytes: u64,
    records: u64,
}

impl Metered {
    pub(super) fn new(meter: &Arc<Meter>) -> Self {
        Self { meter: Arc::clone(meter), bytes: 0, records: 0 }
    }

    /// Counts what has been read of the chunk so far.
    pub(super) fn count(&mut self, bytes: u64, records: u64) {
        self.meter.add(bytes - self.bytes, records - self.records);
        (self.bytes, self.records) = (bytes, records);
    }

    /// Counts one stretch of records more.
    pub(super) fn count_stride(&mut self, bytes: u64, records: u64) {
        self.count(bytes, self.records + records);
    }

    /// The chunk counts.
    pub(super) fn keep(mut self) {
        (self.bytes, self.records) = (0, 0);
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.meter.take_back(self.bytes, self.records);
    }
}
