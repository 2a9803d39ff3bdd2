//! Captures as batches: a description that is opened as often as one likes, and its passes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parcap::config::{Decapsulation, LengthKind, TextKind, TimestampUnit};
use parcap::{Filter, ReadCaptures};
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

use crate::capsule;
use crate::errors;
use crate::progress::Progress;
use crate::stream::{Found, Message, NoMessage, Stream};

const FORKED: &str = "this pass is read by the process that began it; begin a new one after a fork";

/// Which packets to read, and how. Opens nothing by itself.
#[pyclass(frozen, module = "parcap._parcap")]
pub(crate) struct Reader {
    request: ReadCaptures,
    schema: SchemaRef,
}

/// One pass over the packets.
#[pyclass(frozen, module = "parcap._parcap")]
pub(crate) struct Pass {
    stream: Mutex<Option<Stream>>,
    schema: SchemaRef,
    /// What was found, once the pass is over, also if another library read it.
    found: Arc<Mutex<Option<Found>>>,
    progress: Arc<Progress>,
}

/// Rows.
#[pyclass(frozen, module = "parcap._parcap")]
pub(crate) struct Batch(pub(crate) RecordBatch);

type Damaged = Vec<(String, String, u64, u64, u64)>;
type Refused = Vec<(String, String, Option<String>)>;

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (paths, columns, *, conditions, nets, times, length, decapsulate, timestamp_unit, text, salvage, batch_rows, jobs, chunk))]
    #[expect(clippy::too_many_arguments, reason = "keywords, of which one caller in Python knows each")]
    fn new(
        py: Python<'_>,
        paths: Vec<PathBuf>,
        columns: Vec<String>,
        conditions: Vec<(String, Vec<Option<String>>)>,
        nets: Vec<String>,
        times: Option<(i64, i64)>,
        length: &str,
        decapsulate: Vec<String>,
        timestamp_unit: &str,
        text: &str,
        salvage: bool,
        batch_rows: Option<usize>,
        jobs: usize,
        chunk: Option<(u64, u64)>,
    ) -> PyResult<Self> {
        let nets = nets.iter().map(|net| {
            net.parse()
                .or_else(|_| net.parse::<std::net::IpAddr>().map(Into::into))
                .map_err(|_| errors::usage(py, &format!("{net:?} is no address and no prefix such as 192.0.2.0/24")))
        });
        let nets = nets.collect::<PyResult<_>>()?;
        let tunnels = Decapsulation::try_from(decapsulate).map_err(|problem| errors::usage(py, &problem))?;
        let mut request = ReadCaptures::new(paths)
            .decapsulate(&tunnels)
            .filter(Filter { nets, times: times.map(|(start, end)| start..end), ..Filter::default() })
            .length(match length {
                "wire" => LengthKind::Wire,
                "captured" => LengthKind::Captured,
                _ => return Err(errors::usage(py, &format!("length is \"wire\" or \"captured\", not {length:?}"))),
            })
            .timestamp_unit(match timestamp_unit {
                "us" => TimestampUnit::Us,
                "ns" => TimestampUnit::Ns,
                unit => return Err(errors::usage(py, &format!("timestamp_unit is \"us\" or \"ns\", not {unit:?}"))),
            })
            .text(match text {
                "string" => TextKind::Utf8,
                "view" => TextKind::View,
                "dictionary" => TextKind::Dictionary,
                _ => {
                    let message = format!("text is \"string\", \"view\" or \"dictionary\", not {text:?}");
                    return Err(errors::usage(py, &message));
                }
            })
            .salvage(salvage)
            .jobs(jobs)
            .columns(columns.iter().map(String::as_str))
            .map_err(|error| errors::of_error(py, error))?;
        for (column, values) in &conditions {
            let values = values.iter().map(Option::as_deref);
            request = request.one_of(column, values).map_err(|error| errors::of_error(py, error))?;
        }
        if let Some(rows) = batch_rows {
            request = request.batch_rows(rows);
        }
        if let Some((start, end)) = chunk {
            request = request.chunk(start..end);
        }
        let schema = request.schema().map_err(|error| errors::of_error(py, error))?;
        Ok(Self { request, schema })
    }

    /// The schema, as `__arrow_c_schema__` gives it.
    fn schema<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::of_schema(py, &self.schema)
    }

    /// Finds the captures: path, format, compression and bytes of each; and what was given that is none: path, why, what to do.
    #[expect(clippy::type_complexity, reason = "rows of two tables")]
    fn find(&self, py: Python<'_>) -> PyResult<(Vec<(String, Option<&'static str>, &'static str, u64)>, Refused)> {
        let (captures, refused) = py.detach(|| self.request.find()).map_err(|error| errors::of_error(py, error))?;
        let captures = captures.iter().map(|input| {
            (
                input.path.display().to_string(),
                input.format.map(|format| format.name()),
                input.compression.name(),
                input.size,
            )
        });
        let refused = refused.into_iter().map(|refused| {
            (refused.path.display().to_string(), refused.reason, refused.hint.map(|hint| hint.to_string()))
        });
        Ok((captures.collect(), refused.collect()))
    }

    /// Begins to read. `progress` is called with bytes read, bytes in all and packets.
    #[pyo3(signature = (limit=None, progress=None))]
    fn open(&self, limit: Option<usize>, progress: Option<Py<PyAny>>) -> PyResult<Pass> {
        let progress = Arc::new(Progress::of(progress));
        let stream = Mutex::new(Some(Stream::start(&self.request, limit, Arc::clone(&progress.seen))?));
        Ok(Pass { stream, schema: Arc::clone(&self.schema), found: Arc::default(), progress })
    }
}

