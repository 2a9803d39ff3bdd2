//! What a lake holds is written anew: without captures that changed or are to be forgotten, in larger files, or in today's form.
//!
//! In: parts and partial summaries of the lake, and which captures go. Out: staged files and a
//! [`Change`](crate::commit::Change). Always: the rows that stay are the same and in the same order, although the captures
//! that they came from may be long gone; a part whose bytes are not those that were written is an error, and never
//! written anew. Memory is bounded by the number of workers.

mod compact;
mod numbers;
mod parts;
mod recount;
mod remains;
mod renew;
mod take_out;

pub use compact::{Compacted, Compacting, compact};
pub use parts::Rewriter;
pub use recount::{Told, recount, recount_captures};
pub use remains::{Remains, remains};
pub use take_out::{read_to_take_out, take_out};
