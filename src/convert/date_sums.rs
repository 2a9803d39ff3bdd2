//! What units have counted of some dates, and of the dates beside them as far as flows go on over midnight.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::aggregate::{Aggregator, Owners, Space};
use crate::day::Day;
use crate::error::Result;
use crate::lake::{Layout, Losses, Snapshot, Transaction, is_loss, problem_of};
use crate::plan::PartialEntry;
use crate::summary::{Edge, has_edge};

/// The sums of some dates.
pub(super) struct DateSums<'a> {
    lake: &'a Layout,
    pub(super) aggregator: Aggregator,
    /// The dates that have sums.
    pub(super) left: BTreeSet<Day>,
    pub(super) losses: Losses,
    /// The sums of the only unit of a commit, with its partial summary.
    kept: Option<(PartialEntry, Aggregator)>,
    /// The partial summaries that have been read, or are lost.
    read: BTreeSet<PathBuf>,
}

impl<'a> DateSums<'a> {
    /// No sums yet. Those of `kept` are not read from its file.
    pub(super) fn new(lake: &'a Layout, space: &Space, kept: Option<(PartialEntry, Aggregator)>) -> Self {
        let aggregator = Aggregator::new(space);
        Self { lake, aggregator, left: BTreeSet::new(), losses: Losses::default(), kept, read: BTreeSet::new() }
    }

    /// Reads what contributes to some dates in the snapshot `after` a change.
    ///
    /// # Errors
    /// If a partial summary cannot be read. One that is lost is noted, unless the change has it.
    pub(super) fn read(&mut self, days: &BTreeSet<Day>, after: &Snapshot, change: &Transaction) -> Result<()> {
        let staged = change.staged();
        for partial in after.partials_of(days) {
            if !self.read.insert(partial.path.clone()) {
                continue;
            }
            // A unit that is left out, because the lake has its stream, has the path of another file.
            let is_kept = |kept: &PartialEntry| (&kept.path, &kept.checksum) == (&partial.path, &partial.checksum);
            if let Some((_, sums)) = self.kept.take_if(|(entry, _)| is_kept(entry)) {
                self.aggregator.append(sums.without_owners())?;
                self.left.extend(partial.days.iter().copied());
                continue;
            }
            let place = staged.get(partial.path.as_path()).copied();
            match partial.append_to(&mut self.aggregator, self.lake, place, Owners::AddUp) {
                Ok(()) => self.left.extend(partial.days.iter().copied()),
                Err(error) if place.is_none() && is_loss(&error) => {
                    self.losses.add(&partial.path, problem_of(&error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what the flows of some dates need to know of the dates beside them. Returns those of them whose own flows may go on into
    /// what changed, or no longer do: their tables of flows must be made again, and nothing else of them.
    ///
    /// # Errors
    /// As [`DateSums::read`].
    pub(super) fn flows_beside(
        &mut self,
        days: &BTreeSet<Day>,
        after: &Snapshot,
        change: &Transaction,
    ) -> Result<BTreeSet<Day>> {
        self.read(&with_those_beside(days), after, change)?;
        // What was removed may have gone on over midnight, and nobody has counted whether it did.
        let is_less = !change.manifest.removed.partials.is_empty();
        let mut again = BTreeSet::new();
        for day in days {
            for (beside, edge) in [(before(*day), Edge::Start), (next(*day), Edge::End)] {
                let is_made = days.contains(&beside) || !self.left.contains(&beside);
                if !is_made && (is_less || has_edge(*day, edge, &mut self.aggregator)?) {
                    again.insert(beside);
                }
            }
        }
        self.read(&with_those_beside(&again), after, change)?;
        Ok(again)
    }
}

/// Some dates, and those before and after each.
pub(super) fn with_those_beside(days: &BTreeSet<Day>) -> BTreeSet<Day> {
    days.iter().flat_map(|day| [before(*day), *day, next(*day)]).collect()
}

fn before(day: Day) -> Day {
    Day(day.0.saturating_sub(1))
}

fn next(day: Day) -> Day {
    Day(day.0.saturating_add(1))
}
