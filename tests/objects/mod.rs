//! Captures in an object store: in memory, asked through the client that asks real ones, and watched and broken on the way.

mod captures;
mod changes;
mod names;
mod requests;
mod sources;
mod watched;
