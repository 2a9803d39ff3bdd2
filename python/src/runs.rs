//! Commands as functions, and the command itself.

use std::ffi::OsString;
use std::net::IpAddr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use parcap::Cancel;
use parcap::cli;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::errors;
use crate::progress::Progress;
use crate::reader::Batch;
use crate::stream::LOOK;

/// How long work that is interrupted may take to end by itself, as for the command.
const GRACE: Duration = Duration::from_millis(1500);
/// SIGINT.
const SIGINT: u8 = 2;

/// Does work on a thread of its own. Meanwhile this one looks for signals and tells how far it is.
fn watched<T: Send + 'static>(
    py: Python<'_>,
    cancel: &Cancel,
    progress: &Progress,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (send, done) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name("parcap-run".to_owned()).spawn(move || {
        let _ = send.send(work());
    })?;
    let done = Mutex::new(done);
    let mut interrupted: Option<(PyErr, Instant)> = None;
    let result = loop {
        match py.detach(|| done.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(LOOK)) {
            Ok(result) => break Ok(result),
            Err(RecvTimeoutError::Disconnected) => {
                break Err(PyRuntimeError::new_err("the work panicked, which is a bug of parcap"));
            }
            Err(RecvTimeoutError::Timeout) if interrupted.is_none() => {
                if let Err(error) = py.check_signals().and_then(|()| progress.tell(py)) {
                    cancel.signal(SIGINT);
                    interrupted = Some((error, Instant::now()));
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some((error, since)) = interrupted.take() {
                    if since.elapsed() > GRACE {
                        // It waits for input that may never come, and ends when that does.
                        return Err(error);
                    }
                    interrupted = Some((error, since));
                }
            }
        }
    };
    // It has sent its result, or panicked.
    let _ = py.detach(|| thread.join());
    match interrupted {
        Some((error, _)) => Err(error),
        None => result.and_then(|result| progress.tell_last(py).map(|()| result)),
    }
}

/// Runs a command: its status, what it would print to stdout, and to stderr. `input` are the lines of its stdin. `progress` is
/// called with bytes read, bytes in all and packets.
#[pyfunction]
#[pyo3(signature = (arguments, input=Vec::new(), progress=None))]
pub(crate) fn call(
    py: Python<'_>,
    arguments: Vec<OsString>,
    input: Vec<String>,
    progress: Option<Py<PyAny>>,
) -> PyResult<(u8, String, String)> {
    let (cancel, progress) = (Cancel::default(), Progress::of(progress));
    let (told, seen) = (cancel.clone(), Arc::clone(&progress.seen));
    let called = watched(py, &cancel, &progress, move || cli::call(arguments, input, seen, &told))?;
    match called.failure {
        Some(failure) => Err(errors::of_failure(py, &failure)),
        None => Ok((called.status, called.results, called.messages)),
    }
}

/// The tables of `parcap summarize`: the name and the rows of each; and what it would print to stderr.
#[pyfunction]
pub(crate) fn summary_tables(
    py: Python<'_>,
    arguments: Vec<OsString>,
) -> PyResult<(Vec<(&'static str, Batch)>, String)> {
    let cancel = Cancel::default();
    let told = cancel.clone();
    let made = watched(py, &cancel, &Progress::of(None), move || cli::summary_tables(arguments, &told))?;
    let (tables, messages) = made.map_err(|failure| errors::of_failure(py, &failure))?;
    let batches = tables.into_iter().map(|table| {
        let batch = table.first.to_batch().map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        Ok((table.name, Batch(batch)))
    });
    Ok((batches.collect::<PyResult<_>>()?, messages))
}

/// Names of addresses by reverse lookups: a name, or none, for each; and a warning, if there was no answer for some of them.
#[pyfunction]
pub(crate) fn names_of(
    py: Python<'_>,
    options: Vec<OsString>,
    addresses: Vec<IpAddr>,
) -> PyResult<(Vec<Option<String>>, Option<String>)> {
    let cancel = Cancel::default();
    let told = cancel.clone();
    let work = move || cli::names_of(options, &addresses, &told);
    watched(py, &cancel, &Progress::of(None), work)?.map_err(|failure| errors::of_failure(py, &failure))
}

/// The `parcap` command.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| cli::run(arguments))
}
