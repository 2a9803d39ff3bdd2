//! Sums by key, of any number of keys: collected in memory, spilled in sorted runs, merged as they are read.
//!
//! In: keys as bytes, in an order that has a meaning, each with [`Sums`], in any order and any number of times. Out: each
//! key once, in order, with what was added up under it. Always: the result depends neither on the order of what came in
//! nor on when it was spilled. Memory is bounded, whatever the number of keys. Not here: what keys mean. The only door
//! for arrow-ipc.
//!
//! Sums can be subtracted again ([`Aggregator::subtract`]), or left out by their owner ([`Owners`]).
//!
//! Keys are kept apart in [`Group`]s, one a date and a table. A run on disk is an Arrow IPC file (with a footer, LZ4).
//! Each of its batches belongs to one group, which the file's metadata name. Any reader of Arrow reads the keys as
//! binary.

mod aggregator;
mod bounds;
mod buffer;
mod group;
mod merge;
mod run_cursor;
mod run_writer;
mod sorted_run;
mod spill;
#[cfg(test)]
mod tests;

pub use aggregator::{Aggregator, Saved};
pub use buffer::{Buffer, Measure, Sums};
pub use group::{Group, OWNER};
pub use merge::Merge;
pub use sorted_run::{Owners, SortedRun};
pub use spill::Space;
