//! How many bytes are asked for ahead of those who read them, in all of a process.
//!
//! A store answers a request after a while, and each connection is slow; so several requests are under way at once. What has come
//! and was not taken is in memory. So their bytes are bounded here, and those who read share them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::memory::{self, MOST_FETCHES};

/// Bytes of one request, at most.
pub(super) const FETCH: u64 = memory::FETCH;

/// Small requests that a reader has under way, however many readers there are.
const FEWEST: usize = 4;

struct FetchPool {
    /// Bytes that may be under way.
    limit: u64,
    taken: u64,
    /// Readers.
    shares: u64,
}

impl FetchPool {
    /// What each reader may have under way.
    fn fair(&self) -> u64 {
        self.limit / self.shares.max(1)
    }

    fn has_room(&self, own: u64, bytes: u64) -> bool {
        own + bytes <= self.fair() && self.taken + bytes <= self.limit
    }
}

static POOL: Mutex<FetchPool> = Mutex::new(FetchPool { limit: 8 * FETCH, taken: 0, shares: 0 });

/// The number that was asked for; 0 for as many as workers need.
static WANTED: AtomicUsize = AtomicUsize::new(0);

fn pool<T>(with: impl FnOnce(&mut FetchPool) -> T) -> T {
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

/// Small requests that take the place of one of 4 MiB: their bytes are few, and each takes as long.
const SMALL_FOR_ONE: usize = 4;

/// How many requests for small objects may be under way in this process, each of up to 1 MiB.
pub(crate) fn small_fetches() -> usize {
    let fetches = pool(|pool| pool.limit / FETCH);
    usize::try_from(fetches).unwrap_or(usize::MAX).saturating_mul(SMALL_FOR_ONE).min(MOST_FETCHES)
}

/// How many of these one reader may have under way.
pub(super) fn small_share() -> usize {
    let readers = pool(|pool| pool.shares).max(1);
    let share = small_fetches() / usize::try_from(readers).unwrap_or(usize::MAX);
    share.max(FEWEST)
}

/// Takes room for bytes that a reader will need soon, as far as the readers leave some. `own` are those that were taken so before.
pub(super) fn take_ahead(own: u64, bytes: u64) -> bool {
    pool(|pool| {
        let has_room = pool.has_room(own, bytes);
        pool.taken += if has_room { bytes } else { 0 };
        has_room
    })
}

/// Gives room back that was taken ahead, and that no reader has adopted.
pub(super) fn give_ahead(bytes: u64) {
    pool(|pool| pool.taken -= bytes);
}

/// Bytes that are under way, of all readers.
#[cfg(test)]
pub(super) fn taken_ahead() -> u64 {
    pool(|pool| pool.taken)
}

/// The share of a reader. Dropping it ends the share.
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

    /// Takes room for a request. There is always some for the first one; for others as far as the share goes.
    pub(super) fn take(&mut self, bytes: u64) -> bool {
        let own = self.taken;
        let has_room = pool(|pool| {
            let has_room = own == 0 || pool.has_room(own, bytes);
            pool.taken += if has_room { bytes } else { 0 };
            has_room
        });
        self.taken += if has_room { bytes } else { 0 };
        has_room
    }

    /// Takes over room that was taken ahead.
    pub(super) fn adopt(&mut self, bytes: u64) {
        self.taken += bytes;
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
