//! Collects the tables of some dates, to show them together.

use std::collections::BTreeMap;

use crate::aggregate::{Aggregator, Group, Measure, Space, Sums};
use crate::bug::bug;
use crate::day::Day;
use crate::error::Result;
use crate::tables::Table;

use super::derive::{RowSink, sum_up};
use super::dns_clients;
use super::filter::Filter;
use super::flows::{PatternLimits, each_flow};
use super::for_page::{CollectedForPage, ForPage};
use super::key::{DESCENDING, Key, KeyReader};
use super::largest::Largest;
use super::naming::Naming;
use super::preview::Preview;
use super::registry::SUMMARIES;
use super::rows::SummaryRows;
use super::schema::{SortOrder, Summary};
use super::series::{Bins, Series};
use super::sum_kind::SumKind;

/// Rows of a table that are in memory at a time.
const PIECE: usize = 8192;

/// What was collected.
#[derive(Debug)]
pub struct Collected {
    /// The tables, in the order in which they are shown; the largest rows first.
    pub tables: Vec<Preview>,
    /// The DNS answers with a response code other than `NOERROR`.
    pub failures: Preview,
    /// Bytes and packets of all dates.
    pub total: (i64, i64),
    /// Traffic over time, if it was asked for.
    pub series: Option<Series>,
    /// What a page shows besides, if it was asked for.
    pub page: Option<CollectedForPage>,
}

/// Collects rows of several dates. Rows with the same key become one.
#[derive(Debug)]
pub struct Collect {
    window: i64,
    /// Rows of several dates, which are added up. The rows of a single date are final as they are.
    several: Option<Aggregator>,
    tops: BTreeMap<SumKind, Largest>,
    failures: Largest,
    total: Sums,
    bins: Option<Bins>,
    /// What a page shows besides, in place of the tables of names and of conversations.
    page: Option<ForPage>,
    /// The date that is summed up.
    day: Day,
    /// The table that the total is of: each packet that counts is in one of its rows.
    total_of: SumKind,
    /// Whether the table of rates has windows that begin with the first packet.
    from_first: bool,
    /// The timeout of flows, if they are wanted.
    flow_timeout: Option<i64>,
}

impl Collect {
    /// Collects the `top` largest rows of each table, of one date or of `several`. What does not fit in memory is
    /// spilled.
    #[must_use]
    pub fn new(top: usize, window: i64, several: bool, space: &Space) -> Self {
        let tops = SUMMARIES.iter().filter_map(|summary| Some((summary.kind?, Largest::new(summary.order, top))));
        let several = several.then(|| Aggregator::new(space));
        Self {
            window,
            several,
            tops: tops.collect(),
            failures: Largest::new(SortOrder::Largest, top),
            total: Sums::default(),
            bins: None,
            page: None,
            day: Day::EPOCH,
            total_of: SumKind::Protocols,
            from_first: false,
            flow_timeout: None,
        }
    }

    /// Takes windows that begin with the first packet, in place of the dates' windows.
    #[must_use]
    pub fn with_windows_from_first(mut self) -> Self {
        self.from_first = true;
        self
    }

    /// Collects flows as well, if there is a timeout for them in microseconds.
    #[must_use]
    pub fn with_flows(mut self, timeout: Option<i64>) -> Self {
        self.flow_timeout = timeout;
        self
    }

    /// Collects traffic over time as well.
    #[must_use]
    pub fn with_series(mut self, bins: Bins) -> Self {
        self.bins = Some(bins);
        self
    }

    /// Collects what a page shows, in place of the tables of names and of conversations: the names of the addresses that are shown, the `top`
    /// largest conversations with both directions in one row, and who sent packets on the date `last` for the first time.
    #[must_use]
    pub fn for_page(mut self, top: usize, last: Option<Day>, limits: PatternLimits, space: &Space) -> Self {
        self.page = Some(ForPage::new(top, last, limits, space));
        self
    }

