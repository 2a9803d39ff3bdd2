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

/// The dates that have lost a table.
///
/// # Errors
/// If the workers cannot be started.
pub fn days_of_lost_tables(lake: &Layout, snapshot: &Snapshot, jobs: usize) -> Result<BTreeSet<Day>> {
    let tables = snapshot.tables.values().filter(|table| Layout::is_of_a_date(&table.path)).collect();
    let lost =
        in_order::<_, _, Error>(tables, jobs, |table| Ok(is_lost(lake, table).then(|| Layout::day_of(&table.path))))?;
    Ok(lost.into_iter().flatten().collect())
}

/// Whether the table of captures is lost.
#[must_use]
pub fn captures_table_is_lost(lake: &Layout, snapshot: &Snapshot) -> bool {
    let mut tables = snapshot.tables.values().filter(|table| !Layout::is_of_a_date(&table.path));
    tables.any(|table| is_lost(lake, table))
}

/// Whether the answers of reverse lookups are lost.
#[must_use]
pub fn names_are_lost(lake: &Layout, snapshot: &Snapshot) -> bool {
    snapshot.names.as_ref().is_some_and(|names| is_lost(lake, names))
}

/// Files in the places of tables of one date, which are not in the snapshot.
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

/// Whether a file is in the place of a table of one date: `summaries/ports/date=2024-03-11/ports.parquet`.
fn is_table(path: &Path) -> bool {
    let mut tables = TABLES.iter().map(|table| Path::new(SUMMARIES).join(table.name));
    let is_in = |folder: &Path| path.starts_with(folder) && path.file_stem() == folder.file_name();
    Layout::is_of_a_date(path) && tables.any(|folder| is_in(&folder))
}
