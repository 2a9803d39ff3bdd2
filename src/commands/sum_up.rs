//! Sums of a lake, or of captures that are counted for it, ready to be shown.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::aggregate::{Aggregator, Owners, Space};
use crate::config::{FLOW_TIMEOUT, Names, Setting, WINDOW};
use crate::convert::{Counting, count, naming};
use crate::day::Day;
use crate::error::{Error, Result, WhyLeftOut};
use crate::lake::{Layout, Snapshot};
use crate::outcome::{Changing, Report};
use crate::select::inputs;
use crate::storage::scratch_root;
use crate::summary;
use crate::summary::{Bins, Collect, Filter, LeftOut, Naming, left_out_of_packets, left_out_of_sums};
use crate::threads::in_order;

use super::capture_list::CaptureList;
use super::summarize::{SummarizeRequest, Summarized};

const MICROS_PER_DAY: i64 = 86_400_000_000;

pub(super) fn of_lake(request: &SummarizeRequest, lake: &Layout) -> Result<Summarized> {
    let snapshot = Snapshot::begin(lake)?;
    let settings = snapshot.settings.clone().unwrap_or_default();
    if !settings.summaries {
        return Err(Error::NoSums { path: lake.root().to_path_buf() });
    }
    if request.from_first {
        return Err(Error::WindowsAreAligned { path: lake.root().to_path_buf() });
    }
    if let Some(window) = request.window.filter(|window| *window != settings.window) {
        let [held, asked] = [settings.window, window].map(Setting::Window);
        return Err(Error::SettingsDiffer { lake: lake.root().to_path_buf(), held, asked });
    }
    if !request.decapsulate.is_empty() && request.decapsulate != settings.decapsulate {
        let [held, asked] =
            [&settings.decapsulate, &request.decapsulate].map(|tunnels| Setting::Decapsulate(tunnels.clone()));
        return Err(Error::SettingsDiffer { lake: lake.root().to_path_buf(), held, asked });
    }
    if let (Some(asked), Some(_)) = (request.flow_timeout, settings.flow_timeout)
        && settings.flow_timeout != Some(asked)
    {
        let [held, asked] = [settings.flow_timeout, Some(asked)].map(Setting::Flows);
        return Err(Error::SettingsDiffer { lake: lake.root().to_path_buf(), held, asked });
    }
    let mut left_out = left_out_of_sums(&request.filter, &settings);
    check_asked(request, &left_out, Some((lake, settings.window)))?;
    // Of what the lake never had, nobody needs to hear unless it is asked for.
    left_out.retain(|left_out| left_out.why != WhyLeftOut::NoFlows);
    let folder = scratch_root();
    let mut aggregator = Aggregator::new(&Space::new(&folder).cancelled_by(&request.cancel));
    let mut days = BTreeSet::new();
    let flow_timeout = settings.flow_timeout.filter(|_| request.wants_flows());
    for partial in snapshot.partials.values() {
        let wanted: Vec<_> = partial.days.iter().copied().filter(|day| request.days.contains(day)).collect();
        // What goes on over midnight is told by the dates beside a date.
        let beside = |day: &Day| [-1, 1].iter().any(|by| request.days.contains(&Day(day.0.saturating_add(*by))));
        if !wanted.is_empty() || flow_timeout.is_some() && partial.days.iter().any(beside) {
            partial.append_to(&mut aggregator, lake, None, Owners::AddUp)?;
            days.extend(wanted);
        }
    }
    // The answers that were looked up for the lake are used. Showing a lake asks no resolver, and forgets nothing.
    let names = request.names.as_ref().unwrap_or(&settings.names);
    if names.has_sni() && !settings.columns.has_server_names() {
        return Err(Error::NoServerNames { lake: lake.root().to_path_buf() });
    }
    let naming = naming::open(names, Some((lake, snapshot.names.as_ref())), 0)?;
    let mut report = Report::default();
    report.note_names(&naming, None);
    let mut captures = CaptureList::new(request, aggregator.space());
    snapshot.visit_captures(&mut captures)?;
    let refused =
        snapshot.quarantine.into_values().filter(|refused| !refused.retired).chain(snapshot.refused).collect();
    let summarized =
        finish(request, (settings.window, flow_timeout), days, &mut aggregator, &naming, (captures, report))?;
    Ok(Summarized { refused, left_out, length: settings.length, ..summarized })
}

/// Refuses requests that cannot be fulfilled: half an answer looks like a whole one. `lake` is the lake, with its
/// windows; `None` for captures.
fn check_asked(request: &SummarizeRequest, left_out: &[LeftOut], lake: Option<(&Layout, i64)>) -> Result<()> {
    let asked = left_out.iter().filter(|left_out| request.tables.iter().any(|table| table == left_out.name));
    let asked: Vec<_> = asked.collect();
    if asked.is_empty() {
        return Ok(());
    }
    let by_packets = left_out_of_packets(&request.filter, request.from_first);
    let answered = asked.iter().map(|left_out| left_out.name);
    let answered = answered.filter(|name| by_packets.iter().all(|left_out| left_out.name != *name));
    Err(Error::LeftOut {
        lake: lake.map(|(lake, window)| (lake.root().to_path_buf(), window)),
        tables: asked.iter().map(|LeftOut { name, why }| (*name, *why)).collect(),
        of_captures: answered.collect(),
    })
}

