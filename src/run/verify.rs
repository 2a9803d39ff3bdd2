//! `parcap verify`: whether a lake's files are those that its manifest names, and add up.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::columns::TableColumn;
use crate::commit::{CommittedPart, Holdings, Lake, Lock, Manifest, PACKETS, SUMMARIES, checked, steadily};
use crate::config::Settings;
use crate::discover::path_text;
use crate::error::{Error, Result};
use crate::exit_code::ExitCode;
use crate::rewrite::recount;
use crate::tally::{Owners, Tallies};
use crate::unit::{Cancel, in_order};
use crate::write::{PartReader, part_facts, read_table};

/// How a lake is verified.
#[derive(Clone, Debug)]
pub struct VerifyRequest {
    /// The lake's directory.
    pub lake: PathBuf,
    /// Whether every value is read, and every sum counted again.
    pub deep: bool,
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
    /// Captures that the lake holds.
    pub captures: u64,
    /// Parts that were looked at.
    pub parts: u64,
    /// Their rows.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Partial summaries that were looked at.
    pub partials: u64,
    /// Summary tables that were looked at.
    pub tables: u64,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fault {
    /// Where, below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// What.
    pub problem: String,
}

impl Verified {
    /// 0 if nothing is wrong, else 1.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        if self.faults.is_empty() { ExitCode::Success } else { ExitCode::Failure }
    }

    fn fault(&mut self, path: impl Into<PathBuf>, problem: impl Into<String>) {
        self.faults.push(Fault { path: path.into(), problem: problem.into() });
    }
}

/// Verifies a lake; nothing in it is changed.
///
/// # Errors
/// If there is no lake, a run holds it, its manifests cannot be read, or the work is cancelled. What is wrong with its
/// files is no error: it is in the result.
pub fn verify(request: &VerifyRequest) -> Result<Verified> {
    let lake = Lake::at(&request.lake);
    if !lake.exists() {
        let (problem, hint) = ("is no lake", "make one of captures with `parcap convert`");
        return Err(Error::Summaries { path: request.lake.clone(), problem, hint });
    }
    match lock(&lake, request)? {
        Some(_lock) => verify_once(&lake, request),
        // Runs are not kept away: what a commit took away meanwhile is not lost.
        None => {
            let is_wrong = |verified: &Verified| !verified.faults.is_empty();
            steadily(&lake, || request.cancel.check(), is_wrong, || verify_once(&lake, request))
        }
    }
}

fn verify_once(lake: &Lake, request: &VerifyRequest) -> Result<Verified> {
    let held = Holdings::read(lake)?;
    let settings = held.settings.clone().unwrap_or_default();
    let mut verified = Verified { captures: held.inputs.len() as u64, ..Verified::default() };
    manifests(lake, &mut verified)?;
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
    let root = lake.root();
    for fault in &mut verified.faults {
        if let Ok(below) = fault.path.strip_prefix(root) {
            fault.path = below.to_path_buf();
        }
    }
    verified.faults.sort();
    Ok(verified)
}