    /// Takes the total from the windows: a filter of times takes no other sums of a lake.
    #[must_use]
    pub fn with_total_of_windows(mut self) -> Self {
        self.total_of = SumKind::Windows;
        self
    }

    /// Sums up one date, as far as the filter can be applied to each table
    /// ([`left_out_of_sums`](super::left_out::left_out_of_sums)).
    ///
    /// # Memory
    /// As [`Aggregator`].
    /// # Errors
    /// If sums cannot be read or spilled.
    pub fn date(&mut self, day: Day, aggregator: &mut Aggregator, naming: &Naming, filter: &Filter) -> Result<()> {
        self.day = day;
        let mut flow_timeout = self.flow_timeout;
        if let Some(page) = &mut self.page
            && let Some(timeout) = flow_timeout.take()
        {
            // A page does not show single flows: they need no names, and no order.
            each_flow(day, timeout, aggregator, filter, |flow| page.take_flow(flow))?;
        }
        sum_up(day, aggregator, (naming, flow_timeout), filter, self)?;
        match &mut self.page {
            Some(page) if self.several.is_some() => page.end_date(day),
            _ => Ok(()),
        }
    }

    /// A window that begins with the first packet.
    pub(super) fn take_window(&mut self, key: &[u8], sums: Sums) -> Result<()> {
        self.add(SumKind::Rates, key, sums)
    }

    fn add(&mut self, kind: SumKind, key: &[u8], sums: Sums) -> Result<()> {
        if let Some(bins) = self.bins.as_mut().filter(|_| kind == SumKind::Windows) {
            bins.add(key, sums);
        }
        if let Some(page) = &mut self.page {
            let is_alone = self.several.is_none();
            if page.take((self.day, is_alone), kind, key, sums)? {
                return Ok(());
            }
        }
        if kind == self.total_of {
            self.total.merge(&sums, Measure::Add);
        }
        // A flow is of one date: rows of several dates are not added up. They are kept if all rows are wanted.
        let is_of_one_date = kind == SumKind::FlowRows && self.tops.get(&kind).is_some_and(Largest::has_room);
        match &mut self.several {
            // A name of several dates is one name: the rows are made when all dates are there.
            Some(_) if kind == SumKind::Clients => Ok(()),
            Some(several) if !is_of_one_date => several.add(kind.group(Day::EPOCH), key, sums),
            _ => {
                offer(&mut self.tops, &mut self.failures, kind, key, sums);
                Ok(())
            }
        }
    }

    /// Everything that was collected.
    ///
    /// # Memory
    /// The rows that were asked for.
    /// # Errors
    /// If what was spilled cannot be read.
    pub fn finish(mut self) -> Result<Collected> {
        if let Some(mut several) = self.several.take() {
            for kind in SUMMARIES.iter().filter_map(|summary| summary.kind) {
                each_of(&mut several, kind, |key, sums| {
                    offer(&mut self.tops, &mut self.failures, kind, key, sums);
                    if let Some(page) = self.page.as_mut().filter(|_| kind == SumKind::Clients) {
                        page.offer_client(key, sums);
                    }
                    Ok(())
                })?;
            }
        }
        let page = self.page.map(|page| page.finish(&self.tops, self.window));
        let (window, mut tops, total) = (self.window, self.tops, (self.total.bytes, self.total.packets));
        let tables = SUMMARIES.iter().filter_map(|summary| Some((summary, tops.remove(&summary.kind?)?)));
        let tables = tables.map(|(summary, top)| listed(summary, top, window)).collect::<Result<Vec<_>>>()?;
        let queries = SUMMARIES.iter().find(|summary| summary.kind == Some(SumKind::Queries));
        Ok(Collected {
            tables,
            failures: listed(queries.ok_or_else(|| bug!())?, self.failures, window)?,
            total,
            series: self.bins.map(Bins::into_series),
            page: page.transpose()?,
        })
    }

