//! The commits of a plan: its results are checked all together, and then published, some captures at a time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::advice::Advice;
use crate::bug::bug;
use crate::config::Settings;
use crate::convert::{ConvertContext, FinalStage, PublishOptions, convert_units, publish, refuse_damaged};
use crate::error::{Error, Result};
use crate::lake::{Layout, PlanProgress, RefusedEntry, Snapshot, WantedCaptures};
use crate::memory::Memory;
use crate::outcome::Report;
use crate::packets::Encoder;
use crate::path_text;
use crate::plan::{UnitResult, unproved};
use crate::select::{Selection, Target};
use crate::threads::workers;

use super::between_portions::BeforePortion;
use super::commit::{CommitOptions, Incomplete};
use super::first_line::{Plan, PlanState};
use super::unit_results::{CollectedResults, ResultFacts, UnitResults};

/// Commits into a lake that is held.
pub(super) struct CommitRun<'a> {
    lake: &'a Layout,
    settings: &'a Settings,
    options: &'a CommitOptions,
    /// What was given; and after that, what was converted again here.
    results: Vec<CollectedResults>,
}

impl<'a> CommitRun<'a> {
    pub(super) fn new(
        lake: &'a Layout,
        settings: &'a Settings,
        options: &'a CommitOptions,
        given: CollectedResults,
    ) -> Self {
        Self { lake, settings, options, results: vec![given] }
    }

    /// Publishes results, in their order.
    pub(super) fn commit(mut self, mut facts: Vec<ResultFacts>, report: &mut Report) -> Result<()> {
        let Self { lake, settings, options, .. } = self;
        let Target { mut snapshot, losses, settings } = Target::begin(lake, settings)?;
        let settings = &settings;
        let mut from = 0;
        if let Some(plan) = &options.plan {
            match plan.state_in(&mut snapshot)? {
                PlanState::IsNew => {}
                PlanState::HasBegun(units) => from = units,
                PlanState::IsDone => {
                    report.newest_packet_timestamp_seconds = snapshot.newest_packet();
                    report.notes.push("the lake holds all of the plan already".to_owned());
                    return Ok(());
                }
                PlanState::IsOld => {
                    let (lake, made, now) = (lake.root().to_path_buf(), plan.sequence, snapshot.sequence);
                    return Err(Error::PlanIsOld { lake, made, now });
                }
            }
        }
        report.lost.add(&losses, &snapshot);
        let mut stage = FinalStage::open(lake, (settings, &snapshot), &options.ptr, options.top, &options.cancel)?;
        if options.plan.is_none() {
            facts.retain(|of_it| !snapshot.has_unit(&of_it.id));
        }
        facts.retain(|of_it| of_it.place >= from);
        let missing = self.complete(&mut facts, from, &snapshot)?;
        let mut selection = options.plan.as_ref().map(|plan| plan.selection().clone()).unwrap_or_default();
        selection.leave(&missing);
        if from > 0 {
            // The rest is committed.
            let left = self.portions_of(&selection, &[from]);
            selection.keep(|path| left.contains_key(path));
            selection.cleared_refusals.clear();
        }
        let portions = self.cut(facts, &selection);
        let starts: Vec<usize> =
            portions.iter().map(|portion| portion.first().map_or(0, |of_it| of_it.place)).collect();
        let places = self.portions_of(&selection, &starts);
        let shares = selection.share_out(portions.len(), |path| places.get(path).copied());
        let (is_cut, mut refusals_committed) = (from > 0 || portions.len() > 1, 0);
        let ends = starts.iter().skip(1).copied().map(Some).chain([None]);
        for ((portion, share), end) in portions.into_iter().zip(shares).zip(ends) {
            options.cancel.check()?;
            let before = BeforePortion::of(&snapshot, report);
            let how = PublishOptions {
                jobs: options.jobs,
                max_damaged: None,
                to_come: 0,
                refusals_committed,
                checkpoint_after: options.checkpoint_after,
                progress: options.plan.as_ref().filter(|_| is_cut).map(|plan| plan.progress(end)),
            };
            let rows = self.rows(&portion, &share, &mut snapshot, report)?;
            snapshot = publish(&mut stage, rows, share, snapshot, how, report)?;
            refusals_committed = report.refused.len();
            before.go_on(&mut snapshot, lake, end.map(|_| WantedCaptures::default()), report)?;
        }
        stage.show_all(&snapshot, report)?;
        // The lake does not have them, so the next plan will.
        report.refused.extend(missing.into_iter().map(left_out));
        Ok(())
    }

