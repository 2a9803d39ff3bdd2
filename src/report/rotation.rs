//! Captures of a rotation whose times do not fit between those of their neighbours: the clock of the sensor was wrong.
//!
//! A rotation is captures whose paths differ in their numbers only, such as `eth0-20240311-0900.pcap`. Numbers are compared as
//! numbers. A capture is held against the three before and the three after it.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::aggregate::{Aggregator, Group, Measure, Space, Sums};
use crate::day::Day;
use crate::error::Result;
use crate::path_text::printable;

/// A capture lies astray if it is further than this from where it belongs, in microseconds …
const AWAY: i64 = 3_600_000_000;
/// … and further than the time of its neighbours, these times.
const AWAY_TIMES: i64 = 3;
/// How many neighbours on each side are looked at, and how many there must be.
const SIDE: usize = 3;
const NEIGHBOURS: usize = 3;
/// By how much captures of a rotation may overlap, in microseconds: the last packets of one may be written after the first of the next.
const OVERLAP: i64 = 1_000_000;
/// Captures that are named.
const NAMED: usize = 8;

/// What ends the name of a compressed file.
const COMPRESSED: [&str; 5] = [".gz", ".zst", ".xz", ".bz2", ".lz4"];

/// The time of a capture's first and last packet, in microseconds since the Unix epoch.
type Ends = (i64, i64);

/// A capture that lies away from its neighbours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stray {
    /// Its absolute path, as printable text.
    pub capture: String,
    /// The times of its first and its last packet, in microseconds since the Unix epoch.
    pub ends: (i64, i64),
    /// By how much, in microseconds.
    pub away: i64,
    /// Where its neighbours end before it and begin after it, where there are such.
    pub between: (Option<i64>, Option<i64>),
}

/// The captures of rotations, put in order.
///
/// # Memory
/// As [`Aggregator`].
#[derive(Debug)]
pub struct Rotations(Aggregator);

const GROUP: Group = Group { day: Day::EPOCH, kind: 0, measure: Measure::Span, by_owner: false };

impl Rotations {
    /// No captures. What does not fit in memory is spilled.
    #[must_use]
    pub fn new(space: &Space) -> Self {
        Self(Aggregator::new(space))
    }

    /// Adds a capture by its absolute path.
    ///
    /// # Errors
    /// If what does not fit in memory cannot be written.
    pub fn add(&mut self, path: &Path, first: i64, last: i64) -> Result<()> {
        self.0.add(GROUP, &key(path.as_os_str().as_bytes()), Sums { more: [first, last], ..Sums::default() })
    }

    /// The captures that lie astray, at most eight, and how many there are.
    ///
    /// # Errors
    /// If what was spilled cannot be read.
    pub fn strays(mut self) -> Result<(u64, Vec<Stray>)> {
        let mut found = (0, Vec::new());
        let mut near = Near::default();
        let mut rows = self.0.read(GROUP)?;
        while let Some((key, sums)) = rows.next()? {
            let mut parts = key.split(|byte| *byte == 0);
            let (pattern, path) = (parts.next().unwrap_or_default(), parts.next_back().unwrap_or_default());
            if near.pattern != pattern {
                near.end(&mut found);
                near.pattern = pattern.to_vec();
            }
            let [first, last] = sums.more;
            near.push((path.to_vec(), (first, last)), &mut found);
        }
        near.end(&mut found);
        Ok(found)
    }
}

/// The path without its numbers, its numbers so that they sort as such, and the path, with zeros between. No path has a zero.
fn key(path: &[u8]) -> Vec<u8> {
    let name = COMPRESSED.iter().find_map(|end| path.strip_suffix(end.as_bytes())).unwrap_or(path);
    let (mut pattern, mut numbers) = (Vec::new(), Vec::new());
    for run in name.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()) {
        if run.first().is_some_and(u8::is_ascii_digit) {
            let zeros = run.iter().take(run.len() - 1).take_while(|digit| **digit == b'0').count();
            let digits = run.get(zeros..).unwrap_or_default();
            pattern.push(b'#');
            numbers.push(u8::try_from(digits.len()).unwrap_or(u8::MAX));
            numbers.extend(digits);
        } else {
            pattern.extend(run);
        }
    }
    [pattern.as_slice(), numbers.as_slice(), path].join(&0)
}

/// The captures next to each other that are looked at.
#[derive(Default)]
struct Near {
    pattern: Vec<u8>,
    captures: VecDeque<(Vec<u8>, Ends)>,
    /// The place of the next one that is held against the others.
    next: usize,
}

impl Near {
    fn push(&mut self, capture: (Vec<u8>, Ends), found: &mut (u64, Vec<Stray>)) {
        self.captures.push_back(capture);
        if self.captures.len() > self.next + SIDE {
            self.judge(found);
        }
    }

    fn end(&mut self, found: &mut (u64, Vec<Stray>)) {
        while self.next < self.captures.len() {
            self.judge(found);
        }
        self.captures.clear();
        self.next = 0;
    }

    fn judge(&mut self, (count, named): &mut (u64, Vec<Stray>)) {
        let ends: Vec<Ends> = self.captures.iter().map(|(_, ends)| *ends).collect();
        let before = ends.get(self.next.saturating_sub(SIDE)..self.next).unwrap_or_default();
        let after: Vec<Ends> = ends.iter().skip(self.next + 1).take(SIDE).copied().collect();
        if let Some((path, at)) = self.captures.get(self.next)
            && let Some(away) = astray(before, *at, &after)
        {
            *count += 1;
            if named.len() < NAMED {
                let capture = printable(Path::new(OsStr::from_bytes(path)));
                let between = (before.last().map(|ends| ends.1), after.first().map(|ends| ends.0));
                named.push(Stray { capture, ends: *at, away, between });
            }
        }
        self.next += 1;
        if self.next > SIDE {
            self.captures.pop_front();
            self.next -= 1;
        }
    }
}

