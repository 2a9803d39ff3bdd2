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
mod windows;

use crate::commit::UnitRow;
use crate::error::Result;
use crate::plan::Unit;

pub use cancel::Cancel;
pub(crate) use counts::Counts;
pub use counts::oddities;
pub use job::{Meter, Spare, Workshop};
pub(crate) use pool::in_order;
pub use pool::{convert_units, cores, workers};
pub use windows::Windows;

/// Converts one unit: its parts are staged, synced and whole when this returns.
///
/// # Errors
/// If something of the lake cannot be written, or the run is cancelled. Damaged, refused and vanished captures are no
/// errors: the row says what was found.
pub fn convert_unit(unit: &Unit, workshop: &Workshop, jobs: usize) -> Result<UnitRow> {
    let mut rows = convert_units(std::slice::from_ref(unit), workshop, jobs)?;
    rows.pop()
        .ok_or_else(|| crate::error::Error::Worker { unit: unit.name(), message: "it gave no manifest row".to_owned() })
}
