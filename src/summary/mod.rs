//! The final stage: volumes, rates and names, added up while the packets are converted, merged per date, shown.
//!
//! In: the rows of each row group, and the DNS messages among them. Out: one [`Aggregator`](crate::aggregate::Aggregator)
//! a unit, and aggregators add up in any order; then the tables of each date that a run touched ([`SUMMARIES`] lists
//! them). Always: the sums of each table balance with the packets table, packets without an address or a time included.
//! Memory is bounded, whatever the number of addresses and names.
//!
//! A unit counts flows (destination, source, protocol), windows by protocol, ports, DNS messages, the names that they
//! give to addresses and that clients ask for. All tables follow from these. A further table of these sums can be made of any lake; `registry.rs` says what
//! it takes to count something new.

mod aligned_windows;
mod audit;
mod collect;
mod count;
mod largest;
mod names_by_date;
mod names_shown;
mod newcomers;
mod pair_flows;
mod pair_ports;
mod pairs;
mod pauses;
mod preview;
mod registry;

mod client_counts;
mod derive;
mod dns_clients;
mod filter;
mod flows;
mod for_page;
mod key;
mod left_out;
mod messages;
pub(crate) mod naming;
mod partial;
mod render;
mod rows;
mod schema;
mod series;
mod sum_kind;
mod tracks;
mod tunnel_counts;
mod unnamed;

pub use aligned_windows::{AlignedWindows, windows_from_first};
pub use audit::what_rows_do_not_give;
pub(crate) use audit::{Packets, packets_of_date};
pub use collect::Collect;
pub(crate) use derive::{RowSink, sum_up};
pub use filter::Filter;
pub use flows::{Attempts, FLOW_STATES, PatternLimits, Patterns, Regular};
pub(crate) use flows::{Edge, flows_of, has_edge};
pub use for_page::CollectedForPage;
pub(crate) use key::{DESCENDING, Key, NOBODY};
pub(crate) use largest::Largest;
pub use left_out::{LeftOut, left_out_of_packets, left_out_of_sums};
pub use naming::{Naming, NamingSource};
pub use newcomers::{LastSources, Newcomer, Newcomers};
pub use pair_ports::PairPorts;
pub use partial::Partial;
pub use pauses::{Pause, Pauses};
pub use preview::Preview;
pub(crate) use registry::DNS_CLIENTS;
pub use registry::{FLOWS, NO_NAME, SUMMARIES};
pub use render::{Units, render};
pub(crate) use rows::SummaryRows;
pub(crate) use schema::{AskedBy, SortOrder};
pub use schema::{Summary, SummaryColumn, Values};
pub use series::{Bins, Series};
pub(crate) use sum_kind::SumKind;
pub use tracks::{DAYS_OF_HOURS, MAX_BINS, Track, Tracks};
pub use unnamed::unnamed;
