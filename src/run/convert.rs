//! `parcap convert`: captures to the packets table, then the summaries as the final stage.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::commit::{Holdings, Lake, Lock, Manifest, Move, UnitRow, publish, recover, sweep};
use crate::config::Settings;
use crate::discover::{self, Compression, Format, Input, Refusal};
use crate::error::{Error, Result};
use crate::memory::Memory;
use crate::names::PtrOptions;
use crate::plan::{Sampled, Unit, plan};
use crate::progress::{self, Progress};
use crate::read::CaptureReader;
use crate::unit::{Cancel, Meter, Spare, Windows, Workshop, convert_units, workers};
use crate::write::Encoder;

use super::naming;
use super::report::{Duplicate, Report};
use super::strict::refuse_damaged;
use super::summaries::FinalStage;

/// Records of a capture's beginning that tell how large its records are.
const SAMPLE: u64 = 256;

/// What is to be converted, whereto, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// Files, directories, patterns, `-`.
    pub named: Vec<PathBuf>,
    /// The lake's directory.
    pub lake: PathBuf,
    /// What shapes rows, parts and summaries.
    pub settings: Settings,
    /// How reverse lookups are done, if they are a source of names.
    pub ptr: PtrOptions,
    /// Workers; 0 for one a core.
    pub jobs: usize,
    /// Bytes of memory that the run may take; `None` for what its workers need.
    pub memory: Option<u64>,
    /// Whether a damaged capture is refused, instead of converted up to its fault.
    pub strict: bool,
    /// Rows of each summary table that the report shows.
    pub top: usize,
    /// Whether to say what would be done, and do nothing.
    pub dry_run: bool,
    /// Whether progress is shown.
    pub progress: Progress,
    /// How the run is stopped early.
    pub cancel: Cancel,
}

/// Runs the whole job.
///
/// # Errors
/// If the lake cannot be written, is held by another run, or was made with other settings; nothing of this run is
/// visible then. Captures that are damaged or refused are no errors: the report names them.
pub fn convert(request: &Request) -> Result<Report> {
    let started = Instant::now();
    let memory = Memory::share(request.memory, workers(request.jobs), request.settings.row_group_rows)?;
    let mut lake = Lake::at(&request.lake);
    if request.lake.is_file() {
        return Err(Error::LakeIsAFile { path: request.lake.clone() });
    }
    // A lake that is there is repaired before anybody looks at what it holds.
    let mut lock = None;
    if lake.exists() && !request.dry_run {
        lock = Some(hold(&lake)?);
    }
    let mut report = Report { lake: request.lake.clone(), ..Report::default() };
    let mut held = Holdings::read(&lake)?;
    held.agrees_with(&request.settings, &request.lake)?;
    let mut inputs = inputs(&request.named, &held, memory.largest_window(), &mut report);
    if request.dry_run {
        report.inputs = inputs.len() as u64;
        report.bytes_in = inputs.iter().map(|input| input.size).sum();
        return Ok(report);
    }
    if inputs.is_empty() {
        return Ok(report);
    }
    if lock.is_none() {
        // What is wrong with a source of names shows before there is a lake.
        naming::open(&request.settings.names, None, naming::now())?;
        // Only now, so that a command without captures leaves nothing behind; meanwhile another run may have begun.
        lake = Lake::create(&request.lake)?;
        lock = Some(hold(&lake)?);
        held = Holdings::read(&lake)?;
        held.agrees_with(&request.settings, &request.lake)?;
        inputs.retain(|input| !held.inputs.contains_key(&input.absolute));
    }
    report.duplicates = duplicates(&inputs, &held);
    let units = plan(
        inputs.into_iter().map(|input| sample(input, request.settings.chunk_size)).collect(),
        &request.settings,
        &held.units,
    );
    let result = convert_and_commit(request, memory, &lake, &units, held, &mut report);
    let swept = sweep(&lake.resolve(&Lake::staging()));
    drop(lock);
    result?;
    swept?;
    report.seconds = started.elapsed().as_secs_f64();
    report.packets_per_second = per_second(report.records, report.seconds);
    Ok(report)
}

/// Takes a lake's lock, and finishes or undoes what a dead run began.
pub(super) fn hold(lake: &Lake) -> Result<Lock> {
    let lock = Lock::take(lake)?;
    recover(lake)?;
    Ok(lock)
}

fn convert_and_commit(
    request: &Request,
    memory: Memory,
    lake: &Lake,
    units: &[Unit],
    held: Holdings,
    report: &mut Report,
) -> Result<()> {
    let stage = FinalStage::open(lake, &request.settings, &request.ptr, request.top, &request.cancel)?;
    let workshop = Workshop {
        lake: lake.clone(),
        staging: Lake::staging().join("units"),
        encoder: encoder(&request.settings, lake)?,
        cancel: request.cancel.clone(),
        memory,
        windows: Windows::new(&memory),
        meter: Meter::default(),
        spare: Spare::default(),
    };
    let bytes = units.iter().map(bytes_of).sum();
    let mut rows =
        progress::watch(request.progress, bytes, &workshop.meter, || convert_units(units, &workshop, request.jobs))?;
    if request.strict {
        rows = refuse_damaged(rows, workshop, request.jobs, &held.units, report)?;
    }
    commit_rows(stage, rows, held, report)
}

/// The encoder of a lake's parts.
pub(super) fn encoder(settings: &Settings, lake: &Lake) -> Result<Encoder> {
    Encoder::new(settings).map_err(|source| Error::Parquet { path: lake.root().to_path_buf(), source })
}

fn bytes_of(unit: &Unit) -> u64 {
    unit.captures
        .iter()
        .map(|capture| match &capture.chunks {
            None => capture.input.size,
            Some(chunks) => {
                let start = chunks.start * unit.settings.chunk_size;
                (chunks.end * unit.settings.chunk_size).min(capture.input.size).saturating_sub(start)
            }
        })
        .sum()
}

