//! A run from the command to the commit: the stages wired together.
//!
//! In: a [`Request`]. Out: a lake that holds its captures, and a [`Report`]. Always: records framed equal rows written,
//! or nothing is committed.

mod convert;
mod external;
mod inspect;
mod report;
mod strict;

pub use convert::{Request, convert};
pub use external::{CommitOptions, commit, convert_unit, plan};
pub use inspect::{Inspected, inspect};
pub use report::{Damaged, Report, SummaryTable};
