//! Captures as Arrow batches, in the order of the captures, without a lake.
//!
//! In: paths, and which columns and packets are wanted ([`ReadCaptures`]). Out: [`PacketBatches`], and what is damaged or
//! refused. Always: the rows are those of a lake, in the order of their capture, at any number of threads. The number of
//! threads bounds memory. The threads belong to the iterator, and end with it.
//!
//! A large capture is cut into chunks, as in a conversion. A worker guesses where the first record of its chunk begins,
//! and the reader of the batches proves it. If a chunk does not begin where the one before it ended, it is dropped before
//! any of its rows are handed out, and is read again from there.

mod batches;
mod chunk;
mod condition;
mod ledger;
mod metered;
mod request;
mod task;
mod workers;

pub use batches::PacketBatches;
pub use request::ReadCaptures;
