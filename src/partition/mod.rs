//! Which partition a row belongs to, and the rows of each collected apart.
//!
//! In: records and packets, in the order of their capture. Out: [`Rows`](crate::columns::Rows) of exactly one partition
//! each, in that order within a partition. A row without a time goes where the timed row before it went. No file, clock,
//! thread or random number decides anything here.

mod day;
mod key;
mod router;

pub use day::Day;
pub use key::{PartitionKey, When};
pub use router::Router;
