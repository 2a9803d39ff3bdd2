//! `parcap verify --repair`: what a lake has lost is made again from what is left.
//!
//! Parts say of themselves whose rows they hold, so a manifest can be made again from them; partial summaries are counted
//! again from the rows, and tables follow from these. What is gone for good is named, and the captures it was of are marked,
//! so that the next conversion takes them up again if they are still there. All of it is one commit, or none.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::commit::{
    Action, Change, CommittedPart, CommittedPartial, Holdings, Lake, PartialEntry, SUMMARIES as FOLDER, checked,
    data_files, problem_of, sweep_staging,
};
use crate::config::Settings;
use crate::discover::path_text;
use crate::error::{Error, Result};
use crate::names::PtrOptions;
use crate::partition::Day;
use crate::plan::derived_identity;
use crate::rewrite::{Remains, Rewriter, Told, recount_captures, remains};
use crate::summary::SUMMARIES;
use crate::tally::{Owners, Saved};
use crate::unit::{Cancel, in_order};

use super::convert::{encoder, hold};
use super::lost::LostFile;
use super::report::Report;
use super::summaries::FinalStage;
use super::verify::VerifyRequest;

/// What was mended, and what is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// Manifests that were missing or could not be read, so that all was taken from the parts: why.
    pub manifests: Vec<String>,
    /// Parts that no manifest named, and that count again.
    #[serde(with = "path_text::list")]
    pub taken_up: Vec<PathBuf>,
    /// Parts that are lost, with their rows.
    pub lost: Vec<LostFile>,
    /// Where parts are that are damaged: readers do not see them there.
    #[serde(with = "path_text::list")]
    pub set_aside: Vec<PathBuf>,
    /// Captures of which rows are lost; the next conversion takes them up again if they are still there.
    pub incomplete: Vec<Incomplete>,
    /// Captures of which nothing tells whether all their rows are there: older parts do not say it.
    #[serde(with = "path_text::list")]
    pub unproved: Vec<PathBuf>,
    /// Partial summaries that were counted again.
    pub partials: u64,
    /// Captures whose DNS messages are in no summary any more: what they said is not in the rows.
    #[serde(with = "path_text::list")]
    pub without_messages: Vec<PathBuf>,
    /// Summary tables that were made anew.
    pub tables: u64,
    /// Files that no manifest names and that do not count, each with the reason.
    pub left_out: Vec<LostFile>,
}

/// A capture of which rows are lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incomplete {
    /// As it was named.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// How many that is known of.
    pub rows: u64,
}

impl Repaired {
    /// Whether there was nothing to mend.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self { left_out: self.left_out.clone(), ..Self::default() }
    }

    /// Whether something is gone that was in the lake.
    #[must_use]
    pub fn is_loss(&self) -> bool {
        !(self.lost.is_empty()
            && self.incomplete.is_empty()
            && self.unproved.is_empty()
            && self.without_messages.is_empty())
    }
}

/// Mends a lake.
///
/// # Errors
/// If another run holds the lake, or something cannot be read or written; the lake is as it was then.
pub(super) fn repair(request: &VerifyRequest) -> Result<Repaired> {
    let lake = Lake::create(&request.lake)?;
    let _lock = hold(&lake, request.wait, &request.cancel)?;
    let mended = mend(&lake, request.jobs, &request.cancel);
    let swept = sweep_staging(&lake);
    let mended = mended?;
    swept?;
    Ok(mended)
}

