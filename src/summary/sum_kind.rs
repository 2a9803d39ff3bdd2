//! Kinds of sums: what units count, and what follows from it.

use crate::aggregate::{Group, Measure};
use crate::day::Day;

/// A kind of sums. Kinds below 5, and from 7 to 11, are what a unit counts and stores. Kinds 5 and 6 are counted where captures are summed up
/// without a lake. From 16 on they follow from the others, and are in memory or in temporary files only. Not every kind is a
/// table, and a table may be of a kind that others use too.
///
/// The numbers of what is stored are in files, so they never change. Those from 12 to 15 are free.
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
    /// By address and server name for which a client asked it: ClientHellos, and when they were seen. Only of lakes with that column,
    /// so that each partial of a lake has them or none has.
    ServerNames = 7,
    /// By tunnels, number and outer addresses of packets that were taken out of a tunnel. Only of lakes that look into tunnels: a
    /// lake keeps that choice from its first run on, so that each partial of a lake has them or none has. By owner, as what DNS
    /// messages said: rows tell these sums only if the lake has all four columns of the tunnels. Two ways of counting, one for
    /// each kind of lake, would be one too many.
    Tunnels = 8,
    /// By client and name of a DNS message, and by response code where it is none of the usual ones; messages only, as
    /// `client_counts.rs` has them. Only of lakes that count them, as tunnels. By owner, as what is in DNS messages.
    ClientNames = 9,
    /// By all that is known of a piece of a flow: both ends, protocol, times, and what each end sent. Only of lakes with flows, as
    /// `Tunnels`. By owner: rows do not tell TCP flags in every lake.
    FlowPieces = 10,
    /// By edge of the date, both ends and protocol: the first and the last time, of pieces near midnight.
    FlowEdges = 11,
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
    /// By client and response code of DNS messages. The first further number is that of the names, which cannot be added up over
    /// dates: those of several dates follow from `ClientNames`.
    Clients = 24,
    /// By all columns of a flow.
    FlowRows = 25,
}

impl SumKind {
    /// Its group of a date.
    pub(crate) fn group(self, day: Day) -> Group {
        let measure = match self {
            Self::Names | Self::NamesWithin | Self::ServerNames | Self::FlowEdges => Measure::Span,
            Self::Ports | Self::ClientNames | Self::Clients => Measure::Add,
            _ => Measure::Plain,
        };
        Group { day, kind: self as u8, measure, by_owner: false }
    }

    /// The pieces of flows, and their edges.
    pub(crate) const OF_FLOWS: [Self; 2] = [Self::FlowPieces, Self::FlowEdges];

    /// The kinds that units count of rows. The others that they count are not in the rows of every lake: DNS messages, server names
    /// and tunnels.
    pub(super) const OF_ROWS: [Self; 3] = [Self::Flows, Self::Windows, Self::Ports];
}
