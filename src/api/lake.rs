//! A lake that is there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cancel::Cancel;
use crate::commands::{
    DeltaRequest, RewriteRequest, SummarizeRequest, Summarized, VerifyRequest, compact_lake, delta, forget, summarize,
    verify,
};
use crate::config::CHECKPOINT_AFTER;
use crate::error::{Error, Result};
use crate::lake::{Layout, Snapshot};
use crate::outcome::{CompactReport, DeltaReport, ForgetReport, Verified};

/// A lake that is there: what it holds, whether it is whole, its summaries, and what can be done with it.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("lake");
/// # parcap::Converter::new(&path).inputs(["data/captures/office-hour.pcap"]).run()?;
/// let lake = parcap::Lake::open(&path)?;
/// assert_eq!(lake.snapshot()?.inputs.len(), 1);
/// assert!(lake.verify(true)?.faults.is_empty());
/// let tables = lake.summaries(3)?.listed()?;
/// let volumes = tables.iter().find(|table| table.name == "volume_by_ip").unwrap();
/// assert_eq!(volumes.first.rows(), 3);
/// assert_eq!(lake.forget(["data/captures/office-hour.pcap"])?.rows, 468);
/// # Ok::<_, parcap::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lake {
    path: PathBuf,
    jobs: usize,
    wait: Duration,
    cancel: Cancel,
}

impl Lake {
    /// The lake in a folder.
    ///
    /// # Errors
    /// If there is no lake.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        if !Layout::at(&path).is_there() {
            return Err(Error::NoLake { path });
        }
        Ok(Self { path, jobs: 0, wait: Duration::ZERO, cancel: Cancel::default() })
    }

    /// Threads that work; 0 for one a core.
    #[must_use]
    pub fn jobs(self, jobs: usize) -> Self {
        Self { jobs, ..self }
    }

    /// How long to wait for another run to leave the lake.
    #[must_use]
    pub fn wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// What ends the work early.
    #[must_use]
    pub fn cancel(self, cancel: &Cancel) -> Self {
        Self { cancel: cancel.clone(), ..self }
    }

    /// What the lake holds by its manifests.
    ///
    /// # Errors
    /// If a manifest is missing, or cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot> {
        Snapshot::read(&Layout::at(&self.path))
    }

    /// The summary tables of all dates together, of each the `top` first rows.
    ///
    /// # Errors
    /// If a file of the lake is missing or not what was written, or the work is cancelled.
    pub fn summaries(&self, top: usize) -> Result<Summarized> {
        let all = SummarizeRequest::of_lake(&self.path, &self.cancel);
        summarize(&SummarizeRequest { top: Some(top), jobs: self.jobs, ..all })
    }

    /// Whether the lake's files are those that its manifests name. `deep` reads every value, and counts every sum again.
    ///
    /// # Errors
    /// If the manifests cannot be read, or the work is cancelled. What is wrong with files is in the result.
    pub fn verify(&self, deep: bool) -> Result<Verified> {
        let (lake, jobs, wait, cancel) = (self.path.clone(), self.jobs, self.wait, self.cancel.clone());
        verify(&VerifyRequest { lake, deep, repair: false, jobs, wait, cancel })
    }

    /// Makes the lake's files fewer and larger. The rows are the same.
    ///
    /// # Errors
    /// If another run holds the lake, one of its files is not what was written, or a file cannot be written.
    pub fn compact(&self) -> Result<CompactReport> {
        compact_lake(&self.rewriting())
    }

    /// Makes the lake a Delta table; or makes its log say again what the lake holds, whatever other writers did.
    ///
    /// # Errors
    /// If another run holds the lake, its times are in nanoseconds, or the log cannot be written.
    pub fn delta(&self) -> Result<DeltaReport> {
        delta(&DeltaRequest { lake: self.path.clone(), off: false, wait: self.wait, cancel: self.cancel.clone() })
    }

    /// Takes captures out of the lake, by their paths or by folders that they were in.
    ///
    /// # Errors
    /// As [`Lake::compact`]; and if the lake holds nothing of something that is named: nothing is changed then.
    pub fn forget<P: Into<PathBuf>>(&self, named: impl IntoIterator<Item = P>) -> Result<ForgetReport> {
        let named: Vec<PathBuf> = named.into_iter().map(Into::into).collect();
        forget(&self.rewriting(), &named)
    }

    fn rewriting(&self) -> RewriteRequest {
        RewriteRequest {
            lake: self.path.clone(),
            target_file_size: None,
            jobs: self.jobs,
            wait: self.wait,
            earlier_forms: false,
            retain: None,
            checkpoint_after: CHECKPOINT_AFTER,
            dry_run: false,
            cancel: self.cancel.clone(),
        }
    }
}
