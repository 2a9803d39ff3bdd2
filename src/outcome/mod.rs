//! What a run reports: what it converted, left out, refused and found, or what it did to a lake and found wrong with it. The
//! command line says it to people.

mod away;
mod changing;
mod compacted;
mod delta_report;
mod forgotten;
mod lost;
mod max_damaged;
mod repaired;
mod report;
mod verified;
mod would_convert;

pub use away::Away;
pub use changing::{ChangedMeanwhile, Changing};
pub use compacted::CompactReport;
pub use delta_report::DeltaReport;
pub use forgotten::{ForgetReport, Forgotten};
pub use lost::{HeldBack, Lost, LostFile};
pub use max_damaged::MaxDamaged;
pub use repaired::{PartlyLost, Repaired};
pub(crate) use report::per_second;
pub use report::{Damaged, Duplicate, Overwritten, Renamed, Report};
pub use verified::{Verified, VerifyFault};
pub use would_convert::{Why, WouldConvert};

/// How a run went, in one word. A run that an error stops has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// All that was asked for is done, or there was nothing to do.
    Complete,
    /// It is done, but something was damaged, refused, unreadable or lost. The report names it.
    Incomplete,
    /// The captures are away, or a lake is not as it was written.
    Failed,
}