    /// All rows of one table, some thousand at a time, in the order of the table. Only where several dates were
    /// collected.
    ///
    /// # Errors
    /// If what was spilled cannot be read, or `each` fails.
    pub fn all(self, summary: &Summary, mut each: impl FnMut(Table) -> Result<()>) -> Result<()> {
        let mut rows = SummaryRows::new(summary, self.window);
        // The table of captures is made of none of these.
        let Some(kind) = summary.kind else { return Ok(()) };
        let mut several = self.several.ok_or_else(|| bug!())?;
        let group = kind.group(Day::EPOCH);
        let skip = if summary.order.is_of_sums() {
            let mut sorted = Sorted::new(summary.order, &several, group);
            each_of(&mut several, kind, |key, sums| sorted.add(key, sums))?;
            several = sorted.keys;
            DESCENDING
        } else {
            0
        };
        let mut merge = several.read(group)?;
        while let Some((key, sums)) = merge.next()? {
            rows.push(key.get(skip..).ok_or_else(|| bug!())?, sums)?;
            if rows.len() >= PIECE {
                each(rows.take())?;
            }
        }
        each(rows.take())
    }
}

fn offer(tops: &mut BTreeMap<SumKind, Largest>, failures: &mut Largest, kind: SumKind, key: &[u8], sums: Sums) {
    tops.get_mut(&kind).into_iter().for_each(|top| top.offer(key, sums));
    if kind == SumKind::Queries && is_failure(key) {
        failures.offer(key, sums);
    }
}

/// Whether DNS messages of a key are answers with a response code other than `NOERROR`.
fn is_failure(key: &[u8]) -> bool {
    let mut reader = KeyReader(key);
    reader.name();
    reader.code();
    reader.code().is_some_and(|code| code != 0)
}

/// The keys of a group, each preceded by its sums, so that the largest comes first.
pub(super) fn by_size(by: SortOrder, aggregator: &mut Aggregator, group: Group) -> Result<Aggregator> {
    let mut sorted = Sorted::new(by, aggregator, group);
    let mut merge = aggregator.read(group)?;
    while let Some((key, sums)) = merge.next()? {
        sorted.add(key, sums)?;
    }
    Ok(sorted.keys)
}

/// Keys that are each preceded by their sums.
struct Sorted {
    by: SortOrder,
    group: Group,
    keys: Aggregator,
    key: Key,
}

impl Sorted {
    fn new(by: SortOrder, of: &Aggregator, group: Group) -> Self {
        Self { by, group, keys: Aggregator::new(of.space()), key: Key::default() }
    }

    fn add(&mut self, key: &[u8], sums: Sums) -> Result<()> {
        let key = self.key.clear().descending(self.by.size(&sums)).raw(key);
        self.keys.add(self.group, key.bytes(), sums)
    }
}

/// The rows of several dates of one kind, in the order of their keys.
fn each_of(several: &mut Aggregator, kind: SumKind, mut each: impl FnMut(&[u8], Sums) -> Result<()>) -> Result<()> {
    if kind == SumKind::Clients {
        let names = several.read(SumKind::ClientNames.group(Day::EPOCH))?;
        return dns_clients::by_client(names, |of, key, sums| if of == kind { each(key, sums) } else { Ok(()) });
    }
    let mut merge = several.read(kind.group(Day::EPOCH))?;
    while let Some((key, sums)) = merge.next()? {
        each(key, sums)?;
    }
    Ok(())
}

pub(super) fn listed(summary: &Summary, top: Largest, window: i64) -> Result<Preview> {
    let mut rows = SummaryRows::new(summary, window);
    let offered = top.offered();
    for (key, sums) in top.into_largest() {
        rows.push(&key, sums)?;
    }
    Ok(Preview { name: summary.name, rows: offered, first: rows.take() })
}

impl RowSink for Collect {
    fn take(&mut self, kind: SumKind, key: &[u8], sums: Sums) -> Result<()> {
        let unwanted = kind == SumKind::Unnamed || self.from_first && kind == SumKind::Rates;
        if unwanted { Ok(()) } else { self.add(kind, key, sums) }
    }
}
