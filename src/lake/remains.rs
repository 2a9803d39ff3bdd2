//! What is left of a lake that has lost files: the parts that count, and whose rows they hold. Where no manifest says so,
//! the parts do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bug::bug;
use crate::cancel::Cancel;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::packets::{PartReader, PartSays, RowRange, part_says};
use crate::summary::DNS_CLIENTS;
use crate::threads::in_order;

use super::check::sum_of;
use super::delta::removed_by_the_lake;
use super::delta_log::DeltaLog;
use super::expected::{Expected, rows_in_parts};
use super::layout::{Layout, PACKETS, SUMMARIES};
use super::losses::{data_files, problem_of};
use super::numbers::Captures;
use super::record::CommittedPart;
use super::snapshot::Snapshot;

/// What is left of a lake.
#[derive(Debug, Default)]
pub struct Remains {
    /// The lake's content: parts that are whole, and their captures.
    pub snapshot: Snapshot,
    /// Parts that a manifest names and that are gone or damaged, each with its problem.
    pub lost: BTreeMap<PathBuf, String>,
    /// Parts that no manifest names and that count.
    pub taken_up: BTreeSet<PathBuf>,
    /// Files that no manifest names and that do not count, each with the reason.
    pub left_out: BTreeMap<PathBuf, String>,
    /// Captures that have lost some rows, or are known from parts alone.
    pub changed: BTreeSet<usize>,
    /// Captures of which nothing tells whether all their rows exist.
    pub unproved: BTreeSet<usize>,
    /// The captures of units that are known from parts alone, by their place in the unit.
    pub units: BTreeMap<String, BTreeMap<usize, usize>>,
}

/// A part that no manifest names.
struct UnknownPart {
    path: PathBuf,
    bytes: u64,
    checksum: String,
    says: PartSays,
}

/// Looks at every part. `snapshot` is what manifests say. `lost_manifest` says that a manifest is missing, which may have put another
/// part in place of a named one.
///
/// # Errors
/// If a folder cannot be read, or the work is cancelled.
pub fn remains(
    lake: &Layout,
    snapshot: Snapshot,
    lost_manifest: bool,
    jobs: usize,
    cancel: &Cancel,
) -> Result<Remains> {
    let files = data_files(lake)?;
    let there: BTreeSet<PathBuf> = files.keys().filter(|path| path.starts_with(PACKETS)).cloned().collect();
    let looked = in_order::<_, _, Error>(snapshot.parts.values().cloned().collect(), jobs, |part: CommittedPart| {
        cancel.check()?;
        let problem = lake.check(&part.path, part.bytes, &part.checksum).err();
        Ok((part.path, problem.map(|error| problem_of(&error))))
    })?;
    let mut remains = Remains::default();
    let is_named = |path: &PathBuf| snapshot.parts.contains_key(path) || snapshot.retained.contains_key(path);
    let mut unnamed: BTreeSet<PathBuf> = there.iter().filter(|path| !is_named(path)).cloned().collect();
    remains.snapshot = snapshot;
    if lost_manifest {
        // A manifest that is lost may have said that a part is retained. The Delta log still says that it was removed.
        let gone = removed_by_the_lake(&DeltaLog::of(lake)?)?;
        let why = || "was removed by a commit, as the Delta log says".to_owned();
        remains.left_out.extend(unnamed.extract_if(.., |path| gone.contains(path)).map(|path| (path, why())));
    }
    for (path, problem) in looked {
        let unknown = remains.snapshot.inputs_in(&path).any(|input| !remains.snapshot.inputs.contains_key(&input));
        if problem.is_none() && !unknown {
            continue;
        }
        if lost_manifest && there.contains(&path) {
            unnamed.insert(path.clone());
        } else {
            remains
                .lost
                .insert(path.clone(), problem.unwrap_or_else(|| "is of captures that are not known".to_owned()));
        }
        remains.changed.extend(remains.snapshot.inputs_in(&path));
        remains.snapshot.parts.remove(&path);
    }
    let mut found = Vec::new();
    let looked = in_order::<_, _, Error>(unnamed.into_iter().collect(), jobs, |path| {
        cancel.check()?;
        Ok(look(lake, &path).map_err(|problem| (path, problem)))
    })?;
    for looked in looked {
        match looked {
            Ok(part) => found.push(part),
            Err((path, problem)) => drop(remains.left_out.insert(path, problem)),
        }
    }
    let is_said = remains.snapshot.settings.is_some();
    remains.take_up(found)?;
    if let Some(settings) = remains.snapshot.settings.as_mut().filter(|_| !is_said) {
        // Parts do not say whether the lake counts DNS clients. That there is a table of them does.
        let folder = Path::new(SUMMARIES).join(DNS_CLIENTS);
        settings.dns_clients = settings.summaries && files.keys().any(|path| path.starts_with(&folder));
    }
    Ok(remains)
}

