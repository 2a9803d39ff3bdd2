//! Makes a transaction hold: all of it becomes visible, or nothing does, whenever the process is killed.
//!
//! In: staged files and their places, files that go, and the manifest that says so. Out: files in their places. Always:
//! until a commit is decided, the lake is as it was; from then on it is finished, or undone as a whole, by this run or by
//! the next one. A reader who knows a manifest finds all files that it names.
//!
//! This committer is the one for file systems, and its means is a journal. Before it begins, staged files are whole and
//! synced, and so are the folders of partitions to be exchanged. First all steps are checked to be possible ([`ground`]).
//! Then the list of steps is written, synced and moved into place ([`decide`], [`journal`]): from that moment the commit
//! is decided. Then it is carried out ([`carry`]), the manifest last, and the list is removed. A run that finds a list
//! carries it out first; steps that have been done are not done twice. If a step turns out to be impossible all the same,
//! the commit is undone, as long as the manifest is not in its place. Until then, everything that a commit replaces or
//! removes is kept. In a lake with a Delta log, its version is written as soon as the files have changed places, for until then
//! readers of the log look for files that are gone. What the log has is not undone.

mod beside;
mod carry;
mod decide;
mod exchange;
mod ground;
mod journal;
mod staging;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::lake::delta_commit::DeltaStep;
use crate::lake::last;
use crate::lake::layout::Layout;
use crate::lake::manifest::Manifest;
use crate::path_text;

use carry::{carry_out, undo};
use decide::decide;
use ground::Ground;
use journal::Journal;

pub use staging::{sweep, sweep_staging};

/// A staged file and its place, both below the lake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Where it is.
    #[serde(with = "path_text")]
    pub from: PathBuf,
    /// Where it goes, in place of an existing file.
    #[serde(with = "path_text")]
    pub to: PathBuf,
}

/// Commits a transaction: puts staged files in their places, removes files of `removes` that are not written again, and
/// publishes the manifest. The number of the commit goes with them.
///
/// # Errors
/// If staged files differ from what the manifest says; if something is in the way; if anything cannot be written, synced
/// or moved. Before the commit is decided, the lake then stays as it was. After that, the next run finishes or undoes the
/// commit.
pub(super) fn commit(
    lake: &Layout,
    mut adds: Vec<Move>,
    removes: Vec<PathBuf>,
    manifest: &Manifest,
    delta: Option<DeltaStep>,
) -> Result<()> {
    adds.push(last::stage(lake, manifest.sequence)?);
    publish(lake, adds, removes, manifest, delta)
}

fn publish(
    lake: &Layout,
    moves: Vec<Move>,
    removes: Vec<PathBuf>,
    manifest: &Manifest,
    delta: Option<DeltaStep>,
) -> Result<()> {
    let mut ground = Ground::of(lake);
    match decide(lake, &mut ground, moves, removes, manifest, delta) {
        Ok(mut journal) => {
            lake.sync_parent(&lake.pending())?;
            carry_out(lake, &mut journal)
        }
        Err(error) => {
            ground.give_back();
            Err(error)
        }
    }
}

/// Finishes a commit that was decided and not carried out, or undoes it if that is not possible. Then sweeps what dead
/// runs have staged.
///
/// # Errors
/// If the journal is not a journal, or leads out of the lake; if a commit can neither be finished nor undone.
pub(super) fn recover(lake: &Layout) -> Result<()> {
    if let Some(mut journal) = Journal::read(lake)? {
        let carried_out = if journal.undo { Ok(()) } else { carry_out(lake, &mut journal) };
        match carried_out {
            Ok(()) if journal.undo => undo(lake, &mut journal)?,
            Ok(()) => {}
            Err(error) if journal.kept && !journal.is_published(lake) && !journal.is_in_log(lake) => {
                // The error to report is the first one, which was in the way.
                if undo(lake, &mut journal).is_err() {
                    return Err(error);
                }
                lake.note("undone", || {
                    format!("a commit that had been decided could not be carried out, and was undone; do again what it was of ({error})")
                });
            }
            Err(error) => return Err(error),
        }
    }
    sweep_staging(lake)
}
