//! Finds rows of a lake, with what they say of their records.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use crate::aggregate::{Aggregator, Space, Sums};
use crate::bug::bug;
use crate::cancel::Cancel;
use crate::error::{Error, NotExtracted, Result};
use crate::lake::{CommittedPart, Layout, Snapshot};
use crate::packets::{PartRow, PartScan, RowRange, TableColumns};
use crate::tables::{NamedBy, NamingRows};

use super::KEYS;
use super::bytes::{KeyBytes, KeyWriter};
use super::candidates::Candidates;
use super::known_row::{RowFacts, Terms};
use super::named_rows::NamedRows;
use super::outcome::MissingCounts;
use super::packet_filter::PacketFilter;

/// A lake that is looked through.
pub(crate) struct Search<'a> {
    lake: &'a Layout,
    snapshot: &'a Snapshot,
    table: TableColumns,
    terms: Terms,
    space: &'a Space,
    cancel: &'a Cancel,
}

/// The rows that are wanted, by capture and in the order of each.
pub(crate) struct RowsToFind {
    rows: Aggregator,
    /// Of each capture, the offset of the first wanted row that has a time, and that time in microseconds.
    first_times: HashMap<usize, (u64, i64)>,
    /// The captures that have some.
    captures: BTreeSet<usize>,
    pub(super) missing: MissingCounts,
}

/// A wanted row.
#[derive(Clone, Copy, Debug)]
pub(super) struct WantedRow {
    pub(super) input: usize,
    pub(super) offset: u64,
    /// Its place in the order of rows.
    pub(super) sequence: u64,
    pub(super) facts: RowFacts,
}

impl RowsToFind {
    pub(super) fn new(space: &Space, missing: MissingCounts) -> Self {
        Self { rows: Aggregator::new(space), first_times: HashMap::new(), captures: BTreeSet::new(), missing }
    }

    pub(super) fn add(
        &mut self,
        input: usize,
        offset: u64,
        sequence: u64,
        facts: &RowFacts,
        terms: &Terms,
    ) -> Result<()> {
        let mut key = KeyWriter::default();
        key.u32(u32::try_from(input).map_err(|_| bug!())?).u64(offset).u64(sequence);
        facts.write(&mut key);
        if let Some(micros) = terms.micros(facts.datetime) {
            match self.first_times.entry(input) {
                Entry::Vacant(place) => drop(place.insert((offset, micros))),
                Entry::Occupied(mut held) if held.get().0 > offset => drop(held.insert((offset, micros))),
                Entry::Occupied(_) => {}
            }
        }
        self.captures.insert(input);
        self.rows.add(KEYS, &key.0, Sums::of(0, 1))
    }

    /// The captures that have wanted rows, by their numbers.
    pub(crate) fn captures(&self) -> &BTreeSet<usize> {
        &self.captures
    }

    /// Of each capture, the time of its first wanted row that has one, in microseconds.
    pub(super) fn first_times(&self) -> impl Iterator<Item = (usize, i64)> {
        self.first_times.iter().map(|(input, (_, micros))| (*input, *micros))
    }

    /// All rows, by capture and offset.
    pub(super) fn each(mut self, each: &mut dyn FnMut(&WantedRow) -> Result<()>) -> Result<()> {
        let mut keys = self.rows.read(KEYS)?;
        while let Some((key, _)) = keys.next()? {
            let mut key = KeyBytes(key);
            let (input, offset, sequence) = (key.u32()? as usize, key.u64()?, key.u64()?);
            each(&WantedRow { input, offset, sequence, facts: RowFacts::read(&mut key)? })?;
        }
        Ok(())
    }
}

impl<'a> Search<'a> {
    /// Checks that the lake says where its packets are.
    ///
    /// # Errors
    /// If it lacks the columns.
    pub(crate) fn new(lake: &'a Layout, snapshot: &'a Snapshot, space: &'a Space, cancel: &'a Cancel) -> Result<Self> {
        let settings = snapshot.settings.clone().unwrap_or_default();
        let has = |column: &str| settings.columns.names().any(|name| name == column);
        for column in ["capture", "offset"] {
            if !has(column) {
                let lake = lake.root().to_path_buf();
                return Err(Error::NotExtracted(NotExtracted::LacksColumn { lake, column }));
            }
        }
        let table = TableColumns::with(&settings.columns).map_err(|name| Error::NoSuchColumn { name })?;
        let terms = Terms {
            unit: settings.timestamp_unit,
            length: settings.length,
            has_cap_len: has("cap_len"),
            has_link_type: has("link_type"),
            has_interface: has("interface"),
        };
        Ok(Self { lake, snapshot, table, terms, space, cancel })
    }

