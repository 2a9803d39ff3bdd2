//! Rows that a query found, and the rows of the lake that they name.
//!
//! Both go into one sorted list of keys, by capture and place, so that a named row stands next to the row of the lake that it
//! names. Where a path means several captures, the row is looked for in each, and counts if exactly one has it.

use std::collections::{BTreeMap, HashMap};

use crate::aggregate::{Aggregator, Space, Sums};
use crate::bug::bug;
use crate::error::Result;
use crate::lake::Snapshot;
use crate::tables::{GivenRow, NamingRows};

use super::KEYS;
use super::bytes::{KeyBytes, KeyWriter};
use super::candidates::Candidates;
use super::known_row::{RowFacts, Terms};
use super::lookup::RowsToFind;
use super::outcome::{MissingCounts, MissingWhy};

/// Named packets up to which their places are kept in memory, so that other rows of the lake need no key.
const KEPT: usize = 1 << 20;
/// A key of a row of the lake comes before those of named rows of the same place.
const OF_LAKE: u8 = 0;
const NAMED: u8 = 1;
/// Microseconds by which times may differ: doubles of seconds are rounded, and columns are cut off.
const TOLERANCE: f64 = 1.5;

/// Rows that name packets, while the lake is looked through for them.
pub(super) struct NamedRows {
    keys: Aggregator,
    /// The places that are named, by capture and in order. `None` of a capture for all of its rows.
    places: BTreeMap<usize, Option<Vec<u64>>>,
    kept: usize,
    /// Paths that mean several captures: how many, and how many rows have them.
    ambiguous: Vec<(String, u64, u64)>,
    missing: MissingCounts,
}

impl NamedRows {
    /// Reads all rows of a table.
    pub(super) fn read(
        given: &mut NamingRows,
        candidates: &Candidates,
        snapshot: &Snapshot,
        space: &Space,
        go_on: &dyn Fn() -> Result<()>,
    ) -> Result<Self> {
        let (keys, missing) = (Aggregator::new(space), MissingCounts::default());
        let mut rows = Self { keys, places: BTreeMap::new(), kept: 0, ambiguous: Vec::new(), missing };
        let has_streams = snapshot.inputs.values().any(|entry| entry.input.is_stdin());
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut sequence = 0;
        given.each(&mut |row| {
            sequence += 1;
            if sequence % 4096 == 0 {
                go_on()?;
            }
            let GivenRow { capture: Some(path), place: Some(place), micros } = *row else {
                let is_stream = row.capture.is_none() && row.place.is_some() && has_streams;
                let (name, why) = if is_stream { ("stdin", MissingWhy::Stream) } else { ("", MissingWhy::Unnamed) };
                rows.missing.add(name, why, 1);
                return Ok(());
            };
            let inputs = candidates.of(path);
            let mut number = u32::MAX;
            match inputs {
                [] => rows.missing.add(path, MissingWhy::NoCapture, 1),
                [_] => {}
                several => {
                    let known = numbers.get(path).copied().unwrap_or_else(|| {
                        rows.ambiguous.push((path.to_owned(), several.len() as u64, 0));
                        numbers.insert(path.to_owned(), rows.ambiguous.len() - 1);
                        rows.ambiguous.len() - 1
                    });
                    rows.ambiguous.get_mut(known).ok_or_else(|| bug!())?.2 += 1;
                    number = u32::try_from(known).map_err(|_| bug!())?;
                }
            }
            let mut key = KeyWriter::default();
            for input in inputs {
                key.0.clear();
                key.u32(u32::try_from(*input).map_err(|_| bug!())?).u64(place).u8(NAMED).u64(sequence);
                key.u32(number).u64(micros.unwrap_or(f64::NAN).to_bits());
                rows.keys.add(KEYS, &key.0, Sums::of(0, 1))?;
                rows.keep(*input, place);
            }
            Ok(())
        })?;
        for places in rows.places.values_mut().flatten() {
            places.sort_unstable();
            places.dedup();
        }
        Ok(rows)
    }

    fn keep(&mut self, input: usize, place: u64) {
        if self.kept == KEPT {
            // From here on, all rows of the captures get a key.
            self.places.values_mut().for_each(|places| *places = None);
            self.kept += 1;
        }
        let places = self.places.entry(input).or_insert_with(|| (self.kept < KEPT).then(Vec::new));
        if let Some(places) = places {
            places.push(place);
            self.kept += 1;
        }
    }

    /// Whether rows of a capture are named whose places are within these.
    pub(super) fn are_of(&self, input: usize, within: Option<(u64, u64)>) -> bool {
        match (self.places.get(&input), within) {
            (None, _) => false,
            (Some(Some(places)), Some((first, last))) => {
                places.get(places.partition_point(|place| *place < first)).is_some_and(|place| *place <= last)
            }
            _ => true,
        }
    }

