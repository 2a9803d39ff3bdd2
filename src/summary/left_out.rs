//! Which tables cannot be made as asked, and why.

use crate::config::Settings;
use crate::error::WhyLeftOut;
use crate::error::WhyLeftOut::Counted;

use super::filter::Filter;
use super::registry::SUMMARIES;
use super::schema::{AskedBy, CountedBy, CountedTime, Summary};

/// A table that is left out, and why it cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The name of the table.
    pub name: &'static str,
    /// Why.
    pub why: WhyLeftOut,
}

/// The tables that cannot be made from what units of a lake with these settings have counted.
#[must_use]
pub fn left_out_of_sums(filter: &Filter, settings: &Settings) -> Vec<LeftOut> {
    left_out(|summary| match summary.kind {
        _ if !summary.is_counted(settings) => Some(match summary.asked_by {
            AskedBy::Flows => WhyLeftOut::NoFlows,
            AskedBy::Nobody | AskedBy::Tunnels => WhyLeftOut::BegunBefore,
        }),
        // A lake that looks into none has no rows of it, whatever is asked.
        Some(_) if summary.asked_by == AskedBy::Tunnels && settings.decapsulate.is_empty() => None,
        Some(_) => not_counted(summary.counted_by, filter, settings.window),
        None => (summary.left_out)(filter, false),
    })
}

/// What a filter asks that units have not counted.
fn not_counted(by: CountedBy, filter: &Filter, window: i64) -> Option<WhyLeftOut> {
    let (protocols, nets) = (!filter.protocols.is_empty(), !filter.nets.is_empty());
    match (by.protocol, by.address) {
        (true, false) if nets => Some(Counted("it was not counted by address")),
        (false, true) if protocols => Some(Counted("it was not counted by protocol")),
        (false, false) if protocols || nets => Some(Counted("it was not counted by protocol or address")),
        _ => match by.time {
            CountedTime::Date => {
                filter.times.is_some().then_some(Counted("it was counted by date, not by time of day"))
            }
            CountedTime::Window => (!filter.is_aligned(window)).then_some(WhyLeftOut::WithinWindow),
        },
    }
}

/// The tables that cannot be made from captures, whose packets are filtered one by one. With `from_first`, windows begin
/// with the first packet.
#[must_use]
pub fn left_out_of_packets(filter: &Filter, from_first: bool) -> Vec<LeftOut> {
    left_out(|summary| (summary.left_out)(filter, from_first))
}

fn left_out(why: impl Fn(&Summary) -> Option<WhyLeftOut>) -> Vec<LeftOut> {
    SUMMARIES.iter().filter_map(|summary| Some(LeftOut { name: summary.name, why: why(summary)? })).collect()
}
