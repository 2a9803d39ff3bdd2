//! Stretches of time without packets.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The most pauses that are kept.
const MOST: usize = 4096;

/// A stretch of time without packets, between two windows that have some. Microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The end of the last window with packets before it.
    pub from: i64,
    /// The start of the first window with packets after it.
    pub to: i64,
}

impl Pause {
    /// Its length in microseconds.
    #[must_use]
    pub fn length(&self) -> i64 {
        self.to.saturating_sub(self.from)
    }
}

/// The longest pauses of some traffic, in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pauses {
    /// The pauses, at most 4096.
    pub longest: Vec<Pause>,
    /// The length of the longest pause that is not among them, in microseconds; 0 if all are.
    pub overlooked: i64,
    /// The start of the first window with packets and the end of the last one.
    pub ends: Option<(i64, i64)>,
}

/// Pauses while windows come by, in the order of time.
///
/// # Memory
/// 64 kB, whatever the number of windows.
#[derive(Clone, Debug)]
pub(super) struct PauseFinder {
    window: i64,
    ends: Option<(i64, i64)>,
    /// Lengths and starts; the shortest is on top.
    kept: BinaryHeap<Reverse<(i64, i64)>>,
    overlooked: i64,
}

impl PauseFinder {
    /// No windows yet, each of `window` microseconds.
    pub(super) fn new(window: i64) -> Self {
        Self { window, ends: None, kept: BinaryHeap::new(), overlooked: 0 }
    }

    /// Adds a window with packets by its start. One that begins before the end of those so far adds nothing.
    pub(super) fn add(&mut self, start: i64) {
        let end = start.saturating_add(self.window);
        let Some((first, last)) = self.ends else {
            self.ends = Some((start, end));
            return;
        };
        if start > last {
            self.kept.push(Reverse((start.saturating_sub(last), last)));
            if self.kept.len() > MOST
                && let Some(Reverse((length, _))) = self.kept.pop()
            {
                self.overlooked = self.overlooked.max(length);
            }
        }
        self.ends = Some((first, last.max(end)));
    }

    /// What was found.
    pub(super) fn into_pauses(self) -> Pauses {
        let of = |Reverse((length, from)): Reverse<(i64, i64)>| Pause { from, to: from.saturating_add(length) };
        let mut longest: Vec<_> = self.kept.into_iter().map(of).collect();
        longest.sort_by_key(|pause| pause.from);
        Pauses { longest, overlooked: self.overlooked, ends: self.ends }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn pauses_are_what_lies_between_windows(steps in prop::collection::vec(0..50_i64, 1..200)) {
            let mut finder = PauseFinder::new(10);
            let mut at = 0;
            let starts: Vec<i64> = steps.iter().map(|step| { at += step; at }).collect();
            starts.iter().for_each(|start| finder.add(*start));
            let found = finder.into_pauses();
            // Each moment by itself: it is in a window, or in a pause.
            let in_window = |moment: i64| starts.iter().any(|start| (*start..start + 10).contains(&moment));
            let in_pause = |moment: i64| found.longest.iter().any(|pause| (pause.from..pause.to).contains(&moment));
            for moment in starts[0]..at + 10 {
                prop_assert!(in_window(moment) != in_pause(moment), "{moment}");
            }
            prop_assert_eq!((found.ends, found.overlooked), (Some((starts[0], at + 10)), 0));
        }
    }

    #[test]
    fn the_longest_are_kept_and_the_longest_of_the_others_is_known() {
        let mut finder = PauseFinder::new(1);
        let mut at = 0;
        for length in 1..=5000_i64 {
            finder.add(at);
            at += 1 + length;
        }
        finder.add(at);
        let found = finder.into_pauses();
        assert_eq!((found.longest.len(), found.overlooked), (MOST, 5000 - 4096));
        assert!(found.longest.iter().all(|pause| pause.length() > found.overlooked));
        assert!(found.longest.windows(2).all(|pair| pair[0].to < pair[1].from));
    }
}
