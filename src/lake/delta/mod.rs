//! The lake as a Delta table: a log of which parts make up the packets, for readers that want one snapshot over all dates.
//!
//! In: the manifests, added up. Out: the files of `_delta_log`, as bytes, and what is to be thought of files that others
//! wrote there. Always: the same manifest gives the same bytes, whichever run finishes a commit; a version of the log is
//! written where there is none, and never over another; what the log says is what the manifests say, or the difference is named.
//!
//! All of this is as the Delta transaction log protocol has it ("Delta Transaction Log Protocol", `PROTOCOL.md` of Delta), reader
//! version 1 and writer version 2, which every reader knows. Nothing here touches a disk: files are read and written through a
//! [`LogStore`]. The log is in the lake's root, because readers of `packets/` would take its checkpoints for parts.

mod action;
mod checkpoint;
mod commit;
mod location;
mod mend;
mod replay;
mod since;
mod statistics;
mod step;
mod store;
mod table;
#[cfg(test)]
mod tests;

pub(super) use checkpoint::{may_be_due, write_checkpoint};
pub(super) use commit::commit_text;
pub use mend::Mended;
pub(super) use mend::{Wanted, differences, mend};
pub(super) use replay::{Content, LogState, removed_by_the_lake};
pub(super) use statistics::statistics_of;
pub(super) use step::{Advanced, Found, LogWriter, advance, has_commit, look};
pub(super) use store::LogStore;
pub use table::{DeltaEntry, DeltaPart};
pub(super) use table::{application, metadata_of};

/// The folder of the log, below the lake. It begins with an underscore, so readers of files skip it.
pub const LOG: &str = "_delta_log";
