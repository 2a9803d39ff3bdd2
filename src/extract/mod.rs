//! From rows of a lake back to the packets of the original captures.
//!
//! In: a lake, and which of its rows are wanted: those that a filter takes, or those that a query found. Out: a pcapng or a
//! pcap with the packets as they were captured. Always: a packet is written only if the capture still says of it what the
//! row says; what does not agree is named and left out. Memory does not grow with the number of rows.
//!
//! It goes in three passes, with keys that are sorted in bounded memory between them. `lookup.rs` finds the wanted rows,
//! with what they say; `fetch.rs` finds their records, capture by capture and in the order of each; `write.rs` writes the
//! packets in the order that is asked for. Packets of plain captures are read where they are. Those of compressed captures
//! are kept in a file without a name meanwhile.

mod bytes;
mod candidates;
mod fetch;
mod found_packet;
mod interfaces;
mod known_row;
mod lookup;
mod named_rows;
mod open_captures;
mod outcome;
mod packet_filter;
mod pcap_form;
mod write;

pub use outcome::{Extracted, MissingPackets, MissingWhy};
pub use packet_filter::PacketFilter;

pub(crate) use fetch::fetch;
pub(crate) use lookup::Search;
pub(crate) use write::write;

use crate::aggregate::{Group, Measure};
use crate::day::Day;

/// The keys of one pass.
const KEYS: Group = Group { day: Day(0), kind: 0, measure: Measure::Plain, by_owner: false };

/// The order of the packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PacketOrder {
    /// By time. Packets without a time stand where they stand in their capture.
    #[default]
    Time,
    /// That of the rows that were given, or of the lake.
    Rows,
}

/// What is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExtractFormat {
    /// pcapng, which has whatever captures have.
    #[default]
    Pcapng,
    /// pcap, of one link type and one resolution.
    Pcap,
}
