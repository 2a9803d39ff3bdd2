//! Whether two ways of counting agree.

use std::collections::BTreeMap;

use crate::aggregate::Aggregator;
use crate::day::Day;
use crate::error::Result;

use super::registry::SumKind;

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
            if sums != crate::aggregate::Sums::default() {
                *left.entry(group.day).or_default() += 1;
            }
        }
    }
    Ok(left)
}
