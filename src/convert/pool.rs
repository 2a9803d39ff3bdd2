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
pub fn convert_units(units: &[Unit], context: &ConvertContext, jobs: usize) -> Result<Vec<UnitResult>> {
    let allowed = workers(jobs).min(context.memory.workers());
    let mut tasks = 0;
    for unit in units {
        if tasks >= allowed {
            break;
        }
        tasks += unit.tasks().len();
    }
    let pool = Pool::start(tasks.min(allowed));
    (pool.threads()..allowed).for_each(|_| context.idle.add());
    let task_queue = Mutex::new(TaskQueue::new(units));
    let finished = Mutex::new((BTreeMap::new(), None));
    pool.each(|| {
        context.idle.add();
        while context.cancel.check().is_ok() {
            let taken = task_queue.lock().unwrap_or_else(PoisonError::into_inner).take(context);
            let result = match taken {
                Ok(None) => return,
                Ok(Some((number, job, task))) => {
                    context.idle.remove();
                    let result = work(&job, number, task);
                    context.idle.add();
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
                    context.cancel.fail();
                    finished.1.get_or_insert(error);
                }
            }
        }
    });
    context.idle.clear();
    let (rows, error) = finished.into_inner().unwrap_or_else(PoisonError::into_inner);
    match error {
        Some(error) => Err(error),
        None => {
            context.cancel.check()?;
            Ok(rows.into_values().collect())
        }
    }
}

/// Converts one unit. When this returns, its parts are staged, synced and whole.
///
/// # Errors
/// If something of the lake cannot be written, or the run is cancelled. Damaged, refused and vanished captures are no
/// errors: the result says what was found.
pub fn convert_unit(unit: &Unit, context: &ConvertContext, jobs: usize) -> Result<UnitResult> {
    let mut rows = convert_units(std::slice::from_ref(unit), context, jobs)?;
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
    turns: Option<(PathBuf, u64, Arc<TurnQueue>)>,
}

impl<'a> TaskQueue<'a> {
    fn new(units: &'a [Unit]) -> Self {
        Self { units, next: 0, open: None, turns: None }
    }

    fn take(&mut self, context: &'a ConvertContext) -> Result<Option<(usize, Arc<Job<'a>>, usize)>> {
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
            let turns = self.turns_of(unit);
            let job = Job::open(unit, self.next, turns, context)?;
            self.open = Some((self.next, Arc::new(job), 0));
            self.next += 1;
        }
    }

    /// The units of one capture prove one another's chunks, so they share a turn queue.
    fn turns_of(&mut self, unit: &Unit) -> Arc<TurnQueue> {
        let chunked = unit.captures.first().and_then(|capture| Some((capture, capture.chunks.clone()?)));
        let Some((capture, chunks)) = chunked else {
            return Arc::new(TurnQueue::starting_at(0));
        };
        let shared = match self.turns.take() {
            Some((path, next, turns)) if path == capture.input.absolute && next == chunks.start => turns,
            _ => Arc::new(TurnQueue::starting_at(chunks.start)),
        };
        self.turns = Some((capture.input.absolute.clone(), chunks.end, Arc::clone(&shared)));
        shared
    }
}
