//! Which tables cannot be made as asked, and why.

use crate::error::WhyLeftOut;
use crate::error::WhyLeftOut::Counted;

use super::filter::Filter;
use super::schema::{SUMMARIES, Summary};
use super::sum_kind::SumKind;

/// A table that is left out, and why it cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The name of the table.
    pub name: &'static str,
    /// Why.
    pub why: WhyLeftOut,
}

const BY_ADDRESS: WhyLeftOut = Counted("it was not counted by address");
const BY_TIME: WhyLeftOut = Counted("it was counted by date, not by time of day");

/// The tables that cannot be made from what units have counted, with windows of `window` microseconds.
#[must_use]
pub fn left_out_of_sums(filter: &Filter, window: i64) -> Vec<LeftOut> {
    left_out(|summary| match summary.kind {
        Some(SumKind::Windows | SumKind::Rates | SumKind::Ports) if !filter.nets.is_empty() => Some(BY_ADDRESS),
        Some(SumKind::Windows | SumKind::Rates) => (!filter.is_aligned(window)).then_some(WhyLeftOut::WithinWindow),
        Some(SumKind::Names) if !filter.protocols.is_empty() => Some(Counted("it was not counted by protocol")),
        Some(SumKind::Queries) if !filter.is_of_all_packets() => {
            Some(Counted("it was not counted by protocol or address"))
        }
        Some(_) => filter.times.is_some().then_some(BY_TIME),
        None => captures(filter),
    })
}

/// The tables that cannot be made from captures, whose packets are filtered one by one. With `from_first`, windows begin
/// with the first packet.
#[must_use]
pub fn left_out_of_packets(filter: &Filter, from_first: bool) -> Vec<LeftOut> {
    left_out(|summary| match summary.kind {
        Some(SumKind::Windows) if from_first => Some(WhyLeftOut::FromFirst),
        // The names of addresses come from all messages.
        Some(SumKind::Names) if !filter.protocols.is_empty() => Some(Counted("it is not counted by protocol")),
        Some(_) => None,
        None => captures(filter),
    })
}

fn captures(filter: &Filter) -> Option<WhyLeftOut> {
    (!filter.is_of_all_packets()).then_some(Counted("its rows are of whole captures"))
}

fn left_out(why: impl Fn(&Summary) -> Option<WhyLeftOut>) -> Vec<LeftOut> {
    SUMMARIES.iter().filter_map(|summary| Some(LeftOut { name: summary.name, why: why(summary)? })).collect()
}
