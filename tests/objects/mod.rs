//! Captures in an object store: in memory, asked through the client that asks real ones, and watched and broken on the way.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the numbers are those of captures of a few megabytes"
)]

mod captures;
mod changes;
mod lakes;
mod names;
mod requests;
mod sources;
mod watched;
