//! When there were captures: how many at a time, in bins that are as fine as their number allows.

use std::collections::BTreeMap;

/// The most bins.
pub(super) const MOST: i64 = 1024;

/// The first and last times of captures, in bins of a power of two microseconds since the Unix epoch. The bins are the shortest of which
/// there are no more than 1024 from the first capture to the last one, in whichever order captures come.
///
/// # Memory
/// 1024 bins, whatever the number of captures.
#[derive(Clone, Debug, Default)]
pub struct CaptureTimes {
    /// Binary logarithm of the length of a bin.
    shift: u32,
    /// How many captures begin and how many end in a bin, by its number.
    bins: BTreeMap<i64, [u64; 2]>,
}

impl CaptureTimes {
    /// Adds a capture with packets from and to these times, in microseconds since the Unix epoch.
    pub fn add(&mut self, first: i64, last: i64) {
        for (time, is_end) in [(first, 0), (last.max(first), 1)] {
            let held = self.bins.entry(time >> self.shift).or_default();
            held.iter_mut().skip(is_end).take(1).for_each(|count| *count += 1);
            while self.is_too_fine() {
                self.shift += 1;
                let mut wider: BTreeMap<i64, [u64; 2]> = BTreeMap::new();
                for (number, [starts, ends]) in &self.bins {
                    let [all_starts, all_ends] = wider.entry(number >> 1).or_default();
                    *all_starts += starts;
                    *all_ends += ends;
                }
                self.bins = wider;
            }
        }
    }

    fn is_too_fine(&self) -> bool {
        let ends = self.bins.first_key_value().zip(self.bins.last_key_value());
        ends.is_some_and(|((first, _), (last, _))| last.saturating_sub(*first) >= MOST)
    }

    /// Length of a bin in microseconds.
    pub(super) fn bin(&self) -> i64 {
        1_i64.checked_shl(self.shift).unwrap_or(i64::MAX)
    }

    /// Runs of equal numbers of captures at a time, from the first capture to the last one: start and end in microseconds, and the number.
    /// A capture that begins in the bin in which another one ends follows it; a bin with any capture has at least one.
    pub(super) fn runs(&self) -> Vec<(i64, i64, u64)> {
        let at = |number: i64| number.saturating_mul(self.bin());
        let mut runs: Vec<(i64, i64, u64)> = Vec::new();
        let mut push = |from: i64, to: i64, count: u64| {
            if let Some((_, end, _)) = runs.last_mut().filter(|(_, end, held)| *end == from && *held == count) {
                *end = to;
            } else if from < to {
                runs.push((from, to, count));
            }
        };
        let mut running = 0_u64;
        let mut before: Option<i64> = None;
        for (number, [starts, ends]) in &self.bins {
            if let Some(before) = before {
                push(at(before), at(*number), running);
            }
            let after = (running + starts).saturating_sub(*ends);
            push(at(*number), at(number + 1), running.max(after).max(1));
            running = after;
            before = Some(number + 1);
        }
        runs
    }
}
