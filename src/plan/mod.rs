//! From inputs to [`Unit`]s of work.
//!
//! In: inputs, with what a look at their first records tells. Out: units in the order of the inputs, each of which can
//! be converted anywhere and gives the same bytes. What a unit holds follows from the inputs and the settings alone,
//! never from the number of workers. Nothing is opened here.

mod pack;
mod sample;
mod unit;

pub use pack::{Sampled, plan};
pub use sample::sample;
pub use unit::{Task, Unit, UnitCapture, derived_identity, is_identity};