/// Checks, summarizes and publishes what was staged.
pub(super) fn commit_rows(
    stage: FinalStage<'_>,
    mut rows: Vec<UnitRow>,
    held: Holdings,
    report: &mut Report,
) -> Result<()> {
    let (lake, settings) = (stage.lake, stage.settings);
    // The same bytes through standard input once more are not converted twice, whatever the settings.
    let again = |row: &UnitRow| {
        let mut streams = row.unit.captures.iter().filter(|capture| capture.input.is_stdin());
        streams.any(|capture| capture.input.fingerprint.as_ref().is_some_and(|known| held.streams.contains(known)))
    };
    let before = rows.len();
    rows.retain(|row| !again(row));
    report.unchanged += (before - rows.len()) as u64;
    let manifest = Manifest::new(held.sequence + 1, settings.clone(), &rows, report.refused.clone());
    (report.records, report.rows) = (manifest.records, manifest.rows);
    if manifest.records != manifest.rows {
        return Err(Error::RowsDiffer { framed: manifest.records, written: manifest.rows });
    }
    manifest.inputs.iter().for_each(|entry| report.add(entry));
    if manifest.units.is_empty() {
        return Ok(());
    }
    let mut moves = Vec::new();
    for row in &rows {
        report.parts += row.parts.len() as u64;
        report.bytes_out += row.parts.iter().map(|part| part.bytes).sum::<u64>();
        moves.extend(row.parts.iter().map(|part| Move { from: part.staged.clone(), to: part.path.clone() }));
        moves.extend(row.partial.iter().map(|part| Move { from: part.staged.clone(), to: part.path.clone() }));
    }
    if rows.iter().any(|row| row.partial.is_some()) {
        moves.extend(stage.stage(&rows, held, &manifest, report)?);
    }
    publish(lake, moves, &manifest)
}

/// What was named, as inputs that the lake does not hold; the rest is noted in the report. A decompressor may take up to
/// `window` bytes of memory.
pub(super) fn inputs(named: &[PathBuf], held: &Holdings, window: u64, report: &mut Report) -> Vec<Input> {
    let found = discover::find(named);
    report.stepped_over = found.stepped_over;
    let mut inputs = Vec::new();
    if found.stdin {
        inputs.push(Input::unread(Path::new("-")));
    }
    let mut captures: HashSet<PathBuf> = HashSet::new();
    let mut mentioned: HashSet<PathBuf> = found.refused.iter().map(|(path, _)| path.clone()).collect();
    for (path, refusal) in found.refused {
        report.refuse(path, &refusal);
    }
    for candidate in found.candidates {
        let (path, claimed) = (candidate.path.clone(), candidate.claimed);
        match held.inputs.get(&candidate.absolute) {
            Some(entry) if entry.input.size == candidate.size && entry.input.modified == candidate.modified => {
                report.unchanged += 1;
                captures.insert(path);
                continue;
            }
            Some(_) => {
                mentioned.insert(path.clone());
                report.refuse(path, &Refusal::Changed);
                continue;
            }
            None => {}
        }
        match candidate.probe_within(window) {
            // A file without bytes is a capture only if somebody says so.
            Ok(input) if claimed || input.format != Some(Format::Empty) => {
                captures.insert(path);
                inputs.push(input);
            }
            Err(refusal) if claimed => {
                mentioned.insert(path.clone());
                report.refuse(path, &refusal);
            }
            _ => report.stepped_over += 1,
        }
    }
    for directory in named.iter().filter(|path| path.is_dir()) {
        if !captures.iter().chain(&mentioned).any(|path| path.starts_with(directory)) {
            report.refuse(directory.clone(), &Refusal::NoCaptures);
        }
    }
    inputs
}

fn duplicates(inputs: &[Input], held: &Holdings) -> Vec<Duplicate> {
    let mut seen: HashMap<&str, &PathBuf> = HashMap::new();
    for entry in held.inputs.values() {
        seen.extend(entry.input.fingerprint.as_deref().map(|fingerprint| (fingerprint, &entry.input.path)));
    }
    let mut duplicates = Vec::new();
    for input in inputs.iter().filter(|input| input.format != Some(Format::Empty)) {
        let Some(fingerprint) = input.fingerprint.as_deref() else {
            continue;
        };
        match seen.get(fingerprint) {
            Some(same_as) => duplicates.push(Duplicate { path: input.path.clone(), same_as: (*same_as).clone() }),
            None => {
                seen.insert(fingerprint, &input.path);
            }
        }
    }
    duplicates
}

/// Looks at the first records of a capture that may be cut into chunks, for the planner.
pub(super) fn sample(input: Input, chunk_size: u64) -> Sampled {
    let mut sampled = Sampled { input, bytes_per_record: None, starts_timed: true };
    // Small captures are not cut, whatever their records are like; neither are compressed ones.
    if sampled.input.size <= chunk_size || sampled.input.compression != Compression::None || sampled.input.is_stdin() {
        return sampled;
    }
    let Ok(mut reader) = CaptureReader::open(&sampled.input) else {
        return sampled;
    };
    let start = reader.position().offset;
    while reader.frames() < SAMPLE {
        match reader.next() {
            Ok(Some(record)) if record.time.is_none() => {
                sampled.starts_timed = false;
                break;
            }
            Ok(Some(_)) => {}
            _ => break,
        }
    }
    let bytes = reader.position().offset - start;
    sampled.bytes_per_record = bytes.checked_div(reader.frames().saturating_sub(1));
    sampled
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
pub(super) fn per_second(records: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { records as f64 / seconds } else { 0.0 }
}
