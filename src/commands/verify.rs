//! Verifying: checks that a lake's files are those that its manifest names, and that they add up.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::lake::{Layout, Lock, Snapshot, problem_of, steadily};
use crate::outcome::RunOutcome;
use crate::path_text;
use crate::storage::local;

use super::audit;
use super::repair::{Repaired, repair};

/// How to verify a lake.
#[derive(Clone, Debug)]
pub struct VerifyRequest {
    /// The lake's directory.
    pub lake: PathBuf,
    /// Whether every value is read, and every sum counted again.
    pub deep: bool,
    /// Whether what is lost is first made again from what is left.
    pub repair: bool,
    /// Workers; 0 for one a core.
    pub jobs: usize,
    /// How long to wait for a run to end.
    pub wait: Duration,
    /// How the run is stopped early.
    pub cancel: Cancel,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    /// Captures in the lake.
    pub captures: u64,
    /// Parts that were checked.
    pub parts: u64,
    /// Their rows.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Partial summaries that were checked.
    pub partials: u64,
    /// Summary tables that were checked.
    pub tables: u64,
    /// What was mended, if that was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repaired: Option<Repaired>,
    /// What is wrong.
    pub faults: Vec<VerifyFault>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct VerifyFault {
    /// Where, below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// What.
    pub problem: String,
}

impl Verified {
    /// How it went: failed if something is wrong, incomplete if what was wrong is mended and something is gone for good.
    #[must_use]
    pub fn outcome(&self) -> RunOutcome {
        if !self.faults.is_empty() {
            RunOutcome::Failed
        } else if self.repaired.as_ref().is_some_and(Repaired::is_loss) {
            RunOutcome::Incomplete
        } else {
            RunOutcome::Complete
        }
    }

    /// The same, with paths below the lake, in order.
    fn below(mut self, lake: &Layout) -> Self {
        for fault in &mut self.faults {
            if let Ok(below) = fault.path.strip_prefix(lake.root()) {
                fault.path = below.to_path_buf();
            }
        }
        self.faults.sort();
        self
    }

    pub(super) fn fault(&mut self, path: impl Into<PathBuf>, problem: impl Into<String>) {
        self.faults.push(VerifyFault { path: path.into(), problem: problem.into() });
    }
}

/// Verifies a lake. Nothing in it is changed, unless it is to be repaired first.
///
/// # Errors
/// If there is no lake, a run holds it, its manifests cannot be read, or the work is cancelled. Faults of its files are
/// no errors: they are in the result.
pub fn verify(request: &VerifyRequest) -> Result<Verified> {
    let lake = Layout::at(&request.lake);
    if !lake.is_there() {
        return Err(Error::NoLake { path: request.lake.clone() });
    }
    let repaired = if request.repair { Some(repair(request)?) } else { None };
    lake.check_is_whole()?;
    let verified = match lock(&lake, request)? {
        Some(_lock) => verify_once(&lake, request)?,
        // Runs are not kept away: a file that a commit removed meanwhile is not lost.
        None => {
            let is_wrong = |verified: &Verified| !verified.faults.is_empty();
            steadily(&lake, || Ok(request.cancel.check()?), is_wrong, || verify_once(&lake, request))?
        }
    };
    Ok(Verified { repaired, ..verified })
}

fn verify_once(lake: &Layout, request: &VerifyRequest) -> Result<Verified> {
    let mut verified = Verified::default();
    let Some(snapshot) = manifests(lake, &mut verified)? else { return Ok(verified.below(lake)) };
    let settings = snapshot.settings.clone().unwrap_or_default();
    verified.captures = snapshot.inputs.len() as u64;
    if local::exists(&lake.pending()) {
        verified.fault(lake.pending(), "a commit was begun and not finished; the next run finishes or undoes it");
    }
    audit::strays(lake, &snapshot, &mut verified)?;
    audit::captures(&snapshot, &mut verified);
    audit::files(lake, &snapshot, &settings, request, &mut verified)?;
    if settings.summaries && verified.faults.is_empty() {
        audit::balance(lake, &snapshot, &mut verified)?;
        if request.deep {
            audit::sums(lake, &snapshot, &settings, request, &mut verified)?;
        }
    }
    Ok(verified.below(lake))
}

/// Keeps runs away, if this user may.
fn lock(lake: &Layout, request: &VerifyRequest) -> Result<Option<Lock>> {
    match Lock::take(lake, request.wait, || Ok(request.cancel.check()?)) {
        Ok(lock) => Ok(Some(lock)),
        Err(Error::Io { source, .. })
            if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The sum of the manifests. `None` if one is missing or damaged: then nothing can be compared with it.
fn manifests(lake: &Layout, verified: &mut Verified) -> Result<Option<Snapshot>> {
    let mut unreadable = Vec::new();
    let (snapshot, problem) = Snapshot::read_all(lake, |error| {
        unreadable.push(error);
        Ok(())
    })?;
    for error in unreadable.into_iter().chain(problem) {
        match error {
            Error::Incomplete { path, problem, .. } => verified.fault(path, problem),
            Error::FileDiffers { ref path, .. } => verified.fault(path, problem_of(&error)),
            Error::Json { ref name, ref source, .. } => verified.fault(name, format!("is no valid manifest: {source}")),
            error => return Err(error),
        }
    }
    if !lake.last_is_sound() {
        verified.fault(lake.root().join("_parcap/last"), "does not say which commit is the last one");
    }
    let is_whole = verified.faults.is_empty();
    Ok(is_whole.then_some(snapshot))
}