    /// What the lake says of its packets.
    pub(crate) fn terms(&self) -> Terms {
        self.terms
    }

    /// The rows that a filter takes.
    ///
    /// # Errors
    /// If a part cannot be read, or the work is cancelled.
    pub(crate) fn filtered(&self, filter: &PacketFilter) -> Result<RowsToFind> {
        let mut wanted = RowsToFind::new(self.space, MissingCounts::default());
        let mut sequence = 0;
        let take = |part: &CommittedPart| {
            let scan = self.open(part)?;
            for (group, _) in scan.groups() {
                self.cancel.check()?;
                if !filter.takes_times(scan.times_of(group), self.terms.unit) {
                    continue;
                }
                let places = if filter.takes_rows() {
                    None
                } else {
                    Some(places(&scan, group, &filter.columns(), |row| filter.takes(row, self.terms.unit))?)
                };
                self.facts(&scan, part, group, places.as_deref(), &mut |range, row, facts| {
                    sequence += 1;
                    wanted.add(range.input, offset_of(row)?, sequence, facts, &self.terms)
                })?;
            }
            Ok(())
        };
        self.snapshot.each_part(|path| filter.takes_part(path), take)?;
        Ok(wanted)
    }

    /// The rows that others name. What they are called is asked of all captures, so the lake was read whole.
    ///
    /// # Errors
    /// If they cannot be read; if a part cannot be read, or the work is cancelled.
    pub(crate) fn named(&self, given: &mut NamingRows) -> Result<RowsToFind> {
        let by = given.named_by();
        let column = match by {
            NamedBy::Offset => "offset",
            NamedBy::Frame => "frame",
        };
        let columns = self.snapshot.settings.as_ref().map(|settings| settings.columns.clone()).unwrap_or_default();
        if !columns.names().any(|name| name == column) {
            let lake = self.lake.root().to_path_buf();
            return Err(Error::NotExtracted(NotExtracted::LacksColumn { lake, column: "frame" }));
        }
        let candidates = Candidates::read(self.lake, self.snapshot, &self.table, self.terms.unit)?;
        let go_on = || Ok(self.cancel.check()?);
        let mut named = NamedRows::read(given, &candidates, self.snapshot, self.space, &go_on)?;
        for part in self.snapshot.parts.values() {
            let is_named = |range: &RowRange| {
                let offsets = (range.first_offset, range.last_offset);
                named.are_of(range.input, (by == NamedBy::Offset).then_some(offsets))
            };
            let ranges: Vec<_> = part.ranges.iter().filter(|range| is_named(range)).collect();
            if ranges.is_empty() {
                continue;
            }
            let scan = self.open(part)?;
            for (group, rows) in scan.groups().filter(|(_, rows)| ranges.iter().any(|range| meet(range, rows))) {
                self.cancel.check()?;
                let mut within = Within::of(part);
                let place = |row: &PartRow<'_>| match by {
                    NamedBy::Offset => row.offset,
                    NamedBy::Frame => row.frame,
                };
                // Rows of one capture stand together, so that most groups have few that are looked at.
                let looked_at: Option<Vec<u32>> = if ranges.len() == part.ranges.len() {
                    None
                } else {
                    Some(
                        ranges
                            .iter()
                            .flat_map(|range| common(range, &rows))
                            .filter_map(|at| at.try_into().ok())
                            .collect(),
                    )
                };
                let is_wanted = |row: &PartRow<'_>| {
                    let place = place(row).and_then(|place| u64::try_from(place).ok());
                    within.range_of(row.row).zip(place).is_some_and(|(range, place)| named.names(range.input, place))
                };
                let places = places_among(&scan, group, &[column], looked_at.as_deref(), is_wanted)?;
                if places.is_empty() {
                    continue;
                }
                // The place is read again, with what the row says.
                self.facts_and(&scan, part, group, Some(&places), column, &mut |range, row, facts| {
                    let place = place(row).and_then(|place| u64::try_from(place).ok()).ok_or_else(|| bug!())?;
                    named.add_row(range.input, place, offset_of(row)?, facts)
                })?;
            }
        }
        named.join(self.snapshot, &self.terms, self.space)
    }

    fn open(&self, part: &CommittedPart) -> Result<PartScan> {
        PartScan::open(&self.lake.fetch(&part.path)?, &self.table, self.terms.unit)
    }

    fn facts(
        &self,
        scan: &PartScan,
        part: &CommittedPart,
        group: usize,
        places: Option<&[u32]>,
        each: &mut dyn FnMut(&RowRange, &PartRow<'_>, &RowFacts) -> Result<()>,
    ) -> Result<()> {
        self.facts_and(scan, part, group, places, "offset", each)
    }

    /// What rows say, with one more column.
    fn facts_and(
        &self,
        scan: &PartScan,
        part: &CommittedPart,
        group: usize,
        places: Option<&[u32]>,
        column: &'static str,
        each: &mut dyn FnMut(&RowRange, &PartRow<'_>, &RowFacts) -> Result<()>,
    ) -> Result<()> {
        if places.is_some_and(<[u32]>::is_empty) {
            return Ok(());
        }
        let mut columns = self.terms.columns();
        if !columns.contains(&column) {
            columns.push(column);
        }
        let mut within = Within::of(part);
        scan.read(group, &columns, places, &mut |row| {
            let path = self.lake.shown(&part.path);
            let (rows, found) = (format!("{} rows", part.rows), format!("row {}", row.row));
            let differs = || Error::FileDiffers { path, what: "rows", expected: rows, found };
            each(within.range_of(row.row).ok_or_else(differs)?, row, &RowFacts::of(row))
        })
    }
}

fn offset_of(row: &PartRow<'_>) -> Result<u64> {
    row.offset.and_then(|offset| u64::try_from(offset).ok()).ok_or_else(|| bug!())
}

/// The places of rows in their group that are taken.
fn places(
    scan: &PartScan,
    group: usize,
    columns: &[&str],
    takes: impl FnMut(&PartRow<'_>) -> bool,
) -> Result<Vec<u32>> {
    places_among(scan, group, columns, None, takes)
}

fn places_among(
    scan: &PartScan,
    group: usize,
    columns: &[&str],
    among: Option<&[u32]>,
    mut takes: impl FnMut(&PartRow<'_>) -> bool,
) -> Result<Vec<u32>> {
    let (_, rows) = scan.groups().nth(group).ok_or_else(|| bug!())?;
    let mut taken = Vec::new();
    scan.read(group, columns, among, &mut |row| {
        if takes(row) {
            taken.push(u32::try_from(row.row - rows.start).map_err(|_| bug!())?);
        }
        Ok(())
    })?;
    Ok(taken)
}

/// The rows of a range that are in a group, counted from the group's first one.
fn common(range: &RowRange, rows: &Range<u64>) -> Range<u64> {
    let start = range.first_row.max(rows.start);
    let end = range.first_row.saturating_add(range.rows).min(rows.end).max(start);
    start - rows.start..end - rows.start
}

fn meet(range: &RowRange, rows: &Range<u64>) -> bool {
    range.first_row < rows.end && rows.start < range.first_row.saturating_add(range.rows)
}

/// The ranges of a part, gone through in the order of its rows.
struct Within<'a> {
    ranges: &'a [RowRange],
}

impl<'a> Within<'a> {
    fn of(part: &'a CommittedPart) -> Self {
        Self { ranges: &part.ranges }
    }

    /// The range of a row that comes after those that were asked about before.
    fn range_of(&mut self, row: u64) -> Option<&'a RowRange> {
        while let Some((range, rest)) = self.ranges.split_first() {
            if row < range.first_row.saturating_add(range.rows) {
                return (range.first_row <= row).then_some(range);
            }
            self.ranges = rest;
        }
        None
    }
}
