//! What a run has to do: which of the given captures are new, changed, renamed, or known.

mod called;
mod content_index;
mod decide;
mod hold_back;
mod present;
mod probe;
mod same_content;
mod selection;
mod selector;
mod target;
mod why;

pub(crate) use called::{Called, of_all};
pub(crate) use hold_back::cannot_go;
pub use selection::SelectOptions;
pub(crate) use selection::{Selection, inputs};
pub(crate) use target::Target;
pub(crate) use why::would_convert;