/// How far a capture lies from where its neighbours say that it belongs, if that is too far.
fn astray(before: &[Ends], at: Ends, after: &[Ends]) -> Option<i64> {
    let neighbours: Vec<Ends> = before.iter().chain(after).copied().collect();
    let follows = |(earlier, later): (&Ends, &Ends)| earlier.1 <= later.0.saturating_add(OVERLAP);
    let in_order = neighbours.iter().zip(neighbours.iter().skip(1)).all(follows);
    if neighbours.len() < NEIGHBOURS || !in_order {
        return None;
    }
    let (low, high) = (before.last().map(|ends| ends.0), after.first().map(|ends| ends.1));
    let near = match (before, after) {
        ([.., first], [last, ..]) | ([.., first, last], []) | ([], [first, last, ..]) => last.1.saturating_sub(first.0),
        _ => return None,
    };
    let early = low.map_or(0, |low| low.saturating_sub(at.0));
    let late = high.map_or(0, |high| at.1.saturating_sub(high));
    let away = early.max(late);
    (away >= AWAY.max(near.saturating_mul(AWAY_TIMES))).then_some(away)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn strays(captures: &[(&str, i64, i64)]) -> Vec<(String, i64)> {
        let folder = tempfile::tempdir().unwrap();
        let mut rotations = Rotations::new(&Space::new(folder.path()));
        for (path, first, last) in captures {
            rotations.add(Path::new(path), *first, *last).unwrap();
        }
        let (count, found) = rotations.strays().unwrap();
        assert_eq!(usize::try_from(count).unwrap(), found.len());
        found.into_iter().map(|stray| (stray.capture, stray.away)).collect()
    }

    /// Captures of an hour, with numbers that do not sort as text; of one of them the times.
    fn hours(changed: usize, ends: Ends) -> Vec<(String, i64, i64)> {
        let of = |n: usize| {
            let start = i64::try_from(n).unwrap() * HOUR;
            let (first, last) = if n == changed { ends } else { (start, start + HOUR - 1) };
            (format!("/c/eth0-{n}.pcap"), first, last)
        };
        (0..24).map(of).collect()
    }

    fn of_hours(changed: usize, ends: Ends) -> Vec<(String, i64)> {
        let captures = hours(changed, ends);
        strays(&captures.iter().map(|(path, first, last)| (path.as_str(), *first, *last)).collect::<Vec<_>>())
    }

    #[test]
    fn a_capture_that_is_away_from_its_neighbours_is_found_wherever_it_stands() {
        assert_eq!(of_hours(99, (0, 0)), []);
        let day = 24 * HOUR;
        for place in 0..24_usize {
            let start = i64::try_from(place).unwrap() * HOUR;
            let path = format!("/c/eth0-{place}.pcap");
            // A day back. Of the first one that may be right.
            let found = of_hours(place, (start - day, start - day + HOUR - 1));
            let early = if place == 0 { vec![] } else { vec![(path.clone(), day - HOUR)] };
            assert_eq!(found, early, "{place}");
            // A day ahead. Of the last one that may be right.
            let found = of_hours(place, (start + day, start + day + HOUR - 1));
            let late = if place == 23 { vec![] } else { vec![(path.clone(), day - HOUR)] };
            assert_eq!(found, late, "{place}");
        }
        // The clock jumps within a capture, and the next one is right again.
        assert_eq!(of_hours(7, (7 * HOUR, 40 * HOUR)), [("/c/eth0-7.pcap".to_owned(), 40 * HOUR - 9 * HOUR + 1)]);
    }

    #[test]
    fn captures_that_are_no_rotation_are_left_alone() {
        // Sensors, at the same time, and one on another day.
        let sensors: Vec<_> = (0..9).map(|n| (format!("/c/sensor{n}.pcap"), n % 7 / 6 * 30 * HOUR)).collect();
        let sensors: Vec<_> = sensors.iter().map(|(path, at)| (path.as_str(), *at, at + HOUR)).collect();
        assert_eq!(strays(&sensors), []);
        // Names of their own.
        let names = [("/c/a.pcap", 0), ("/c/b.pcap", 900 * HOUR), ("/c/c.pcap", HOUR), ("/c/d.pcap", 2 * HOUR)];
        assert_eq!(strays(&names.map(|(path, at)| (path, at, at + 1))), []);
        // Three days of work, with nights and a month between: each follows the one before.
        let days = [0, 1, 2, 24, 25, 26, 800, 801, 1600].map(|hour| (format!("/c/{hour:05}.pcap"), hour * HOUR));
        assert_eq!(strays(&days.each_ref().map(|(path, at)| (path.as_str(), *at, at + HOUR - 1))), []);
        assert_eq!(strays(&[("/c/1", 5 * HOUR, 6 * HOUR), ("/c/2", 0, 1), ("/c/3", 7 * HOUR, 8 * HOUR)]), []);
    }

    #[test]
    fn numbers_are_compared_as_numbers_and_compression_is_no_difference() {
        let order = ["/c/x-2.pcap.gz", "/c/x-0010.pcap", "/c/x-00011.pcap.zst", "/c/x-100.pcap"];
        let keys = order.map(|path| key(path.as_bytes()));
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(keys.iter().all(|key| key.starts_with(b"/c/x-#.pcap\0")));
        assert!(key(b"/2024/x").starts_with(b"/#/x\0\x042024\0"));
    }
}
