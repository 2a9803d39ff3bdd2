//! What summaries are made of: the counts of a unit, and the tables that follow from them.

use crate::aggregate::{Group, Measure, Sums};
use crate::day::Day;

/// A kind of sums. The first ones are what a unit counts and stores; the rest follows from these.
///
/// The numbers are stored in files, so they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum SumKind {
    /// By destination, source and protocol.
    Flows = 0,
    /// By start of a window and protocol.
    Windows = 1,
    /// By protocol and port. Bytes and packets are those to the port; the further numbers are those from it.
    Ports = 2,
    /// By name, type and response code of a DNS message; packets only.
    Queries = 3,
    /// By address and name that DNS gave it: answers, and when they were seen.
    Names = 4,
    /// By time of the packet. Only where windows begin with the first packet.
    AlignedWindows = 5,
    /// As `Names`, but only of messages within some times. Never in a file.
    NamesWithin = 6,
    /// By destination address.
    ByIp = 16,
    /// By source address.
    BySrc = 17,
    /// By name of the destination; an empty name for none.
    ByName = 18,
    /// By source and destination.
    Conversations = 19,
    /// By protocol.
    Protocols = 20,
    /// By start of a window.
    Rates = 21,
    /// By destination address whose name a reverse lookup would be asked for. No table.
    Unnamed = 22,
    /// By address, its name and the source of the name: what was sent to it and from it.
    Named = 23,
}

impl SumKind {
    /// The bytes and packets that its rows are ordered by. Ports are ordered by what was sent to and from them.
    pub(crate) fn size(self, sums: &Sums) -> (i64, i64) {
        match (self, sums.more) {
            (Self::Ports, [bytes, packets]) => (sums.bytes.saturating_add(bytes), sums.packets.saturating_add(packets)),
            _ => (sums.bytes, sums.packets),
        }
    }

    /// Its group of a date.
    pub(crate) fn section(self, day: Day) -> Group {
        let rule = match self {
            Self::Names | Self::NamesWithin => Measure::Span,
            Self::Ports => Measure::Add,
            _ => Measure::Plain,
        };
        Group { day, kind: self as u8, rule, owned: false }
    }
}
