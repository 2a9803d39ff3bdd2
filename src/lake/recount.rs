//! Counts again what rows add to the sums: the rows of a part, or of some captures that are in several parts.

use std::collections::{BTreeMap, BTreeSet};

use crate::aggregate::{Aggregator, Space};
use crate::capture::Timestamp;
use crate::config::Settings;
use crate::day::Day;
use crate::error::{Error, Result};
use crate::packets::{PartReader, Rows, TableColumns};
use crate::summary::Partial;

use super::layout::Layout;
use super::record::CommittedPart;
use super::rewriter::Rewriter;

/// Counts the rows of a part. The content of DNS messages is not in the rows.
///
/// # Errors
/// If the part cannot be read, or sums cannot be spilled.
pub fn recount(lake: &Layout, part: &CommittedPart, settings: &Settings, space: &Space) -> Result<Aggregator> {
    let day = Layout::day_of(&part.path);
    let mut partial = Partial::new(space);
    let table = TableColumns::with(&settings.columns).map_err(|name| Error::NoSuchColumn { name })?;
    let mut reader = PartReader::open(&lake.fetch(&part.path)?, &table, settings.timestamp_unit)?;
    let mut rows = Rows::to_restore(&table, settings.timestamp_unit);
    while let Some(batch) = reader.next_batch()? {
        rows.restore(&batch, 0..batch.num_rows(), 0, (0, 0))?;
        partial.add_rows(day, &rows, settings.window)?;
        rows.clear();
    }
    Ok(partial.into_aggregator())
}

/// What the rows of a capture tell about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How many rows there are.
    pub rows: u64,
    /// Sum of their lengths.
    pub length: i64,
    /// Time of the earliest row.
    pub earliest: Option<Timestamp>,
    /// Time of the latest row.
    pub latest: Option<Timestamp>,
    /// The dates on which it has DNS messages, whose content is not in the rows, or server names, which are counted with them.
    pub messages: BTreeSet<Day>,
    /// The dates on which it may have packets that were taken out of tunnels.
    pub tunnels: BTreeSet<Day>,
    /// Whether it has TCP packets.
    pub has_tcp: bool,
}

/// Counts the rows of some captures in some parts, and returns what they tell about each capture. Flows are among the sums, by owner:
/// the place of their capture in `captures`.
///
/// # Errors
/// If a part cannot be read or differs from what was written, or sums cannot be spilled.
pub fn recount_captures(
    rewriter: &Rewriter<'_>,
    parts: &[&CommittedPart],
    captures: &BTreeSet<usize>,
    space: &Space,
) -> Result<(Aggregator, BTreeMap<usize, Told>)> {
    let settings = rewriter.encoder.settings();
    let mut told: BTreeMap<usize, Told> = captures.iter().map(|capture| (*capture, Told::default())).collect();
    // Flows are kept by the place of their capture.
    let mut partial = Partial::new(space).with_flows(settings.flow_timeout, true);
    let places: BTreeMap<usize, usize> =
        captures.iter().enumerate().map(|(place, capture)| (*capture, place)).collect();
    for part in parts {
        let day = Layout::day_of(&part.path);
        let mut rows = Rows::to_restore(rewriter.encoder.table(), settings.timestamp_unit);
        rewriter.read(part, &mut |batch, range, of| {
            // Of the other captures of the part nobody asks.
            let (Some(told), Some(place)) = (told.get_mut(&of.input), places.get(&of.input)) else { return Ok(()) };
            rows.restore(batch, range, *place, (of.first_offset, of.last_offset))?;
            partial.add_rows(day, &rows, settings.window)?;
            told.add(day, &rows, !settings.decapsulate.is_empty());
            rows.clear();
            Ok(())
        })?;
    }
    Ok((partial.into_aggregator(), told))
}

impl Told {
    fn add(&mut self, day: Day, rows: &Rows, looks_into_tunnels: bool) {
        self.rows += rows.len() as u64;
        self.has_tcp |= rows.has_tcp();
        self.length += rows.volumes().map(|(_, length)| i64::from(length)).sum::<i64>();
        if rows.has_server_names() {
            self.messages.insert(day);
        }
        if looks_into_tunnels && rows.may_have_tunnels() {
            self.tunnels.insert(day);
        }
        for (micros, is_message) in rows.instants() {
            if let Some(time) = micros.map(Timestamp::from_micros) {
                self.earliest = Some(self.earliest.map_or(time, |held| held.min(time)));
                self.latest = Some(self.latest.map_or(time, |held| held.max(time)));
            }
            if is_message {
                self.messages.insert(day);
            }
        }
    }
}
