//! A run from the command to the commit: the stages wired together.
//!
//! In: a [`ConvertRequest`]. Out: a lake with its captures, and a [`Report`](crate::outcome::Report). Always: records framed equal rows written,
//! or nothing is committed.

mod abandoned;
mod audit;
mod between_portions;
mod capture_list;
mod commit;
mod commit_run;
mod compact;
mod convert;
mod convert_unit;
mod delivered;
mod delta;
mod extract;
mod first_line;
mod forget;
mod inspect;
mod kept_plan;
mod noted;
mod plan;
mod repair;
mod report;
mod resum;
mod reverse_lookup;
mod sum_up;
mod summarize;
mod unit_results;
mod verify;

pub use commit::{CommitOptions, Incomplete, commit, commit_results};
pub use compact::{RewriteRequest, compact_lake};
pub use convert::{BATCH, COMMIT_EVERY, ConvertRequest, convert, convert_into};
pub use convert_unit::convert_unit;
pub use delivered::is_staged;
pub use delta::{DeltaRequest, delta};
pub use extract::{ExtractRequest, extract};
pub use first_line::{Plan, PlannedUnit};
pub use forget::{forget, forget_before};
pub use inspect::{Inspected, inspect};
pub use kept_plan::KeptPlan;
pub use plan::{Planned, PlannedUnits, plan, plan_holding};
pub use report::{PageRequest, page};
pub use reverse_lookup::reverse_lookup;
pub use summarize::{SummarizeRequest, Summarized, summarize};
pub use unit_results::UnitResults;
pub use verify::{VerifyRequest, verify};
