//! Threads that share work: as many as were asked for, or as the system gives.

use rayon::ThreadPool;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

/// Does the same to each of many things, by `jobs` workers; the results are in the order of the things.
///
/// # Errors
/// The first of the results that is one.
pub fn in_order<T: Send, R: Send, E: Send>(
    things: Vec<T>,
    jobs: usize,
    work: impl Fn(T) -> Result<R, E> + Send + Sync,
) -> Result<Vec<R>, E> {
    match Pool::start(workers(jobs).min(things.len())) {
        Pool::Threads(threads) => threads.install(|| things.into_par_iter().map(work).collect()),
        Pool::Here => things.into_iter().map(work).collect(),
    }
}

/// How many workers there are for each core at most. More do not read a disk faster, and thousands bring a machine down.
const WORKERS_PER_CORE: usize = 4;

/// How many workers `jobs` are: with 0, as many as the machine has cores, or as `RAYON_NUM_THREADS` says; never more than
/// four for each core.
#[must_use]
pub fn workers(jobs: usize) -> usize {
    let said = || std::env::var("RAYON_NUM_THREADS").ok()?.parse().ok().filter(|threads| *threads > 0);
    let wanted = if jobs > 0 { jobs } else { said().unwrap_or_else(cores) };
    wanted.min(cores().saturating_mul(WORKERS_PER_CORE))
}

/// The cores that this process may use.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Who does the work.
pub(super) enum Pool {
    /// Threads for it.
    Threads(ThreadPool),
    /// This thread, where the system lets no other one start.
    Here,
}

impl Pool {
    /// So many threads, or as many as the system gives: with fewer it takes longer.
    pub(super) fn start(threads: usize) -> Self {
        let mut threads = threads.max(1);
        loop {
            let name = |worker| format!("parcap-{worker}");
            match rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build() {
                Ok(pool) => return Self::Threads(pool),
                Err(_) if threads > 1 => threads /= 2,
                Err(_) => return Self::Here,
            }
        }
    }

    pub(super) fn threads(&self) -> usize {
        match self {
            Self::Threads(threads) => threads.current_num_threads(),
            Self::Here => 1,
        }
    }

    /// Has each worker do it once.
    pub(super) fn each(&self, work: impl Fn() + Sync) {
        match self {
            Self::Threads(threads) => drop(threads.broadcast(|_| work())),
            Self::Here => work(),
        }
    }
}
