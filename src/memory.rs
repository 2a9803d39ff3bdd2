//! How much memory a run may take, and how it is shared out.
//!
//! A run has a fixed part, a part for each worker, and a pool for decompressors whose dictionary is larger than usual.
//! The limit decides how many workers there are and which dictionary sizes are accepted. It never changes a row or a byte
//! of a part: what shapes those is in [`crate::config::Settings`].

use std::fmt;

/// Rows of a row group for which [`WORKER`] is enough.
pub const ROW_GROUP_ROWS: usize = 128 << 10;
/// Bytes of an idle process, of what it knows about its captures, and of the final stage of the summaries.
pub const FIXED: u64 = 80 << 20;
/// The most bytes of one worker, whatever it reads: a record of 16 MiB, rows of addresses and names that all differ,
/// their pages and their sums. Ordinary captures take a third of this.
pub const WORKER: u64 = 128 << 20;
/// More bytes of a worker for each row by which row groups exceed [`ROW_GROUP_ROWS`].
const PER_ROW: u64 = 512;
/// Default bytes for dictionaries larger than [`SMALL_WINDOW`], of all workers together: enough for one of
/// `zstd --ultra -22` or `zstd --long` at a time, or two of `xz -9`.
pub const WINDOWS: u64 = 160 << 20;
/// Bytes that every decompressor may take: what `xz -6` and `zstd -19` need. They are part of [`WORKER`].
pub const SMALL_WINDOW: u64 = 10 << 20;
/// The most bytes of a decompressor where no limit is given.
pub const USUAL_WINDOW: u64 = SMALL_WINDOW + WINDOWS;

/// The most bytes of one request for bytes of an object in a store. As many times that are in memory as requests are under way.
pub const FETCH: u64 = 4 << 20;

/// Bytes of pieces of uploads into a store that are in memory.
pub const UPLOADS: u64 = 64 << 20;

/// Requests under way for each worker, where it is not said how many. A connection gives a tenth of what a worker takes.
const FETCHES_PER_WORKER: usize = 4;
/// The fewest: one worker has to wait for them all the same.
const FEWEST_FETCHES: usize = 8;
/// The most requests under way at once.
pub const MOST_FETCHES: usize = 64;

/// A limit that is too small even for one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLittle {
    /// What was given, in MiB.
    pub given_mib: u64,
    /// The least there must be, in MiB.
    pub needed_mib: u64,
}

/// Requests for bytes of objects that are under way at once, for a number of workers.
#[must_use]
pub fn fetches_of(workers: usize) -> usize {
    workers.saturating_mul(FETCHES_PER_WORKER).clamp(FEWEST_FETCHES, MOST_FETCHES)
}

/// The shares of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    workers: usize,
    windows: u64,
}

impl Memory {
    /// Shares `limit` bytes among up to `workers` workers that make row groups of `row_group_rows` rows. If the limit is
    /// less than all of them need, fewer work. What is left is for large dictionaries.
    ///
    /// # Errors
    /// If it is less than one worker needs.
    ///
    /// ```
    /// # use parcap::memory::{FIXED, Memory, WINDOWS, WORKER};
    /// let memory = Memory::share(Some(FIXED + 3 * WORKER), 8, 1000)?;
    /// assert_eq!((memory.workers(), memory.windows()), (3, 0));
    /// assert_eq!(Memory::share(None, 8, 1000)?.windows(), WINDOWS);
    /// assert!(Memory::share(Some(FIXED), 8, 1000).is_err());
    /// # Ok::<_, parcap::memory::TooLittle>(())
    /// ```
    pub fn share(limit: Option<u64>, workers: usize, row_group_rows: usize) -> Result<Self, TooLittle> {
        let workers = workers.max(1);
        let Some(limit) = limit else {
            return Ok(Self { workers, windows: WINDOWS });
        };
        let worker = WORKER + row_group_rows.saturating_sub(ROW_GROUP_ROWS) as u64 * PER_ROW;
        let fit = limit.saturating_sub(FIXED) / worker;
        if fit == 0 {
            return Err(TooLittle { given_mib: limit >> 20, needed_mib: (FIXED + worker).div_ceil(1 << 20) });
        }
        let workers = workers.min(usize::try_from(fit).unwrap_or(usize::MAX));
        Ok(Self { workers, windows: limit - FIXED - workers as u64 * worker })
    }