fn mend(lake: &Lake, jobs: usize, cancel: &Cancel) -> Result<Repaired> {
    let mut repaired = Repaired::default();
    let mut unreadable = Vec::new();
    let (mut held, problem) = Holdings::read_all(lake, |error| {
        // One that a later parcap wrote is no damage.
        if matches!(error, Error::ManifestVersion { .. }) {
            return Err(error);
        }
        unreadable.push(error.to_string());
        Ok(())
    })?;
    unreadable.extend(problem.map(|problem| problem.to_string()));
    repaired.manifests = unreadable;
    held.sequence = lake.last_commit(&held)?;
    let anew = !repaired.manifests.is_empty();
    let before = held.clone();
    let take_up = anew || !lake.says_last();
    let mut left = remains(lake, held, take_up, jobs, cancel)?;
    let settings = left.held.settings.clone().unwrap_or_default();
    left.held.settings = Some(settings.clone());
    for path in before.parts.keys().filter(|path| !left.held.parts.contains_key(*path)) {
        let problem = left.lost.remove(path).or_else(|| left.left_out.remove(path));
        repaired.lost.push(LostFile::of(path, problem.as_deref().unwrap_or("is not there"), &before));
    }
    for (path, problem) in &left.left_out {
        repaired.left_out.push(LostFile::of(path, problem, &left.held));
    }
    repaired.taken_up = left.taken_up.iter().cloned().collect();

    let mut change = Change::new(&left.held, Action::Repair, settings.clone());
    for path in before.parts.keys().filter(|path| !left.held.parts.contains_key(*path)) {
        change.remove_part(path);
        if lake.resolve(path).exists() {
            repaired.set_aside.push(change.set_aside(path));
        }
    }
    let mut days = BTreeSet::new();
    if settings.summaries {
        days = sums(lake, &mut left, &settings, &mut change, (jobs, cancel), &mut repaired)?;
        days.extend(lost_tables(lake, &left.held, jobs)?);
        if anew {
            days.extend(left.held.parts.keys().map(|path| Lake::day_of(path)));
            days.extend(before.tables.keys().filter(|path| is_of_a_date(path)).map(|path| Lake::day_of(path)));
        }
    }
    let names_are_lost = left
        .held
        .names
        .as_ref()
        .is_some_and(|names| checked(&lake.resolve(&names.path), names.bytes, &names.checksum).is_err());
    if names_are_lost {
        left.held.names = None;
        change.remove_table(&Lake::ptr_cache());
    }
    for (unit, places) in &left.units {
        if let Some(last) = places.keys().next_back() {
            let inputs = (0..=*last).map(|place| places.get(&place).copied().unwrap_or(0)).collect();
            left.held.take_up_unit(unit, inputs);
        }
    }
    for number in &left.changed {
        let Some(entry) = left.held.inputs.get(number) else { continue };
        if entry.lost_rows > 0 {
            repaired.incomplete.push(Incomplete { path: entry.input.path.clone(), rows: entry.lost_rows });
        }
    }
    repaired.unproved =
        left.unproved.iter().filter_map(|id| left.held.inputs.get(id)).map(|entry| entry.input.path.clone()).collect();
    let captures_are_lost = settings.summaries && lost_captures(lake, &left.held);
    if repaired.is_empty() && days.is_empty() && !names_are_lost && !captures_are_lost && lake.last_is_sound() {
        return Ok(repaired);
    }
    let mut after = left.held;
    if settings.summaries {
        let ptr = PtrOptions { limit: 0, ..PtrOptions::default() };
        let stage = FinalStage::open(lake, (&settings, &after), &ptr, 0, cancel)?;
        stage.stage(days, &after, &mut change, &mut Report::default())?;
        change.manifest.removed.tables.iter().for_each(|path| drop(after.tables.remove(path)));
        repaired.tables = change.manifest.tables.len() as u64;
        after.add_tables(change.manifest.tables.clone());
        if anew {
            // Tables that a lost manifest named, of dates of which there is nothing any more.
            let stale = data_files(lake)?.into_keys().filter(|path| is_table(path) && !after.tables.contains_key(path));
            stale.for_each(|path| change.remove_table(&path));
        }
    }
    change.replace_manifests(lake.manifest_files()?);
    change.publish(lake, after)?;
    Ok(repaired)
}

/// Whether a file has the place of a table of one date: `summaries/ports/date=2024-03-11/ports.parquet`.
fn is_table(path: &Path) -> bool {
    let mut tables = SUMMARIES.iter().map(|table| Path::new(FOLDER).join(table.name));
    is_of_a_date(path) && tables.any(|folder| path.starts_with(&folder) && path.file_stem() == folder.file_name())
}

fn is_of_a_date(path: &Path) -> bool {
    path.to_string_lossy().contains("date=")
}

/// The dates of which a table is lost.
fn lost_tables(lake: &Lake, held: &Holdings, jobs: usize) -> Result<BTreeSet<Day>> {
    let tables = held.tables.values().filter(|table| is_of_a_date(&table.path)).collect();
    let lost = in_order(tables, jobs, |table| {
        let found = checked(&lake.resolve(&table.path), table.bytes, &table.checksum);
        Ok(found.is_err().then(|| Lake::day_of(&table.path)))
    })?;
    Ok(lost.into_iter().flatten().collect())
}

/// Whether the table of captures is lost.
fn lost_captures(lake: &Lake, held: &Holdings) -> bool {
    let mut tables = held.tables.values().filter(|table| !is_of_a_date(&table.path));
    let is_lost = |path: &Path, bytes, checksum: &str| checked(&lake.resolve(path), bytes, checksum).is_err();
    tables.any(|table| is_lost(&table.path, table.bytes, &table.checksum))
}

