//! Converting: captures to the packets table, then the summaries as the final stage.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cancel::Cancel;
use crate::config::Settings;
use crate::convert::{ConvertContext, FinalStage, convert_units, naming, publish, refuse_damaged};
use crate::error::{Error, Result};
use crate::lake::{Layout, Snapshot, hold, sweep_staging};
use crate::memory::Memory;
use crate::names::PtrOptions;
use crate::observer::{Observer, observed};
use crate::outcome::{MaxDamaged, Report, per_second};
use crate::packets::Encoder;
use crate::plan::{Unit, plan, sample};
use crate::select::{SelectOptions, Selection, Target, would_convert};
use crate::storage::local;
use crate::storage::objects::{is_object, limit_fetches, wanted_fetches};
use crate::threads::workers;

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

/// Runs the whole job.
///
/// # Errors
/// If the lake cannot be written, is held by another run, or was made with other settings; then nothing of this run is
/// visible. Captures that are damaged or refused are no errors: the report names them.
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
        return report.check(request.max_damaged);
    }
    if lock.is_none() {
        // An error in a source of names must show before a lake is made.
        naming::open(&request.settings.names, None, naming::now())?;
        // Made only now, so that a command without captures leaves nothing. Meanwhile another run may have begun.
        lake = lake.made()?;
        lock = Some(hold(&lake, request.wait, &request.cancel)?);
        target = Target::read(&lake, &request.settings)?;
        if target.snapshot.sequence > 0 {
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

/// Shares the memory out. Only a run that reads objects needs some for requests.
fn share_memory(request: &ConvertRequest) -> Result<Memory> {
    let (jobs, rows) = (workers(request.jobs), request.settings.row_group_rows);
    if !request.named.iter().any(|named| is_object(named)) {
        return Ok(Memory::share(request.memory, jobs, rows)?);
    }
    let (memory, fetches) = Memory::share_with_fetches(request.memory, wanted_fetches(), jobs, rows)?;
    limit_fetches(fetches);
    Ok(memory)
}

fn convert_and_commit(
    request: &ConvertRequest,
    memory: Memory,
    lake: &Layout,
    mut selection: Selection,
    snapshot: Snapshot,
    report: &mut Report,
) -> Result<()> {
    let settings = &request.settings;
    let stage = FinalStage::open(lake, (settings, &snapshot), &request.ptr, request.top, &request.cancel)?;
    let context =
        ConvertContext::new(lake.clone(), Encoder::of_lake(settings, lake.root())?, memory, request.cancel.clone());
    let convert = std::mem::take(&mut selection.convert);
    let taken = snapshot.identities_beside(convert.iter().map(|input| input.absolute.as_path()));
    let sampled = sample(convert, settings.chunk_size);
    let units = plan(sampled, settings, &taken);
    let bytes = units.iter().map(Unit::bytes).sum();
    let mut rows =
        observed(&*request.observer, bytes, &context.meter, || convert_units(&units, &context, request.jobs))?;
    if request.strict {
        rows = refuse_damaged(rows, context, request.jobs, &taken, report)?;
    }
    publish(stage, rows, selection, snapshot, (request.jobs, request.max_damaged), report)
}
