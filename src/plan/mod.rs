//! From inputs to [`Unit`]s of work.
//!
//! In: inputs, with what a look at their first records tells. Out: units in the order of the inputs. Each can be
//! converted anywhere and gives the same bytes. The content of a unit follows from the inputs and the settings alone,
//! never from the number of workers. Only to count records are captures opened.

mod frames;
mod named_counts;
mod pack;
mod path_list;
mod portions;
mod proof;
mod sample;
mod sound;
mod status;
mod unit;
mod unit_result;

pub use frames::count_frames;
pub use named_counts::NamedCounts;
pub use pack::{Packing, Sampled, plan};
pub use path_list::{PathList, Paths};
pub use portions::portions;
pub use proof::{ChunkShare, unproved};
pub use sample::sample;
pub use sound::{first_beyond_sums, sum_of_numbers};
pub use status::Status;
pub use unit::{Task, Unit, UnitCapture, derived_identity, identity_of_document, is_identity};
pub use unit_result::{
    APPENDED, BACKWARDS, CUT_BY_SNAP_LEN, CaptureEntry, IMPLAUSIBLE, Implausible, PartEntry, PartialEntry, StreamEntry,
    UnitResult,
};
