//! The workers, as many as were asked for. Each takes the next task that has not begun.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::convert::task as convert;
use crate::error::{Error, Result};
use crate::plan::{Unit, UnitResult};
use crate::threads::{Pool, workers};

use super::job::{ConvertContext, Job};
use super::turn_queue::TurnQueue;

/// Converts units, by `jobs` workers that share the tasks of all units. The results are in the order of the units. With 0
/// jobs there are as many workers as the machine has cores, or as `RAYON_NUM_THREADS` says.
///
/// Tasks are handed out in order and waited for in order. So a worker that waits for its turn always waits for one that
/// works. The pool's threads run only these tasks and steal nothing, so a wait inside it blocks no other work. There are
/// no more threads than tasks. An encode thread may take the place of each missing one.
///
/// # Errors
/// As [`convert_unit`]. Of several failures the first one is returned.
pub fn convert_units(units: &[Unit], workshop: &ConvertContext, jobs: usize) -> Result<Vec<UnitResult>> {
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
    let dispenser = Mutex::new(TaskQueue::new(units));
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
        None => {
            workshop.cancel.check()?;
            Ok(rows.into_values().collect())
        }
    }
}

/// Converts one unit. When this returns, its parts are staged, synced and whole.
///
/// # Errors
/// If something of the lake cannot be written, or the run is cancelled. Damaged, refused and vanished captures are no
/// errors: the result says what was found.
pub fn convert_unit(unit: &Unit, workshop: &ConvertContext, jobs: usize) -> Result<UnitResult> {
    let mut rows = convert_units(std::slice::from_ref(unit), workshop, jobs)?;
    rows.pop().ok_or_else(|| Error::Worker { unit: unit.name(), message: "it gave no manifest row".to_owned() })
}

fn work(job: &Job<'_>, number: usize, task: usize) -> Result<Option<(usize, UnitResult)>> {
    // A panic is a bug. It must neither hang the workers that wait for this one nor commit half of the work.
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
struct TaskQueue<'a> {
    units: &'a [Unit],
    next: usize,
    open: Option<(usize, Arc<Job<'a>>, usize)>,
    /// The capture whose chunks are being handed out, and the turn queue that its units share.
    relay: Option<(PathBuf, u64, Arc<TurnQueue>)>,
}

impl<'a> TaskQueue<'a> {
    fn new(units: &'a [Unit]) -> Self {
        Self { units, next: 0, open: None, relay: None }
    }

    fn take(&mut self, workshop: &'a ConvertContext) -> Result<Option<(usize, Arc<Job<'a>>, usize)>> {
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

    /// The units of one capture prove one another's chunks, so they share a turn queue.
    fn relay_of(&mut self, unit: &Unit) -> Arc<TurnQueue> {
        let chunked = unit.captures.first().and_then(|capture| Some((capture, capture.chunks.clone()?)));
        let Some((capture, chunks)) = chunked else {
            return Arc::new(TurnQueue::starting_at(0));
        };
        let shared = match self.relay.take() {
            Some((path, next, relay)) if path == capture.input.absolute && next == chunks.start => relay,
            _ => Arc::new(TurnQueue::starting_at(chunks.start)),
        };
        self.relay = Some((capture.input.absolute.clone(), chunks.end, Arc::clone(&shared)));
        shared
    }
}
