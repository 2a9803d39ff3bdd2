//! What a run has to do: which of the given captures are new, changed, renamed, or known.
//!
//! A run first surveys what was given: what the lake holds unchanged is counted, and what is new or has changed waits to be opened.
//! Then it selects from these, as many as it can hold at a time, in the order in which they were found.

mod apart;
mod backlog;
mod called;
mod content_index;
mod decide;
mod doubles;
mod hold_back;
mod number_set;
mod packed_names;
mod present;
mod probe;
mod same_content;
mod selection;
mod selector;
mod survey;
mod target;
mod why;

pub(crate) use apart::HELD;
pub(crate) use called::{Called, of_all};
pub(crate) use hold_back::cannot_go;
pub use selection::SelectOptions;
pub(crate) use selection::{Selection, inputs};
pub(crate) use survey::ArchiveSurvey;
pub(crate) use target::Target;
pub(crate) use why::would_convert;
