//! Converting: captures to the packets table, then the summaries as the final stage.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cancel::Cancel;
use crate::config::Settings;
use crate::convert::{ConvertContext, FinalStage, PublishOptions, convert_units, naming, publish, refuse_damaged};
use crate::error::{Error, Result};
use crate::lake::{Layout, Snapshot, hold, sweep_staging};
use crate::memory::{Memory, UPLOADS};
use crate::names::PtrOptions;
use crate::observer::{Observer, observed};
use crate::outcome::{MaxDamaged, Report, per_second};
use crate::packets::Encoder;
use crate::plan::{Unit, plan, portions, sample};
use crate::select::{SelectOptions, Selection, Target, would_convert};
use crate::storage::local;
use crate::storage::objects::{is_object, limit_fetches, wanted_fetches};
use crate::threads::workers;

/// Bytes of captures after which a run usually commits what it has.
pub const COMMIT_EVERY: u64 = 64 << 30;

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
    let mut target = Target::read(&lake, &request.settings)?;
    let rules = SelectOptions { window: memory.largest_window(), ..request.rules.clone() };
    let mut selection = target.select(&request.named, &rules, &request.cancel, report)?;
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
    if lock.is_none() && selection.convert.is_empty() {
        return report.check(request.max_damaged, 0);
    }
    if lock.is_none() {
        // An error in a source of names must show before a lake is made.
        naming::open(&request.settings.names, None, naming::now())?;
        // Made only now, so that a command without captures leaves nothing. Meanwhile another run may have begun.
        lake = lake.made()?;
        lock = Some(hold(&lake, request.wait, &request.cancel)?);
        if lake.last_commit(&target.snapshot)? > target.snapshot.sequence {
            target = Target::read(&lake, &request.settings)?;
            *report = Report { lake: request.lake.clone(), ..Report::default() };
            selection = target.select(&request.named, &rules, &request.cancel, report)?;
            if !report.away.is_empty() {
                return Ok(());
            }
        }
    }
    let snapshot = target.hold_back(&lake, &mut selection, (request.jobs, &request.cancel), report)?;
    let result = convert_and_commit(request, memory, &lake, selection, snapshot, report);
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
    mut selection: Selection,
    mut snapshot: Snapshot,
    report: &mut Report,
) -> Result<()> {
    let settings = &request.settings;
    let mut stage = FinalStage::open(lake, (settings, &snapshot), &request.ptr, request.top, &request.cancel)?;
    let mut context =
        ConvertContext::new(lake.clone(), Encoder::of_lake(settings, lake.root())?, memory, request.cancel.clone());
    let convert = std::mem::take(&mut selection.convert);
    let first_new = snapshot.next_input();
    let taken = snapshot.identities_beside(convert.iter().map(|input| input.absolute.as_path()));
    let sampled = sample(convert, settings.chunk_size);
    let units = plan(sampled, settings, &taken);
    let bytes = units.iter().map(Unit::bytes).sum();
    // Whether a capture of an earlier version has gone is known once all new ones have been read.
    let portion_bytes = if selection.may_be.is_empty() { request.commit_every } else { 0 };
    let portions = portions(units, portion_bytes);
    let shares = share_out(selection, &portions);
    let meter = Arc::clone(&context.meter);
    observed(&*request.observer, bytes, &meter, || {
        let mut to_come: u64 = portions.iter().map(|portion| captures_of(portion)).sum();
        let mut refusals_committed = 0;
        let mut left = portions.into_iter().zip(shares).peekable();
        while let Some((units, share)) = left.next() {
            to_come -= captures_of(&units);
            let taken = if request.strict { snapshot.identities_beside(paths_of(&units)) } else { HashSet::new() };
            let mut rows = convert_units(&units, &context, request.jobs)?;
            drop(units);
            if request.strict {
                rows = refuse_damaged(rows, &mut context, request.jobs, &taken, report)?;
            }
            let options = PublishOptions {
                jobs: request.jobs,
                max_damaged: request.max_damaged,
                to_come,
                refusals_committed,
                checkpoint_after: request.checkpoint_after,
            };
            snapshot = publish(&mut stage, rows, share, std::mem::take(&mut snapshot), options, report)?;
            refusals_committed = report.refused.len();
            if left.peek().is_some() {
                snapshot.take_up_last_commit(lake)?;
                sweep_staging(lake)?;
            }
        }
        stage.show_all(&snapshot, first_new, report)
    })
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