/// Captures whose sums are counted again together: those that share a partial summary or a part.
struct Groups {
    parents: HashMap<usize, usize>,
}

impl Groups {
    fn root(&mut self, number: usize) -> usize {
        let parent = *self.parents.entry(number).or_insert(number);
        if parent == number {
            return number;
        }
        let root = self.root(parent);
        self.parents.insert(number, root);
        root
    }

    fn join(&mut self, mut numbers: impl Iterator<Item = usize>) {
        let Some(first) = numbers.next().map(|number| self.root(number)) else { return };
        for number in numbers {
            let root = self.root(number);
            self.parents.insert(root, first);
        }
    }
}

/// What is left of partial summaries that do not count as they are: what DNS messages said, by the owner.
struct Messages<'a> {
    path: PathBuf,
    /// The captures by the place that is the number of an owner; 0 for none.
    inputs: Vec<usize>,
    /// Bytes and checksum, if a manifest says them.
    known: Option<&'a CommittedPartial>,
}

/// Counts the sums again that do not fit the parts any more; returns the dates that they touch.
fn sums(
    lake: &Lake,
    left: &mut Remains,
    settings: &Settings,
    change: &mut Change,
    (jobs, cancel): (usize, &Cancel),
    repaired: &mut Repaired,
) -> Result<BTreeSet<Day>> {
    let partials: Vec<CommittedPartial> = left.held.partials.values().cloned().collect();
    let problems = in_order(partials.iter().collect(), jobs, |partial: &CommittedPartial| {
        cancel.check()?;
        Ok(checked(&lake.resolve(&partial.path), partial.bytes, &partial.checksum)
            .err()
            .map(|error| problem_of(&error)))
    })?;
    let mut again = left.changed.clone();
    let mut dropped = BTreeSet::new();
    for (place, (partial, problem)) in partials.iter().zip(&problems).enumerate() {
        let is_unknown = partial.inputs.iter().any(|input| *input > 0 && !left.held.inputs.contains_key(input));
        if let Some(problem) = problem {
            repaired.lost.push(LostFile::of(&partial.path, problem, &left.held));
        }
        if problem.is_some() || is_unknown {
            dropped.insert(place);
            again.extend(partial.inputs.iter().copied().filter(|input| *input > 0));
        }
    }
    let summed: BTreeSet<usize> = partials.iter().flat_map(|partial| partial.inputs.iter().copied()).collect();
    let of_parts = left.held.parts.values().flat_map(|part| part.ranges.iter().map(|range| range.input));
    again.extend(of_parts.filter(|input| !summed.contains(input)));
    // Whoever is summed up with one of them is counted again as well.
    loop {
        let touched = |(place, partial): &(usize, &CommittedPartial)| {
            !dropped.contains(place) && partial.inputs.iter().any(|input| again.contains(input))
        };
        let more: Vec<usize> = partials.iter().enumerate().filter(touched).map(|(place, _)| place).collect();
        if more.is_empty() {
            break;
        }
        for place in more {
            dropped.insert(place);
            let inputs = partials.get(place).into_iter().flat_map(|partial| partial.inputs.iter().copied());
            again.extend(inputs.filter(|input| *input > 0));
        }
    }
    again.retain(|number| left.held.inputs.contains_key(number));
    let mut days = BTreeSet::new();
    let mut messages = Vec::new();
    let mut groups = Groups { parents: HashMap::new() };
    for (place, partial) in partials.iter().enumerate().filter(|(place, _)| dropped.contains(place)) {
        days.extend(partial.days.iter().copied());
        left.held.partials.remove(&partial.path);
        change.remove_partial(&partial.path);
        groups.join(partial.inputs.iter().copied().filter(|input| again.contains(input)));
        if problems.get(place).is_some_and(Option::is_none) {
            let known = Some(partial);
            messages.push(Messages { path: partial.path.clone(), inputs: partial.inputs.clone(), known });
        }
    }
    for (unit, places) in &left.units {
        let path = Lake::partial_path(unit);
        let Some(last) = places.keys().next_back().filter(|_| lake.resolve(&path).exists()) else { continue };
        if messages.iter().all(|held| held.path != path) && !left.held.partials.contains_key(&path) {
            groups.join(places.values().copied().filter(|input| again.contains(input)));
            let inputs = (0..=*last).map(|place| places.get(&place).copied().unwrap_or(0)).collect();
            change.remove_partial(&path);
            messages.push(Messages { path, inputs, known: None });
        }
    }
    let mut parts_of: BTreeMap<usize, Vec<&CommittedPart>> = BTreeMap::new();
    let of_part = |part: &CommittedPart| -> BTreeSet<usize> {
        part.ranges.iter().map(|range| range.input).filter(|input| again.contains(input)).collect()
    };
    for part in left.held.parts.values() {
        groups.join(of_part(part).into_iter());
    }
    for part in left.held.parts.values() {
        if let Some(first) = of_part(part).into_iter().next() {
            parts_of.entry(groups.root(first)).or_default().push(part);
        }
    }
    let mut members: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for number in &again {
        members.entry(groups.root(*number)).or_default().insert(*number);
    }
    let encoder = encoder(settings, lake)?;
    let rewriter = Rewriter::new(lake, &left.held, &encoder, cancel);
    let of_groups: Vec<_> = members.into_iter().collect();
    let counted = in_order(of_groups, jobs, |(root, captures)| {
        let parts = parts_of.get(&root).map(Vec::as_slice).unwrap_or_default();
        count_group(&rewriter, parts, &captures, &messages, settings)
    })?;
    for Counted { partial, captures, told, without_messages } in counted {
        if let Some((unit, entry)) = partial {
            repaired.partials += 1;
            days.extend(entry.days.iter().copied());
            change.add_partial(&unit, &entry, captures);
        }
        for number in without_messages {
            repaired.without_messages.extend(left.held.inputs.get(&number).map(|entry| entry.input.path.clone()));
        }
        for (number, told) in told {
            if let Some(entry) = left.held.inputs.get_mut(&number).map(Arc::make_mut)
                && (entry.from_rows || entry.found.rows != told.rows)
            {
                let found = &mut entry.found;
                (found.records, found.rows, found.length) = (told.rows, told.rows, told.length);
                (found.earliest, found.latest) = (told.earliest, told.latest);
            }
        }
    }
    left.held.partials.extend(change.manifest.partials.iter().map(|partial| (partial.path.clone(), partial.clone())));
    Ok(days)
}

