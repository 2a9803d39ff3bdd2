//! The sums of the only unit of a commit. They are in memory when its partial summary is written, so they are not read back.

use std::sync::{Mutex, PoisonError};

use crate::aggregate::Aggregator;
use crate::plan::PartialEntry;

/// Where the unit leaves its sums for the final stage.
#[derive(Debug, Default)]
pub(crate) struct KeptSums(Mutex<Kept>);

#[derive(Debug, Default)]
enum Kept {
    #[default]
    Nothing,
    /// Of the unit that has this partial summary.
    Only(Box<(PartialEntry, Aggregator)>),
    /// There is more than one unit, or it did not fit in memory. Then all are read.
    Left,
}

impl KeptSums {
    /// Keeps the sums of a unit, unless there is another one.
    pub(super) fn offer(&self, partial: &PartialEntry, sums: Aggregator) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = match *kept {
            Kept::Nothing if sums.is_in_memory() => Kept::Only(Box::new((partial.clone(), sums))),
            _ => Kept::Left,
        };
    }

    /// Takes the sums of the only unit, with its partial summary. What is offered then is of the next commit.
    pub(super) fn take(&self) -> Option<(PartialEntry, Aggregator)> {
        match std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            Kept::Only(kept) => Some(*kept),
            Kept::Nothing | Kept::Left => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::aggregate::{Group, Measure, Space, Sums};
    use crate::day::Day;

    use super::*;

    fn entry(path: &str) -> PartialEntry {
        PartialEntry { staged: PathBuf::new(), path: path.into(), bytes: 1, checksum: path.into(), days: vec![Day(1)] }
    }

    /// Sums that fit into `room` bytes of memory, or do not.
    fn sums(space: &Space, room: usize) -> Aggregator {
        let mut sums = Aggregator::new(&space.clone().with_room(room));
        let group = Group { day: Day(1), kind: 1, measure: Measure::Plain, by_owner: false };
        sums.add(group, b"key", Sums::of(5, 1)).unwrap();
        sums.keep_within().unwrap();
        sums
    }

    #[test]
    fn only_the_sums_of_a_single_unit_that_are_in_memory_are_kept_for_one_commit() {
        let folder = tempfile::tempdir().unwrap();
        let space = Space::new(folder.path());
        let kept = KeptSums::default();
        let taken = || kept.take().map(|(partial, _)| partial.path);
        let offer = |path: &str, room| kept.offer(&entry(path), sums(&space, room));
        assert_eq!(taken(), None);
        offer("a", 1 << 20);
        assert_eq!((taken(), taken()), (Some("a".into()), None));
        // Sums on disk, before and after others; and two units, or three.
        for units in [vec![("a", 1)], vec![("a", 1), ("b", 1 << 20)], vec![("a", 1 << 20), ("b", 1)]] {
            units.into_iter().for_each(|(path, room)| offer(path, room));
            assert_eq!(taken(), None);
        }
        for units in [["a", "b"].as_slice(), &["a", "b", "c"]] {
            units.iter().for_each(|path| offer(path, 1 << 20));
            assert_eq!(taken(), None);
        }
        // The next commit begins again.
        offer("d", 1 << 20);
        assert_eq!(taken(), Some("d".into()));
    }
}
