//! Converting: captures to the packets table, then the summaries as the final stage.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cancel::Cancel;
use crate::config::Settings;
use crate::convert::{ConvertContext, FinalStage, PublishOptions, convert_units, naming, publish, refuse_damaged};
use crate::discover::Input;
use crate::error::{Error, Result};
use crate::lake::{Layout, WantedCaptures, hold, sweep_staging};
use crate::memory::{Memory, UPLOADS};
use crate::names::PtrOptions;
use crate::observer::{Observer, observed};
use crate::outcome::{MaxDamaged, Report, per_second};
use crate::packets::Encoder;
use crate::path_text;
use crate::plan::{Unit, UnitCapture, plan, portions, sample};
use crate::select::{ArchiveSurvey, SelectOptions, Selection, Target, would_convert};
use crate::storage::local;
use crate::storage::objects::{is_object, limit_fetches, wanted_fetches};
use crate::threads::workers;

use super::between_portions::BeforePortion;

/// Bytes of captures after which a run usually commits what it has.
pub const COMMIT_EVERY: u64 = 64 << 30;

/// New captures that are usually selected together.
pub const BATCH: usize = 16 << 10;

/// What to convert, where to, and how.
#[derive(Clone, Debug)]
pub struct ConvertRequest {
    /// Files, directories, patterns, `-`.
    pub named: Vec<PathBuf>,
    /// The lake's directory.
    pub lake: PathBuf,
    /// The settings that shape rows, parts and summaries.
    pub settings: Settings,
    /// What to do with captures that are in the lake already.
    pub rules: SelectOptions,
    /// How reverse lookups are done, if they are a source of names.
    pub ptr: PtrOptions,
    /// Workers; 0 for one a core.
    pub jobs: usize,
    /// Bytes of memory that the run may take; `None` for what its workers need.
    pub memory: Option<u64>,
    /// Whether a damaged capture is refused, instead of converted up to its fault.
    pub strict: bool,
    /// Bytes of captures after which the run commits what it has; 0 for one commit at its end.
    pub commit_every: u64,
    /// Bytes of manifests since the last checkpoint from which on a commit makes one, usually
    /// [`CHECKPOINT_AFTER`](crate::config::CHECKPOINT_AFTER).
    pub checkpoint_after: u64,
    /// How many new captures are selected together, at least, usually [`BATCH`]. It bounds what a run holds of them.
    pub batch: usize,
    /// How many captures may be damaged or refused before the run fails.
    pub max_damaged: Option<MaxDamaged>,
    /// Rows of each summary table that the report shows.
    pub top: usize,
    /// Whether to say what would be done, without doing it.
    pub dry_run: bool,
    /// How long to wait for another run to end.
    pub wait: Duration,
    /// Is told how far the run is.
    pub observer: Arc<dyn Observer>,
    /// How the run is stopped early.
    pub cancel: Cancel,
}

/// Runs the whole job, in commits of [`ConvertRequest::commit_every`] bytes of captures.
///
/// # Errors
/// If the lake cannot be written, is held by another run, or was made with other settings; then nothing of this run is
/// visible but what it had committed before, and the next run goes on from there. Captures that are damaged or refused are
/// no errors: the report names them.
pub fn convert(request: &ConvertRequest) -> Result<Report> {
    let mut report = Report::default();
    convert_into(request, &mut report)?;
    Ok(report)
}

