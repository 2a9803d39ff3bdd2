//! A run from the command to the commit: the stages wired together.
//!
//! In: a [`Request`]. Out: a lake that holds its captures, and a [`Report`]. Always: records framed equal rows written,
//! or nothing is committed.

mod away;
mod compact;
mod convert;
mod count;
mod dry;
mod external;
mod inspect;
mod lost;
mod metrics;
mod naming;
mod page;
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

pub use away::Away;
pub use compact::{CompactReport, ForgetReport, RewriteRequest, compact_lake, forget};
pub use convert::{MaxDamaged, Request, convert};
pub use dry::{Why, WouldConvert};
pub use external::{CommitOptions, commit, convert_unit, plan};
pub use inspect::{Inspected, inspect};
pub use lost::{HeldBack, Lost, LostFile};
pub use metrics::metrics;
pub use naming::now;
pub use page::{PageRequest, page};
pub use repair::{Incomplete, Repaired};
pub use report::{Changing, Damaged, Report};
pub use summarize::{SummarizeRequest, Summarized, summarize};
pub use tonight::Rules;
pub use verify::{Fault, Verified, VerifyRequest, verify};
