//! A run from the command to the commit: the stages wired together.
//!
//! In: a [`Request`]. Out: a lake that holds its captures, and a [`Report`]. Always: records framed equal rows written,
//! or nothing is committed.

mod convert;
mod count;
mod external;
mod inspect;
mod naming;
mod page;
mod report;
mod strict;
mod summaries;
mod summarize;

pub use convert::{Request, convert};
pub use external::{CommitOptions, commit, convert_unit, plan};
pub use inspect::{Inspected, inspect};
pub use page::{PageRequest, page};
pub use report::{Damaged, Report};
pub use summarize::{SummarizeRequest, Summarized, summarize};
