//! Captures as Arrow batches, in the order of the captures, without a lake.
//!
//! In: paths, and which columns and packets are wanted ([`ReadCaptures`]). Out: [`PacketBatches`], and what is damaged or refused.
//! Always: the rows are those of a lake, in the order of their capture, at any number of threads; memory is bounded by the number
//! of threads. The threads belong to the iterator, and end with it.
//!
//! A large capture is cut into chunks, as in a conversion: a worker guesses where the first record of its chunk begins, and the
//! reader of the batches proves it. A chunk that does not begin where the one before it ended is thrown away before any row of it
//! is handed out, and read again from there.

mod batches;
mod chunk;
mod request;
mod task;
mod workers;

pub use batches::PacketBatches;
pub use request::ReadCaptures;
