//! Whether two ways of counting agree.

use std::collections::BTreeMap;

use crate::aggregate::{Aggregator, Sums};
use crate::day::Day;
use crate::error::Result;

use super::flows::is_in_no_flow;
use super::sum_kind::SumKind;

/// Bytes and packets of a date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packets {
    pub(crate) all: (i64, i64),
    pub(crate) in_flows: (i64, i64),
    /// Without a time, or without an address.
    pub(crate) in_no_flow: (i64, i64),
}

/// The packets of a date, as units have counted them by addresses, and as pieces of flows.
///
/// # Errors
/// If sums cannot be read.
pub(crate) fn packets_of_date(day: Day, aggregator: &mut Aggregator) -> Result<Packets> {
    let mut packets = Packets::default();
    let add = |to: &mut (i64, i64), sums: Sums| {
        *to = (to.0.saturating_add(sums.bytes), to.1.saturating_add(sums.packets));
    };
    let mut all = aggregator.read(SumKind::Flows.group(day))?;
    while let Some((_, sums)) = all.next()? {
        add(&mut packets.all, sums);
    }
    let mut pieces = aggregator.read(SumKind::FlowPieces.group(day))?;
    while let Some((key, sums)) = pieces.next()? {
        add(if is_in_no_flow(key) { &mut packets.in_no_flow } else { &mut packets.in_flows }, sums);
    }
    Ok(packets)
}

/// The dates on which sums are left, and how many, once the rows have been subtracted from what the units have counted.
/// Counts of DNS messages are not compared: the rows do not have them.
///
/// # Errors
/// If sums cannot be read.
pub fn what_rows_do_not_give(aggregator: &mut Aggregator) -> Result<BTreeMap<Day, u64>> {
    let mut left = BTreeMap::new();
    let of_rows = SumKind::OF_ROWS.map(|kind| kind as u8);
    for group in aggregator.groups().into_iter().filter(|group| of_rows.contains(&group.kind)) {
        let mut merge = aggregator.read(group)?;
        while let Some((_, sums)) = merge.next()? {
            if sums != Sums::default() {
                *left.entry(group.day).or_default() += 1;
            }
        }
    }
    Ok(left)
}
