//! The destinations whose names a reverse lookup would be asked for.

use std::collections::BTreeSet;

use crate::address::IpAddress;
use crate::aggregate::{Aggregator, Sums};
use crate::bug::bug;
use crate::day::Day;
use crate::error::Result;

use super::collect::by_size;
use super::derive::{RowSink, sum_up};
use super::filter::Filter;
use super::key::{DESCENDING, KeyReader};
use super::naming::Naming;
use super::schema::SortOrder;
use super::sum_kind::SumKind;

/// The most addresses that are looked at, whether they are asked for or known already.
const MAX_ADDRESSES: usize = 1_000_000;

/// The destinations of some dates for which no source before the reverse lookups has a name, the largest first.
///
/// # Memory
/// A million addresses at most.
/// # Errors
/// If sums cannot be read or spilled.
pub fn unnamed(
    days: &BTreeSet<Day>,
    aggregator: &mut Aggregator,
    naming: &Naming,
    filter: &Filter,
) -> Result<Vec<IpAddress>> {
    let mut found = Unnamed(Aggregator::new(aggregator.space()));
    for day in days {
        sum_up(*day, aggregator, (naming, None), filter, &mut found)?;
    }
    let group = SumKind::Unnamed.group(Day::EPOCH);
    let mut sorted = by_size(SortOrder::Largest, &mut found.0, group)?;
    let mut merge = sorted.read(group)?;
    let mut addresses = Vec::new();
    while let Some((key, _)) = merge.next()? {
        addresses.extend(KeyReader(key.get(DESCENDING..).ok_or_else(|| bug!())?).address());
        if addresses.len() >= MAX_ADDRESSES {
            break;
        }
    }
    Ok(addresses)
}

struct Unnamed(Aggregator);

impl RowSink for Unnamed {
    fn take(&mut self, kind: SumKind, key: &[u8], sums: Sums) -> Result<()> {
        if kind == SumKind::Unnamed { self.0.add(kind.group(Day::EPOCH), key, sums) } else { Ok(()) }
    }
}
