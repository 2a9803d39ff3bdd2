//! What a run has to do: which of the captures that were named are new, changed, renamed, or known.

mod alike;
mod decide;
mod known;
mod selection;
mod sorting;

pub use selection::Rules;
pub(super) use selection::{Tonight, inputs, is_same_content, tonight};
