//! Makes the tables of the dates that a run touched again, from what all their units have counted.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::aggregate::{Aggregator, Space, Sums};
use crate::bug::bug;
use crate::config::Settings;
use crate::day::Day;
use crate::error::Result;
use crate::lake::{CAPTURES, CommittedTable, Layout, Move, SUMMARIES as FOLDER, stage_without_captures};
use crate::storage::UnsyncedFiles;
use crate::summary::{
    AskedBy, Collect, DESCENDING, Filter, Key, Largest, NOBODY, Naming, RowSink, SUMMARIES, SortOrder, SumKind,
    Summary, SummaryRows, flows_of, sum_up,
};
use crate::tables::{PageMaker, TableWriter};

/// Rows of a table that are in memory at a time.
const PIECE: usize = 20_000;

/// Makes the tables of `days` from what units have counted, stages them, and collects them to be shown. A table of tunnels is
/// made of dates that have some.
///
/// # Memory
/// As [`Aggregator`], for each table that is sorted by its sums, whatever the number of keys.
/// # Errors
/// If what units have counted cannot be read, or a table cannot be written.
pub(super) fn stage(
    lake: &Layout,
    settings: &Settings,
    days: &BTreeSet<Day>,
    aggregator: &mut Aggregator,
    naming: &Naming,
    shown: &mut Collect,
) -> Result<Vec<(Move, CommittedTable)>> {
    let mut staged = Vec::new();
    let mut unsynced = UnsyncedFiles::default();
    let pages = PageMaker::new(lake.root())?;
    for day in days {
        let mut date = DateTables::create(lake, settings, *day, aggregator.space(), &pages)?;
        let of_run = (naming, settings.flow_timeout);
        sum_up(*day, aggregator, of_run, &Filter::default(), &mut Both(&mut date, shown))?;
        staged.extend(date.finish(&mut unsynced)?);
    }
    unsynced.sync()?;
    Ok(staged)
}

/// Makes the tables of flows of `days` alone, and stages them.
///
/// # Errors
/// As [`stage`].
pub(super) fn stage_flows(
    lake: &Layout,
    settings: &Settings,
    (days, timeout): (&BTreeSet<Day>, i64),
    aggregator: &mut Aggregator,
    naming: &Naming,
) -> Result<Vec<(Move, CommittedTable)>> {
    let mut staged = Vec::new();
    let mut unsynced = UnsyncedFiles::default();
    let pages = PageMaker::new(lake.root())?;
    for day in days {
        let is_wanted = |summary: &&Summary| summary.asked_by == AskedBy::Flows;
        let mut date = DateTables::of(is_wanted, lake, settings, *day, (aggregator.space(), &pages))?;
        flows_of(*day, aggregator, (naming, timeout), &mut date)?;
        staged.extend(date.finish(&mut unsynced)?);
    }
    unsynced.sync()?;
    Ok(staged)
}

/// Sends rows to two places.
struct Both<'a>(&'a mut dyn RowSink, &'a mut dyn RowSink);

impl RowSink for Both<'_> {
    fn take(&mut self, kind: SumKind, key: &[u8], sums: Sums) -> Result<()> {
        self.0.take(kind, key, sums)?;
        self.1.take(kind, key, sums)
    }
}

/// The tables of one date while they are made.
struct DateTables<'a> {
    lake: &'a Layout,
    settings: &'a Settings,
    pages: &'a PageMaker,
    day: Day,
    tables: BTreeMap<SumKind, Staged>,
    /// Rows of tables that are sorted by their sums.
    sorted: Aggregator,
    key: Key,
}

/// A table that is being written where it is staged.
struct Staged {
    order: SortOrder,
    /// The largest rows, if there is a limit to their number.
    limited: Option<Largest>,
    step: Move,
    writer: TableWriter,
    rows: SummaryRows,
}

impl Staged {
    fn create(lake: &Layout, settings: &Settings, day: Day, summary: &Summary, pages: &PageMaker) -> Result<Self> {
        let (path, step) = lake.stage_table(summary.name, day)?;
        let mut rows = SummaryRows::new(summary, settings.window);
        let writer = TableWriter::create(&path, &rows.take(), pages)?;
        let limited = summary.limit.map(|limit| Largest::new(summary.order, limit(settings)));
        Ok(Self { order: summary.order, limited, step, writer, rows })
    }

