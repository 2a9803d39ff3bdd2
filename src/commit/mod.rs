//! From staged files to a lake that readers see: part names, manifest, journal, lock.
//!
//! In: [`UnitRow`]s, and the staged files that they name. Out: files in their places, and a manifest that names them.
//! Always: whatever happens, a reader sees only whole committed files, and the next run finishes or undoes what this one
//! began. The only door for writing into a lake's visible folders.

mod captures;
mod carry;
mod change;
mod check;
mod entry;
mod exchange;
mod ground;
mod hold;
mod holdings;
mod journal;
mod last;
mod layout;
mod lock;
mod losses;
mod manifest;
mod named;
mod proof;
mod reading;
mod record;
mod system;
#[cfg(test)]
mod tests;

pub use captures::{captures, listed_captures};
pub use change::Change;
pub use check::{checked, sum_of};
pub use entry::{
    APPENDED, BACKWARDS, CUT_BY_SNAP_LEN, CaptureEntry, IMPLAUSIBLE, Implausible, PartEntry, PartialEntry, Status,
    StreamEntry, UnitRow,
};
pub use hold::hold;
pub use holdings::Holdings;
pub use journal::{Move, publish, recover, sweep, sweep_staging};
pub use layout::{Lake, PACKETS, SUMMARIES};
pub use lock::Lock;
pub use losses::{Losses, data_files, is_loss, problem_of};
pub use manifest::{Action, Manifest, Removed};
pub use named::NamedCounts;
pub use proof::unproved;
pub use reading::steadily;
pub use record::{
    CommittedPart, CommittedPartial, CommittedTable, InputEntry, MetAgain, Packed, RefusedEntry, Seen, UnitEntry,
};
