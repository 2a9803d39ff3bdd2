//! `parcap verify`: checks that a lake's files are those that its manifest names, and that they add up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io};

use serde::Serialize;

use crate::aggregate::{Aggregator, Owners, Space};
use crate::cancel::Cancel;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::exit_code::ExitCode;
use crate::lake::{CommittedPart, Layout, Lock, PACKETS, SUMMARIES, Snapshot, checked, problem_of, recount, steadily};
use crate::packets::{PartReader, part_facts};
use crate::path_text;
use crate::summary::{SUMMARIES as TABLES, what_rows_do_not_give};
use crate::tables::{TableColumn, read_table};
use crate::threads::in_order;

use super::repair::{Repaired, repair};

/// How to verify a lake.
#[derive(Clone, Debug)]
pub struct VerifyRequest {
    /// The lake's directory.
    pub lake: PathBuf,
    /// Whether every value is read, and every sum counted again.
    pub deep: bool,
    /// Whether what is lost is first made again from what is left.
    pub repair: bool,
    /// Workers; 0 for one a core.
    pub jobs: usize,
    /// How long to wait for a run to end.
    pub wait: Duration,
    /// How the run is stopped early.
    pub cancel: Cancel,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    /// Captures in the lake.
    pub captures: u64,
    /// Parts that were checked.
    pub parts: u64,
    /// Their rows.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Partial summaries that were checked.
    pub partials: u64,
    /// Summary tables that were checked.
    pub tables: u64,
    /// What was mended, if that was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repaired: Option<Repaired>,
    /// What is wrong.
    pub faults: Vec<VerifyFault>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct VerifyFault {
    /// Where, below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// What.
    pub problem: String,
}

impl Verified {
    /// 0 if nothing is wrong, otherwise 1; 3 if what was wrong has been mended and something is gone for good.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        if !self.faults.is_empty() {
            ExitCode::Failure
        } else if self.repaired.as_ref().is_some_and(Repaired::is_loss) {
            ExitCode::Damaged
        } else {
            ExitCode::Success
        }
    }

    /// The same, with paths below the lake, in order.
    fn below(mut self, lake: &Layout) -> Self {
        for fault in &mut self.faults {
            if let Ok(below) = fault.path.strip_prefix(lake.root()) {
                fault.path = below.to_path_buf();
            }
        }
        self.faults.sort();
        self
    }

    fn fault(&mut self, path: impl Into<PathBuf>, problem: impl Into<String>) {
        self.faults.push(VerifyFault { path: path.into(), problem: problem.into() });
    }
}

/// Verifies a lake. Nothing in it is changed, unless it is to be repaired first.
///
/// # Errors
/// If there is no lake, a run holds it, its manifests cannot be read, or the work is cancelled. Faults of its files are
/// no errors: they are in the result.
pub fn verify(request: &VerifyRequest) -> Result<Verified> {
    let lake = Layout::at(&request.lake);
    if !lake.exists() {
        let (problem, hint) = ("is no lake", "make one of captures with `parcap convert`");
        return Err(Error::Summaries { path: request.lake.clone(), problem, hint });
    }
    let repaired = if request.repair { Some(repair(request)?) } else { None };
    lake.check_is_whole()?;
    let verified = match lock(&lake, request)? {
        Some(_lock) => verify_once(&lake, request)?,
        // Runs are not kept away: a file that a commit removed meanwhile is not lost.
        None => {
            let is_wrong = |verified: &Verified| !verified.faults.is_empty();
            steadily(&lake, || Ok(request.cancel.check()?), is_wrong, || verify_once(&lake, request))?
        }
    };
    Ok(Verified { repaired, ..verified })
}

fn verify_once(lake: &Layout, request: &VerifyRequest) -> Result<Verified> {
    let mut verified = Verified::default();
    let Some(held) = manifests(lake, &mut verified)? else { return Ok(verified.below(lake)) };
    let settings = held.settings.clone().unwrap_or_default();
    verified.captures = held.inputs.len() as u64;
    if lake.pending().exists() {
        verified.fault(lake.pending(), "a commit was begun and not finished; the next run finishes or undoes it");
    }
    strays(lake, &held, &mut verified)?;
    captures(&held, &mut verified);
    files(lake, &held, &settings, request, &mut verified)?;
    if settings.summaries && verified.faults.is_empty() {
        balance(lake, &held, &mut verified)?;
        if request.deep {
            sums(lake, &held, &settings, request, &mut verified)?;
        }
    }
    Ok(verified.below(lake))
}

