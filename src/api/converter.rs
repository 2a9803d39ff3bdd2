//! A conversion, put together step by step.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::commands::{BATCH, COMMIT_EVERY, ConvertRequest, convert};
use crate::config::{CHECKPOINT_AFTER, Settings};
use crate::error::Result;
use crate::names::PtrOptions;
use crate::observer::{Observer, Unobserved};
use crate::outcome::Report;
use crate::select::SelectOptions;

/// Converts captures into a lake, without a word on the terminal.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let lake = folder.path().join("lake");
/// let report = parcap::Converter::new(&lake).inputs(["data/captures/office-hour.pcap"]).run()?;
/// assert_eq!((report.inputs, report.rows), (1, 468));
/// // What the lake holds already is not converted again.
/// let report = parcap::Converter::new(&lake).inputs(["data/captures/office-hour.pcap"]).run()?;
/// assert_eq!((report.inputs, report.unchanged), (0, 1));
/// # Ok::<_, parcap::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Converter(ConvertRequest);

impl Converter {
    /// A conversion into the lake in a folder, which is made if it does not exist.
    #[must_use]
    pub fn new(lake: impl Into<PathBuf>) -> Self {
        Self(ConvertRequest {
            named: Vec::new(),
            lake: lake.into(),
            settings: Settings::default(),
            rules: SelectOptions::default(),
            ptr: PtrOptions::default(),
            jobs: 0,
            memory: None,
            strict: false,
            commit_every: COMMIT_EVERY,
            batch: BATCH,
            checkpoint_after: CHECKPOINT_AFTER,
            max_damaged: None,
            top: 0,
            dry_run: false,
            wait: Duration::ZERO,
            observer: Arc::new(Unobserved),
            cancel: Cancel::default(),
        })
    }

    /// More captures: files, folders, patterns, `-` for standard input.
    #[must_use]
    pub fn inputs<P: Into<PathBuf>>(mut self, named: impl IntoIterator<Item = P>) -> Self {
        self.0.named.extend(named.into_iter().map(Into::into));
        self
    }

    /// What shapes rows, parts and summaries. A lake keeps what it was made with.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.0.settings = settings;
        self
    }

    /// What becomes of captures that the lake holds already.
    #[must_use]
    pub fn select(mut self, options: SelectOptions) -> Self {
        self.0.rules = options;
        self
    }

    /// Threads that convert; 0 for one a core.
    #[must_use]
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.0.jobs = jobs;
        self
    }

    /// Bytes of memory that the run may take. Fewer threads convert if they do not fit.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.0.memory = Some(bytes);
        self
    }

    /// Bytes of captures after which the run commits what it has; 0 for one commit at its end.
    #[must_use]
    pub fn commit_every(mut self, bytes: u64) -> Self {
        self.0.commit_every = bytes;
        self
    }

    /// Whether a damaged capture gives no rows at all, instead of those before the damage.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.0.strict = strict;
        self
    }

    /// How long to wait for another run to leave the lake.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.0.wait = wait;
        self
    }

    /// Who is told how far the run is.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.0.observer = observer;
        self
    }

    /// What ends the run early.
    #[must_use]
    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.0.cancel = cancel.clone();
        self
    }

    /// Says what would be converted, and why, and changes nothing: [`Report::would_convert`].
    ///
    /// # Errors
    /// As [`Converter::run`].
    pub fn dry_run(&self) -> Result<Report> {
        convert(&ConvertRequest { dry_run: true, ..self.0.clone() })
    }

    /// Converts, sums up and commits.
    ///
    /// # Errors
    /// If the lake cannot be written, is held by another run, or was made with other settings; nothing of this run is visible
    /// then. Captures that are damaged or refused are no errors: the report names them.
    pub fn run(&self) -> Result<Report> {
        convert(&self.0)
    }
}
