//! What the registry of summary tables says of each table and column.

use crate::aggregate::Sums;
use crate::config::Settings;
use crate::error::WhyLeftOut;

use super::filter::Filter;
use super::flows::FlowField;
use super::key::KeyReader;
use super::registry::SUMMARIES;
use super::sum_kind::SumKind;

/// A summary table.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Its name, and that of its folder.
    pub name: &'static str,
    /// What a row stands for.
    pub rows: &'static str,
    /// Its columns, in order.
    pub columns: &'static [SummaryColumn],
    /// The kind of sums that its rows show. `None` for the table of captures, which comes from the manifest.
    pub(crate) kind: Option<SumKind>,
    /// How they follow from what units count.
    pub(super) derivation: Derivation,
    /// The order of its rows.
    pub(crate) order: SortOrder,
    /// What units have counted it by. A lake's table can be filtered by that and by nothing else.
    pub(super) counted_by: CountedBy,
    /// Why it cannot be made of captures, whose packets are filtered one by one, if it cannot. The second argument says
    /// whether windows begin with the first packet.
    pub(super) left_out: fn(&Filter, bool) -> Option<WhyLeftOut>,
    /// Whether `bytes` and `packets` add up to those of all packets, over all dates of a lake, and `verify` checks it.
    pub(crate) balances: bool,
    /// How many rows it has at most, if that is limited. One more sums up the rest.
    pub(crate) limit: Option<fn(&Settings) -> usize>,
    /// What somebody must have asked for, or there is no such table.
    pub(crate) asked_by: AskedBy,
    /// The columns that are shown on a terminal; `None` for all.
    pub(super) shown: Option<&'static [&'static str]>,
}

impl Summary {
    /// The table of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<&'static Self> {
        SUMMARIES.iter().find(|summary| summary.name == name)
    }

    /// Whether units of a lake with these settings count what it is made of.
    pub(crate) fn is_counted(&self, settings: &Settings) -> bool {
        match self.kind {
            Some(SumKind::Clients) => settings.dns_clients,
            Some(SumKind::FlowRows) => settings.flow_timeout.is_some(),
            _ => true,
        }
    }

    /// Whether its keys are the addresses of packets and nothing else.
    pub(super) fn is_by_address(&self) -> bool {
        let mut keys = self.columns.iter().filter(|column| matches!(column.from, ValueSource::Key(_))).peekable();
        keys.peek().is_some() && keys.all(|column| matches!(column.from, ValueSource::Key(KeyField::Address)))
    }
}

/// What somebody must have asked for, or there is no such table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskedBy {
    /// Nothing: every lake with summaries has it.
    Nobody,
    /// That tunnels are looked into. Also then there is no file of a date on which it would have no rows, and nothing to show unless
    /// somebody asks for it by name.
    Tunnels,
    /// That flows are counted.
    Flows,
}

/// How the rows of a table follow from what units count.
#[derive(Clone, Copy, Debug)]
pub(super) enum Derivation {
    /// They do not: the rows come from the manifest.
    Manifest,
    /// They are what units count: the keys of a group that the filter takes.
    Counted {
        /// The group.
        of: fn(&Filter) -> SumKind,
        /// Whether the filter takes a key.
        takes: fn(&Filter, KeyReader<'_>) -> bool,
    },
    /// A pass of `derive.rs` hands them on in their order.
    Passed,
    /// A pass of `derive.rs` adds them up again, because their order is not that of the pass.
    AddedUp,
}

/// What units have counted a table by. By what they have not, it cannot be filtered.
#[derive(Clone, Copy, Debug)]
pub(super) struct CountedBy {
    pub(super) protocol: bool,
    pub(super) address: bool,
    pub(super) time: CountedTime,
}

/// The times that units have counted a table by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CountedTime {
    /// By date.
    Date,
    /// By window.
    Window,
}

/// The order of a table's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortOrder {
    /// Most bytes first, then most packets, then by key.
    Largest,
    /// As `Largest`. The further sums are bytes and packets too, and count as well.
    LargestBothWays,
    /// By key.
    Key,
    /// By key; but where some rows are shown, these are the largest, as with `Largest`.
    KeyAndLargest,
}

impl SortOrder {
    /// Whether it is the order of the sums.
    pub(crate) fn is_of_sums(self) -> bool {
        !matches!(self, Self::Key | Self::KeyAndLargest)
    }

    /// The bytes and packets that a row is as large as.
    pub(crate) fn size(self, sums: &Sums) -> (i64, i64) {
        match (self, sums.more) {
            (Self::LargestBothWays, [bytes, packets]) => {
                (sums.bytes.saturating_add(bytes), sums.packets.saturating_add(packets))
            }
            _ => (sums.bytes, sums.packets),
        }
    }
}

/// A column of a summary table.
#[derive(Clone, Copy, Debug)]
pub struct SummaryColumn {
    /// Its name.
    pub name: &'static str,
    /// The type of its values.
    pub values: Values,
    /// When it is null; empty for never.
    pub null_when: &'static str,
    /// What it means, with its unit.
    pub meaning: &'static str,
    /// Where its values come from.
    pub(super) from: ValueSource,
}

/// Where the values of a column come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum ValueSource {
    /// The next field of the key. Columns are in the order of these fields.
    Key(KeyField),
    /// The sum of bytes.
    Bytes,
    /// The sum of packets; where something else is counted, how often.
    Packets,
    /// The first further sum.
    First,
    /// The second further sum.
    Second,
    /// The length of a window.
    WindowLength,
    /// Bytes by the length of a window.
    Rate,
    /// Of the row that sums up the rest: how many rows that are.
    Rest,
    /// The manifest.
    Manifest,
    /// A column of a flow, whose key holds all of them.
    Flow(FlowField),
}

/// A field of a key, as [`KeyReader`] reads it.
#[derive(Clone, Copy, Debug)]
pub(super) enum KeyField {
    /// An address.
    Address,
    /// A name. Where the column may be null, no name is null.
    Name,
    /// A protocol.
    Protocol,
    /// A port.
    Port,
    /// The start of a window.
    Window,
    /// The type of a DNS question.
    RecordType,
    /// A DNS response code.
    ResponseCode,
    /// The number of a tunnel.
    TunnelId,
}

/// The types of summary columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// UTF-8 text.
    Text,
    /// 64-bit signed integers: counts.
    Int,
    /// 64-bit signed integers that number something and are not counted.
    Number,
    /// 64-bit signed integers: bytes.
    Bytes,
    /// Doubles: seconds.
    Seconds,
    /// Doubles: bytes a second.
    Rate,
    /// Microseconds since the Unix epoch, UTC.
    Time,
    /// True or false.
    Flag,
}
