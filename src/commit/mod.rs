//! From staged files to a lake that readers see: part names, manifest, journal, lock.
//!
//! In: [`UnitRow`]s, and the staged files that they name. Out: files in their places, and a manifest that names them.
//! Always: whatever happens, a reader sees only whole committed files, and the next run finishes or undoes what this one
//! began. The only door for writing into a lake's visible folders.

mod entry;
mod journal;
mod layout;
mod lock;
mod manifest;
mod proof;

pub use entry::{BACKWARDS, CaptureEntry, PartEntry, PartialEntry, StreamEntry, UnitRow};
pub use journal::{Move, publish, recover, sweep};
pub(crate) use layout::sync_folder;
pub use layout::{Lake, PACKETS, SUMMARIES};
pub use lock::Lock;
pub use manifest::{Holdings, InputEntry, Manifest, RefusedEntry, UnitEntry};
pub use proof::unproved;