/// Keeps runs away, if this user may.
fn lock(lake: &Layout, request: &VerifyRequest) -> Result<Option<Lock>> {
    match Lock::take(lake, request.wait, || Ok(request.cancel.check()?)) {
        Ok(lock) => Ok(Some(lock)),
        Err(Error::Io { source, .. })
            if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The sum of the manifests. `None` if one is missing or damaged: then nothing can be compared with it.
fn manifests(lake: &Layout, verified: &mut Verified) -> Result<Option<Snapshot>> {
    let mut unreadable = Vec::new();
    let (held, problem) = Snapshot::read_all(lake, |error| {
        unreadable.push(error);
        Ok(())
    })?;
    for error in unreadable.into_iter().chain(problem) {
        match error {
            Error::Incomplete { path, problem, .. } => verified.fault(path, problem),
            Error::FileDiffers { ref path, .. } => verified.fault(path, problem_of(&error)),
            Error::Json { ref name, ref source, .. } => verified.fault(name, format!("is no valid manifest: {source}")),
            error => return Err(error),
        }
    }
    if !lake.last_is_sound() {
        verified.fault(lake.root().join("_parcap/last"), "does not say which commit is the last one");
    }
    let is_whole = verified.faults.is_empty();
    Ok(is_whole.then_some(held))
}

/// Finds files where readers look that are not in the manifest.
fn strays(lake: &Layout, held: &Snapshot, verified: &mut Verified) -> Result<()> {
    let known: BTreeSet<&Path> = held.parts.keys().chain(held.tables.keys()).map(PathBuf::as_path).collect();
    let mut folders = vec![PathBuf::from(PACKETS), PathBuf::from(SUMMARIES)];
    while let Some(folder) = folders.pop() {
        let path = lake.resolve(&folder);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                verified.fault(&folder, format!("cannot be read: {error}"));
                continue;
            }
        };
        for entry in entries {
            let entry = entry.map_err(Error::io("read", &path))?;
            let place = folder.join(entry.file_name());
            // A partition may be a link to another disk. Links that lead to no part are not followed.
            let leads_to_parts = || known.iter().any(|path| path.starts_with(&place)) && entry.path().is_dir();
            if entry.file_type().is_ok_and(|kind| kind.is_dir() || (kind.is_symlink() && leads_to_parts())) {
                folders.push(place);
            } else if !known.contains(place.as_path()) && entry.file_name() != "_SUCCESS" {
                verified.fault(place, "is not in the manifest; readers take it for a part of the lake");
            }
        }
    }
    Ok(())
}

/// Checks that the rows of every capture are in parts, each once.
fn captures(held: &Snapshot, verified: &mut Verified) {
    let mut rows: BTreeMap<usize, u64> = BTreeMap::new();
    for part in held.parts.values() {
        let mut next = 0;
        for range in &part.ranges {
            // What somebody else wrote may be any number, and is a fault in any case.
            let count = rows.entry(range.input).or_default();
            *count = count.saturating_add(range.rows);
            if range.first_row != next {
                verified.fault(&part.path, format!("the manifest does not say whose row {next} is"));
            }
            next = range.first_row.saturating_add(range.rows);
        }
        if next != part.rows {
            verified.fault(&part.path, format!("the manifest says whose {next} rows are, of {}", part.rows));
        }
    }
    for entry in held.inputs.values() {
        let found = rows.remove(&entry.id).unwrap_or(0);
        if found != entry.found.rows {
            let problem = format!("gave {} rows, and the manifest's parts hold {found} of them", entry.found.rows);
            verified.fault(&entry.input.absolute, problem);
        }
    }
    for (input, count) in rows {
        verified.fault(PACKETS, format!("{count} rows are of a capture {input} that the manifest does not name"));
    }
}

