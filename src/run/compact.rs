//! `parcap compact` and `parcap forget`: what a lake holds is written anew, and no capture is read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::commit::{Action, Change, Holdings, InputEntry, Lake, Losses, sweep_staging};
use crate::config::Settings;
use crate::discover::path_text;
use crate::error::{Error, Result};
use crate::names::PtrOptions;
use crate::rewrite::{Compacted, Compacting, Rewriter, compact, take_out};
use crate::unit::Cancel;

use super::convert::{encoder, hold};
use super::lost::{HeldBack, Lost, cannot_go};
use super::report::Report;
use super::summaries::FinalStage;

/// How a lake is written anew.
#[derive(Clone, Debug)]
pub struct RewriteRequest {
    /// The lake's directory.
    pub lake: PathBuf,
    /// Bytes that a part should have, about; as in the last conversion, unless it is said.
    pub target_file_size: Option<u64>,
    /// Workers; 0 for one a core.
    pub jobs: usize,
    /// How long to wait for another run to end.
    pub wait: Duration,
    /// Whether a compaction writes files anew that are of an earlier form, which older readers do not know.
    pub earlier_forms: bool,
    /// Whether to say what would be done, and do nothing.
    pub dry_run: bool,
    /// How the run is stopped early.
    pub cancel: Cancel,
}

/// What `parcap compact` did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CompactReport {
    /// Files that went, and those that took their place.
    #[serde(flatten)]
    pub done: Compacted,
    /// What the lake has lost; the files of these partitions and dates stay as they are.
    #[serde(flatten)]
    pub lost: Lost,
    /// How long it took.
    pub seconds: f64,
}

/// Makes the files of a lake fewer and larger, and if that is wanted gives them today's form; the rows are the same.
///
/// # Errors
/// If there is no lake, another run holds it, one of its files is not what was written, or a file cannot be written.
pub fn compact_lake(request: &RewriteRequest) -> Result<CompactReport> {
    let started = Instant::now();
    let (done, lost) = with_lake(request, |lake, held, settings, losses| {
        let mut lost = Lost::default();
        lost.add(&losses, &held);
        let encoder = encoder(settings, lake)?;
        let mut change = Change::new(&held, Action::Compact, held.settings.clone().unwrap_or_default());
        let rewriter = Rewriter::new(lake, &held, &encoder, &request.cancel);
        let how = Compacting { jobs: request.jobs, earlier_forms: request.earlier_forms };
        let done = compact(&rewriter, how, &losses, &mut change)?;
        if done != Compacted::default() {
            let mut after = held;
            after.add(change.manifest.clone());
            change.publish(lake, after)?;
        }
        Ok((done, lost))
    })?;
    Ok(CompactReport { done, lost, seconds: started.elapsed().as_secs_f64() })
}

/// What `parcap forget` did.
#[derive(Debug, Default, Serialize)]
pub struct ForgetReport {
    /// Captures that were taken out.
    pub captures: Vec<Forgotten>,
    /// Refusals that were forgotten: what they are about is looked at again.
    pub refused: u64,
    /// Rows that were taken out.
    pub rows: u64,
    /// What the lake has lost, and the captures that could not be taken out because of it.
    #[serde(flatten)]
    pub lost: Lost,
}

/// A capture that was taken out.
#[derive(Debug, Serialize)]
pub struct Forgotten {
    /// As it was named when it was converted.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
}

