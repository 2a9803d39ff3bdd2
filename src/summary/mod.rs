//! The final stage: volumes, rates and names, added up while the packets are converted, merged per date, shown.
//!
//! In: the rows of each row group, and the DNS messages among them. Out: [`Tallies`](crate::aggregate::Tallies) a unit, which
//! add up with others in any order; then the tables of each date that a run touched ([`SUMMARIES`] lists them). Always:
//! the sums of each table balance with the packets table, packets without an address or a time included; memory is
//! bounded whatever the number of addresses and names.
//!
//! A unit counts flows (destination, source, protocol), windows by protocol, ports, DNS messages and the names that they
//! give to addresses. All tables follow from these, so a table may be added without converting anything again.

mod beside;
mod count;

mod derive;
mod difference;
mod filter;
mod gather;
mod instants;
mod key;
mod kind;
mod left_out;
mod listed;
mod messages;
pub(crate) mod naming;
mod partial;
mod render;
mod rows;
mod schema;
mod series;
mod top;
mod unnamed;

pub(crate) use derive::{Sink, sum_up};
pub use difference::what_rows_do_not_give;
pub use filter::Filter;
pub use gather::{Gather, Gathered};
pub use instants::{Instants, windows_from_first};
pub(crate) use key::{DESCENDING, Key, NOBODY};
pub(crate) use kind::Kind;
pub use left_out::{LeftOut, left_out_of_packets, left_out_of_sums};
pub use listed::Listed;
pub use naming::{Naming, Source};
pub use partial::Partial;
pub(crate) use render::visible;
pub use render::{Units, render};
pub(crate) use rows::Rows;
pub(crate) use schema::Order;
pub use schema::{Column, NO_NAME, SUMMARIES, Summary, Values};
pub use series::{Bins, MAX_BINS, Series};
pub(crate) use top::Top;
pub use unnamed::unnamed;