pub(super) fn of_captures(request: &SummarizeRequest) -> Result<Summarized> {
    let window = request.window.unwrap_or(WINDOW);
    let left_out = left_out_of_packets(&request.filter, request.from_first);
    check_asked(request, &left_out, None)?;
    let flow_timeout = request.wants_flows_of_captures().then(|| request.flow_timeout.unwrap_or(FLOW_TIMEOUT));
    let counting = Counting {
        length: request.length,
        window,
        salvage: request.salvage,
        decapsulate: request.decapsulate.clone(),
        filter: request.filter.clone(),
        server_names: request.names.as_ref().is_some_and(Names::has_sni),
        flow_timeout,
        instants: request.from_first,
    };
    let folder = scratch_root();
    let mut report = Report::default();
    let inputs = inputs(&request.named, &mut report)?;
    // They add up in any order; kept apart until the last capture is read, they would need room for all.
    let space = Space::new(&folder).cancelled_by(&request.cancel);
    let sum = Mutex::new(Aggregator::new(&space));
    let counted = in_order::<_, _, Error>(inputs, request.jobs, |input| {
        match count(input, &counting, &space, &request.cancel)? {
            Ok((entry, aggregator)) => {
                sum.lock().unwrap_or_else(PoisonError::into_inner).append(aggregator)?;
                Ok(Ok(entry))
            }
            Err(refused) => Ok(Err(refused)),
        }
    })?;
    let mut aggregator = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut captures = CaptureList::new(request, &space);
    for counted in counted {
        match counted {
            Ok(mut entry) => {
                let how = Changing::of_stream(&entry);
                if how.is_open() {
                    entry.mark_open();
                }
                report.add(&entry, how);
                captures.add_read(&entry)?;
            }
            Err((input, refusal)) => report.refuse(input.path, &refusal, None),
        }
    }
    let days = aggregator.groups().into_iter().map(|group| group.day);
    // Packets were filtered by time, and the window of the first one may begin on the date before.
    let is_before = |day: Day| request.filter.times.is_some() && day.0 + 1 == request.days.start().0;
    let days: BTreeSet<_> = days.filter(|day| request.days.contains(day) || is_before(*day)).collect();
    let mut naming = naming::open(request.names.as_ref().unwrap_or(&Names::default()), None, naming::now())?;
    let asked = naming::look_up(&mut naming, &days, &mut aggregator, &request.filter, &request.ptr, &request.cancel)?;
    report.note_names(&naming, asked);
    let summarized = finish(request, (window, flow_timeout), days, &mut aggregator, &naming, (captures, report))?;
    Ok(Summarized { left_out, ..summarized })
}

fn finish(
    request: &SummarizeRequest,
    (window, flow_timeout): (i64, Option<i64>),
    days: BTreeSet<Day>,
    aggregator: &mut Aggregator,
    naming: &Naming,
    (captures, report): (CaptureList, Report),
) -> Result<Summarized> {
    let filter = request.filter.with_whole_windows(window);
    let several = days.len() > 1 || request.top.is_none();
    let top = request.top.unwrap_or(0);
    let mut gather = Collect::new(top, window, several, aggregator.space()).with_flows(flow_timeout);
    if request.from_first {
        gather = gather.with_windows_from_first();
    }
    if request.for_page {
        gather = gather.with_series(bins(window, &days, captures.ends, &filter));
        gather = gather.for_page(top, days.last().copied(), request.limits, aggregator.space());
    }
    if filter.times.is_some() {
        gather = gather.with_total_of_windows();
    }
    for day in &days {
        gather.date(*day, aggregator, naming, &filter)?;
    }
    if request.from_first {
        summary::windows_from_first(&days, aggregator, window, &mut gather)?;
    }
    let (refused, left_out, length) = (Vec::new(), Vec::new(), request.length);
    let sources = naming.labels().collect();
    let asked = request.tables.clone();
    Ok(Summarized { gather, captures, refused, days, length, flow_timeout, sources, left_out, report, asked })
}

/// Bins from the first to the last packet of some dates. `ends` are those of the captures.
fn bins(window: i64, days: &BTreeSet<Day>, ends: Option<(i64, i64)>, filter: &Filter) -> Bins {
    let start = |day: &Day| i64::from(day.0) * MICROS_PER_DAY;
    let first = days.first().map_or(0, start);
    let last = days.last().map_or(first, |day| start(day) + MICROS_PER_DAY - 1);
    let times = filter.times.clone().unwrap_or(i64::MIN..i64::MAX);
    let (first, last) = (first.max(times.start), last.min(times.end.saturating_sub(1)));
    // Times that no date has.
    let last = last.max(first);
    // A capture may begin before the first date, or go on after the last one.
    let within = |micros: i64| micros.clamp(first, last);
    let (from, to) = ends.map_or((first, first), |(from, to)| (within(from), within(to)));
    Bins::new(window, from, to)
}