/// As [`convert`], into a report that the caller keeps if the run fails: it names the captures if too many are damaged.
///
/// # Errors
/// As [`convert`].
pub fn convert_into(request: &ConvertRequest, report: &mut Report) -> Result<()> {
    let started = Instant::now();
    let memory = share_memory(request)?;
    let mut lake = Layout::at(&request.lake);
    if local::is_file(&request.lake) {
        return Err(Error::LakeIsAFile { path: request.lake.clone() });
    }
    // An existing lake is repaired before its content is read.
    lake.check_is_whole()?;
    let mut lock = None;
    if lake.is_there() && !request.dry_run {
        lock = Some(hold(&lake, request.wait, &request.cancel)?);
    }
    *report = Report { lake: request.lake.clone(), ..Report::default() };
    let mut target = Target::begin(&lake, &request.settings)?;
    let rules = SelectOptions { window: memory.largest_window(), jobs: request.jobs, ..request.rules.clone() };
    let most = if request.dry_run { usize::MAX } else { request.batch };
    let select = |survey: &mut ArchiveSurvey, target: &mut Target, report: &mut Report| {
        survey.select(&mut target.snapshot, &rules, (Some(&request.cancel), most), report)
    };
    let mut survey = target.survey(&request.named, &rules, &request.cancel, report)?;
    let mut selection = select(&mut survey, &mut target, report)?;
    if !report.away.is_empty() {
        report.note_lake(&lake);
        return Ok(());
    }
    if request.dry_run {
        report.inputs = selection.convert.len() as u64;
        report.bytes_in = selection.convert.iter().map(|input| input.size).sum();
        report.would_convert = Some(would_convert(&selection, &target.snapshot, &rules));
        return Ok(());
    }
    if lock.is_none() && selection.convert.is_empty() && survey.is_over() {
        return report.check(request.max_damaged, 0);
    }
    if lock.is_none() {
        // An error in a source of names must show before a lake is made.
        naming::open(&request.settings.names, None, naming::now())?;
        // Made only now, so that a command without captures leaves nothing. Meanwhile another run may have begun.
        lake = lake.made()?;
        lock = Some(hold(&lake, request.wait, &request.cancel)?);
        if lake.last_commit(&target.snapshot)? > target.snapshot.sequence {
            target = Target::begin(&lake, &request.settings)?;
            *report = Report { lake: request.lake.clone(), ..Report::default() };
            survey = target.survey(&request.named, &rules, &request.cancel, report)?;
            selection = select(&mut survey, &mut target, report)?;
            if !report.away.is_empty() {
                return Ok(());
            }
        }
    }
    let result = convert_and_commit(request, memory, &lake, &rules, (target, survey), selection, report);
    let swept = sweep_staging(&lake);
    drop(lock);
    result?;
    swept?;
    report.note_lake(&lake);
    report.seconds = started.elapsed().as_secs_f64();
    report.packets_per_second = per_second(report.records, report.seconds);
    Ok(())
}

/// Shares the memory out. Only a run that reads objects needs some for requests, and only one that writes some for uploads.
fn share_memory(request: &ConvertRequest) -> Result<Memory> {
    let (jobs, rows) = (workers(request.jobs), request.settings.row_group_rows);
    let uploads = if is_object(&request.lake) { UPLOADS } else { 0 };
    let shared = Memory::beside(uploads, request.memory, |limit| {
        if !request.named.iter().any(|named| is_object(named)) {
            return Memory::share(limit, jobs, rows);
        }
        let (memory, fetches) = Memory::share_with_fetches(limit, wanted_fetches(), jobs, rows)?;
        limit_fetches(fetches);
        Ok(memory)
    });
    Ok(shared?)
}

fn convert_and_commit(
    request: &ConvertRequest,
    memory: Memory,
    lake: &Layout,
    rules: &SelectOptions,
    (target, survey): (Target, ArchiveSurvey),
    selection: Selection,
    report: &mut Report,
) -> Result<()> {
    let settings = &target.settings.clone();
    let stage = FinalStage::open(lake, (settings, &target.snapshot), &request.ptr, request.top, &request.cancel)?;
    let encoder = Encoder::of_lake(settings, lake.root())?;
    let context = ConvertContext::new(lake.clone(), encoder, memory, request.cancel.clone());
    let meter = Arc::clone(&context.meter);
    let selected = selection.convert.iter().map(|input| input.size).fold(0, u64::saturating_add);
    let bytes = selected.saturating_add(survey.left().1);
    let stage = stage.with_kept_sums(&context.kept_sums);
    let mut run = Run { request, lake, rules, target, survey, stage, context, refusals_committed: 0 };
    observed(&*request.observer, bytes, &meter, || run.convert_all(selection, report))
}

/// A run over a lake that it holds.
struct Run<'a> {
    request: &'a ConvertRequest,
    lake: &'a Layout,
    rules: &'a SelectOptions,
    target: Target,
    survey: ArchiveSurvey,
    stage: FinalStage<'a>,
    context: ConvertContext,
    /// Refusals of the report that have been committed.
    refusals_committed: usize,
}

