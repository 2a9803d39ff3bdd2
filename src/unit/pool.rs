//! The workers: as many as were asked for, each taking the next task that nobody has begun.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::ThreadPool;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use crate::commit::UnitRow;
use crate::error::{Error, Result};
use crate::plan::Unit;

use super::convert;
use super::job::{Job, Workshop};
use super::relay::Relay;

/// Converts units, by `jobs` workers that share the tasks of all of them; the rows are in the order of the units. With 0
/// jobs there are as many as the machine has cores, or as `RAYON_NUM_THREADS` says.
///
/// Tasks are handed out in order and waited for in order, so a worker that waits for its turn always waits for one that
/// works. The pool's threads run nothing else and steal nothing, so a wait inside it holds nobody up. There are no more
/// threads than tasks; an assistant may take the place of each that is missing.
///
/// # Errors
/// As [`super::convert_unit`]; of several failures the first one is returned.
pub fn convert_units(units: &[Unit], workshop: &Workshop, jobs: usize) -> Result<Vec<UnitRow>> {
    let allowed = workers(jobs).min(workshop.memory.workers());
    let mut tasks = 0;
    for unit in units {
        if tasks >= allowed {
            break;
        }
        tasks += unit.tasks().len();
    }
    let pool = Pool::start(tasks.min(allowed));
    (pool.threads()..allowed).for_each(|_| workshop.idle.add());
    let dispenser = Mutex::new(Dispenser::new(units));
    let finished = Mutex::new((BTreeMap::new(), None));
    pool.each(|| {
        workshop.idle.add();
        while workshop.cancel.check().is_ok() {
            let taken = dispenser.lock().unwrap_or_else(PoisonError::into_inner).take(workshop);
            let result = match taken {
                Ok(None) => return,
                Ok(Some((number, job, task))) => {
                    workshop.idle.remove();
                    let result = work(&job, number, task);
                    workshop.idle.add();
                    result
                }
                Err(error) => Err(error),
            };
            let mut finished = finished.lock().unwrap_or_else(PoisonError::into_inner);
            match result {
                Ok(None) => {}
                Ok(Some((number, row))) => {
                    finished.0.insert(number, row);
                }
                Err(error) => {
                    workshop.cancel.fail();
                    finished.1.get_or_insert(error);
                }
            }
        }
    });
    workshop.idle.clear();
    let (rows, error) = finished.into_inner().unwrap_or_else(PoisonError::into_inner);
    match error {
        Some(error) => Err(error),
        None => workshop.cancel.check().map(|()| rows.into_values().collect()),
    }
}

/// Does the same to each of many things, by `jobs` workers; the results are in the order of the things.
///
/// # Errors
/// The first of the results that is one.
pub(crate) fn in_order<T: Send, R: Send>(
    things: Vec<T>,
    jobs: usize,
    work: impl Fn(T) -> Result<R> + Send + Sync,
) -> Result<Vec<R>> {
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
enum Pool {
    /// Threads for it.
    Threads(ThreadPool),
    /// This thread, where the system lets no other one start.
    Here,
}

impl Pool {
    /// So many threads, or as many as the system gives: with fewer it takes longer.
    fn start(threads: usize) -> Self {
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

    fn threads(&self) -> usize {
        match self {
            Self::Threads(threads) => threads.current_num_threads(),
            Self::Here => 1,
        }
    }

    /// Has each worker do it once.
    fn each(&self, work: impl Fn() + Sync) {
        match self {
            Self::Threads(threads) => drop(threads.broadcast(|_| work())),
            Self::Here => work(),
        }
    }
}

fn work(job: &Job<'_>, number: usize, task: usize) -> Result<Option<(usize, UnitRow)>> {
    // A panic is a bug; it must neither hang the workers that wait for this one nor end as half a lake.
    let result = catch_unwind(AssertUnwindSafe(|| {
        if convert::run(job, task)? { job.finish().map(|row| Some((number, row))) } else { Ok(None) }
    }));
    result.unwrap_or_else(|panic| Err(Error::Worker { unit: job.unit.name(), message: message(panic.as_ref()) }))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// Hands out tasks in order, and opens a unit when its first task is handed out.
struct Dispenser<'a> {
    units: &'a [Unit],
    next: usize,
    open: Option<(usize, Arc<Job<'a>>, usize)>,
    /// The capture whose chunks are being handed out, and the relay that its units share.
    relay: Option<(PathBuf, u64, Arc<Relay>)>,
}

impl<'a> Dispenser<'a> {
    fn new(units: &'a [Unit]) -> Self {
        Self { units, next: 0, open: None, relay: None }
    }

    fn take(&mut self, workshop: &'a Workshop) -> Result<Option<(usize, Arc<Job<'a>>, usize)>> {
        loop {
            if let Some((number, job, task)) = &mut self.open
                && *task < job.tasks()
            {
                *task += 1;
                return Ok(Some((*number, Arc::clone(job), *task - 1)));
            }
            let Some(unit) = self.units.get(self.next) else {
                return Ok(None);
            };
            let relay = self.relay_of(unit);
            let job = Job::open(unit, self.next, relay, workshop)?;
            self.open = Some((self.next, Arc::new(job), 0));
            self.next += 1;
        }
    }

    /// The units of one capture prove one another's chunks, so they share a relay.
    fn relay_of(&mut self, unit: &Unit) -> Arc<Relay> {
        let chunked = unit.captures.first().and_then(|capture| Some((capture, capture.chunks.clone()?)));
        let Some((capture, chunks)) = chunked else {
            return Arc::new(Relay::starting_at(0));
        };
        let shared = match self.relay.take() {
            Some((path, next, relay)) if path == capture.input.absolute && next == chunks.start => relay,
            _ => Arc::new(Relay::starting_at(chunks.start)),
        };
        self.relay = Some((capture.input.absolute.clone(), chunks.end, Arc::clone(&shared)));
        shared
    }
}
