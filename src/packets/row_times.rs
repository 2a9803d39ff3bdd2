//! The times of rows while they are collected: whole microseconds, and what is finer only where there is any.
//!
//! In: the [`Timestamp`] of each record, and the first one of its capture. Out: the columns `datetime`, `time` and `time_normed`,
//! which are made when they are encoded. All of them are exact, as [`Timestamp`] says. Rows that are read from a part have the
//! columns themselves ([`Times`]), and keep them.

use std::ops::Range;

use crate::capture::{Timestamp, seconds_of_micros};
use crate::config::TimestampUnit;

use super::packed::{NO_DATETIME, Times};

/// The times of rows, in their order.
#[derive(Debug)]
pub(crate) struct RowTimes {
    unit: TimestampUnit,
    /// Microseconds since the Unix epoch, rounded down; [`NO_DATETIME`] for null.
    micros: Vec<i64>,
    /// Whole nanoseconds after them. Empty as long as none are seen: most captures count in microseconds.
    nanos: Vec<u16>,
    /// Of rows whose time is no whole number of nanoseconds: the row, and its time.
    odd: Vec<(u32, Timestamp)>,
    /// The first times of captures: the row from which on one is counted from, and that time.
    firsts: Vec<(u32, Option<Timestamp>)>,
    /// The columns, if they are kept as they were read.
    given: Vec<Times>,
    is_given: bool,
}

impl RowTimes {
    pub(super) fn new(unit: TimestampUnit) -> Self {
        Self {
            unit,
            micros: Vec::new(),
            nanos: Vec::new(),
            odd: Vec::new(),
            firsts: Vec::new(),
            given: Vec::new(),
            is_given: false,
        }
    }

    /// Says from which time on the following rows are counted: that of their capture's first record that has one.
    #[inline]
    pub(super) fn count_from(&mut self, first: Option<Timestamp>) {
        if self.firsts.last().is_none_or(|(_, held)| *held != first) {
            self.firsts.push((row(self.micros.len()), first));
        }
    }

    /// Whether the following rows are counted from some time.
    #[inline]
    pub(super) fn has_first(&self) -> bool {
        self.firsts.last().is_some_and(|(_, first)| first.is_some())
    }

    /// Appends the time of a record.
    #[inline]
    pub(super) fn push(&mut self, time: Option<Timestamp>) {
        match time.map(Timestamp::whole_micros) {
            Some(Some(micros)) if self.nanos.is_empty() && !self.is_given => self.micros.push(micros),
            _ => self.push_any(time),
        }
    }

    /// Appends a time that is not a number of microseconds, or none.
    #[inline(never)]
    fn push_any(&mut self, time: Option<Timestamp>) {
        if self.is_given {
            let first = self.firsts.last().and_then(|(_, first)| *first);
            self.given.push(Times::of(time, first, self.unit));
        } else if let Some(time) = time {
            let (nanos, is_all) = time.nanos_of_micro();
            if nanos > 0 || !self.nanos.is_empty() {
                self.nanos.resize(self.micros.len(), 0);
                self.nanos.push(nanos);
            }
            if !is_all {
                self.odd.push((row(self.micros.len()), time));
            }
        } else if !self.nanos.is_empty() {
            self.nanos.push(0);
        }
        self.micros.push(time.map_or(NO_DATETIME, Timestamp::micros));
    }

    /// The columns of rows that are read, `rows` of them in all. Those that are new are null, and their microseconds are
    /// to be set by [`RowTimes::settle`].
    pub(super) fn grow_given(&mut self, rows: usize) {
        if !self.is_given && !self.micros.is_empty() {
            let given = (0..self.micros.len()).map(|row| self.of_row(row)).collect();
            self.given = given;
        }
        self.is_given = true;
        self.given.resize(rows, Times::NULL);
    }

    /// The columns of rows that are read.
    pub(super) fn given_mut(&mut self) -> &mut [Times] {
        &mut self.given
    }

    /// Sets the microseconds of rows that have been read.
    pub(super) fn settle(&mut self) {
        let unit = self.unit;
        let given = self.given.get(self.micros.len()..).unwrap_or_default();
        self.micros.extend(given.iter().map(|times| times.micros(unit)));
    }

    /// The time of each row in microseconds since the Unix epoch, rounded down; [`NO_DATETIME`] for null.
    pub(crate) fn micros(&self) -> &[i64] {
        &self.micros
    }

    /// The time of a row, and the first one of its capture; `None` for a row that is not there, or that was read from a part.
    pub(super) fn exact(&self, row: usize) -> Option<(Option<Timestamp>, Option<Timestamp>)> {
        (row < self.micros.len() && !self.is_given).then(|| (self.timestamp(row), self.first_of(row)))
    }