impl Run<'_> {
    /// Converts and commits what was selected, and then the rest, as many captures at a time as may be.
    fn convert_all(&mut self, mut selection: Selection, report: &mut Report) -> Result<()> {
        loop {
            self.convert_some(selection, report)?;
            if self.survey.is_over() {
                return self.stage.show_all(&self.target.snapshot, report);
            }
            selection = self.select(report)?;
        }
    }

    fn select(&mut self, report: &mut Report) -> Result<Selection> {
        let how = (Some(&self.request.cancel), self.request.batch);
        self.survey.select(&mut self.target.snapshot, self.rules, how, report)
    }

    /// Converts captures that were selected together, in commits of some portions. Those of a unit that may not be full yet wait.
    fn convert_some(&mut self, mut selection: Selection, report: &mut Report) -> Result<()> {
        let Self { request, lake, .. } = *self;
        self.target.hold_back(lake, &mut selection, (request.jobs, &request.cancel), report)?;
        let mut units = self.plan(std::mem::take(&mut selection.convert));
        if !self.survey.is_over()
            && let Some(last) = units.pop_if(|unit| unit.captures.iter().all(may_share))
        {
            let captures: Vec<_> = last.captures.into_iter().map(|capture| capture.input.absolute).collect();
            self.survey.put_back(&captures, &mut selection, report);
        }
        // Whether a capture of an earlier version has gone is known once all new ones have been read.
        let portion_bytes = if selection.may_be.is_empty() { request.commit_every } else { 0 };
        let portions = portions(units, portion_bytes);
        let shares = share_out(selection, &portions);
        let mut to_come: u64 = portions.iter().map(|portion| captures_of(portion)).sum();
        let mut left: VecDeque<_> = portions.into_iter().zip(shares).collect();
        while let Some((units, share)) = left.pop_front() {
            to_come -= captures_of(&units);
            let before = BeforePortion::of(&self.target.snapshot, report);
            self.convert_portion(units, share, to_come, report)?;
            let goes_on = !left.is_empty() || !self.survey.is_over();
            before.go_on(&mut self.target.snapshot, lake, goes_on.then(|| still_wanted(&left)), report)?;
            sweep_staging(lake)?;
        }
        Ok(())
    }

    fn plan(&self, convert: Vec<Input>) -> Vec<Unit> {
        let settings = &self.target.settings;
        let taken = self.target.snapshot.identities_beside(convert.iter().map(|input| input.absolute.as_path()));
        plan(sample(convert, settings.chunk_size), settings, &taken)
    }

    fn convert_portion(&mut self, units: Vec<Unit>, share: Selection, to_come: u64, report: &mut Report) -> Result<()> {
        let Self { request, .. } = *self;
        let snapshot = &mut self.target.snapshot;
        let taken = if request.strict { snapshot.identities_beside(paths_of(&units)) } else { HashSet::new() };
        let mut rows = convert_units(&units, &self.context, request.jobs)?;
        let paths: Vec<PathBuf> = paths_of(&units).map(Path::to_path_buf).collect();
        drop(units);
        if request.strict {
            rows = refuse_damaged(rows, &mut self.context, request.jobs, &taken, report)?;
        }
        let options = PublishOptions {
            jobs: request.jobs,
            max_damaged: request.max_damaged,
            to_come: to_come + self.survey.left().0,
            refusals_committed: self.refusals_committed,
            checkpoint_after: request.checkpoint_after,
            progress: None,
        };
        *snapshot = publish(&mut self.stage, rows, share, std::mem::take(snapshot), options, report)?;
        self.survey.note_converted(&paths, &self.target.snapshot);
        self.refusals_committed = report.refused.len();
        Ok(())
    }
}

/// Whether a capture is one of those that share a unit. A stream cannot wait.
fn may_share(capture: &UnitCapture) -> bool {
    capture.chunks.is_none() && !capture.input.is_stdin()
}

/// The captures of the lake that portions to come speak of.
fn still_wanted(left: &VecDeque<(Vec<Unit>, Selection)>) -> WantedCaptures {
    let mut wanted = WantedCaptures::default();
    for (units, share) in left {
        wanted.paths.extend(paths_of(units).map(path_text::to_text));
        share.ask_for(&mut wanted);
    }
    wanted
}

/// The captures of units. One that is cut counts once.
fn captures_of(units: &[Unit]) -> u64 {
    let goes_on = |unit: &&Unit| {
        unit.captures.first().and_then(|capture| capture.chunks.as_ref()).is_some_and(|chunks| chunks.start > 0)
    };
    units.iter().filter(|unit| !goes_on(unit)).map(|unit| unit.captures.len() as u64).sum()
}

fn paths_of(units: &[Unit]) -> impl Iterator<Item = &Path> {
    units.iter().flat_map(|unit| &unit.captures).map(|capture| capture.input.absolute.as_path())
}

/// What is said about the captures of each portion.
fn share_out(selection: Selection, portions: &[Vec<Unit>]) -> Vec<Selection> {
    let mut places: HashMap<&Path, usize> = HashMap::new();
    if portions.len() > 1 {
        let of_portion = |(place, units)| paths_of(units).map(move |path| (path, place));
        places.extend(portions.iter().map(Vec::as_slice).enumerate().flat_map(of_portion));
    }
    selection.share_out(portions.len(), |path| places.get(path).copied())
}
