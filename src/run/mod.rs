//! A run from the command to the commit: the stages wired together.
//!
//! In: a [`Request`]. Out: a lake that holds its captures, and a [`Report`]. Always: records framed equal rows written,
//! or nothing is committed.

mod abandoned;
mod away;
mod called;
mod compact;
mod convert;
mod count;
mod dry;
mod external;
mod forget;
mod hold_back;
mod inspect;
mod lost;
mod max_damaged;
mod metrics;
mod naming;
mod out;
mod page;
mod planned;
mod present;
mod publish;
mod repair;
mod report;
mod resum;
mod strict;
mod summaries;
mod summarize;
mod tonight;
mod verify;
mod words;
mod would_convert;

pub use away::Away;
pub use compact::{CompactReport, RewriteRequest, compact_lake};
pub use convert::{Request, convert};
pub use external::{CommitOptions, Incomplete, commit, convert_unit};
pub use forget::{ForgetReport, Forgotten, forget, forget_before};
pub use inspect::{Inspected, inspect};
pub use lost::{HeldBack, Lost, LostFile};
pub use max_damaged::MaxDamaged;
pub use metrics::metrics;
pub use naming::now;
pub use out::write_out;
pub use page::{PageRequest, page};
pub use planned::{Plan, Planned, PlannedUnit, plan};
pub use repair::{PartlyLost, Repaired};
pub use report::{Changing, Damaged, Report};
pub use summarize::{SummarizeRequest, Summarized, summarize};
pub use tonight::Rules;
pub use verify::{Fault, Verified, VerifyRequest, verify};
pub use would_convert::{Why, WouldConvert};