    /// Appends the column `datetime` of some rows. `None` if there are no such rows, as in the two that follow.
    pub(super) fn datetimes(&self, range: Range<usize>, out: &mut Vec<i64>) -> Option<()> {
        if self.is_given {
            out.extend(self.given.get(range)?.iter().map(|times| times.datetime));
            return Some(());
        }
        let micros = self.micros.get(range.clone())?;
        match self.unit {
            TimestampUnit::Us => out.extend_from_slice(micros),
            TimestampUnit::Ns => out.extend(micros.iter().zip(range).map(|(micros, row)| self.nanos_of(*micros, row))),
        }
        Some(())
    }

    /// Nanoseconds of a row since the Unix epoch; [`NO_DATETIME`] for null, and for a time that 64 bits do not hold.
    #[inline]
    fn nanos_of(&self, micros: i64, row: usize) -> i64 {
        let nanos = self.nanos.get(row).copied().unwrap_or_default();
        match micros.checked_mul(1000) {
            Some(whole) => whole.checked_add(i64::from(nanos)).unwrap_or(NO_DATETIME),
            // Of the first microsecond that 64 bits hold, they do not hold the beginning.
            None => self.timestamp(row).and_then(Timestamp::nanos).unwrap_or(NO_DATETIME),
        }
    }

    /// Appends the column `time`.
    pub(super) fn seconds(&self, range: Range<usize>, out: &mut Vec<f64>) -> Option<()> {
        if self.is_given {
            out.extend(self.given.get(range)?.iter().map(|times| times.time));
            return Some(());
        }
        self.doubles(range, out, Some(0), Timestamp::as_f64)
    }

    /// Appends the column `time_normed`.
    pub(super) fn normed(&self, range: Range<usize>, out: &mut Vec<f64>) -> Option<()> {
        if self.is_given {
            out.extend(self.given.get(range)?.iter().map(|times| times.time_normed));
            return Some(());
        }
        let ends = self.firsts.iter().skip(1).map(|(row, _)| *row as usize).chain([self.micros.len()]);
        for ((start, first), end) in self.firsts.iter().zip(ends) {
            let stretch = range.start.max(*start as usize)..range.end.min(end);
            if !stretch.is_empty() {
                let micros = first.and_then(Timestamp::whole_micros);
                self.doubles(stretch, out, micros, |time| time.since(first.unwrap_or(time)))?;
            }
        }
        (range.end <= self.micros.len()).then_some(())
    }

    /// Appends the seconds of some rows after `from` microseconds, if that is a whole number of them; `exactly` gives them in any
    /// case.
    fn doubles(
        &self,
        range: Range<usize>,
        out: &mut Vec<f64>,
        from: Option<i64>,
        exactly: impl Fn(Timestamp) -> f64,
    ) -> Option<()> {
        let micros = self.micros.get(range.clone())?;
        let slow = |row| self.timestamp(row).map_or(f64::NAN, &exactly);
        match from.filter(|_| self.nanos.is_empty() && self.odd.is_empty()) {
            // Null is out of the range in which the quotient is exact.
            Some(from) => out.extend(
                micros
                    .iter()
                    .zip(range)
                    .map(|(micros, row)| seconds_of_micros(micros.wrapping_sub(from)).unwrap_or_else(|| slow(row))),
            ),
            None => out.extend(range.map(slow)),
        }
        Some(())
    }

    /// The time of a row. Not of one that was read from a part.
    fn timestamp(&self, row: usize) -> Option<Timestamp> {
        let micros = *self.micros.get(row)?;
        if let Ok(place) = self.odd.binary_search_by_key(&row, |(row, _)| *row as usize) {
            return self.odd.get(place).map(|(_, time)| *time);
        }
        let nanos = self.nanos.get(row).copied().unwrap_or_default();
        (micros != NO_DATETIME).then(|| Timestamp::from_micros_and_nanos(micros, nanos))
    }

    /// The first time of a row's capture.
    fn first_of(&self, row: usize) -> Option<Timestamp> {
        let after = self.firsts.partition_point(|(from, _)| *from as usize <= row);
        self.firsts.get(after.checked_sub(1)?)?.1
    }

    fn of_row(&self, row: usize) -> Times {
        Times::of(self.timestamp(row), self.first_of(row), self.unit)
    }

    /// Bytes of memory that the rows take, about, besides their microseconds.
    #[inline]
    pub(super) fn finer_bytes(&self) -> usize {
        size_of_val(self.nanos.as_slice())
            + size_of_val(self.odd.as_slice())
            + size_of_val(self.firsts.as_slice())
            + size_of_val(self.given.as_slice())
    }

    /// Bytes of memory that are allocated besides them, about.
    pub(super) fn finer_kept(&self) -> usize {
        self.nanos.capacity() * size_of::<u16>()
            + self.odd.capacity() * size_of::<(u32, Timestamp)>()
            + self.firsts.capacity() * size_of::<(u32, Option<Timestamp>)>()
            + self.given.capacity() * size_of::<Times>()
    }

    /// Forgets every row and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.micros.clear();
        self.nanos.clear();
        self.odd.clear();
        self.firsts.clear();
        self.given.clear();
        self.is_given = false;
    }
}

/// The number of a row. There are far fewer than 2^32.
fn row(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
