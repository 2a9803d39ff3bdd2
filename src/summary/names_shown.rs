//! The names of the addresses in the tables that are shown.

use std::collections::BTreeMap;

use crate::aggregate::{Aggregator, Space, Sums};
use crate::day::Day;
use crate::error::Result;

use super::key::{KeyReader, NOBODY};
use super::largest::Largest;
use super::registry::SUMMARIES;
use super::sum_kind::SumKind;

/// Names of all addresses, until it is known which are shown.
#[derive(Debug)]
pub(super) struct NamesShown(Aggregator);

impl NamesShown {
    /// No names yet. What does not fit in memory is spilled.
    pub(super) fn new(space: &Space) -> Self {
        Self(Aggregator::new(space))
    }

    /// Takes a row of the table of names, of any date.
    pub(super) fn take(&mut self, key: &[u8], sums: Sums) -> Result<()> {
        self.0.add(SumKind::Named.group(Day::EPOCH), key, sums)
    }

    /// The names of the addresses in the tables of volumes and conversations, and in `pairs`, by the address as text. If an address
    /// changed its name between dates, the name with most bytes counts.
    ///
    /// # Memory
    /// The addresses that are shown.
    /// # Errors
    /// If what was spilled cannot be read.
    pub(super) fn names(
        mut self,
        tops: &BTreeMap<SumKind, Largest>,
        pairs: &Largest,
    ) -> Result<BTreeMap<String, String>> {
        let mut listed = BTreeMap::<Vec<u8>, Option<((i64, i64), String)>>::new();
        let kinds = SUMMARIES.iter().filter(|summary| summary.is_by_address()).filter_map(|summary| summary.kind);
        for shown in kinds.filter_map(|kind| tops.get(&kind)).chain([pairs]) {
            for key in shown.keys().filter(|key| *key != NOBODY) {
                let mut reader = KeyReader(key);
                while !reader.0.is_empty() {
                    listed.entry(reader.address_bytes().to_vec()).or_default();
                }
            }
        }
        let mut merge = self.0.read(SumKind::Named.group(Day::EPOCH))?;
        while let Some((key, sums)) = merge.next()? {
            let mut reader = KeyReader(key);
            let Some(held) = listed.get_mut(reader.address_bytes()) else { continue };
            let size = (sums.bytes, sums.packets);
            if held.as_ref().is_none_or(|(most, _)| *most < size) {
                *held = Some((size, reader.name().to_owned()));
            }
        }
        let named = listed.into_iter().filter_map(|(key, name)| Some((KeyReader(&key).address()?.to_text(), name?.1)));
        Ok(named.collect())
    }
}
