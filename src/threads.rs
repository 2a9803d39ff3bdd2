//! Threads that share work: as many as were asked for, or as the system allows.

use rayon::ThreadPool;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

/// Does the same to each of `things`, with `jobs` workers. The results are in the order of the things.
///
/// # Errors
/// The first result that is an error.
pub fn in_order<T: Send, R: Send, E: Send>(
    things: Vec<T>,
    jobs: usize,
    work: impl Fn(T) -> Result<R, E> + Send + Sync,
) -> Result<Vec<R>, E> {
    in_order_by(things, workers(jobs), work)
}

/// As [`in_order`], by this number of threads, whatever the number of cores: for work that waits for others.
///
/// # Errors
/// The first result that is an error.
pub fn in_order_by<T: Send, R: Send, E: Send>(
    things: Vec<T>,
    threads: usize,
    work: impl Fn(T) -> Result<R, E> + Send + Sync,
) -> Result<Vec<R>, E> {
    match Pool::start(threads.min(things.len())) {
        Pool::Threads(threads) => threads.install(|| things.into_par_iter().map(work).collect()),
        Pool::Here => things.into_iter().map(work).collect(),
    }
}

/// Threads for work that waits for files more than it computes: on a network file system each file takes a while to answer.
pub const WAITING: usize = 32;

/// The most workers for each core. More do not read a disk faster, and thousands bring a machine down.
const WORKERS_PER_CORE: usize = 4;

/// The number of workers for `jobs`. With 0 jobs, as many as the machine has cores, or as `RAYON_NUM_THREADS` says. Never
/// more than four for each core.
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

/// The threads that do the work.
pub(super) enum Pool {
    /// Threads for it.
    Threads(ThreadPool),
    /// The current thread, where the system allows no other.
    Here,
}

impl Pool {
    /// `threads` threads, or as many as the system allows; with fewer it takes longer.
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

    /// Runs the work once on each worker.
    pub(super) fn each(&self, work: impl Fn() + Sync) {
        match self {
            Self::Threads(threads) => drop(threads.broadcast(|_| work())),
            Self::Here => work(),
        }
    }
}
