//! Forgetting: removes captures from a lake, by their names or by their age.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::advice::Advice;
use crate::convert::{FinalStage, TouchedDays};
use crate::day::Day;
use crate::error::{Error, Result};
use crate::lake::{
    Action, CaptureBrief, CaptureVisitor, FileStamp, InputEntry, Layout, Losses, RefusedEntry, Rewriter, Snapshot,
    Transaction, WantedCaptures, days_of_changed, remove_captures,
};
use crate::names::PtrOptions;
use crate::outcome::{ForgetReport, Forgotten, Report};
use crate::packets::Encoder;
use crate::select::{Called, cannot_go, of_all};
use crate::storage::local;
use crate::storage::objects::is_object;

use super::compact::{RewriteRequest, with_lake};

/// Removes captures from a lake, by their paths or by folders that they were in, whether they still exist or not. A file
/// that still exists is new to the next run.
///
/// # Errors
/// As [`compact_lake`](super::compact::compact_lake); and [`Error::NotHeld`] if a name matches nothing in the lake, or
/// may mean several captures. Then nothing is changed, because one mistyped name puts the others in doubt.
pub fn forget(request: &RewriteRequest, named: &[PathBuf]) -> Result<ForgetReport> {
    with_captures(request, named, None)
}

/// Removes the captures whose newest packet is before a date (UTC), among the named ones, or among all. A capture with
/// packets on both sides stays until all of them are older. A capture without any time goes by its time of modification.
/// Files that still exist are remembered, and not converted again while they are unchanged.
///
/// # Errors
/// As [`forget`].
pub fn forget_before(request: &RewriteRequest, named: &[PathBuf], before: Day) -> Result<ForgetReport> {
    with_captures(request, named, Some(before))
}

fn with_captures(request: &RewriteRequest, named: &[PathBuf], before: Option<Day>) -> Result<ForgetReport> {
    let (mut report, told) = with_lake(request, Snapshot::begin, |lake, mut snapshot, settings, mut losses| {
        let (mut captures, refused) = meant(lake, &mut snapshot, named, before)?;
        let mut kept = cannot_go(lake, &snapshot, &captures, &mut losses, (request.jobs, &request.cancel))?;
        if snapshot.has_base() && losses != Losses::default() {
            // Whose rows are lost is told of all captures.
            snapshot = Snapshot::read(lake)?;
            (captures, _) = meant(lake, &mut snapshot, named, before)?;
            kept = cannot_go(lake, &snapshot, &captures, &mut losses, (request.jobs, &request.cancel))?;
        }
        captures.retain(|id| !kept.contains_key(id));
        let retire =
            |before| snapshot.inputs.values().filter_map(|entry| retired_with(entry, &captures, before)).collect();
        let retired = before.map_or(Vec::new(), retire);
        let entries = captures.iter().filter_map(|id| snapshot.inputs.get(id));
        let gone = entries.map(|entry| Forgotten {
            path: entry.input.path.clone(),
            absolute: entry.input.absolute.clone(),
            rows: entry.found.rows,
        });
        let mut report = ForgetReport { captures: gone.collect(), ..ForgetReport::default() };
        report.before = before.map(Day::text);
        report.lost.add(&losses, &snapshot);
        report.lost.hold_back(&kept, &snapshot);
        report.rows = report.captures.iter().map(|capture| capture.rows).sum();
        report.refused = refused.len() as u64;
        if request.dry_run || (captures.is_empty() && refused.is_empty()) {
            return Ok(report);
        }
        let encoder = Encoder::of_lake(settings, lake.root())?;
        let ptr = PtrOptions { limit: 0, ..PtrOptions::default() };
        let mut stage = FinalStage::open(lake, (settings, &snapshot), &ptr, 0, &request.cancel)?;
        let mut change = Transaction::new(&snapshot, Action::Forget, settings.clone());
        change.manifest.removed.refused = refused;
        change.manifest.refused = retired;
        let packets = if captures.is_empty() {
            BTreeSet::new()
        } else {
            remove_captures(
                &Rewriter::new(lake, &snapshot, &encoder, &request.cancel),
                &captures,
                request.jobs,
                &mut change,
            )?
        };
        let touched = TouchedDays { packets, captures: days_of_changed(&snapshot, &change.manifest) };
        let mut after = snapshot;
        after.add(change.manifest.clone());
        if settings.summaries && !captures.is_empty() {
            let mut told = Report::default();
            stage.stage(touched, &after, &mut change, &mut told)?;
            report.lost.files.extend(told.lost.files);
        }
        report.lost.leave_out_mended(&change, &after);
        change.publish(lake, &mut after)?;
        Ok(report)
    })?;
    report.lost.delta_lacks = told.delta_lacks;
    Ok(ForgetReport { notes: told.notes, ..report })
}

