//! Summarizing: the summary tables of a lake or of captures, to be shown. Nothing is written.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::config::{Decapsulation, LengthKind, Names};
use crate::day::Day;
use crate::error::{Error, Lack, Result};
use crate::lake::{CAPTURES, Layout, RefusedEntry, steadily};
use crate::names::PtrOptions;
use crate::outcome::Report;
use crate::summary::{Collect, FLOWS, Filter, LeftOut, PatternLimits, Preview, Summary};
use crate::tables::Table;

use super::capture_list::CaptureList;
use super::sum_up::{of_captures, of_lake};

/// What is summed up, and how.
#[derive(Clone, Debug)]
pub struct SummarizeRequest {
    /// One lake; or captures: files, directories, patterns, `-`.
    pub named: Vec<PathBuf>,
    /// The tables that are wanted, by name. If none is named, all that can be made.
    pub tables: Vec<String>,
    /// The first and the last date. If the filter has times, the dates that they touch.
    pub days: RangeInclusive<Day>,
    /// Which packets count.
    pub filter: Filter,
    /// Where names of addresses come from. By default as in the lake.
    pub names: Option<Names>,
    /// How reverse lookups are done, if they are a source of names of captures.
    pub ptr: PtrOptions,
    /// Microseconds of a window of the send rates. By default that of the lake, or 1 s for captures.
    pub window: Option<i64>,
    /// Microseconds without a packet after which another flow begins. By default as in the lake, or 60 s for captures, whose flows are
    /// counted if that table is wanted by name.
    pub flow_timeout: Option<i64>,
    /// Whether windows begin with the first packet, and not at multiples of their length since the epoch.
    pub from_first: bool,
    /// Of captures: what is summed up.
    pub length: LengthKind,
    /// Which tunnels are looked into. A lake has its own choice, which this one must be equal to unless it is empty.
    pub decapsulate: Decapsulation,
    /// Whether captures are read on after damage.
    pub salvage: bool,
    /// Whether to collect what a page shows: traffic over time, and names of the addresses that are shown.
    pub for_page: bool,
    /// Of a page: from when on flows are a pattern.
    pub limits: PatternLimits,
    /// Rows of each table. If not given, all rows, for one table at a time.
    pub top: Option<usize>,
    /// Workers; 0 for one a core.
    pub jobs: usize,
    /// How the run is stopped early.
    pub cancel: Cancel,
}

impl SummarizeRequest {
    /// All of a lake, ten rows of each table.
    #[must_use]
    pub fn of_lake(lake: &Path, cancel: &Cancel) -> Self {
        Self {
            named: vec![lake.to_path_buf()],
            tables: Vec::new(),
            days: Day::FIRST..=Day::LAST,
            filter: Filter::default(),
            names: None,
            ptr: PtrOptions::default(),
            window: None,
            flow_timeout: None,
            from_first: false,
            length: LengthKind::default(),
            decapsulate: Decapsulation::default(),
            salvage: false,
            for_page: false,
            limits: PatternLimits::default(),
            top: Some(10),
            jobs: 0,
            cancel: cancel.clone(),
        }
    }

    /// Whether flows are wanted of a lake that has them.
    pub(super) fn wants_flows(&self) -> bool {
        self.tables.is_empty() || self.names_flows()
    }

    /// Whether flows of captures are wanted.
    pub(super) fn wants_flows_of_captures(&self) -> bool {
        self.names_flows() || self.for_page && self.flow_timeout.is_some()
    }

    fn names_flows(&self) -> bool {
        self.tables.iter().any(|name| name == FLOWS)
    }
}

/// Sums that are ready to be shown.
#[derive(Debug)]
pub struct Summarized {
    pub(super) gather: Collect,
    pub(super) captures: CaptureList,
    /// What the last run refused.
    pub(super) refused: Vec<RefusedEntry>,
    /// The dates, in order.
    pub(super) days: BTreeSet<Day>,
    /// What is summed up.
    pub(super) length: LengthKind,
    /// The timeout of the flows that were counted.
    pub(super) flow_timeout: Option<i64>,
    /// The sources of names, in the order in which they are asked.
    pub(super) sources: Vec<&'static str>,
    /// Tables that cannot be made as asked: their sums lack what the filter asks for.
    pub left_out: Vec<LeftOut>,
    /// What was found in the captures, if they were read.
    pub report: Report,
    /// The tables that are asked for by name.
    pub(super) asked: Vec<String>,
}

impl Summarized {
    /// The first rows of the tables, in the order in which they are shown. A table of tunnels without rows is there only if it was
    /// asked for by name.
    ///
    /// # Errors
    /// If what was spilled cannot be read.
    pub fn listed(self) -> Result<Vec<Preview>> {
        let listed = std::iter::once(self.captures.preview()).chain(self.gather.finish()?.tables);
        let is_left_out = |listed: &Preview| self.left_out.iter().any(|left_out| left_out.name == listed.name);
        let is_there = |listed: &Preview| listed.is_there() || self.asked.iter().any(|name| name == listed.name);
        Ok(listed.filter(|listed| !is_left_out(listed) && is_there(listed)).collect())
    }

    /// All rows of one table, piece by piece.
    ///
    /// # Errors
    /// If what was spilled cannot be read, or `each` fails.
    pub fn all(self, summary: &Summary, each: impl FnMut(Table) -> Result<()>) -> Result<()> {
        if summary.name == CAPTURES { self.captures.all(each) } else { self.gather.all(summary, each) }
    }
}

/// Sums up a lake or captures.
///
/// # Errors
/// If a lake has no summaries, or not the requested ones; if something cannot be read, or the run is cancelled. Captures
/// that are damaged or refused are no errors: the report names them.
pub fn summarize(request: &SummarizeRequest) -> Result<Summarized> {
    let lake = request.named.iter().map(|path| Layout::at(path)).find(Layout::is_there);
    match lake {
        // Runs may commit meanwhile, and remove a file that was about to be read.
        Some(lake) if request.named.len() == 1 => {
            steadily(&lake, || Ok(request.cancel.check()?), |_| false, || of_lake(request, &lake))
                .map_err(|error| what_is_lacking(error, &lake))
        }
        Some(lake) => Err(Error::NotAlone { path: lake.root().to_path_buf() }),
        None => of_captures(request),
    }
}

/// Tells sums of a lake that are missing from other files.
fn what_is_lacking(error: Error, lake: &Layout) -> Error {
    match error {
        Error::Io { path, source, .. }
            if source.kind() == std::io::ErrorKind::NotFound && path.starts_with(lake.partials()) =>
        {
            let problem = "is not there, and the lake's manifest names it".to_owned();
            Error::Incomplete { path, problem, lacks: Lack::Sums }
        }
        other => other,
    }
}
