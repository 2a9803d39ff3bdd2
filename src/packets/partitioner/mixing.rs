//! Rows of more dates than fit.

use std::collections::BTreeSet;

use crate::packets::mixed_rows::MixedRows;
use crate::packets::partition::{PartitionKey, When};
use crate::packets::rows::Rows;

use super::{HandedOn, Partitioner};

/// More dates than this do not fit, once room is to be made: what is handed on early would be row groups of a few rows, again and
/// again. Rows are collected without regard to their partition then, to be sorted on disk.
const MANY_DATES: usize = 256;
/// This many partitions do not fit if they are of many dates: a unit does not keep more parts open.
pub(super) const MANY_PARTITIONS: usize = 1024;
/// Where rows that were collected without regard to their partition are of no more dates, the next ones are collected by it again.
const FEW_DATES: usize = 64;

impl Partitioner {
    /// If the rows are of more dates than fit, hands them on, to be sorted on disk. The next ones are collected without regard to
    /// their partition. Nothing depends on how much memory there is: which rows come next decides.
    pub(super) fn mix_if_many(&mut self) -> bool {
        let dates = || self.open.keys().filter_map(|key| key.when.day()).collect::<BTreeSet<_>>().len();
        let is_many = self.may_mix && self.mixed.is_none() && dates() > MANY_DATES;
        if is_many {
            self.hand_on_early(|key| key.when.day().is_some(), self.when);
            self.mixed = Some(MixedRows::new(self.no_rows()));
        }
        is_many
    }

    /// Hands on the rows of some partitions, to be sorted on disk. Rows that waited for a date get this one.
    pub(super) fn hand_on_early(&mut self, is_wanted: impl Fn(&PartitionKey) -> bool, date: When) {
        let keys: Vec<_> = self.open.keys().copied().filter(is_wanted).collect();
        let mut early = Vec::with_capacity(keys.len());
        for key in keys {
            let when = if key.when.day().is_some() { key.when } else { date };
            early.extend(self.take_out(key).map(|rows| (PartitionKey { when, ..key }, rows)));
        }
        self.handed_on.push_back(HandedOn::Mixed(MixedRows::of_partitions(self.new_rows(), early)));
    }

    /// Hands on the rows that were collected without regard to their partition.
    pub(super) fn hand_on_mixed(&mut self) {
        let Some(mixed) = self.mixed.take_if(|mixed| mixed.len() > 0) else { return };
        if mixed.dates() > FEW_DATES {
            self.mixed = Some(MixedRows::new(self.no_rows()));
        }
        self.handed_on.push_back(HandedOn::Mixed(mixed));
    }

    fn new_rows(&self) -> Rows {
        Rows::new(self.columns.clone(), self.unit, self.length)
    }

    /// No rows, in memory that is no longer in use if there is any.
    fn no_rows(&mut self) -> Rows {
        self.spare.pop().unwrap_or_else(|| self.new_rows())
    }
}
