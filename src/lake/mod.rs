//! From staged files to a lake that readers see: part names, manifest, committer, lock.
//!
//! In: `UnitResult`s, and the staged files that they name. Out: files in their places, and a manifest that names them.
//! Always: whatever happens, a reader sees only whole committed files, and the next run finishes or undoes what this one
//! began. The only door for writing into a lake's visible folders.
//!
//! Files of a lake are also written again: without captures that changed or are to be forgotten, in larger files, or in
//! today's form.
//!
//! In: parts and partial summaries of the lake, and which captures are removed. Out: staged files and a [`Transaction`].
//! Always: the rows that stay are the same and in the same order, although their captures may be long gone. A part whose
//! bytes differ from what was written is an error, and is never written again. The number of workers bounds memory.

mod agreement;
mod base;
mod bucket;
mod capture_days;
mod capture_rows;
mod capture_tables;
mod captures;
mod check;
mod checkpoint;
mod committer;
mod compact;
mod completeness;
mod delta;
mod delta_commit;
mod delta_folder;
mod delta_log;
mod delta_transaction;
mod expected;
mod files;
mod held_capture;
mod hold;
mod last;
mod layout;
mod lock;
mod losses;
mod lost_tables;
mod manifest;
mod manifest_text;
mod numbers;
mod own_texts;
mod read_manifests;
mod reading;
mod record;
mod recount;
mod remains;
mod renew;
mod retained;
mod rewriter;
mod snapshot;
mod subtract;
mod table_places;
mod transaction;

pub use agreement::can_be_delta;
pub use bucket::Fetched;
pub use capture_days::{days_of_changed, days_of_relocated};
pub use capture_rows::CaptureRows;
pub use capture_tables::{stage_captures, stage_without_captures};
pub use captures::{CAPTURES, CaptureRow, listed_captures, table_among};
pub use check::{checked, sum_of};
pub(crate) use checkpoint::{
    CaptureBrief, CaptureVisitor, FoundBrief, Lookup, WantedCaptures, content_key, faults_of_doubles,
};
pub use committer::{Move, sweep, sweep_staging};
pub use compact::{Compacted, Compacting, compact};
pub use delta::{DeltaEntry, DeltaPart, LOG as DELTA_LOG, Mended};
pub use delta_commit::{delta_differences, has_delta_log, id_in_log, look_at_delta, mend_delta, remove_delta_log};
pub(crate) use held_capture::{HeldCapture, LookAgain};
pub use hold::{hold, hold_existing};
pub use layout::{Layout, PACKETS, SUMMARIES};
pub use lock::Lock;
pub use losses::{Losses, data_files, is_loss, problem_of};
pub use lost_tables::{days_of_lost_captures, days_of_lost_tables, names_are_lost, tables_left_over};
pub use manifest::{Action, Manifest, PlanProgress, Removed};
pub use reading::steadily;
pub use record::{
    CommittedPart, CommittedPartial, CommittedTable, FileStamp, InputEntry, Recompressed, RefusedEntry, Relocated,
    UnitEntry,
};
pub use recount::{Told, recount, recount_captures};
pub use remains::{Remains, remains};
pub use retained::RetainedPart;
pub use rewriter::Rewriter;
pub use snapshot::Snapshot;
pub use subtract::{read_to_remove, remove_captures};
pub use transaction::Transaction;
