//! The Delta log of a lake: beginning it, mending it after other writers, giving it up.
//!
//! The log is written after the commit that says that there is one, and removed before the commit that says that there is none. So a
//! run that is killed in between leaves a lake whose next commit says that the log lacks it, and never a log that nobody keeps.

use std::path::PathBuf;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::lake::{
    Action, DELTA_LOG, DeltaEntry, Layout, Losses, Snapshot, Transaction, can_be_delta, has_delta_log, hold_existing,
    id_in_log, mend_delta, remove_delta_log, sweep_staging,
};
use crate::outcome::DeltaReport;

/// What to do with the Delta log of a lake.
#[derive(Clone, Debug)]
pub struct DeltaRequest {
    /// The lake's directory.
    pub lake: PathBuf,
    /// Whether the log is given up, instead of begun or mended.
    pub off: bool,
    /// How long to wait for another run to end.
    pub wait: Duration,
    /// How the run is stopped early.
    pub cancel: Cancel,
}

/// Makes a lake a Delta table, or makes the log say again what the lake holds; or gives the log up.
///
/// # Errors
/// If there is no lake, another run holds it, its times are in nanoseconds, or something cannot be read or written. A log that
/// parcap did not write is not given up.
pub fn delta(request: &DeltaRequest) -> Result<DeltaReport> {
    let (lake, _lock) = hold_existing(&request.lake, request.wait, &request.cancel)?;
    let snapshot = Snapshot::read(&lake)?;
    if snapshot.sequence == 0 {
        return Err(Error::NoLake { path: request.lake.clone() });
    }
    let done = if request.off { give_up(&lake, snapshot) } else { keep(&lake, snapshot) };
    let swept = sweep_staging(&lake);
    let done = done?;
    swept?;
    Ok(DeltaReport { notes: lake.notes(), ..done })
}

fn keep(lake: &Layout, mut snapshot: Snapshot) -> Result<DeltaReport> {
    let mut settings = snapshot.settings.clone().unwrap_or_default();
    can_be_delta(&settings, lake.root())?;
    let losses = Losses::find(lake, &snapshot)?;
    let lacks_statistics = snapshot.parts.values().any(|part| part.delta.is_none() && !losses.contains(&part.path));
    if snapshot.delta.is_none() || lacks_statistics {
        settings.delta = true;
        if snapshot.delta.is_none() {
            // The log of this lake goes on, if there is one.
            snapshot.delta = id_in_log(lake)?.map(|id| DeltaEntry { id, time: 0 });
        }
        let mut change = Transaction::new(&snapshot, Action::Delta, settings);
        change.replace_manifests(lake.manifest_files()?);
        snapshot.add(change.manifest.clone());
        change.publish(lake, &mut snapshot)?;
        snapshot = Snapshot::read(lake)?;
    }
    let mended = mend_delta(lake, &snapshot)?;
    let mut report = DeltaReport {
        on: true,
        log_version: mended.version,
        added: mended.added,
        removed: mended.removed,
        found: mended.found,
        parts: snapshot.parts.len() as u64,
        rows: snapshot.parts.values().map(|part| part.rows).fold(0, u64::saturating_add),
        ..DeltaReport::default()
    };
    report.lost.add(&losses, &snapshot);
    Ok(report)
}

fn give_up(lake: &Layout, mut snapshot: Snapshot) -> Result<DeltaReport> {
    if !has_delta_log(lake)? && snapshot.delta.is_none() {
        return Ok(DeltaReport::default());
    }
    if snapshot.delta.is_none() && id_in_log(lake)?.is_none() {
        let problem = "is a Delta log that parcap did not write";
        return Err(Error::InTheWay { path: lake.root().join(DELTA_LOG), problem });
    }
    let removed = has_delta_log(lake)?;
    remove_delta_log(lake)?;
    if snapshot.delta.is_some() {
        let settings = snapshot.settings.clone().unwrap_or_default();
        let mut change = Transaction::new(&snapshot, Action::Delta, settings);
        change.leave_delta();
        change.replace_manifests(lake.manifest_files()?);
        snapshot.parts.values_mut().for_each(|part| part.delta = None);
        snapshot.add(change.manifest.clone());
        change.publish(lake, &mut snapshot)?;
    }
    Ok(DeltaReport { given_up: removed, ..DeltaReport::default() })
}