#[pymethods]
impl Pass {
    /// The next batch, or none at the end. Ctrl-C is noticed while it waits.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Batch>> {
        loop {
            let received = py.detach(|| {
                let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
                stream.as_ref().map_or(Err(NoMessage::Ever), Stream::receive)
            });
            py.check_signals().and_then(|()| self.progress.tell(py)).inspect_err(|_| self.close(py))?;
            match received {
                Ok(Message::Batch(batch)) => return Ok(Some(Batch(batch))),
                Ok(Message::End(found)) => {
                    *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
                    self.progress.tell_last(py)?;
                    return Ok(None);
                }
                Ok(Message::Failed(error)) => return Err(errors::of_error(py, error)),
                Err(NoMessage::Yet) => {}
                Err(NoMessage::Ever) => return Ok(None),
                Err(NoMessage::Forked) => return Err(PyRuntimeError::new_err(FORKED)),
            }
        }
    }

    /// The rest of the pass, as `__arrow_c_stream__` gives it. At its end `ended` is called: at once on Python's main thread,
    /// and soon after the end on any other. If `raises`, damage is an error of the stream, on any thread.
    fn stream<'py>(&self, py: Python<'py>, ended: Py<PyAny>, raises: bool) -> PyResult<Bound<'py, PyCapsule>> {
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        let reader = ForeignRead {
            stream,
            schema: Arc::clone(&self.schema),
            found: Arc::clone(&self.found),
            progress: Arc::clone(&self.progress),
            looks: is_main(py)?.then(|| thread::current().id()),
            ended: Arc::new(ended),
            raises,
        };
        capsule::of_stream(py, Box::new(reader))
    }

    /// Ends the reading.
    fn close(&self, py: Python<'_>) {
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(stream));
    }

    /// What was found: damaged captures and refused ones; none before the pass is over.
    fn found(&self) -> Option<(Damaged, Refused)> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.as_ref().map(|found| (found.damaged.clone(), found.refused.clone()))
    }
}