/// What was counted again.
struct Counted {
    partial: Option<(String, PartialEntry)>,
    captures: Vec<usize>,
    told: BTreeMap<usize, Told>,
    without_messages: Vec<usize>,
}

fn count_group(
    rewriter: &Rewriter<'_>,
    parts: &[&CommittedPart],
    captures: &BTreeSet<usize>,
    messages: &[Messages<'_>],
    settings: &Settings,
) -> Result<Counted> {
    let lake = rewriter.lake;
    let folder = lake.resolve(&Lake::staging());
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let space = rewriter.cancel.space(&folder);
    let (mut tallies, told) = recount_captures(rewriter, parts, captures, &space)?;
    let places: Vec<usize> = captures.iter().copied().collect();
    let days: BTreeSet<Day> = told.values().flat_map(|told| told.messages.iter().copied()).collect();
    let mut known: BTreeSet<usize> = BTreeSet::new();
    for held in messages.iter().filter(|held| held.inputs.iter().any(|input| captures.contains(input))) {
        let place = |input: &usize| places.binary_search(input).ok().and_then(|place| u32::try_from(place).ok());
        let owners = Owners::Renumber(held.inputs.iter().map(place).collect());
        let path = lake.resolve(&held.path);
        let wanted = |section: crate::tally::Section| section.owned && days.contains(&section.day);
        match tallies.append_sections(&path, owners, &wanted) {
            Ok(()) => known.extend(held.inputs.iter().copied()),
            // Nothing says what it should be.
            Err(Error::Io { .. }) if held.known.is_none() => {}
            Err(error) => return Err(error),
        }
    }
    let without_messages =
        told.iter().filter(|(number, told)| !told.messages.is_empty() && !known.contains(number)).map(|(id, _)| *id);
    let without_messages = without_messages.collect();
    if tallies.sections().is_empty() {
        return Ok(Counted { partial: None, captures: places, told, without_messages });
    }
    let staged = rewriter.staged("arrow")?;
    let Saved { bytes, checksum, days } = tallies.save(&lake.resolve(&staged))?;
    let window = settings.window.to_string();
    let fields = std::iter::once(window.as_str()).chain(parts.iter().map(|part| part.checksum.as_str()));
    let unit = derived_identity("repair", fields.chain(std::iter::once(checksum.as_str())));
    let partial = PartialEntry { staged, path: Lake::partial_path(&unit), bytes, checksum, days };
    Ok(Counted { partial: Some((unit, partial)), captures: places, told, without_messages })
}