    fn push(&mut self, key: &[u8], sums: Sums) -> Result<()> {
        self.rows.push(key, sums)?;
        if self.rows.len() >= PIECE { self.writer.write(&self.rows.take()) } else { Ok(()) }
    }

    fn finish(mut self, unsynced: &mut UnsyncedFiles) -> Result<(Move, CommittedTable)> {
        if let Some(largest) = self.limited.take() {
            let (others, rest) = largest.rest();
            for (key, sums) in largest.into_largest() {
                self.push(&key, sums)?;
            }
            if others > 0 {
                self.rows.push_rest(rest, i64::try_from(others).map_err(|_| bug!())?)?;
            }
        }
        self.writer.write(&self.rows.take())?;
        Ok(self.step.of_table(self.writer.close_unsynced(unsynced)?))
    }
}

impl<'a> DateTables<'a> {
    fn create(lake: &'a Layout, settings: &'a Settings, day: Day, space: &Space, pages: &'a PageMaker) -> Result<Self> {
        let is_wanted = |summary: &&Summary| summary.asked_by != AskedBy::Tunnels && summary.is_counted(settings);
        Self::of(is_wanted, lake, settings, day, (space, pages))
    }

    /// Those that are wanted.
    fn of(
        is_wanted: impl FnMut(&&'static Summary) -> bool,
        lake: &'a Layout,
        settings: &'a Settings,
        day: Day,
        (space, pages): (&Space, &'a PageMaker),
    ) -> Result<Self> {
        let of_a_date = SUMMARIES.iter().filter(is_wanted).filter_map(|summary| Some((summary.kind?, summary)));
        let tables = of_a_date.map(|(kind, summary)| Ok((kind, Staged::create(lake, settings, day, summary, pages)?)));
        let tables = tables.collect::<Result<_>>()?;
        Ok(Self { lake, settings, pages, day, tables, sorted: Aggregator::new(space), key: Key::default() })
    }

    /// Begins a table that is there only if it has rows, unless it has begun.
    fn begin(&mut self, kind: SumKind) -> Result<()> {
        if let Entry::Vacant(place) = self.tables.entry(kind) {
            let summary = SUMMARIES.iter().find(|summary| summary.kind == Some(kind)).ok_or_else(|| bug!())?;
            place.insert(Staged::create(self.lake, self.settings, self.day, summary, self.pages)?);
        }
        Ok(())
    }

    fn finish(mut self, unsynced: &mut UnsyncedFiles) -> Result<Vec<(Move, CommittedTable)>> {
        let mut staged = Vec::new();
        for (kind, mut table) in self.tables {
            let mut merge = self.sorted.read(kind.group(self.day))?;
            while let Some((key, sums)) = merge.next()? {
                table.push(key.get(DESCENDING..).ok_or_else(|| bug!())?, sums)?;
            }
            staged.push(table.finish(unsynced)?);
        }
        Ok(staged)
    }
}

impl RowSink for DateTables<'_> {
    fn take(&mut self, kind: SumKind, key: &[u8], sums: Sums) -> Result<()> {
        if kind == SumKind::Tunnels {
            self.begin(kind)?;
        }
        // Of what others ask for there is no table.
        let Some(table) = self.tables.get_mut(&kind) else { return Ok(()) };
        match &mut table.limited {
            // Packets without addresses are not a conversation that a larger one may push out.
            Some(_) if key == NOBODY => table.push(key, sums),
            Some(largest) => {
                largest.offer(key, sums);
                Ok(())
            }
            None if table.order.is_of_sums() => {
                let key = self.key.clear().descending(table.order.size(&sums)).raw(key);
                self.sorted.add(kind.group(self.day), key.bytes(), sums)
            }
            None => table.push(key, sums),
        }
    }
}

/// Stages a table without rows in place of one that would go.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn stage_empty(lake: &Layout, settings: &Settings, table: &Path) -> Result<(Move, CommittedTable)> {
    let is_of = |summary: &&Summary| table.starts_with(Path::new(FOLDER).join(summary.name));
    let summary = SUMMARIES.iter().find(is_of).ok_or_else(|| bug!())?;
    if summary.name == CAPTURES {
        return stage_without_captures(lake, Layout::day_of(table));
    }
    let mut unsynced = UnsyncedFiles::default();
    let pages = PageMaker::new(lake.root())?;
    let table = Staged::create(lake, settings, Layout::day_of(table), summary, &pages)?.finish(&mut unsynced)?;
    unsynced.sync()?;
    Ok(table)
}