    /// Leaves out captures of which units are missing, and converts those again whose chunks do not fit together. Returns the
    /// captures that are left out.
    fn complete(
        &mut self,
        facts: &mut Vec<ResultFacts>,
        from: usize,
        snapshot: &Snapshot,
    ) -> Result<BTreeSet<PathBuf>> {
        let leave_out = self.options.incomplete == Incomplete::LeaveOut;
        if leave_out && let Some(given) = self.results.first() {
            given.keep_staged(self.lake, facts)?;
        }
        let mut missing = BTreeSet::new();
        if let Some(plan) = &self.options.plan {
            let (captures, units) = plan.missing(facts, from);
            if units > 0 && !leave_out {
                let captures = captures.iter().map(|path| path_text::printable(path)).collect();
                return Err(Error::UnitsMissing { missing: units, all: plan.units.len(), captures });
            }
            missing = captures;
            if leave_out {
                // A run that ended early has left these out, and could not say so.
                missing.extend(plan.left_out_before(from, snapshot));
            }
        }
        leave(facts, &missing);
        let again: HashSet<_> = unproved(facts.iter().flat_map(|of_it| &of_it.shares)).into_iter().collect();
        if !again.is_empty() {
            self.convert_again(facts, &again)?;
        }
        let unproved = unproved(facts.iter().flat_map(|of_it| &of_it.shares));
        if let Some(path) = unproved.first().filter(|_| !leave_out) {
            let problem = "some of its units are missing; commit all units of a capture together".to_owned();
            return Err(Error::Commit { path: path.clone(), problem });
        }
        missing.extend(unproved);
        leave(facts, &missing);
        Ok(missing)
    }

    fn convert_again(&mut self, facts: &mut Vec<ResultFacts>, captures: &HashSet<PathBuf>) -> Result<()> {
        let again: Vec<_> = facts.extract_if(.., |of_it| of_it.has(|path| captures.contains(path))).collect();
        let places: HashMap<&str, usize> = again.iter().map(|of_it| (of_it.id.as_str(), of_it.place)).collect();
        let units = again.iter().map(|of_it| Ok(self.read(of_it)?.unit)).collect::<Result<Vec<_>>>()?;
        let converted = convert_units(&units, &self.context()?, self.options.jobs)?;
        let (results, mut converted) = UnitResults::of(converted)?.collected()?;
        for of_it in &mut converted {
            of_it.of = self.results.len();
            of_it.place = places.get(of_it.id.as_str()).copied().unwrap_or(usize::MAX);
        }
        self.results.push(results);
        facts.append(&mut converted);
        facts.sort_by_key(|of_it| of_it.place);
        Ok(())
    }

    /// Cuts results into portions, of whole captures. There is always one, perhaps without results.
    fn cut(&self, facts: Vec<ResultFacts>, selection: &Selection) -> Vec<Vec<ResultFacts>> {
        let CommitOptions { commit_every, batch, .. } = *self.options;
        // Whether a capture of an earlier version has gone is known once all new ones have been read.
        let is_whole = commit_every == 0 || !selection.may_be.is_empty();
        let (mut portions, mut portion) = (Vec::new(), Vec::<ResultFacts>::new());
        let (mut captures, mut bytes) = (0, 0_u64);
        for of_it in facts {
            let goes_on = portion.last().is_some_and(|last| last.first == of_it.first);
            if !is_whole && !goes_on && (captures >= batch || bytes >= commit_every) {
                portions.push(std::mem::take(&mut portion));
                (captures, bytes) = (0, 0);
            }
            captures += of_it.captures;
            bytes = bytes.saturating_add(of_it.bytes);
            portion.push(of_it);
        }
        portions.push(portion);
        portions
    }