    /// As [`Memory::share`], with room for requests for bytes of objects besides. Returns how many are under way at once as well: `fetches`,
    /// or if that is 0, four for each worker that there is room for.
    ///
    /// ```
    /// # use parcap::memory::{FETCH, FIXED, Memory, WORKER};
    /// let (memory, fetches) = Memory::share_with_fetches(Some(FIXED + 2 * WORKER + 8 * FETCH), 0, 16, 1000)?;
    /// assert_eq!((memory.workers(), fetches), (2, 8));
    /// assert_eq!(Memory::share_with_fetches(None, 0, 16, 1000)?.1, 64);
    /// assert_eq!(Memory::share_with_fetches(None, 5, 16, 1000)?.1, 5);
    /// # Ok::<_, parcap::memory::TooLittle>(())
    /// ```
    ///
    /// # Errors
    /// If it is less than one worker needs.
    pub fn share_with_fetches(
        limit: Option<u64>,
        fetches: usize,
        workers: usize,
        row_group_rows: usize,
    ) -> Result<(Self, usize), TooLittle> {
        let mut workers = workers.max(1);
        loop {
            let fetches = if fetches > 0 { fetches } else { fetches_of(workers) };
            let beside = FETCH * fetches as u64;
            match Self::share(limit.map(|limit| limit.saturating_sub(beside)), workers, row_group_rows) {
                Ok(memory) if memory.workers == workers => return Ok((memory, fetches)),
                Ok(_) => workers -= 1,
                Err(TooLittle { needed_mib, .. }) if workers == 1 => {
                    let given_mib = limit.unwrap_or(0) >> 20;
                    return Err(TooLittle { given_mib, needed_mib: needed_mib + (beside >> 20) });
                }
                Err(_) => workers -= 1,
            }
        }
    }

    /// Shares what is left of `limit` bytes beside some that are not to be shared.
    ///
    /// ```
    /// # use parcap::memory::{FIXED, Memory, UPLOADS, WORKER};
    /// let shared = Memory::beside(UPLOADS, Some(UPLOADS + FIXED + WORKER), |left| Memory::share(left, 8, 1000))?;
    /// assert_eq!(shared.workers(), 1);
    /// let shared = Memory::beside(UPLOADS, Some(FIXED + WORKER), |left| Memory::share(left, 8, 1000));
    /// assert_eq!(shared.unwrap_err().needed_mib, (UPLOADS + FIXED + WORKER) >> 20);
    /// # Ok::<_, parcap::memory::TooLittle>(())
    /// ```
    ///
    /// # Errors
    /// If it is less than one worker needs.
    pub fn beside<T>(
        bytes: u64,
        limit: Option<u64>,
        share: impl FnOnce(Option<u64>) -> Result<T, TooLittle>,
    ) -> Result<T, TooLittle> {
        share(limit.map(|limit| limit.saturating_sub(bytes))).map_err(|TooLittle { needed_mib, .. }| TooLittle {
            given_mib: limit.unwrap_or(0) >> 20,
            needed_mib: needed_mib + (bytes >> 20),
        })
    }

    /// The most workers.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Bytes for dictionaries larger than [`SMALL_WINDOW`], of all workers together.
    #[must_use]
    pub fn windows(&self) -> u64 {
        self.windows
    }

    /// The most bytes that one decompressor can be given.
    #[must_use]
    pub fn largest_window(&self) -> u64 {
        SMALL_WINDOW.saturating_add(self.windows)
    }
}

/// A number of bytes for display, rounded up to whole MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.0.div_ceil(1 << 20))
    }
}
