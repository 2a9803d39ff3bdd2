//! Committing units that were converted elsewhere, in any order.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::cancel::Cancel;
use crate::commands::abandoned;
use crate::config::CHECKPOINT_AFTER;
use crate::error::Result;
use crate::lake::{Layout, hold, sweep_staging};
use crate::names::PtrOptions;
use crate::outcome::{Report, per_second};
use crate::plan::UnitResult;
use crate::storage::local;

use super::commit_run::CommitRun;
use super::convert::{BATCH, COMMIT_EVERY};
use super::delivered::deliver;
use super::first_line::Plan;
use super::unit_results::UnitResults;

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
    /// Bytes of captures after which the commit publishes what it has; 0 for one commit of all.
    pub commit_every: u64,
    /// Captures after which it does so, usually 16,384. It bounds what is held of them.
    pub batch: usize,
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
            commit_every: COMMIT_EVERY,
            batch: BATCH,
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
/// Many captures are published in several commits, one after [`CommitOptions::commit_every`] bytes or [`CommitOptions::batch`] of
/// them. If it ends early, the same call goes on after the last one of these.
///
/// # Errors
/// If units of the plan are missing and are not to be left out, if the lake has changed since the plan was made, if a
/// capture that has to be converted again does not exist, or if the lake cannot be written.
pub fn commit(lake: &Path, rows: Vec<UnitResult>, options: CommitOptions) -> Result<Report> {
    let mut report = Report::default();
    commit_results(lake, UnitResults::of(rows)?, &options, &mut report)?;
    Ok(report)
}

/// As [`commit`], of results that have been collected on disk, and into a report that the caller keeps if it fails: it says what has
/// been committed.
///
/// # Memory
/// A few hundred bytes for each result, the paths of a plan, of each what it does not share with the one before, and what a conversion takes
/// for as many captures as are committed together.
/// # Errors
/// As [`commit`].
pub fn commit_results(lake: &Path, results: UnitResults, options: &CommitOptions, report: &mut Report) -> Result<()> {
    let started = Instant::now();
    *report = Report { lake: lake.to_path_buf(), ..Report::default() };
    let lake = Layout::at(lake);
    let (results, mut facts) = results.collected()?;
    let uploaded: Vec<_> = facts.iter_mut().flat_map(|of_it| std::mem::take(&mut of_it.uploads)).collect();
    results.drop_lost_attempts(&lake, &mut facts)?;
    deliver(&mut facts, &results, options, report)?;
    let of_first = || facts.first().and_then(|of_it| results.settings.get(of_it.settings));
    let settings = options.plan.as_ref().map(|plan| &plan.settings).or_else(of_first).cloned();
    let nothing = facts.is_empty() && options.plan.as_ref().is_none_or(|plan| plan.units.is_empty());
    if nothing && !lake.is_there() {
        return Ok(());
    }
    lake.check_is_whole()?;
    let lake = lake.made()?;
    let _lock = hold(&lake, options.wait, &options.cancel)?;
    if let Some(settings) = &settings {
        let folders: BTreeSet<_> = facts.iter().filter_map(|of_it| of_it.folder.clone()).collect();
        let result = CommitRun::new(&lake, settings, options, results).commit(facts, report);
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
    Ok(())
}
