//! Sums by key, of any number of keys: collected in memory, spilled in sorted runs, merged as they are read.
//!
//! In: keys as bytes whose order is the order of what they stand for, each with [`Sums`], in any order and any number of
//! times. Out: each key once, in order, with what was added up under it. Always: the result does not depend on the order
//! of what came in, nor on when it was spilled; memory is bounded whatever the number of keys. What keys mean is not
//! known here. The only door for arrow-ipc and tempfile.
//!
//! Sums can be taken out again ([`Aggregator::take_out`]), or left out by their owner ([`Owners`]).
//!
//! Keys are kept apart in [`Group`]s, one a date and a table. A run on disk is an Arrow IPC file (with a footer, LZ4)
//! whose batches belong to one section each; its metadata say which. Whoever reads Arrow reads the keys as binary.

mod aggregator;
mod bounds;
mod buffer;
mod group;
mod merge;
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
