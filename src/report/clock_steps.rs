//! Captures in which the clock was set back.

use std::cmp::Reverse;

use crate::capture::Timestamp;
use crate::lake::InputEntry;
use crate::path_text::printable;
use crate::plan::{APPENDED, BACKWARDS};

/// Times of a capture that go back by less than this, in microseconds, are no step of the clock: packets of several interfaces or processors
/// are not always written in order.
const LEAST: i64 = 300_000_000;
/// Captures that are named.
const NAMED: usize = 8;

/// A capture whose times go back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockStep {
    /// Its absolute path, as printable text.
    pub capture: String,
    /// By how much at least, in microseconds.
    pub by: i64,
    /// How many records are earlier than the one before.
    pub records: u64,
    /// The earliest and the latest time, in microseconds since the Unix epoch.
    pub ends: (i64, i64),
}

/// The captures whose times go back, those with the longest steps by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockSteps {
    /// How many there are.
    pub count: u64,
    /// At most eight, the longest step first.
    pub longest: Vec<ClockStep>,
}

impl ClockSteps {
    /// Whether the clock was set back, by the earliest, the first, the last and the latest time of a capture in microseconds: it was if
    /// the capture has times before its first one or after its last one. A step forth and back again between them is not seen.
    #[must_use]
    pub fn is_one(ends: [Option<i64>; 4]) -> bool {
        by(ends).is_some_and(|by| by >= LEAST)
    }

    /// Adds a capture, if its times go back. One to which others were appended is none: the others may be of any time.
    pub fn add(&mut self, entry: &InputEntry) {
        let found = &entry.found;
        let ends = [found.earliest, found.first, found.last, found.latest].map(|time| time.map(Timestamp::micros));
        let is_appended = found.odd.get(APPENDED).is_some();
        let [Some(earliest), .., Some(latest)] = ends else { return };
        let Some(by) = by(ends).filter(|by| *by >= LEAST && !is_appended) else { return };
        self.count += 1;
        let records = found.odd.get(BACKWARDS).unwrap_or_default();
        let capture = printable(&entry.input.absolute);
        self.longest.push(ClockStep { capture, by, records, ends: (earliest, latest) });
        self.longest.sort_by(|a, b| (Reverse(a.by), &a.capture).cmp(&(Reverse(b.by), &b.capture)));
        self.longest.truncate(NAMED);
    }
}

fn by(ends: [Option<i64>; 4]) -> Option<i64> {
    let [earliest, first, last, latest] = ends;
    Some(first?.saturating_sub(earliest?).max(latest?.saturating_sub(last?)))
}