    /// Whether a row of the lake may be named.
    pub(super) fn names(&self, input: usize, place: u64) -> bool {
        match self.places.get(&input) {
            None => false,
            Some(None) => true,
            Some(Some(places)) => places.binary_search(&place).is_ok(),
        }
    }

    /// Adds a row of the lake.
    pub(super) fn add_row(&mut self, input: usize, place: u64, offset: u64, facts: &RowFacts) -> Result<()> {
        let mut key = KeyWriter::default();
        key.u32(u32::try_from(input).map_err(|_| bug!())?).u64(place).u8(OF_LAKE).u64(offset);
        facts.write(&mut key);
        self.keys.add(KEYS, &key.0, Sums::of(0, 1))
    }

    /// Finds the rows of the lake that are named.
    pub(super) fn join(mut self, snapshot: &Snapshot, terms: &Terms, space: &Space) -> Result<RowsToFind> {
        let mut wanted = RowsToFind::new(space, std::mem::take(&mut self.missing));
        let mut several = Aggregator::new(space);
        let mut keys = self.keys.read(KEYS)?;
        let mut held: Option<(u32, u64, u64, RowFacts)> = None;
        let mut no_row: BTreeMap<u32, u64> = BTreeMap::new();
        while let Some((key, sums)) = keys.next()? {
            let mut key = KeyBytes(key);
            let (input, place, kind) = (key.u32()?, key.u64()?, key.u8()?);
            if kind == OF_LAKE {
                held = Some((input, place, key.u64()?, RowFacts::read(&mut key)?));
                continue;
            }
            let (sequence, number, micros) = (key.u64()?, key.u32()?, f64::from_bits(key.u64()?));
            let row = held.filter(|(of, at, ..)| (*of, *at) == (input, place));
            match row {
                Some((_, _, offset, facts)) if number == u32::MAX => {
                    wanted.add(input as usize, offset, sequence, &facts, terms)?;
                }
                Some((_, _, offset, facts)) => {
                    #[expect(clippy::cast_precision_loss, reason = "to a fraction of a microsecond")]
                    let differs = terms.micros(facts.datetime).map(|time| (time as f64 - micros).abs() > TOLERANCE);
                    // A row that says a time is not that of a packet without one.
                    if micros.is_nan() || differs == Some(false) {
                        let mut hit = KeyWriter::default();
                        hit.u64(sequence).u32(number).u32(input).u64(offset);
                        facts.write(&mut hit);
                        several.add(KEYS, &hit.0, sums)?;
                    }
                }
                None if number == u32::MAX => *no_row.entry(input).or_default() += 1,
                None => {}
            }
        }
        drop(keys);
        for (input, rows) in no_row {
            let name = snapshot.inputs.get(&(input as usize)).map(|entry| entry.input.name()).unwrap_or_default();
            wanted.missing.add(&name, MissingWhy::NoRow, rows);
        }
        tell_apart(&mut several, self.ambiguous, &mut wanted, terms)?;
        Ok(wanted)
    }
}

/// Takes the rows that exactly one of several captures has.
fn tell_apart(
    hits: &mut Aggregator,
    mut ambiguous: Vec<(String, u64, u64)>,
    wanted: &mut RowsToFind,
    terms: &Terms,
) -> Result<()> {
    /// A row with the capture that has it, and how many have.
    struct Hit {
        sequence: u64,
        number: usize,
        input: usize,
        offset: u64,
        facts: RowFacts,
        captures: u64,
    }
    let mut doubtful: Vec<u64> = vec![0; ambiguous.len()];
    let mut take = |hit: Option<Hit>| -> Result<()> {
        let Some(hit) = hit else { return Ok(()) };
        let (_, _, rows) = ambiguous.get_mut(hit.number).ok_or_else(|| bug!())?;
        *rows -= 1;
        if hit.captures == 1 {
            return wanted.add(hit.input, hit.offset, hit.sequence, &hit.facts, terms);
        }
        *doubtful.get_mut(hit.number).ok_or_else(|| bug!())? += 1;
        Ok(())
    };
    let mut held: Option<Hit> = None;
    let mut keys = hits.read(KEYS)?;
    while let Some((key, _)) = keys.next()? {
        let mut key = KeyBytes(key);
        let (sequence, number, input, offset) = (key.u64()?, key.u32()?, key.u32()?, key.u64()?);
        if let Some(hit) = held.as_mut().filter(|hit| hit.sequence == sequence) {
            hit.captures += 1;
            continue;
        }
        let facts = RowFacts::read(&mut key)?;
        take(held.replace(Hit {
            sequence,
            number: number as usize,
            input: input as usize,
            offset,
            facts,
            captures: 1,
        }))?;
    }
    take(held)?;
    for ((path, captures, none), doubtful) in ambiguous.into_iter().zip(doubtful) {
        wanted.missing.add(&path, MissingWhy::Ambiguous(captures), doubtful);
        wanted.missing.add(&path, MissingWhy::NoRow, none);
    }
    Ok(())
}