/// Reads all of a part that no manifest names. Nothing other than that tells whether it is whole.
fn look(lake: &Layout, below: &Path) -> std::result::Result<UnknownPart, String> {
    let read = || -> Result<Option<UnknownPart>> {
        let path = lake.fetch(below)?;
        let (bytes, checksum) = sum_of(&path)?;
        let Some(says) = part_says(&path)? else { return Ok(None) };
        let mut reader = PartReader::open_whole(&path)?;
        let mut rows = 0;
        while let Some(batch) = reader.next_batch()? {
            rows += batch.num_rows() as u64;
        }
        Ok((rows == says.rows).then(|| UnknownPart { path: below.to_path_buf(), bytes, checksum, says }))
    };
    match read() {
        Ok(Some(part)) => Ok(part),
        Ok(None) => Err("is no part that parcap wrote".to_owned()),
        Err(error) => Err(problem_of(&error)),
    }
}

impl Remains {
    fn take_up(&mut self, found: Vec<UnknownPart>) -> Result<()> {
        if self.snapshot.settings.is_none() {
            self.snapshot.settings = settings_of(&found);
        }
        let chunk_size = self.snapshot.settings.as_ref().map_or(1, |settings| settings.chunk_size.max(1));
        let found = self.without_copies(found);
        let mut captures = Captures::of(&self.snapshot, found.iter().map(|part| &part.says), chunk_size)?;
        let mut expected: BTreeMap<usize, Expected> = BTreeMap::new();
        let mut parts = Vec::new();
        for part in found {
            let unit = unit_of(&part.path)?;
            let numbers: Vec<usize> = part
                .says
                .origins
                .iter()
                .map(|origin| {
                    let number = captures.number(&unit, origin, &mut self.snapshot)?;
                    expected.entry(number).or_default().note(origin);
                    origin.place.map(|place| self.units.entry(unit.clone()).or_default().insert(place, number));
                    Ok(number)
                })
                .collect::<Result<_>>()?;
            // Each range that was read names one of the origins.
            let number = |place: usize| numbers.get(place).copied().ok_or_else(|| bug!());
            let ranges = part.says.ranges.iter();
            let ranges = ranges.map(|range| Ok(RowRange { input: number(range.input)?, ..range.clone() }));
            let ranges = ranges.collect::<Result<_>>()?;
            let UnknownPart { path, bytes, checksum, says } = part;
            parts.push(CommittedPart { path, unit, rows: says.rows, bytes, checksum, ranges, delta: None });
        }
        let rows_of = |snapshot: &Snapshot, number: usize| -> Option<u64> {
            let entry = snapshot.inputs.get(&number)?;
            if entry.from_rows {
                return expected.get(&number)?.rows(entry.input.size.div_ceil(chunk_size));
            }
            Some(entry.found.rows + entry.lost_rows)
        };
        for part in parts {
            let numbers: BTreeSet<usize> = part.ranges.iter().map(|range| range.input).collect();
            self.taken_up.insert(part.path.clone());
            self.changed.extend(numbers);
            self.snapshot.parts.insert(part.path.clone(), part);
        }
        self.leave_out_doubles(&rows_of);
        let rows = rows_in_parts(&self.snapshot);
        for number in self.changed.clone() {
            let rows = rows.get(&number).copied().unwrap_or_default();
            let expected = rows_of(&self.snapshot, number);
            // A manifest that is lost may have named the capture.
            let Some(entry) = self.snapshot.inputs.get_mut(&number).map(Arc::make_mut) else { continue };
            // Of a capture that was incomplete before, and is no more so now.
            let lost = match expected {
                Some(u64::MAX) => 1,
                Some(expected) => expected.saturating_sub(rows),
                None => 0,
            };
            if entry.from_rows && expected.is_none() {
                self.unproved.insert(number);
            }
            if lost != entry.lost_rows {
                entry.lost_rows = 0;
                if lost > 0 {
                    entry.lose(lost);
                } else {
                    entry.status = entry.found.status();
                }
            }
        }
        self.settle_names()
    }

