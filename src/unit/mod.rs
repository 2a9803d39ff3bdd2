//! Converting units: by one function, the same behind the thread pool and behind anybody's scheduler.
//!
//! In: [`Unit`]s. Out: staged parts, and one manifest row a unit. Always: rows are written in the order of their
//! capture, whichever thread decodes them, so the bytes do not depend on how many there are. Memory is bounded by the
//! number of workers: each holds one read buffer, the rows of a row group or two, and a few encoded row groups.

mod assistant;
mod cancel;
mod convert;
mod counts;
mod job;
mod output;
mod pool;
mod relay;
mod sink;
mod threads;
mod windows;

pub use cancel::{Cancel, Interrupted};
pub(crate) use counts::Counts;
pub use counts::oddities;
pub use job::{Meter, Spare, Workshop};
pub use pool::{convert_unit, convert_units};
pub use threads::{cores, in_order, workers};
pub use windows::Windows;
