//! The tables of captures: one a date, with a row for each capture whose earliest packet is of it.

use crate::aggregate::Space;
use crate::day::Day;
use crate::error::Result;
use crate::tables::{PageMaker, TableWriter};

use super::capture_rows::CaptureRows;
use super::captures::{CAPTURES, table_among};
use super::committer::Move;
use super::layout::Layout;
use super::record::{CommittedTable, InputEntry};

/// Makes and stages the tables of captures of some dates: one row for each of the captures that `each` gives, in any order. All captures
/// of a date are given, or none. Rows are in the order of the absolute paths. Which ones show these paths follows from the captures of
/// the date alone.
///
/// # Memory
/// As [`Aggregator`](crate::aggregate::Aggregator), whatever the number of captures and dates.
/// # Errors
/// If a table cannot be written.
pub fn stage_captures(
    lake: &Layout,
    each: impl FnOnce(&mut dyn FnMut(&InputEntry) -> Result<()>) -> Result<()>,
    space: &Space,
) -> Result<Vec<(Move, CommittedTable)>> {
    let mut rows = CaptureRows::new(space);
    each(&mut |entry| rows.add(entry.day(), (&entry.input.absolute, entry.id), entry))?;
    let (days, pages) = (rows.days().into_iter(), PageMaker::new(lake.root())?);
    days.map(|day| stage_date(lake, day, &pages, |writer| rows.read(day, |piece| writer.write(&piece)))).collect()
}

/// Stages the table of a date that has no captures any more.
///
/// # Errors
/// If it cannot be written.
pub fn stage_without_captures(lake: &Layout, day: Day) -> Result<(Move, CommittedTable)> {
    stage_date(lake, day, &PageMaker::new(lake.root())?, |_| Ok(()))
}

fn stage_date(
    lake: &Layout,
    day: Day,
    pages: &PageMaker,
    write: impl FnOnce(&mut TableWriter) -> Result<()>,
) -> Result<(Move, CommittedTable)> {
    let (path, step) = lake.stage_table(CAPTURES, day)?;
    let mut writer = TableWriter::create(&path, &table_among(Vec::new()), pages)?;
    write(&mut writer)?;
    Ok(step.of_table(writer.close()?))
}
