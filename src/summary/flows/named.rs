//! Which addresses may have a name from the captures: a filter of fixed size that never denies one that has.

use std::hash::BuildHasher as _;

use crate::aggregate::{Aggregator, Merge};
use crate::day::Day;
use crate::error::Result;
use crate::summary::key::KeyReader;
use crate::summary::sum_kind::SumKind;

/// Bits of the filter, as a power of two: 128 KiB, with which one in ten of unnamed addresses is taken for one with a name where
/// 100,000 have one.
const BITS: u32 = 20;

/// Addresses that DNS or a ClientHello gave a name to.
#[derive(Debug)]
pub(super) struct MayBeNamed {
    bits: Vec<u64>,
    hasher: foldhash::fast::FixedState,
}

impl MayBeNamed {
    /// Of the names of a date.
    ///
    /// # Errors
    /// If sums cannot be read.
    pub(super) fn of(day: Day, aggregator: &mut Aggregator) -> Result<Self> {
        let mut new =
            Self { bits: vec![0; 1 << (BITS - u64::BITS.ilog2())], hasher: foldhash::fast::FixedState::default() };
        for kind in [SumKind::Names, SumKind::ServerNames] {
            new.add(aggregator.read(kind.group(day))?)?;
        }
        Ok(new)
    }

    fn add(&mut self, mut names: Merge<'_>) -> Result<()> {
        while let Some((key, _)) = names.next()? {
            let (word, bit) = self.place(KeyReader(key).address_bytes());
            self.bits.get_mut(word).into_iter().for_each(|word| *word |= bit);
        }
        Ok(())
    }

    /// Whether an address may have one; `address` as in a key.
    pub(super) fn has(&self, address: &[u8]) -> bool {
        let (word, bit) = self.place(address);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    fn place(&self, address: &[u8]) -> (usize, u64) {
        let hash = self.hasher.hash_one(address) >> (u64::BITS - BITS);
        (usize::try_from(hash / u64::from(u64::BITS)).unwrap_or(0), 1 << (hash % u64::from(u64::BITS)))
    }
}
