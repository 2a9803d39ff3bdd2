//! Writes files of an earlier form in today's form, which older readers can open as well.
//!
//! [`is_of_earlier_form`] alone decides which files those are. Partial summaries are not Parquet, and only parcap reads
//! them, so they stay.

use std::collections::BTreeSet;
use std::path::Path;

use crate::aggregate::Space;
use crate::error::{Error, Result};
use crate::packets::is_of_earlier_form;
use crate::tables::copy_table;
use crate::threads::in_order;

use super::capture_tables::stage_captures;
use super::check::checked;
use super::committer::Move;
use super::layout::Layout;
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

/// Writes the summary tables of an earlier form again, each with the same rows. The table of captures of all dates becomes one a date.
/// Returns how many they were.
pub(super) fn renew_tables(
    rewriter: &Rewriter<'_>,
    jobs: usize,
    losses: &Losses,
    change: &mut Transaction,
) -> Result<u64> {
    let earlier = Layout::earlier_captures();
    let is_there = |table: &&CommittedTable| !losses.contains(&table.path) && table.path != earlier;
    let there = rewriter.snapshot.tables.values().filter(is_there);
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
    if !rewriter.snapshot.tables.contains_key(&earlier) {
        return Ok(count);
    }
    let space = Space::new(&rewriter.lake.resolve(&rewriter.folder()?)).cancelled_by(rewriter.cancel);
    let tables = stage_captures(rewriter.lake, |add| rewriter.snapshot.each_capture(None, add), &space)?;
    tables.into_iter().for_each(|table| change.add_table(table));
    change.remove_table(&earlier);
    Ok(count + 1)
}