/// Checks that every file of the manifest exists and is as it was written.
fn files(
    lake: &Layout,
    held: &Snapshot,
    settings: &Settings,
    request: &VerifyRequest,
    verified: &mut Verified,
) -> Result<()> {
    let part = |part: &CommittedPart| part_faults(lake, part, settings, request);
    let parts = in_order::<_, _, Error>(held.parts.values().collect(), request.jobs, part)?;
    verified.parts = held.parts.len() as u64;
    verified.rows = held.parts.values().map(|part| part.rows).sum();
    verified.bytes = held.parts.values().map(|part| part.bytes).sum();
    verified.faults.extend(parts.into_iter().flatten());
    for partial in held.partials.values() {
        verified.partials += 1;
        let found = checked(&lake.resolve(&partial.path), partial.bytes, &partial.checksum);
        verified.faults.extend(found.err().map(|error| fault(&partial.path, &error)));
    }
    if let Some(names) = &held.names {
        let found = checked(&lake.resolve(&names.path), names.bytes, &names.checksum);
        verified.faults.extend(found.err().map(|error| fault(&names.path, &error)));
    }
    for table in held.tables.values() {
        request.cancel.check()?;
        verified.tables += 1;
        let path = lake.resolve(&table.path);
        let found = checked(&path, table.bytes, &table.checksum).and_then(|()| part_facts(&path, None));
        match found {
            Err(error) => verified.faults.push(fault(&table.path, &error)),
            Ok(facts) if facts.rows != table.rows => {
                verified.fault(&table.path, format!("has {} rows instead of {}", facts.rows, table.rows));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

fn part_faults(
    lake: &Layout,
    part: &CommittedPart,
    settings: &Settings,
    request: &VerifyRequest,
) -> Result<Option<VerifyFault>> {
    request.cancel.check()?;
    let path = lake.resolve(&part.path);
    let problem = |problem: String| Ok(Some(VerifyFault { path: part.path.clone(), problem }));
    let found = checked(&path, part.bytes, &part.checksum);
    let facts = match found.and_then(|()| part_facts(&path, Some(settings.timestamp_unit))) {
        Ok(facts) => facts,
        Err(error) => return Ok(Some(fault(&part.path, &error))),
    };
    if facts.rows != part.rows {
        return problem(format!("has {} rows instead of {}", facts.rows, part.rows));
    }
    if !facts.fits {
        return problem("its columns are not those of the packets table".to_owned());
    }
    if request.deep {
        let mut rows = 0;
        let mut read = || -> Result<()> {
            let mut reader = PartReader::open_whole(&path)?;
            while let Some(batch) = reader.next_batch()? {
                request.cancel.check()?;
                rows += batch.num_rows() as u64;
            }
            Ok(())
        };
        match read() {
            Err(error @ Error::Interrupted { .. }) => return Err(error),
            Err(error) => return Ok(Some(fault(&part.path, &error))),
            Ok(()) if rows != part.rows => return problem(format!("gives {rows} rows instead of {}", part.rows)),
            Ok(()) => {}
        }
    }
    Ok(None)
}

fn fault(path: &Path, error: &Error) -> VerifyFault {
    VerifyFault { path: path.to_path_buf(), problem: problem_of(error) }
}

/// Checks that every table that divides all packets adds up to all packets.
fn balance(lake: &Layout, held: &Snapshot, verified: &mut Verified) -> Result<()> {
    let packets = held.parts.values().map(|part| part.rows).fold(0, u64::saturating_add);
    let packets = i64::try_from(packets).unwrap_or(i64::MAX);
    let bytes = held.inputs.values().map(|entry| entry.found.length).fold(0, i64::saturating_add);
    let mut sums: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for name in TABLES.iter().filter(|summary| summary.balances).map(|summary| summary.name) {
        for table in held.tables.values().filter(|table| table.path.starts_with(Path::new(SUMMARIES).join(name))) {
            let sum = sums.entry(name).or_default();
            read_table(&lake.resolve(&table.path), |piece| {
                for (column, into) in [("bytes", &mut sum.0), ("packets", &mut sum.1)] {
                    let values = piece.columns.iter().find(|(name, _)| name == column);
                    if let Some((_, TableColumn::Int(values))) = values {
                        *into = values.iter().flatten().fold(*into, |sum, value| sum.saturating_add(*value));
                    }
                }
            })?;
        }
    }
    if packets > 0 && sums.is_empty() {
        verified.fault(SUMMARIES, "there are packets, and no tables of them");
    }
    for (name, (found_bytes, found_packets)) in sums {
        if (found_bytes, found_packets) != (bytes, packets) {
            let problem = format!(
                "adds up to {found_packets} packets of {found_bytes} bytes; the captures have {packets} of {bytes}"
            );
            verified.fault(Path::new(SUMMARIES).join(name), problem);
        }
    }
    Ok(())
}

/// Checks that the counts of the units are what their rows give when they are counted again.
fn sums(
    lake: &Layout,
    held: &Snapshot,
    settings: &Settings,
    request: &VerifyRequest,
    verified: &mut Verified,
) -> Result<()> {
    let folder = std::env::temp_dir();
    let space = Space::new(&folder).cancelled_by(&request.cancel);
    let counted = Mutex::new(Aggregator::new(&space));
    in_order::<_, _, Error>(held.parts.values().collect(), request.jobs, |part| {
        let tallies = recount(lake, part, settings, &space)?;
        counted.lock().unwrap_or_else(PoisonError::into_inner).append(tallies)
    })?;
    let mut tallies = Aggregator::new(&space);
    for partial in held.partials.values() {
        partial.append_to(&mut tallies, lake, None, Owners::AddUp)?;
    }
    tallies.take_out(counted.into_inner().unwrap_or_else(PoisonError::into_inner))?;
    for (day, keys) in what_rows_do_not_give(&mut tallies)? {
        let problem = format!("of {}, {keys} sums differ from what its rows give", day.text());
        verified.fault("_parcap/partials", problem);
    }
    Ok(())
}
