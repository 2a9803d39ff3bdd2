//! What a page shows besides the tables.

use std::collections::BTreeMap;

use crate::aggregate::{Space, Sums};
use crate::bug::bug;
use crate::day::Day;
use crate::error::Result;

use super::collect::listed;
use super::flows::{FlowPatterns, FlowRow, PatternLimits, Patterns};
use super::key::KeyReader;
use super::largest::Largest;
use super::names_by_date::NamesByDate;
use super::names_shown::NamesShown;
use super::newcomers::{NewcomerFinder, Newcomers};
use super::pair_flows::PairFlows;
use super::pair_ports::PairPorts;
use super::pairs::{Pairs, listed_pairs};
use super::preview::Preview;
use super::registry::DNS_CLIENTS;
use super::schema::{SortOrder, Summary};
use super::sum_kind::SumKind;
use super::tracks::Tracks;

/// What a page shows besides tables.
#[derive(Debug)]
pub struct CollectedForPage {
    /// Names of the addresses in the tables, by the address as text.
    pub names: BTreeMap<String, String>,
    /// The largest conversations, both directions in one row: `ip_src`, `ip_dst`, `bytes`, `packets`, `bytes_out`, `packets_out`, `bytes_in`,
    /// `packets_in`; with flows also `flows`, `silent`, `states`, `first_time`, `last_time`. The source is who sent more.
    pub pairs: Preview,
    /// What the flows of each of these conversations went to, if there are flows.
    pub pair_ports: Vec<PairPorts>,
    /// What addresses of the largest names sent and were sent on each date, if there are several dates.
    pub names_by_date: Option<Tracks>,
    /// Who sent packets on the last date, and never before.
    pub newcomers: Newcomers,
    /// What flows look like, if there are any.
    pub patterns: Patterns,
    /// The rows of `dns_clients` whose response code says that a question failed, those of most messages first.
    pub failing: Preview,
}

/// What is collected for a page.
#[derive(Debug)]
pub(super) struct ForPage {
    top: usize,
    names: NamesShown,
    pairs: Pairs,
    pair_flows: PairFlows,
    names_by_date: NamesByDate,
    newcomers: NewcomerFinder,
    patterns: FlowPatterns,
    limits: PatternLimits,
    /// The clients of DNS whose questions failed.
    failing: Largest,
}

impl ForPage {
    pub(super) fn new(top: usize, last: Option<Day>, limits: PatternLimits, space: &Space) -> Self {
        Self {
            top,
            names: NamesShown::new(space),
            pairs: Pairs::new(space),
            pair_flows: PairFlows::new(space),
            names_by_date: NamesByDate::new(space),
            newcomers: NewcomerFinder::new(last, space),
            patterns: FlowPatterns::new(space),
            limits,
            failing: Largest::new(SortOrder::Largest, top),
        }
    }

    /// Takes a row of a date, which may be the only one. Returns whether the row is for the page alone.
    pub(super) fn take(&mut self, (day, is_alone): (Day, bool), kind: SumKind, key: &[u8], sums: Sums) -> Result<bool> {
        match kind {
            SumKind::Named => {
                self.names.take(key, sums)?;
                if !is_alone {
                    self.names_by_date.take_name(key)?;
                }
            }
            SumKind::Conversations => {
                self.pairs.take(key, sums)?;
                if !is_alone {
                    self.names_by_date.take_conversation(key, sums)?;
                }
            }
            SumKind::ByIp | SumKind::BySrc => {
                self.newcomers.take(day, kind == SumKind::BySrc, key, sums)?;
                return Ok(false);
            }
            SumKind::Clients if is_alone => {
                self.offer_client(key, sums);
                return Ok(false);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Takes a flow.
    pub(super) fn take_flow(&mut self, flow: &FlowRow<'_>) -> Result<()> {
        self.patterns.take(flow)?;
        self.pair_flows.take(flow)
    }

    /// Ends a date of several.
    pub(super) fn end_date(&mut self, day: Day) -> Result<()> {
        self.names_by_date.end_date(day)
    }

    /// Takes a client of DNS with a response code, over all dates, if that says that its questions failed.
    pub(super) fn offer_client(&mut self, key: &[u8], sums: Sums) {
        let mut reader = KeyReader(key);
        reader.address();
        if reader.code().is_some_and(|code| code != 0) {
            self.failing.offer(key, sums);
        }
    }

    /// All that was collected. `tops` are the rows of the tables that are shown.
    pub(super) fn finish(self, tops: &BTreeMap<SumKind, Largest>, window: i64) -> Result<CollectedForPage> {
        let pairs = self.pairs.largest(self.top)?;
        let flows = self.pair_flows.of(&pairs)?;
        let names = self.names.names(tops, &pairs)?;
        let names_by_date = self.names_by_date.finish()?;
        let newcomers = self.newcomers.into_newcomers()?;
        let patterns = self.patterns.finish(&self.limits)?;
        let failing = listed(Summary::of(DNS_CLIENTS).ok_or_else(|| bug!())?, self.failing, window)?;
        let (pairs, pair_ports) = listed_pairs(pairs, flows);
        Ok(CollectedForPage { names, pairs, pair_ports, names_by_date, newcomers, patterns, failing })
    }
}
