//! Reporting: a lake, or some dates of it, or captures, as one page.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::bug::bug;
use crate::cancel::Cancel;
use crate::config::{Decapsulation, LengthKind, Names};
use crate::convert::now;
use crate::day::Day;
use crate::error::{Error, Result, WhyLeftOut};
use crate::names::PtrOptions;
use crate::outcome::{Report, RunOutcome};
use crate::path_text;
use crate::report::{
    AbsentTable, ImplausibleCounts, NameOptions, PATTERN_LIMITS, PageContent, QueryWords, Rotations, captures_table,
    html, plots,
};
use crate::storage::{local, write_out};
use crate::summary::{CollectedForPage, FLOWS, Filter};
use crate::text::time;

use super::capture_list::CapturesOfPage;
use super::summarize::{SummarizeRequest, Summarized, summarize};

/// What to report, and where to.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// One lake; or captures: files, directories, patterns, `-`.
    pub named: Vec<PathBuf>,
    /// The title of the page. By default the path of the lake as given.
    pub title: Option<String>,
    /// The page's file.
    pub out: PathBuf,
    /// A directory for the plots as files.
    pub svg: Option<PathBuf>,
    /// The first and the last date.
    pub days: RangeInclusive<Day>,
    /// Which packets count.
    pub filter: Filter,
    /// How a reader asks for what the page says. Which lake it is of is set here.
    pub words: QueryWords,
    /// Says why a table is left out.
    pub because: fn(WhyLeftOut) -> &'static str,
    /// Where names of addresses come from. By default as in the lake.
    pub names: Option<Names>,
    /// How reverse lookups are done, if they are a source of names of captures.
    pub ptr: PtrOptions,
    /// How the page says that other sources of names are asked for.
    pub name_options: NameOptions,
    /// Microseconds of a window of the traffic over time; as in [`SummarizeRequest`].
    pub window: Option<i64>,
    /// Microseconds after which another flow begins; as in [`SummarizeRequest`]. Flows of captures are counted if it is given.
    pub flow_timeout: Option<i64>,
    /// Of captures: what is summed up.
    pub length: LengthKind,
    /// Which tunnels are looked into; as in [`SummarizeRequest`].
    pub decapsulate: Decapsulation,
    /// Whether captures are read on after damage.
    pub salvage: bool,
    /// Rows of each table.
    pub top: usize,
    /// Workers, for captures; 0 for one a core.
    pub jobs: usize,
    /// How the run is stopped early.
    pub cancel: Cancel,
}

/// Makes the page. If no capture could be read, no page is made. Returns what was found in the captures.
///
/// # Errors
/// As [`summarize`], and if the page cannot be written.
pub fn page(request: &PageRequest) -> Result<Report> {
    let mut summarized = summarize(&SummarizeRequest {
        named: request.named.clone(),
        days: request.days.clone(),
        filter: request.filter.clone(),
        tables: Vec::new(),
        names: request.names.clone(),
        ptr: request.ptr.clone(),
        window: request.window,
        flow_timeout: request.flow_timeout,
        from_first: false,
        length: request.length,
        decapsulate: request.decapsulate.clone(),
        salvage: request.salvage,
        for_page: true,
        limits: PATTERN_LIMITS,
        top: Some(request.top),
        jobs: request.jobs,
        cancel: request.cancel.clone(),
    })?;
    let report = std::mem::take(&mut summarized.report);
    // The report names what cannot be read.
    if report.inputs == 0 && report.outcome() != RunOutcome::Complete {
        return Ok(report);
    }
    let content = content(request, summarized, &report)?;
    let page = html(&content).map_err(Error::io("write", &request.out))?;
    write_out(&request.out, page.as_bytes())?;
    if let Some(folder) = &request.svg {
        local::make_folders(folder).map_err(Error::io("create", folder))?;
        for (name, plot) in plots(&content) {
            write_out(&folder.join(name), plot.as_bytes())?;
        }
    }
    Ok(report)
}

/// The path of the lake, or the paths of the captures, as given.
fn named(named: &[PathBuf]) -> String {
    let first = named.first().map(|path| path_text::printable(path)).unwrap_or_default();
    match named.len() {
        0 | 1 => first,
        more => format!("{first} and {} more", more - 1),
    }
}

fn content(request: &PageRequest, summarized: Summarized, report: &Report) -> Result<PageContent> {
    let Summarized { gather, captures, mut refused, days, length, sources, left_out, flow_timeout, .. } = summarized;
    refused.extend(report.refused.iter().cloned());
    let gathered = gather.finish()?;
    let series = gathered.series.ok_or_else(|| bug!())?;
    let mut tables = gathered.tables;
    let mut table = |name: &str| {
        let place = tables.iter().position(|listed| listed.name == name);
        place.map(|place| tables.swap_remove(place)).unwrap_or_default()
    };
    let (bytes, packets) = gathered.total;
    let count = captures.count;
    let CapturesOfPage { damaged, sound, implausible, times, rotations, steps, long } = captures.into_page();
    let CollectedForPage { names, pairs, pair_ports, names_by_date, newcomers, patterns, failing } =
        gathered.page.ok_or_else(|| bug!())?;
    let of_captures = report.inputs > 0;
    let is_whole = request.filter == Filter::default();
    let lake = request.named.first().filter(|_| is_whole && !of_captures).map(|path| path_text::printable(path));
    let why = |name, why: WhyLeftOut| AbsentTable { name, why: (request.because)(why).to_owned(), gives: None };
    let mut absent: Vec<_> = left_out.into_iter().map(|left_out| why(left_out.name, left_out.why)).collect();
    if flow_timeout.is_none() && absent.iter().all(|absent| absent.name != FLOWS) {
        let [of_lake, of_packets] = request.words.flows;
        let gives = Some(if of_captures { of_packets } else { of_lake });
        absent.push(AbsentTable { name: FLOWS, why: "they were not counted".to_owned(), gives });
    }
    Ok(PageContent {
        title: request.title.clone(),
        lake: named(&request.named),
        of_captures,
        words: QueryWords { lake, ..request.words.clone() },
        absent,
        capture_times: times,
        strays: rotations.map_or_else(|| Ok(Default::default()), Rotations::strays)?,
        clock_steps: steps,
        long_captures: long,
        newcomers,
        patterns,
        failing_clients: failing,
        length,
        sources,
        name_options: request.name_options,
        names,
        implausible: ImplausibleCounts::that_matter(implausible, bytes),
        dates: days.first().zip(days.last()).map(|(first, last)| (first.text(), last.text())),
        made: time(now() * 1_000_000),
        packets,
        bytes,
        captures: count,
        damaged: damaged.len() as u64,
        refused: refused.len() as u64,
        series,
        names_by_date,
        by_name: table("volume_by_name"),
        by_ip: table("volume_by_ip"),
        by_src: table("volume_by_src"),
        protocols: table("protocols"),
        ports: table("ports"),
        conversations: pairs,
        conversation_ports: pair_ports,
        dns_queries: table("dns_queries"),
        dns_failures: gathered.failures,
        captures_table: captures_table(&refused, damaged, sound, (count, request.top)),
    })
}
