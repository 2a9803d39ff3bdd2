//! Committing units that were converted elsewhere, in any order: they are published together.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::advice::Advice;
use crate::cancel::Cancel;
use crate::commands::abandoned;
use crate::config::{CHECKPOINT_AFTER, Settings};
use crate::convert::{ConvertContext, FinalStage, PublishOptions, convert_units, publish, refuse_damaged};
use crate::error::{Error, Result};
use crate::lake::{Layout, Losses, RefusedEntry, Snapshot, hold, sweep_staging};
use crate::memory::Memory;
use crate::names::PtrOptions;
use crate::outcome::{Report, per_second};
use crate::packets::Encoder;
use crate::path_text;
use crate::plan::{UnitResult, unproved};
use crate::select::Selection;
use crate::storage::local;
use crate::storage::objects::HeldUpload;
use crate::threads::workers;

use super::delivered::{delivered, folder_of, is_staged, whole};
use super::first_line::Plan;

/// How units that were converted elsewhere are committed.
#[derive(Clone, Debug)]
pub struct CommitOptions {
    /// The plan's first line. Without it, only units whose captures are new can be committed.
    pub plan: Option<Plan>,
    /// What to do with the other units if some are missing.
    pub incomplete: Incomplete,
    /// Folders of plans in which nothing has been written for this long are removed.
    pub abandon: Option<Duration>,
    /// Workers, for what has to be converted again; 0 for one a core.
    pub jobs: usize,
    /// How reverse lookups are done, if they are a source of names.
    pub ptr: PtrOptions,
    /// Whether a damaged capture is refused, instead of converted up to its fault.
    pub strict: bool,
    /// Rows of each summary table that the report shows.
    pub top: usize,
    /// Bytes of manifests since the last checkpoint from which on the commit makes one, usually [`CHECKPOINT_AFTER`].
    pub checkpoint_after: u64,
    /// How long to wait for another run to end.
    pub wait: Duration,
    /// How the commit is stopped early.
    pub cancel: Cancel,
}

impl CommitOptions {
    /// All units of a plan, without reverse lookups.
    #[must_use]
    pub fn of(plan: Plan, cancel: &Cancel) -> Self {
        Self {
            plan: Some(plan),
            incomplete: Incomplete::Refuse,
            abandon: None,
            jobs: 0,
            ptr: PtrOptions::default(),
            strict: false,
            top: 0,
            checkpoint_after: CHECKPOINT_AFTER,
            wait: Duration::ZERO,
            cancel: cancel.clone(),
        }
    }
}

/// What a commit does if units of its plan are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incomplete {
    /// Name them, and commit nothing.
    Refuse,
    /// Leave out the captures that are not whole, name them, and commit the others.
    LeaveOut,
}

/// Publishes the results of units that were converted elsewhere.
///
/// A chunk that began at a wrong position is converted again here, with the rest of its capture. So are captures that
/// share a unit with a damaged one, if `strict` refuses that one. After the commit, all that was staged for the plan is
/// removed, lost attempts included.
///
/// # Errors
/// If units of the plan are missing and are not to be left out, if the lake has changed since the plan was made, if a
/// capture that has to be converted again does not exist, or if the lake cannot be written.
pub fn commit(lake: &Path, rows: Vec<UnitResult>, options: CommitOptions) -> Result<Report> {
    let started = Instant::now();
    let mut report = Report { lake: lake.to_path_buf(), ..Report::default() };
    let lake = Layout::at(lake);
    let uploaded = uploaded(&rows);
    let rows = delivered(whole(&lake, rows), &options, &mut report)?;
    let settings = options.plan.as_ref().map(|plan| &plan.settings);
    let settings = settings.or_else(|| rows.first().map(|row| &row.unit.settings)).cloned();
    let nothing = rows.is_empty() && options.plan.as_ref().is_none_or(|plan| plan.units.is_empty());
    if nothing && !lake.is_there() {
        return Ok(report);
    }
    lake.check_is_whole()?;
    let lake = lake.made()?;
    let _lock = hold(&lake, options.wait, &options.cancel)?;
    if let Some(settings) = &settings {
        let folders: Vec<_> = rows.iter().filter_map(folder_of).collect();
        let result = commit_rows(&lake, rows, settings, &options, &mut report);
        let swept = sweep_staging(&lake);
        result?;
        swept?;
        lake.give_up_others(&uploaded);
        // Only after the commit: until then, these files are the only copy of the work.
        let plan = options.plan.iter().map(|plan| Layout::units().join(&plan.plan));
        plan.chain(folders.iter().cloned()).try_for_each(|folder| lake.remove_below(&folder))?;
        // The folder of an earlier plan, if all its units were committed with this one.
        let plans: BTreeSet<_> = folders.iter().filter_map(|folder| folder.parent()).collect();
        plans.iter().for_each(|folder| drop(local::remove_folder(&lake.resolve(folder))));
    }
    abandoned::sweep(&lake, options.abandon)?;
    report.note_lake(&lake);
    report.seconds = started.elapsed().as_secs_f64();
    report.packets_per_second = per_second(report.records, report.seconds);
    Ok(report)
}

