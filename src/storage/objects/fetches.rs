//! How many bytes are asked for ahead of those who read them, in all of a process.
//!
//! A store answers a request after a while, and each connection is slow; so several requests are under way at once. What has come
//! and was not taken is in memory. So their bytes are bounded here, and those who read share them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Bytes of one request, at most.
pub(super) const FETCH: u64 = crate::memory::FETCH;

struct Pool {
    /// Bytes that may be under way.
    limit: u64,
    taken: u64,
    /// Those who ask.
    shares: u64,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { limit: 8 * FETCH, taken: 0, shares: 0 });

/// The number that was asked for; 0 for as many as workers need.
static WANTED: AtomicUsize = AtomicUsize::new(0);

fn pool<T>(with: impl FnOnce(&mut Pool) -> T) -> T {
    with(&mut POOL.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Notes how many requests for bytes of objects the user wants under way in this process; 0 for as many as workers need.
pub fn want_fetches(fetches: usize) {
    WANTED.store(fetches, Ordering::Relaxed);
}

/// What [`want_fetches`] noted last.
pub(crate) fn wanted_fetches() -> usize {
    WANTED.load(Ordering::Relaxed)
}

/// Sets how many requests for bytes of objects are under way in this process, each of up to 4 MiB. Each reader has one in any case.
pub fn limit_fetches(fetches: usize) {
    pool(|pool| pool.limit = FETCH * fetches.max(1) as u64);
}

/// The share of one who asks for bytes ahead. Dropping it ends the share.
#[derive(Debug)]
pub(super) struct FetchShare {
    /// Bytes under way.
    taken: u64,
}

impl FetchShare {
    pub(super) fn new() -> Self {
        pool(|pool| pool.shares += 1);
        Self { taken: 0 }
    }

    /// Takes room for a request. The first one always has room, if `is_needed`; the others as far as the share goes.
    pub(super) fn take(&mut self, bytes: u64, is_needed: bool) -> bool {
        let own = self.taken;
        let has_room = pool(|pool| {
            let fair = pool.limit / pool.shares.max(1);
            let has_room = (is_needed && own == 0) || (own + bytes <= fair && pool.taken + bytes <= pool.limit);
            pool.taken += if has_room { bytes } else { 0 };
            has_room
        });
        self.taken += if has_room { bytes } else { 0 };
        has_room
    }

    /// Gives the room of a request back.
    pub(super) fn give(&mut self, bytes: u64) {
        self.taken -= bytes;
        pool(|pool| pool.taken -= bytes);
    }
}

impl Drop for FetchShare {
    fn drop(&mut self) {
        pool(|pool| {
            pool.taken -= self.taken;
            pool.shares -= 1;
        });
    }
}