/// The captures that are meant, by their numbers, and the files that are known to be none. Of a lake with a base, these captures
/// are loaded, and those whose rows and sums are in the same files.
fn meant(
    lake: &Layout,
    snapshot: &mut Snapshot,
    named: &[PathBuf],
    before: Option<Day>,
) -> Result<(BTreeSet<usize>, Vec<PathBuf>)> {
    let called = match named {
        [] => Some(Ok(of_all(snapshot)?)),
        _ => Called::of(named, snapshot)?,
    };
    let Some(called) = called else {
        // What else a name may mean is asked of all captures.
        *snapshot = Snapshot::read(lake)?;
        return meant(lake, snapshot, named, before);
    };
    let unheld = |unheld| Error::NotHeld { lake: lake.root().to_path_buf(), named: unheld };
    let Called { mut captures, mut refused } = called.map_err(unheld)?;
    if let Some(before) = before {
        let mut older = OlderCaptures { before, among: captures, older: BTreeSet::new() };
        snapshot.visit_captures(&mut older)?;
        captures = older.older;
        refused.clear();
    }
    snapshot.load(&WantedCaptures::of(&captures))?;
    snapshot.load_files_of(&captures)?;
    Ok((captures, refused))
}

/// Finds captures all of which is before a date. A capture that was left out goes with the capture that stands for it.
struct OlderCaptures {
    before: Day,
    among: BTreeSet<usize>,
    older: BTreeSet<usize>,
}

impl CaptureVisitor for OlderCaptures {
    fn asks_what_was_found(&self) -> bool {
        false
    }

    fn meet(&mut self, brief: &CaptureBrief<'_>) -> Result<bool> {
        const NANOS: i64 = 1_000_000_000;
        const MICROS: i64 = 1_000_000;
        let modified = (brief.modified > 0).then_some(brief.modified / NANOS);
        let newest = brief.last.map_or(modified, |last| Some(last.div_euclid(MICROS)));
        let is_older = brief.same_as.is_none() && newest.is_some_and(|newest| Day::of_seconds(newest) < self.before);
        if is_older && self.among.contains(&brief.id) {
            self.older.insert(brief.id);
        }
        Ok(false)
    }

    fn take(&mut self, _: &InputEntry) -> Result<()> {
        Ok(())
    }
}

/// What is remembered about a capture that is removed for its age, or was left out as a duplicate of one: otherwise the
/// next run would convert it again.
fn retired_with(entry: &Arc<InputEntry>, captures: &BTreeSet<usize>, before: Day) -> Option<RefusedEntry> {
    let goes = captures.contains(&entry.id) || entry.same_as.is_some_and(|same_as| captures.contains(&same_as));
    let input = &entry.input;
    (goes && !input.is_stdin() && may_be_there(&input.absolute)).then(|| RefusedEntry {
        path: input.path.clone(),
        reason: format!("was taken out of the lake, for it is older than {}", before.text()),
        hint: Some(Advice::ByForce),
        seen: Some(FileStamp::of_input(input)),
        retired: true,
    })
}

/// Whether a file exists, or will once its disk is mounted.
fn may_be_there(path: &Path) -> bool {
    if is_object(path) {
        return true;
    }
    let is_gone = |path: &Path| local::facts_of_name(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    !is_gone(path) || path.parent().is_some_and(is_gone)
}