    /// The portions of captures that a selection speaks of, where each begins with the unit at a place. Those of units before the first
    /// one are in none.
    fn portions_of(&self, selection: &Selection, starts: &[usize]) -> HashMap<PathBuf, usize> {
        let mut portions = HashMap::new();
        let about = selection.about();
        let units = self.options.plan.iter().flat_map(|plan| plan.units.iter().enumerate());
        for (place, unit) in units.filter(|_| !about.is_empty()) {
            let Some(portion) = starts.partition_point(|start| *start <= place).checked_sub(1) else { continue };
            let captures = unit.captures.iter().filter(|path| about.contains(path.as_path()));
            portions.extend(captures.map(|path| (path, portion)));
        }
        portions
    }

    /// The rows of a portion. What of the lake matters to them is loaded.
    fn rows(
        &self,
        portion: &[ResultFacts],
        share: &Selection,
        snapshot: &mut Snapshot,
        report: &mut Report,
    ) -> Result<Vec<UnitResult>> {
        let mut rows = portion.iter().map(|of_it| self.read(of_it)).collect::<Result<Vec<_>>>()?;
        if snapshot.has_base() {
            let mut wanted = WantedCaptures::default();
            wanted.paths.extend(paths_of(&rows).map(path_text::to_text));
            share.ask_for(&mut wanted);
            snapshot.load(&wanted)?;
            let convert = rows.iter().flat_map(|row| &row.unit.captures).map(|capture| capture.input.clone());
            let share = Selection { convert: convert.collect(), ..share.clone() };
            snapshot.load_files_of(&share.may_remove(snapshot))?;
        }
        if self.options.strict {
            let refused = refused(&rows);
            let taken = snapshot.identities_beside(paths_of(&rows));
            rows = refuse_damaged(rows, &mut self.context()?, self.options.jobs, &taken, report)?;
            if let Some(path) = self::refused(&rows).into_iter().find(|path| !refused.contains(path)) {
                let problem =
                    "shares a unit with a damaged capture, and cannot be read here to convert it again".to_owned();
                return Err(Error::Commit { path, problem });
            }
        }
        Ok(rows)
    }

    fn read(&self, facts: &ResultFacts) -> Result<UnitResult> {
        self.results.get(facts.of).ok_or_else(|| bug!())?.read(facts)
    }

    /// The context for units that have to be converted again here.
    fn context(&self) -> Result<ConvertContext> {
        let Self { lake, settings, options, .. } = self;
        let memory = Memory::share(None, workers(options.jobs), settings.row_group_rows)?;
        let encoder = Encoder::of_lake(settings, lake.root())?;
        Ok(ConvertContext::new((*lake).clone(), encoder, memory, options.cancel.clone()))
    }
}

impl Plan {
    /// How far it is committed once the units before a place are, or all.
    fn progress(&self, end: Option<usize>) -> PlanProgress {
        PlanProgress { plan: self.plan.clone(), units: end.unwrap_or(self.units.len()) }
    }
}

/// Drops the units of captures that are not whole.
fn leave(facts: &mut Vec<ResultFacts>, captures: &BTreeSet<PathBuf>) {
    facts.retain(|of_it| !of_it.has(|path| captures.contains(path)));
}

fn paths_of(rows: &[UnitResult]) -> impl Iterator<Item = &Path> {
    rows.iter().flat_map(|row| &row.unit.captures).map(|capture| capture.input.absolute.as_path())
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