/// Takes captures out of a lake, by their paths or by folders that they were in, whether they still exist or not.
///
/// # Errors
/// As [`compact_lake`]; and [`Error::NotHeld`] if the lake holds nothing of something that is named: nothing is changed
/// then, for one name that was mistyped puts the others in doubt.
pub fn forget(request: &RewriteRequest, named: &[PathBuf]) -> Result<ForgetReport> {
    with_lake(request, |lake, held, settings, mut losses| {
        let mut report = ForgetReport::default();
        let (mut removed, mut unknown) = find(named, &held, &mut report);
        let quarantine: Vec<_> =
            held.quarantine.keys().filter(|path| named.iter().any(|name| is_below(path, name))).cloned().collect();
        report.refused = quarantine.len() as u64;
        unknown.retain(|name| !quarantine.iter().any(|path| is_below(path, name)));
        if !unknown.is_empty() {
            let paths = unknown.iter().map(|path| path_text::printable(path)).collect();
            return Err(Error::NotHeld { lake: lake.root().to_path_buf(), paths });
        }
        let kept = cannot_go(lake, &held, &removed, &mut losses, (request.jobs, &request.cancel))?;
        report.lost.add(&losses, &held);
        report.hold_back(&kept, &held);
        removed.retain(|id| !kept.contains_key(id));
        if request.dry_run || (removed.is_empty() && quarantine.is_empty()) {
            return Ok(report);
        }
        let encoder = encoder(settings, lake)?;
        let ptr = PtrOptions { limit: 0, ..PtrOptions::default() };
        let stage = FinalStage::open(lake, (settings, &held), &ptr, 0, &request.cancel)?;
        let mut change = Change::new(&held, Action::Forget, settings.clone());
        change.manifest.removed.refused = quarantine;
        let days = if removed.is_empty() {
            BTreeSet::new()
        } else {
            take_out(&Rewriter::new(lake, &held, &encoder, &request.cancel), &removed, request.jobs, &mut change)?
        };
        let mut after = held;
        after.add(change.manifest.clone());
        if settings.summaries && !removed.is_empty() {
            let mut told = Report::default();
            stage.stage(days, &after, &mut change, &mut told)?;
            report.lost.files.extend(told.lost.files);
        }
        report.lost.leave_out_mended(&change, &after);
        change.publish(lake, after)?;
        Ok(report)
    })
}

impl ForgetReport {
    /// Captures that stay, for each the file that is lost.
    fn hold_back(&mut self, kept: &BTreeMap<usize, PathBuf>, held: &Holdings) {
        for (id, lost) in kept {
            let Some(entry) = held.inputs.get(id) else { continue };
            self.rows -= entry.found.rows;
            let place = self.captures.iter().position(|capture| capture.path == entry.input.path);
            place.into_iter().for_each(|place| drop(self.captures.remove(place)));
            self.lost.held_back.push(HeldBack { path: entry.input.path.clone(), lost: lost.clone() });
        }
    }
}

/// Holds a lake while something is done with what it holds.
fn with_lake<T>(
    request: &RewriteRequest,
    work: impl FnOnce(&Lake, Holdings, &Settings, Losses) -> Result<T>,
) -> Result<T> {
    let lake = Lake::at(&request.lake);
    if !lake.exists() {
        let (problem, hint) = ("is no lake", "make one of captures with `parcap convert`");
        return Err(Error::Summaries { path: request.lake.clone(), problem, hint });
    }
    lake.check_is_whole()?;
    let _lock = hold(&lake, request.wait, &request.cancel)?;
    let held = Holdings::read(&lake)?;
    let losses = Losses::find(&lake, &held)?;
    let mut settings = held.settings.clone().unwrap_or_default();
    if let Some(size) = request.target_file_size {
        settings.target_file_size = size;
    }
    let result = work(&lake, held, &settings, losses);
    let swept = sweep_staging(&lake);
    let result = result?;
    swept?;
    Ok(result)
}

/// The captures that are named, by number; and what is named and is no capture of the lake, nor a folder of any.
fn find(named: &[PathBuf], held: &Holdings, report: &mut ForgetReport) -> (BTreeSet<usize>, Vec<PathBuf>) {
    let (mut removed, mut unknown) = (BTreeSet::new(), Vec::new());
    for name in named {
        let is_named = |entry: &&Arc<InputEntry>| {
            is_below(&entry.input.absolute, name) || (!entry.input.is_stdin() && entry.input.path == *name)
        };
        let found: Vec<_> = held.inputs.values().filter(is_named).collect();
        if found.is_empty() {
            unknown.push(name.clone());
        }
        for entry in found {
            if removed.insert(entry.id) {
                report.captures.push(Forgotten { path: entry.input.path.clone(), rows: entry.found.rows });
                report.rows += entry.found.rows;
            }
        }
    }
    (removed, unknown)
}

/// Whether a file is at a place or below it. What is not there any more cannot be asked for its true name.
fn is_below(absolute: &Path, name: &Path) -> bool {
    let place = name.canonicalize().or_else(|_| std::path::absolute(name));
    place.is_ok_and(|place| absolute.starts_with(place))
}