    /// Leaves out parts that have the bytes of another one.
    fn without_copies(&mut self, mut found: Vec<UnknownPart>) -> Vec<UnknownPart> {
        let known = self.snapshot.parts.values().map(|part| (part.bytes, part.checksum.clone()));
        let mut seen: BTreeSet<(u64, String)> = known.collect();
        found.retain(|part| {
            let is_new = seen.insert((part.bytes, part.checksum.clone()));
            if !is_new {
                self.left_out.insert(part.path.clone(), "is a copy of another part".to_owned());
            }
            is_new
        });
        found
    }

    /// If there are more rows of a capture than it gave, some are there twice. Then parts that no manifest names are left
    /// out.
    fn leave_out_doubles(&mut self, rows_of: &dyn Fn(&Snapshot, usize) -> Option<u64>) {
        let rows = rows_in_parts(&self.snapshot);
        for number in self.changed.clone() {
            let Some(expected) = rows_of(&self.snapshot, number) else { continue };
            if rows.get(&number).is_none_or(|rows| *rows <= expected) {
                continue;
            }
            let mut doubtful: Vec<PathBuf> = self.taken_up.iter().rev().cloned().collect();
            doubtful.retain(|path| self.snapshot.inputs_in(path).any(|input| input == number));
            for path in doubtful {
                if rows_in_parts(&self.snapshot).get(&number).is_none_or(|rows| *rows <= expected) {
                    break;
                }
                self.snapshot.parts.remove(&path);
                self.taken_up.remove(&path);
                self.left_out.insert(path, "has rows that are in other parts too".to_owned());
            }
        }
    }

    /// Gives each path to one capture. Of several with the same path, the one whose content is there keeps it. The others
    /// are known only by their content. A capture without rows whose path another one has is gone.
    fn settle_names(&mut self) -> Result<()> {
        let mut by_path: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
        for entry in self.snapshot.inputs.values().filter(|entry| !entry.input.is_stdin()) {
            by_path.entry(entry.input.absolute.clone()).or_default().push(entry.id);
        }
        let rows = rows_in_parts(&self.snapshot);
        for (path, numbers) in by_path.into_iter().filter(|(_, numbers)| numbers.len() > 1) {
            let there =
                crate::discover::Candidate::of(&path, true).ok().and_then(|found| found.probe_within(u64::MAX).ok());
            let is_there = |number: &&usize| {
                let entry = self.snapshot.inputs.get(number);
                entry.is_some_and(|entry| {
                    there.as_ref().is_some_and(|there| there.fingerprint == entry.input.fingerprint)
                })
            };
            let keeps = numbers.iter().find(is_there).or(numbers.last()).copied();
            for number in numbers.into_iter().filter(|number| Some(*number) != keeps) {
                if !rows.contains_key(&number) {
                    self.snapshot.inputs.remove(&number);
                    self.changed.remove(&number);
                } else {
                    let entry = self.snapshot.inputs.get_mut(&number).map(Arc::make_mut).ok_or_else(|| bug!())?;
                    let known_by = entry.input.fingerprint.as_deref().unwrap_or("unknown");
                    let mut name = path.clone().into_os_string();
                    name.push(format!(" ({known_by})"));
                    entry.input.absolute = PathBuf::from(name);
                }
            }
        }
        self.snapshot.index();
        Ok(())
    }
}

/// The settings that shaped the parts, as one of them says. Parts of earlier versions do not say them. Then the time unit
/// and the partitions are taken from what the parts look like.
fn settings_of(found: &[UnknownPart]) -> Option<Settings> {
    if let Some(said) = found.iter().find_map(|part| part.says.settings.clone()) {
        return Some(said);
    }
    let mut settings = Settings { timestamp_unit: found.first()?.says.timestamp_unit, ..Settings::default() };
    for name in found.iter().flat_map(|part| part.path.iter()) {
        let name = name.to_string_lossy();
        settings.partition_by.hour |= name.starts_with("hour=");
        settings.partition_by.protocol |= name.starts_with("protocol=");
    }
    Some(settings)
}

/// The unit that a part's name is made of.
fn unit_of(path: &Path) -> Result<String> {
    let stem = path.file_stem().ok_or_else(|| bug!())?.to_string_lossy().into_owned();
    let unit = stem.strip_prefix("part-").and_then(|rest| Some(rest.rsplit_once('-')?.0));
    Ok(unit.unwrap_or(&stem).to_owned())
}
