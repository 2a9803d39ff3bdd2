//! A run from the command to the commit: the stages wired together.
//!
//! In: a [`ConvertRequest`]. Out: a lake with its captures, and a [`Report`]. Always: records framed equal rows written,
//! or nothing is committed.

mod abandoned;
mod compact;
mod convert;
mod external;
mod forget;
mod inspect;
mod plan;
mod repair;
mod report;
mod resum;
mod summarize;
mod verify;

pub use compact::{CompactReport, RewriteRequest, compact_lake};
pub use convert::{ConvertRequest, convert, convert_into};
pub use external::{CommitOptions, Incomplete, commit, convert_unit};
pub use forget::{ForgetReport, Forgotten, forget, forget_before};
pub use inspect::{Inspected, inspect};
pub use plan::{Plan, Planned, PlannedUnit, plan};
pub use repair::{PartlyLost, Repaired};
pub use report::{PageRequest, page};
pub use summarize::{SummarizeRequest, Summarized, summarize};
pub use verify::{Verified, VerifyFault, VerifyRequest, verify};
