//! All tests that see parcap from outside, in one binary: its linking costs more than most of them.
//!
//! The name of a folder or of a file selects what is in it: `cargo test cli::`, `cargo test laws::nights`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test helper may stop at the first surprise"
)]

mod cli;
mod docs;
mod lake;
mod laws;
#[cfg(feature = "remote")]
mod objects;
mod ptr;
mod readme;
mod regressions;
mod support;
mod tidy;