fn commit_rows(
    lake: &Layout,
    mut rows: Vec<UnitResult>,
    settings: &Settings,
    options: &CommitOptions,
    report: &mut Report,
) -> Result<()> {
    let snapshot = Snapshot::read(lake)?;
    snapshot.agrees_with(settings, lake.root())?;
    let mut selection = Selection::default();
    if let Some(plan) = &options.plan {
        if !plan.is_of(&snapshot) && plan.is_done(&snapshot) {
            report.newest_packet_timestamp_seconds = snapshot.newest_packet();
            report.notes.push("the lake holds all of the plan already".to_owned());
            return Ok(());
        }
        if !plan.is_of(&snapshot) {
            return Err(Error::PlanIsOld {
                lake: lake.root().to_path_buf(),
                made: plan.sequence,
                now: snapshot.sequence,
            });
        }
        selection = plan.selection();
    }
    report.lost.add(&Losses::find(lake, &snapshot)?, &snapshot);
    let mut stage = FinalStage::open(lake, (settings, &snapshot), &options.ptr, options.top, &options.cancel)?;
    if options.plan.is_none() {
        rows.retain(|row| !snapshot.has_unit(&row.unit.id));
    }
    let leave_out = options.incomplete == Incomplete::LeaveOut;
    if leave_out {
        rows.retain(|row| is_staged(lake, row));
    }
    let mut missing = BTreeSet::new();
    if let Some(plan) = &options.plan {
        let (captures, units) = plan.missing(&rows);
        if units > 0 && !leave_out {
            let captures = captures.iter().map(|path| path_text::printable(path)).collect();
            return Err(Error::UnitsMissing { missing: units, all: plan.units.len(), captures });
        }
        missing = captures;
    }
    leave(&mut rows, &missing);
    let again: HashSet<_> = unproved(&rows).into_iter().collect();
    if !again.is_empty() {
        let context = context(lake, settings, options.jobs, &options.cancel)?;
        rows = convert_again(&context, rows, &again, options.jobs)?;
    }
    let unproved = unproved(&rows);
    if let Some(path) = unproved.first().filter(|_| !leave_out) {
        let problem = "some of its units are missing; commit all units of a capture together".to_owned();
        return Err(Error::Commit { path: path.clone(), problem });
    }
    leave(&mut rows, &unproved.iter().cloned().collect());
    missing.extend(unproved);
    selection.leave(&missing);
    if options.strict {
        let mut context = context(lake, settings, options.jobs, &options.cancel)?;
        let refused = refused(&rows);
        let captures = rows.iter().flat_map(|row| &row.unit.captures);
        let taken = snapshot.identities_beside(captures.map(|capture| capture.input.absolute.as_path()));
        rows = refuse_damaged(rows, &mut context, options.jobs, &taken, report)?;
        if let Some(path) = self::refused(&rows).into_iter().find(|path| !refused.contains(path)) {
            let problem =
                "shares a unit with a damaged capture, and cannot be read here to convert it again".to_owned();
            return Err(Error::Commit { path, problem });
        }
    }
    let how = PublishOptions {
        jobs: options.jobs,
        max_damaged: None,
        to_come: 0,
        refusals_committed: 0,
        checkpoint_after: options.checkpoint_after,
    };
    publish(&mut stage, rows, selection, snapshot, how, report)?;
    // The lake does not have them, so the next plan will.
    report.refused.extend(missing.into_iter().map(left_out));
    Ok(())
}

/// The uploads of units that were converted for a lake in a bucket.
fn uploaded(rows: &[UnitResult]) -> Vec<HeldUpload> {
    rows.iter().flat_map(|row| &row.parts).filter_map(|part| part.held.clone()).collect()
}

/// Drops the units of captures that are not whole.
fn leave(rows: &mut Vec<UnitResult>, captures: &BTreeSet<PathBuf>) {
    rows.retain(|row| !row.unit.captures.iter().any(|capture| captures.contains(&capture.input.absolute)));
}

/// The entry of a capture that is left out of a commit.
fn left_out(path: PathBuf) -> RefusedEntry {
    let reason = "was left out, for not all of its units are there".to_owned();
    RefusedEntry {
        path,
        reason,
        hint: Some(Advice::Text("the next plan has it again".to_owned())),
        seen: None,
        retired: false,
    }
}

/// The captures that gave no rows because they could not be read.
fn refused(rows: &[UnitResult]) -> HashSet<PathBuf> {
    let captures = rows.iter().flat_map(|row| row.unit.captures.iter().zip(&row.captures));
    captures.filter(|(_, found)| found.refused.is_some()).map(|(capture, _)| capture.input.path.clone()).collect()
}

/// The context for units that have to be converted again here.
fn context(lake: &Layout, settings: &Settings, jobs: usize, cancel: &Cancel) -> Result<ConvertContext> {
    let memory = Memory::share(None, workers(jobs), settings.row_group_rows)?;
    Ok(ConvertContext::new(lake.clone(), Encoder::of_lake(settings, lake.root())?, memory, cancel.clone()))
}

fn convert_again(
    context: &ConvertContext,
    rows: Vec<UnitResult>,
    again: &HashSet<PathBuf>,
    jobs: usize,
) -> Result<Vec<UnitResult>> {
    let of_those = |row: &UnitResult| row.unit.captures.iter().any(|capture| again.contains(&capture.input.absolute));
    let (disproved, mut kept): (Vec<_>, Vec<_>) = rows.into_iter().partition(of_those);
    let units: Vec<_> = disproved.into_iter().map(|row| row.unit).collect();
    kept.extend(convert_units(&units, context, jobs)?);
    Ok(kept)
}
