//! `parcap compact` and `parcap forget`: what a lake holds is written anew, and no capture is read.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::commit::{Action, Change, Holdings, InputEntry, Lake, sweep_staging};
use crate::config::Settings;
use crate::discover::path_text;
use crate::error::{Error, Result};
use crate::names::PtrOptions;
use crate::rewrite::{Compacted, Compacting, Rewriter, compact, take_out};
use crate::unit::Cancel;

use super::convert::{encoder, hold};
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
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct CompactReport {
    /// Files that went, and those that took their place.
    #[serde(flatten)]
    pub done: Compacted,
    /// How long it took.
    pub seconds: f64,
}

/// Makes the files of a lake fewer and larger, and if that is wanted gives them today's form; the rows are the same.
///
/// # Errors
/// If there is no lake, another run holds it, one of its files is not what was written, or a file cannot be written.
pub fn compact_lake(request: &RewriteRequest) -> Result<CompactReport> {
    let started = Instant::now();
    let done = with_lake(request, |lake, held, settings| {
        let encoder = encoder(settings, lake)?;
        let mut change = Change::new(&held, Action::Compact, held.settings.clone().unwrap_or_default());
        let rewriter = Rewriter::new(lake, &held, &encoder, &request.cancel);
        let how = Compacting { jobs: request.jobs, earlier_forms: request.earlier_forms };
        let done = compact(&rewriter, how, &mut change)?;
        if done != Compacted::default() {
            let mut after = held;
            after.add(change.manifest.clone());
            change.publish(lake, after)?;
        }
        Ok(done)
    })?;
    Ok(CompactReport { done, seconds: started.elapsed().as_secs_f64() })
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
    with_lake(request, |lake, held, settings| {
        let mut report = ForgetReport::default();
        let by = Named::of(named);
        let (removed, mut unknown) = find(named, &by, &held, &mut report);
        let mut quarantine = Vec::new();
        for path in held.quarantine.keys() {
            let numbers: Vec<_> = by.of_file(path).collect();
            for number in &numbers {
                unknown.remove(number);
            }
            quarantine.extend((!numbers.is_empty()).then(|| path.clone()));
        }
        report.refused = quarantine.len() as u64;
        if !unknown.is_empty() {
            let unknown = unknown.iter().filter_map(|number| named.get(*number));
            let paths = unknown.map(|path| path_text::printable(path)).collect();
            return Err(Error::NotHeld { lake: lake.root().to_path_buf(), paths });
        }
        if request.dry_run || (removed.is_empty() && quarantine.is_empty()) {
            return Ok(report);
        }
        let encoder = encoder(settings, lake)?;
        let ptr = PtrOptions { limit: 0, ..PtrOptions::default() };
        let stage = FinalStage::open(lake, settings, &ptr, 0, &request.cancel)?;
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
            stage.stage(days, &after, &mut change, &mut Report::default())?;
        }
        change.publish(lake, after)?;
        Ok(report)
    })
}

/// Holds a lake while something is done with what it holds.
fn with_lake<T>(request: &RewriteRequest, work: impl FnOnce(&Lake, Holdings, &Settings) -> Result<T>) -> Result<T> {
    let lake = Lake::at(&request.lake);
    if !lake.exists() {
        let (problem, hint) = ("is no lake", "make one of captures with `parcap convert`");
        return Err(Error::Summaries { path: request.lake.clone(), problem, hint });
    }
    let _lock = hold(&lake, request.wait, &request.cancel)?;
    let held = Holdings::read(&lake)?;
    let mut settings = held.settings.clone().unwrap_or_default();
    if let Some(size) = request.target_file_size {
        settings.target_file_size = size;
    }
    let result = work(&lake, held, &settings);
    let swept = sweep_staging(&lake);
    let result = result?;
    swept?;
    Ok(result)
}

/// What is named, by its true name, asked for once: of thousands of names and captures each is looked up.
struct Named<'a> {
    /// Places in the list of names, by the absolute path of a capture or a folder. What is not there any more cannot be
    /// asked for its true name.
    places: HashMap<PathBuf, Vec<usize>>,
    /// The same by the name itself.
    names: HashMap<&'a Path, Vec<usize>>,
}

impl<'a> Named<'a> {
    fn of(named: &'a [PathBuf]) -> Self {
        let (mut places, mut names) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for (number, name) in named.iter().enumerate() {
            if let Ok(place) = name.canonicalize().or_else(|_| std::path::absolute(name)) {
                places.entry(place).or_default().push(number);
            }
            names.entry(name.as_path()).or_default().push(number);
        }
        Self { places, names }
    }

    /// The names of a file, or of a folder that it is below, by their places in the list.
    fn of_file(&self, absolute: &Path) -> impl Iterator<Item = usize> {
        absolute.ancestors().filter_map(|place| self.places.get(place)).flatten().copied()
    }

    fn of_entry(&self, entry: &InputEntry) -> impl Iterator<Item = usize> {
        let by_name = self.names.get(entry.input.path.as_path()).filter(|_| !entry.input.is_stdin());
        self.of_file(&entry.input.absolute).chain(by_name.into_iter().flatten().copied())
    }
}

/// The captures that are named, by number; and the places of those names that are of none, nor of a folder of any.
fn find(
    named: &[PathBuf],
    by: &Named<'_>,
    held: &Holdings,
    report: &mut ForgetReport,
) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let mut unknown: BTreeSet<_> = (0..named.len()).collect();
    let mut found = BTreeSet::new();
    for entry in held.inputs.values() {
        let numbers: Vec<_> = by.of_entry(entry).collect();
        for number in &numbers {
            unknown.remove(number);
        }
        found.extend(numbers.iter().min().map(|number| (*number, entry.id)));
    }
    let entries = found.iter().filter_map(|(_, id)| held.inputs.get(id));
    for entry in entries {
        report.captures.push(Forgotten { path: entry.input.path.clone(), rows: entry.found.rows });
        report.rows += entry.found.rows;
    }
    (found.into_iter().map(|(_, id)| id).collect(), unknown)
}
