//! Writes files of an earlier form in today's form, which older readers can open as well.
//!
//! [`is_of_earlier_form`] alone decides which files those are. Partial summaries are not Parquet, and only parcap reads
//! them, so they stay.

use std::collections::BTreeSet;
use std::path::Path;

use crate::error::{Error, Result};
use crate::packets::is_of_earlier_form;
use crate::tables::copy_table;
use crate::threads::in_order;

use super::check::checked;
use super::committer::Move;
use super::losses::Losses;
use super::record::{CommittedPart, CommittedTable};
use super::rewriter::Rewriter;
use super::transaction::Transaction;

/// The parts that are of an earlier form, by their paths.
pub(super) fn parts_of_earlier_form<'a>(
    rewriter: &Rewriter<'a>,
    jobs: usize,
    losses: &Losses,
) -> Result<BTreeSet<&'a Path>> {
    let there = rewriter.snapshot.parts.values().filter(|part| !losses.contains(&part.path));
    let found = in_order::<_, _, Error>(there.collect(), jobs, |part: &CommittedPart| {
        rewriter.cancel.check()?;
        let is_earlier = is_of_earlier_form(&rewriter.lake.fetch(&part.path)?)?;
        Ok(is_earlier.then_some(part.path.as_path()))
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Writes the summary tables of an earlier form again, each with the same rows. Returns how many they are.
pub(super) fn renew_tables(
    rewriter: &Rewriter<'_>,
    jobs: usize,
    losses: &Losses,
    change: &mut Transaction,
) -> Result<u64> {
    let there = rewriter.snapshot.tables.values().filter(|table| !losses.contains(&table.path));
    let renewed = in_order::<_, _, Error>(there.collect(), jobs, |table: &CommittedTable| {
        rewriter.cancel.check()?;
        let path = rewriter.lake.fetch(&table.path)?;
        if !is_of_earlier_form(&path)? {
            return Ok(None);
        }
        checked(&path, table.bytes, &table.checksum)?;
        let from = rewriter.staged("parquet")?;
        let file = copy_table(&path, &rewriter.lake.resolve(&from))?;
        if file.rows != table.rows {
            let (expected, found) = (format!("{} rows", table.rows), format!("{} rows", file.rows));
            return Err(Error::FileDiffers { path: rewriter.lake.shown(&table.path), what: "rows", expected, found });
        }
        let to = table.path.clone();
        let renewed = CommittedTable { rows: file.rows, bytes: file.bytes, checksum: file.checksum, path: to.clone() };
        Ok(Some((Move { from, to }, renewed)))
    })?;
    let renewed: Vec<_> = renewed.into_iter().flatten().collect();
    let count = renewed.len() as u64;
    renewed.into_iter().for_each(|table| change.add_table(table));
    Ok(count)
}