#[pymethods]
impl Batch {
    /// The rows, for any library that knows Arrow.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        // A wish that a producer need not fulfil.
        drop(requested_schema);
        capsule::of_batch(py, &self.0)
    }

    /// How many rows there are.
    #[getter]
    fn num_rows(&self) -> usize {
        self.0.num_rows()
    }

    fn __len__(&self) -> usize {
        self.0.num_rows()
    }
}

/// Whether this is the thread to which Python gives signals.
fn is_main(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    threading
        .call_method0("current_thread")?
        .is(&threading.call_method0("main_thread")?)
        .then_some(true)
        .map_or(Ok(false), Ok)
}

/// A pass that another library reads.
struct ForeignRead {
    stream: Option<Stream>,
    schema: SchemaRef,
    found: Arc<Mutex<Option<Found>>>,
    progress: Arc<Progress>,
    /// The thread on which it may look for signals: Python's main thread, if that began the pass. A thread of another library
    /// must not wait for Python, which may wait for it.
    looks: Option<ThreadId>,
    ended: Arc<Py<PyAny>>,
    raises: bool,
}

impl ForeignRead {
    /// Looks for signals and tells how far it is. Returns why the stream is to end.
    fn look(&self) -> Option<String> {
        if self.looks != Some(thread::current().id()) {
            return None;
        }
        Python::attach(|py| {
            let error = py.check_signals().and_then(|()| self.progress.tell(py)).err()?;
            // The library makes an error of its own of the end of the stream. Python hears of it again when it is back.
            if error.is_instance_of::<PyKeyboardInterrupt>(py) {
                let _ = py.import("_thread").and_then(|thread| thread.call_method0("interrupt_main"));
                return Some("interrupted".to_owned());
            }
            Some(error.to_string())
        })
    }
}

impl ForeignRead {
    /// Handles the end of the pass. Returns an error if the reader is to get one.
    fn end(&mut self, found: Found) -> Option<String> {
        self.stream = None;
        let damaged = found.damaged.iter().map(|(path, message, ..)| format!("{path}: {message}")).next();
        let is_clean = found.damaged.is_empty() && found.refused.is_empty();
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        if self.raises && damaged.is_some() {
            return damaged;
        }
        if self.looks == Some(thread::current().id()) {
            // Where warnings are errors, this is one.
            return Python::attach(|py| self.tell_end(py)).err().map(|error| error.to_string());
        }
        if !is_clean {
            self.tell_end_elsewhere();
        }
        None
    }

    fn tell_end(&self, py: Python<'_>) -> PyResult<()> {
        self.progress.tell_last(py)?;
        self.ended.call0(py).map(drop)
    }

    /// Tells of the end from a thread that may wait for Python as long as it takes.
    fn tell_end_elsewhere(&self) {
        let ended = Arc::clone(&self.ended);
        let told = move || {
            // Nobody is left to be told where Python is about to exit.
            Python::try_attach(|py| {
                if let Err(error) = ended.call0(py) {
                    error.write_unraisable(py, None);
                }
            });
        };
        // If no thread can be had, `Packets.damage` still says it.
        let _ = thread::Builder::new().name("parcap-told".to_owned()).spawn(told);
    }
}

impl Iterator for ForeignRead {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let received = self.stream.as_ref()?.receive();
            if let Some(error) = self.look() {
                self.stream = None;
                return Some(Err(ArrowError::ExternalError(error.into())));
            }
            let error = match received {
                Ok(Message::Batch(batch)) => return Some(Ok(batch)),
                Ok(Message::End(found)) => self.end(found)?,
                Ok(Message::Failed(error)) => error.to_string(),
                Err(NoMessage::Yet) => continue,
                Err(NoMessage::Ever) => "the reading thread is gone".to_owned(),
                Err(NoMessage::Forked) => FORKED.to_owned(),
            };
            self.stream = None;
            return Some(Err(ArrowError::ExternalError(error.into())));
        }
    }
}

impl RecordBatchReader for ForeignRead {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
