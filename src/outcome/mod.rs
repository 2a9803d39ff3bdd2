//! What a run reports: what it converted, left out, refused and found. The command line says it to people.

mod away;
mod lost;
mod max_damaged;
mod report;
mod would_convert;

pub use away::Away;
pub use lost::{HeldBack, Lost, LostFile};
pub use max_damaged::MaxDamaged;
pub(crate) use report::per_second;
pub use report::{ChangedMeanwhile, Changing, Damaged, Duplicate, Overwritten, Renamed, Report};
pub use would_convert::{Why, WouldConvert};
