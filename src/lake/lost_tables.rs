//! Tables of a lake that a repair makes again or removes: lost and damaged ones, and those that no manifest names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::day::Day;
use crate::error::{Error, Result};
use crate::summary::SUMMARIES as TABLES;
use crate::threads::in_order;

use super::layout::{Layout, SUMMARIES};
use super::losses::data_files;
use super::record::CommittedTable;
use super::snapshot::Snapshot;

/// The dates that have lost a table, other than that of captures.
///
/// # Errors
/// If the workers cannot be started.
pub fn days_of_lost_tables(lake: &Layout, snapshot: &Snapshot, jobs: usize) -> Result<BTreeSet<Day>> {
    let is_of_a_date = |path: &Path| Layout::is_of_a_date(path) && !Layout::is_of_captures(path);
    days_of_lost(lake, snapshot, jobs, is_of_a_date)
}

/// The dates that have lost their table of captures; all dates, if one of an earlier version is lost.
///
/// # Errors
/// As [`days_of_lost_tables`].
pub fn days_of_lost_captures(lake: &Layout, snapshot: &Snapshot, jobs: usize) -> Result<BTreeSet<Day>> {
    let earlier = snapshot.tables.get(&Layout::earlier_captures());
    if earlier.is_some_and(|table| is_lost(lake, table)) {
        return Ok(snapshot.inputs.values().map(|entry| entry.day()).collect());
    }
    days_of_lost(lake, snapshot, jobs, Layout::is_of_captures)
}

fn days_of_lost(
    lake: &Layout,
    snapshot: &Snapshot,
    jobs: usize,
    is_wanted: impl Fn(&Path) -> bool,
) -> Result<BTreeSet<Day>> {
    let tables = snapshot.tables.values().filter(|table| is_wanted(&table.path)).collect();
    let lost =
        in_order::<_, _, Error>(tables, jobs, |table| Ok(is_lost(lake, table).then(|| Layout::day_of(&table.path))))?;
    Ok(lost.into_iter().flatten().collect())
}

/// Whether the answers of reverse lookups are lost.
#[must_use]
pub fn names_are_lost(lake: &Layout, snapshot: &Snapshot) -> bool {
    snapshot.names.as_ref().is_some_and(|names| is_lost(lake, names))
}

/// Files in the places of tables, which are not in the snapshot.
///
/// # Errors
/// If the folder of the packets or of the summaries cannot be read.
pub fn tables_left_over(lake: &Layout, snapshot: &Snapshot) -> Result<Vec<PathBuf>> {
    let files = data_files(lake)?.into_keys();
    Ok(files.filter(|path| is_table(path) && !snapshot.tables.contains_key(path)).collect())
}

fn is_lost(lake: &Layout, table: &CommittedTable) -> bool {
    lake.check(&table.path, table.bytes, &table.checksum).is_err()
}

/// Whether a file is in the place of a table of one date: `summaries/ports/date=2024-03-11/ports.parquet`; or in that of the table of
/// captures of earlier versions.
fn is_table(path: &Path) -> bool {
    let mut tables = TABLES.iter().map(|table| Path::new(SUMMARIES).join(table.name));
    let is_in = |folder: &Path| path.starts_with(folder) && path.file_stem() == folder.file_name();
    (Layout::is_of_a_date(path) && tables.any(|folder| is_in(&folder))) || path == Layout::earlier_captures()
}