/// Keeps runs away, if this user may.
fn lock(lake: &Lake, request: &VerifyRequest) -> Result<Option<Lock>> {
    match Lock::take(lake, request.wait, || request.cancel.check()) {
        Ok(lock) => Ok(Some(lock)),
        Err(Error::Io { source, .. })
            if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Each manifest follows the one before it.
fn manifests(lake: &Lake, verified: &mut Verified) -> Result<()> {
    let mut next = 1;
    for path in lake.manifest_files()? {
        let manifest = Manifest::read(&lake.resolve(&path))?;
        if manifest.sequence != next && !manifest.base {
            verified.fault(&path, format!("manifest {next} should come before it, and is not there"));
        }
        if path.file_name().is_none_or(|name| name.to_string_lossy() != Manifest::file_name(manifest.sequence)) {
            verified.fault(&path, format!("is the manifest of commit {}", manifest.sequence));
        }
        next = manifest.sequence + 1;
    }
    Ok(())
}

/// Whatever lies where readers look, and is not in the manifest.
fn strays(lake: &Lake, held: &Holdings, verified: &mut Verified) -> Result<()> {
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
            // A partition may be a link to another disk; a link that leads to no part is followed nowhere.
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

/// The rows of every capture are in parts, each once.
fn captures(held: &Holdings, verified: &mut Verified) {
    let mut rows: BTreeMap<usize, u64> = BTreeMap::new();
    for part in held.parts.values() {
        let mut next = 0;
        for range in &part.ranges {
            *rows.entry(range.input).or_default() += range.rows;
            if range.first_row != next {
                verified.fault(&part.path, format!("the manifest does not say whose row {next} is"));
            }
            next = range.first_row + range.rows;
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

/// Every file of the manifest is there, and is what was written.
fn files(
    lake: &Lake,
    held: &Holdings,
    settings: &Settings,
    request: &VerifyRequest,
    verified: &mut Verified,
) -> Result<()> {
    let part = |part: &CommittedPart| part_faults(lake, part, settings, request);
    let parts = in_order(held.parts.values().collect(), request.jobs, part)?;
    verified.parts = held.parts.len() as u64;
    verified.rows = held.parts.values().map(|part| part.rows).sum();
    verified.bytes = held.parts.values().map(|part| part.bytes).sum();
    verified.faults.extend(parts.into_iter().flatten());
    for partial in held.partials.values() {
        verified.partials += 1;
        let found = checked(&lake.resolve(&partial.path), partial.bytes, &partial.checksum);
        verified.faults.extend(found.err().map(|error| fault(&partial.path, &error)));
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
    lake: &Lake,
    part: &CommittedPart,
    settings: &Settings,
    request: &VerifyRequest,
) -> Result<Option<Fault>> {
    request.cancel.check()?;
    let path = lake.resolve(&part.path);
    let problem = |problem: String| Ok(Some(Fault { path: part.path.clone(), problem }));
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

/// The path is said already.
fn fault(path: &Path, error: &Error) -> Fault {
    let problem = match error {
        Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => "is not there".to_owned(),
        Error::Io { action, source, .. } => format!("cannot {action}: {source}"),
        Error::FileDiffers { what, expected, found, .. } => format!("its {what} is {found} instead of {expected}"),
        other => other.to_string(),
    };
    Fault { path: path.to_path_buf(), problem }
}

/// Every table that divides all packets adds up to all packets.
fn balance(lake: &Lake, held: &Holdings, verified: &mut Verified) -> Result<()> {
    let packets = i64::try_from(held.parts.values().map(|part| part.rows).sum::<u64>()).unwrap_or(i64::MAX);
    let bytes = held.inputs.values().map(|entry| entry.found.length).fold(0, i64::saturating_add);
    let mut sums: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for name in ["volume_by_ip", "volume_by_src", "volume_by_name", "conversations", "protocols", "send_rates"] {
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

/// What the units have counted is what their rows give when they are counted again.
fn sums(
    lake: &Lake,
    held: &Holdings,
    settings: &Settings,
    request: &VerifyRequest,
    verified: &mut Verified,
) -> Result<()> {
    let folder = std::env::temp_dir();
    let space = request.cancel.space(&folder);
    let counted = Mutex::new(Tallies::new(&space));
    in_order(held.parts.values().collect(), request.jobs, |part| {
        let tallies = recount(lake, part, settings, &space)?;
        counted.lock().unwrap_or_else(PoisonError::into_inner).append(tallies)
    })?;
    let mut tallies = Tallies::new(&space);
    for partial in held.partials.values() {
        tallies.append_file(&lake.resolve(&partial.path), Owners::AddUp)?;
    }
    tallies.take_out(counted.into_inner().unwrap_or_else(PoisonError::into_inner))?;
    for (day, keys) in crate::summary::what_rows_do_not_give(&mut tallies)? {
        let problem = format!("of {}, {keys} sums differ from what its rows give", day.text());
        verified.fault("_parcap/partials", problem);
    }
    Ok(())
}
