//! From what was named to [`Input`]s: captures that were found, recognised by their bytes, and can be read.
//!
//! In: paths, patterns, directories, `-`. Out: sorted inputs, and refusals with their reason. The only door for walking
//! directories, for opening what others can exchange, for compression and for hashing. Nothing here looks at a packet.

mod ahead;
mod candidate;
mod fingerprint;
mod hash;
mod hashed;
mod input;
mod kind;
mod magic;
mod members;
mod open;
pub mod path_text;
mod places;
mod probe;
mod reopen;
mod source;
mod steady;
mod stream;
mod true_name;
mod unpack;
mod walk;
mod window;
mod writers;
mod zeros;

pub use candidate::{Candidate, Refusal};
pub use hash::{ContentHash, checksum};
pub use hashed::HashedFile;
pub use input::{Compression, Format, Input};
pub use kind::{Kind, LOOKED_AT};
pub use magic::{MAGIC_LEN, format, refusal};
pub use members::Trailing;
pub use open::{open_regular, read_small};
pub use places::Places;
pub use source::{SIP, Sipped, Source, SourceError};
pub use stream::end_streams;
pub use true_name::true_name;
pub use unpack::Excess;
pub use walk::{Found, Lead, find, is_capture_name};
pub use writers::open_for_writing;
pub use zeros::zeros;
