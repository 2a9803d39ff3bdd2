//! Carries a decided commit out. Any number of processes may do so at the same time, and each may stop or sleep anywhere.

use std::path::Path;
use std::sync::PoisonError;

use crate::error::Result;
use crate::lake::layout::{Layout, PACKETS};
use crate::lake::manifest::Manifest;
use crate::storage::objects::{HeldUpload, ObjectVersion};

use super::decide::manifest_path;
use super::delta::DeltaBucket;
use super::many::at_once;
use super::objects::Objects;
use super::state::{CommitStage, Pending};

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommitOutcome {
    /// All of it is visible.
    Done,
    /// Nothing of it is visible.
    Void,
}

impl Objects {
    /// Carries out what the manifest of a commit says is left to do, until nothing is left. `known` is the object that the
    /// manifest was read from.
    ///
    /// # Errors
    /// If the store fails. The next process goes on.
    pub(super) fn carry_out(&self, mut manifest: Manifest, mut known: ObjectVersion) -> Result<CommitOutcome> {
        // Each exchange goes one step on, in whichever process, so this ends.
        while let Some(pending) = manifest.pending.take() {
            let was = pending.stage;
            let next = match was {
                CommitStage::Decided => self.place(manifest, pending.clone())?,
                CommitStage::Placed => self.finish(manifest, &pending)?,
                CommitStage::Voiding => self.undo(manifest, &pending)?,
            };
            // What another one made of it counts. If this is late, that may be a commit that was undone while parts of it
            // were being completed here.
            let (now, version) = self.exchange(next, &known)?;
            if was == CommitStage::Decided && now.void {
                self.clear(&pending.parts)?;
            }
            (manifest, known) = (now, version);
        }
        Ok(if manifest.void { CommitOutcome::Void } else { CommitOutcome::Done })
    }

    /// Completes the parts. Nothing is replaced or removed before all of them are there.
    fn place(&self, manifest: Manifest, pending: Pending) -> Result<Manifest> {
        let placed = at_once(&pending.parts, |part| self.complete(part))?;
        let stage =
            if placed.into_iter().all(|is_there| is_there) { CommitStage::Placed } else { CommitStage::Voiding };
        Ok(Manifest { pending: Some(Pending { stage, ..pending }), ..manifest })
    }

    /// All that is left once every part is there: tables, and removing what the commit replaces.
    fn finish(&self, mut manifest: Manifest, pending: &Pending) -> Result<Manifest> {
        // It goes before others come: no reader finds a table of all dates beside those of each date.
        if pending.removes.contains(&Layout::earlier_captures()) {
            self.remove(&Layout::earlier_captures())?;
        }
        let written = at_once(&pending.tables, |table| self.replace(table))?;
        for (table, is_written) in pending.tables.iter().zip(written) {
            if !is_written {
                manifest.note_as_stale(&table.path);
            }
        }
        if let Some(step) = &pending.delta {
            let lacks = step.write(&DeltaBucket::of(self, ""))?;
            let mut noted = self.delta_lacks.lock().unwrap_or_else(PoisonError::into_inner);
            lacks.into_iter().for_each(|why| *noted = Some(why));
        }
        at_once(&pending.removes, |path| if is_removed(path) { self.remove(path) } else { Ok(()) })?;
        // Without it the version is not written again, and it is the last thing that goes.
        pending.delta.iter().try_for_each(|step| self.remove(step.text()))?;
        Ok(manifest)
    }

    /// Undoes a commit whose parts cannot all be placed. What it would have replaced is still there.
    fn undo(&self, mut manifest: Manifest, pending: &Pending) -> Result<Manifest> {
        self.clear(&pending.parts)?;
        pending.tables.iter().for_each(|table| self.abandon(table));
        pending.delta.iter().try_for_each(|step| self.remove(step.text()))?;
        manifest.make_void(pending.checkpoint_at);
        Ok(manifest)
    }

    /// Ends uploads, and removes what was made of them. In this order, so that none comes back.
    fn clear(&self, parts: &[HeldUpload]) -> Result<()> {
        at_once(parts, |part| {
            self.abandon(part);
            self.remove(&part.path)
        })?;
        Ok(())
    }

    /// Carries out the last commit, if that is left to do.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn recover(&self) -> Result<Option<CommitOutcome>> {
        let Some(last) = self.manifests()?.last_key_value().map(|(last, _)| *last) else { return Ok(None) };
        match self.manifest(last)? {
            Some((manifest, known)) if manifest.pending.is_some() => self.carry_out(manifest, known).map(Some),
            Some(_) => Ok(None),
            None => Err(crate::error::Error::io("read", self.url(&manifest_path(last)))(
                std::io::ErrorKind::NotFound.into(),
            )),
        }
    }
}

/// Whether a file of this name may be removed: its name is never given again.
fn is_removed(path: &Path) -> bool {
    [PACKETS.into(), Layout::partial_folder(), Layout::checkpoints()].iter().any(|folder| path.starts_with(folder))
}
