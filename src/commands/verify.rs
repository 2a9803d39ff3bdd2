//! Verifying: checks that a lake's files are those that its manifest names, and that they add up.

use std::path::PathBuf;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::lake::{Layout, Lock, steadily};
use crate::outcome::Verified;

use super::audit;
use super::repair::repair;

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
    // What it was like before does not count.
    lake.look_again();
    lake.check_is_whole()?;
    let verified = match Lock::take_if_permitted(&lake, request.wait, || Ok(request.cancel.check()?))? {
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
    let Some(snapshot) = audit::manifests(lake, &mut verified)? else { return Ok(verified.below(lake)) };
    let settings = snapshot.settings.clone().unwrap_or_default();
    if lake.is_pending()? {
        verified.fault(lake.pending(), "a commit was begun and not finished; the next run finishes or undoes it");
    }
    audit::strays(lake, &snapshot, &mut verified)?;
    let totals = audit::captures(&snapshot, &request.cancel, &mut verified)?;
    verified.captures = totals.captures;
    audit::delta_log(lake, &snapshot, &mut verified)?;
    audit::files(lake, &snapshot, &settings, request, &mut verified)?;
    if settings.summaries && verified.faults.is_empty() {
        audit::balance(lake, &snapshot, totals, &mut verified)?;
        if settings.dns_clients {
            audit::clients(lake, &snapshot, &mut verified)?;
        }
        if request.deep {
            audit::sums(lake, &snapshot, &settings, request, &mut verified)?;
        }
    }
    audit::doubles(lake, &request.cancel, &mut verified)?;
    Ok(verified.below(lake))
}
