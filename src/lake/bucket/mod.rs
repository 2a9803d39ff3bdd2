//! A lake in a bucket of an object store.
//!
//! In: staged files in a local folder, and the manifest of a commit. Out: objects in their places. Always: what the
//! committer of file systems promises, too. A commit is decided when the manifest of its number has been created, which one
//! process of all can do (`If-None-Match`); the manifest then says what is left to do, and each process that finds it does it. Nothing
//! relies on a lock.
//!
//! An object store neither renames nor locks, and a process that has slept may send an old request at any time. So
//!
//! - new parts and tables are uploads that are held open: nobody sees them, another process can complete them, and each can
//!   be completed once ([`uploads`]);
//! - what cannot be done again is done only by who has said so in the manifest first, and was not contradicted ([`carry`]):
//!   removing what a commit replaces, or undoing the commit;
//! - no name of a part is given twice, so a late request to remove it harms nothing, and tables are never removed; but for the table
//!   of captures of earlier versions, which none writes any more.
//!
//! Files that are read are fetched into a local folder, and removed there when they have been read ([`fetch`]). Those of a checkpoint stay
//! there as long as the folder does ([`keep`]).

mod carry;
mod decide;
mod delta;
mod fetch;
mod keep;
mod lease;
mod many;
mod mirror;
mod objects;
mod open;
mod orphans;
mod probe;
mod publish;
mod state;
mod sweep;
#[cfg(test)]
mod tests;
mod uploader;
mod uploads;

pub(super) use delta::DeltaBucket;
pub use fetch::Fetched;
pub(super) use lease::Lease;
pub(super) use open::{Bucket, Listed};
pub(super) use publish::publish;
pub(super) use state::{Pending, Retired};
