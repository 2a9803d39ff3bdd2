//! From the paths that were given to [`Input`]s: captures that were found, recognised by their bytes, and can be read.
//!
//! In: paths, patterns, directories, URLs, `-`. Out: sorted inputs, and refusals with their reason. The only door for walking
//! directories. Nothing here looks at a packet.

mod buckets;
mod candidate;
mod input;
mod kind;
pub(crate) mod magic;
mod names;
mod places;
mod visited;
mod walk;
mod zeros;

pub use candidate::{Candidate, Refusal};
pub use input::{Compression, Format, Input};
pub use kind::{FileKind, LOOKED_AT};
pub use magic::{MAGIC_LEN, format, refusal};
pub use names::is_capture_name;
pub use places::Places;
pub use walk::{Found, Lead, find};
pub use zeros::zeros;
