//! Compacting: writes files of a lake again, without reading a capture.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cancel::Cancel;
use crate::config::Settings;
use crate::error::Result;
use crate::lake::{
    Action, Compacted, Compacting, Layout, Losses, Rewriter, Snapshot, Transaction, compact, hold_existing,
    sweep_staging,
};
use crate::outcome::{CompactReport, Lost};
use crate::packets::Encoder;

/// How to write files of a lake again.
#[derive(Clone, Debug)]
pub struct RewriteRequest {
    /// The lake's directory.
    pub lake: PathBuf,
    /// Bytes that a part should have, about. By default as in the last conversion.
    pub target_file_size: Option<u64>,
    /// Workers; 0 for one a core.
    pub jobs: usize,
    /// How long to wait for another run to end.
    pub wait: Duration,
    /// Whether compacting also writes files of an earlier form again, which older readers cannot open.
    pub earlier_forms: bool,
    /// How long compacting, and each commit after it, leaves removed parts in their places, for readers of versions before. `None`
    /// leaves that as it is; 0 ends it.
    pub retain: Option<Duration>,
    /// Bytes of manifests from which on what the lake holds becomes a checkpoint, usually
    /// [`CHECKPOINT_AFTER`](crate::config::CHECKPOINT_AFTER).
    pub checkpoint_after: u64,
    /// Whether to say what would be done, without doing it.
    pub dry_run: bool,
    /// How the run is stopped early.
    pub cancel: Cancel,
}

/// Makes fewer and larger files of a lake and, if wanted, gives them today's form. The rows are the same.
///
/// # Errors
/// If there is no lake, another run holds it, one of its files differs from what was written, or a file cannot be
/// written.
pub fn compact_lake(request: &RewriteRequest) -> Result<CompactReport> {
    let started = Instant::now();
    let ((done, mut lost), told) = with_lake(request, Snapshot::read, |lake, snapshot, settings, losses| {
        let mut lost = Lost::default();
        lost.add(&losses, &snapshot);
        let encoder = Encoder::of_lake(settings, lake.root())?;
        let mut recorded = snapshot.settings.clone().unwrap_or_default();
        if let Some(retain) = request.retain {
            recorded.retain_ms = Some(u64::try_from(retain.as_millis()).unwrap_or(u64::MAX));
            snapshot.agrees_with(&recorded, lake.root())?;
        }
        let mut change = Transaction::new(&snapshot, Action::Compact, recorded);
        change.checkpoint_after = request.checkpoint_after;
        let rewriter = Rewriter::new(lake, &snapshot, &encoder, &request.cancel);
        let how = Compacting { jobs: request.jobs, earlier_forms: request.earlier_forms };
        let mut done = compact(&rewriter, how, &losses, &mut change)?;
        done.released = change.due(&snapshot);
        if done != Compacted::default() || change.changes_retention(&snapshot) {
            let mut after = snapshot;
            after.add(change.manifest.clone());
            change.publish(lake, &mut after)?;
        }
        Ok((done, lost))
    })?;
    lost.delta_lacks = told.delta_lacks;
    Ok(CompactReport { done, lost, seconds: started.elapsed().as_secs_f64(), notes: told.notes })
}

/// What is to be said of a lake that was changed.
pub(super) struct LakeNotes {
    /// What its file system cannot do.
    pub(super) notes: Vec<String>,
    /// Why the Delta log lacks the commit, if it does.
    pub(super) delta_lacks: Option<String>,
}

/// Holds a lake while `work` changes its files. What it holds is read by `read`.
pub(super) fn with_lake<T>(
    request: &RewriteRequest,
    read: impl FnOnce(&Layout) -> Result<Snapshot>,
    work: impl FnOnce(&Layout, Snapshot, &Settings, Losses) -> Result<T>,
) -> Result<(T, LakeNotes)> {
    let (lake, _lock) = hold_existing(&request.lake, request.wait, &request.cancel)?;
    let mut snapshot = read(&lake)?;
    let losses = Losses::find(&lake, &snapshot)?;
    if snapshot.has_base() && losses != Losses::default() {
        // Whose rows are lost is told of all captures.
        snapshot = Snapshot::read(&lake)?;
    }
    let mut settings = snapshot.settings.clone().unwrap_or_default();
    if let Some(size) = request.target_file_size {
        settings.target_file_size = size;
    }
    let result = work(&lake, snapshot, &settings, losses);
    let swept = sweep_staging(&lake);
    let result = result?;
    swept?;
    Ok((result, LakeNotes { notes: lake.notes(), delta_lacks: lake.delta_lacks() }))
}
