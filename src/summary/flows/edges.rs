//! The edges of a date: what a flow of the date beside it needs to know, to tell whether it goes on over midnight.
//!
//! Of a key with packets near midnight: the first time of the date, and the last one. They are few, and are kept apart from the pieces,
//! so that a date is made without reading all pieces of the dates beside it.

use std::ops::Range;

use crate::aggregate::{Aggregator, Merge, Sums};
use crate::day::Day;
use crate::error::Result;
use crate::summary::key::Key;
use crate::summary::sum_kind::SumKind;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Which edge of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    /// Its first times.
    Start = 0,
    /// Its last times.
    End = 1,
}

/// The times of a date.
fn micros_of(day: Day) -> Range<i64> {
    let start = i64::from(day.0) * MICROS_PER_DAY;
    start..start + MICROS_PER_DAY
}

/// Edges of the pieces of a row group.
#[derive(Debug)]
pub(super) struct EdgeNotes {
    timeout: i64,
    /// Keys one after another, and of each its end and times.
    keys: Vec<u8>,
    noted: Vec<(usize, [i64; 2])>,
    key: Key,
}

impl EdgeNotes {
    pub(super) fn new(timeout: i64) -> Self {
        Self { timeout, keys: Vec::new(), noted: Vec::new(), key: Key::default() }
    }

    /// Notes a piece of a pair, if it is near midnight.
    #[inline]
    pub(super) fn note(&mut self, day: Day, pair: &[u8], times: [i64; 2], owner: Option<u32>) {
        let (of_day, [first, last]) = (micros_of(day), times);
        // The last time of the date before is a microsecond before its end.
        let is_near = [first - (of_day.start - 1) <= self.timeout, of_day.end - last <= self.timeout];
        for (edge, _) in [Edge::Start, Edge::End].into_iter().zip(is_near).filter(|(_, is_near)| *is_near) {
            self.keys.push(edge as u8);
            self.keys.extend_from_slice(pair);
            self.keys.extend(owner.into_iter().flat_map(u32::to_be_bytes));
            self.noted.push((self.keys.len(), times));
        }
    }

    /// Moves all to the aggregator.
    pub(super) fn flush(&mut self, day: Day, by_owner: bool, aggregator: &mut Aggregator) {
        if self.noted.is_empty() {
            return;
        }
        let group = SumKind::FlowEdges.group(day);
        let held = aggregator.group(if by_owner { group.by_owner() } else { group });
        let mut start = 0;
        for (end, more) in self.noted.drain(..) {
            let key = self.keys.get(start..end).unwrap_or_default();
            held.add(self.key.clear().raw(key).bytes(), Sums { more, ..Sums::of(0, 1) });
            start = end;
        }
        self.keys.clear();
    }
}

/// Whether a date has packets near one of its ends.
///
/// # Errors
/// If sums cannot be read.
pub(crate) fn has_edge(day: Day, edge: Edge, aggregator: &mut Aggregator) -> Result<bool> {
    let mut edges = aggregator.read(SumKind::FlowEdges.group(day))?;
    while let Some((key, _)) = edges.next()? {
        if key.first() == Some(&(edge as u8)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The times of one edge of a date, which are asked for in the order of the pairs.
pub(super) struct EdgeTimes<'a> {
    edges: Merge<'a>,
    edge: Edge,
    /// The next pair, with its first and last time.
    next: Option<(Vec<u8>, [i64; 2])>,
}

impl<'a> EdgeTimes<'a> {
    pub(super) fn new(edge: Edge, edges: Merge<'a>) -> Result<Self> {
        let mut new = Self { edges, edge, next: None };
        new.read()?;
        Ok(new)
    }

    fn read(&mut self) -> Result<()> {
        self.next = None;
        while let Some((key, sums)) = self.edges.next()? {
            match key.split_first() {
                Some((edge, pair)) if *edge == self.edge as u8 => {
                    self.next = Some((pair.to_vec(), sums.more));
                    return Ok(());
                }
                Some((edge, _)) if *edge > self.edge as u8 => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }

    /// The first and the last time of a pair at this edge, if it has packets there. Pairs must be asked for in order.
    pub(super) fn of(&mut self, pair: &[u8]) -> Result<Option<[i64; 2]>> {
        while self.next.as_ref().is_some_and(|(held, _)| held.as_slice() < pair) {
            self.read()?;
        }
        Ok(self.next.as_ref().filter(|(held, _)| held == pair).map(|(_, times)| *times))
    }
}
