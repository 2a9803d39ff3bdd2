//! From staged files to a lake that readers see: part names, manifest, journal, lock.
//!
//! In: [`UnitResult`]s, and the staged files that they name. Out: files in their places, and a manifest that names them.
//! Always: whatever happens, a reader sees only whole committed files, and the next run finishes or undoes what this one
//! began. The only door for writing into a lake's visible folders.
//!
//! What a lake holds is written anew: without captures that changed or are to be forgotten, in larger files, or in today's form.
//!
//! In: parts and partial summaries of the lake, and which captures go. Out: staged files and a
//! [`Transaction`](crate::commit::Transaction). Always: the rows that stay are the same and in the same order, although the captures
//! that they came from may be long gone; a part whose bytes are not those that were written is an error, and never
//! written anew. Memory is bounded by the number of workers.

mod captures;
mod carry;
mod check;
mod compact;
mod exchange;
mod ground;
mod hold;
mod journal;
mod last;
mod layout;
mod lock;
mod losses;
mod manifest;
mod numbers;
mod reading;
mod record;
mod recount;
mod remains;
mod renew;
mod rewriter;
mod snapshot;
mod subtract;
#[cfg(test)]
mod tests;
mod transaction;

pub use captures::{captures, listed_captures};
pub use check::{checked, sum_of};
pub use compact::{Compacted, Compacting, compact};
pub use hold::hold;
pub use journal::{Move, publish, recover, sweep, sweep_staging};
pub use layout::{Layout, PACKETS, SUMMARIES};
pub use lock::Lock;
pub use losses::{Losses, data_files, is_loss, problem_of};
pub use manifest::{Action, Manifest, Removed};
pub use reading::steadily;
pub use record::{
    CommittedPart, CommittedPartial, CommittedTable, FileStamp, InputEntry, Recompressed, RefusedEntry, Relocated,
    UnitEntry,
};
pub use recount::{Told, recount, recount_captures};
pub use remains::{Remains, remains};
pub use rewriter::Rewriter;
pub use snapshot::Snapshot;
pub use subtract::{read_to_take_out, take_out};
pub use transaction::Transaction;
