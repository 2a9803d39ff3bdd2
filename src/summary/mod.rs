//! The final stage: volumes and rates, added up while the packets are converted, merged per date, shown.
//!
//! In: the rows of each row group, and the DNS messages among them. Out: a [`Partial`] a unit, which adds up with others
//! in any order; then the tables of each date that a run touched. Always: the sums of each table balance with the
//! packets table, packets without an address or a time included.

mod partial;
mod publish;
mod render;
mod store;
mod tables;

pub use partial::{DayPartial, Named, Partial, Volume};
pub use publish::{Staged, captures, stage, stage_captures};
pub use render::{render, thousands, time};
pub use store::{load, save};
pub use tables::{NO_NAME, busiest_windows, dns_names, protocols, send_rates, volume_by_ip, volume_by_name};
