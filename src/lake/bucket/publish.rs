//! Publishes a transaction in a bucket.

use std::collections::HashSet;
use std::path::PathBuf;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::lake::committer::Move;
use crate::lake::layout::{Layout, PACKETS, SUMMARIES};
use crate::lake::manifest::Manifest;
use crate::storage::local;

use super::carry::Outcome;
use super::decide::Decision;
use super::held::Held;
use super::many::at_once;
use super::open::Bucket;
use super::state::{Pending, Progress};
use super::sweep::now;

/// Publishes staged files: all of them become visible, or nothing does.
///
/// # Errors
/// [`Error::Overtaken`] if another run has committed; [`Error::Undone`] if an upload was gone when it was needed. The lake then
/// is as it was, or as the other run made it. If the store fails, the commit may be decided: the next run finishes it.
pub(in crate::lake) fn publish(
    bucket: &Bucket,
    moves: Vec<Move>,
    mut removes: Vec<PathBuf>,
    mut manifest: Manifest,
) -> Result<()> {
    let written: HashSet<&PathBuf> = moves.iter().map(|step| &step.to).collect();
    removes.retain(|path| !written.contains(path));
    let belongs = |folder: &'static str| move |step: &&Move| step.to.starts_with(folder);
    let parts: Vec<&Move> = moves.iter().filter(belongs(PACKETS)).collect();
    let is_table = |step: &&Move| step.to.starts_with(SUMMARIES) || step.to.starts_with(Layout::names_folder());
    let tables: Vec<&Move> = moves.iter().filter(is_table).collect();
    let others = moves.iter().filter(|step| !belongs(PACKETS)(step) && !is_table(step)).collect::<Vec<_>>();
    let uploaded = upload(bucket, &parts, &tables, &others);
    let (parts, tables) = uploaded?;
    // What is moved away is gone from where it was.
    removes.extend(others.iter().filter(|step| step.from.starts_with(PACKETS)).map(|step| step.from.clone()));
    manifest.run = Some(bucket.run().to_owned());
    manifest.committed = Some(now());
    manifest.pending = Some(Pending { progress: Progress::Decided, parts, tables, removes });
    commit(bucket, manifest)
}

/// Uploads all that is staged. Parts and tables stay open; partial summaries are written, for no reader looks there and their
/// names are this run's own.
fn upload(bucket: &Bucket, parts: &[&Move], tables: &[&Move], others: &[&Move]) -> Result<(Vec<Held>, Vec<Held>)> {
    let objects = bucket.objects()?;
    at_once(others, |step| {
        let from = bucket.fetch_or_staged(&step.from)?;
        let bytes = local::read(&from).map_err(Error::io("read", &*from))?;
        objects.write(&step.to, Bytes::from(bytes))
    })?;
    let held = |step: &&Move| bucket.held(&step.from, &step.to);
    Ok((at_once(parts, held)?, at_once(tables, held)?))
}

/// Decides a commit and carries it out.
pub(super) fn commit(bucket: &Bucket, manifest: Manifest) -> Result<()> {
    let objects = bucket.objects()?;
    let sequence = manifest.sequence;
    let lake = || bucket.root().to_path_buf();
    let outcome = match objects.decide(&manifest)? {
        Decision::Lost => {
            let pending = manifest.pending.iter().flat_map(|pending| pending.parts.iter().chain(&pending.tables));
            pending.for_each(|held| objects.abandon(held));
            objects.recover()?;
            return Err(Error::Overtaken { lake: lake() });
        }
        Decision::Won(known) if objects.numbers()?.last().is_some_and(|last| *last > sequence) => {
            // The number was free because its manifest has been removed since: this run has slept for days.
            let mut manifest = manifest;
            if let Some(pending) = &mut manifest.pending {
                pending.progress = Progress::Voiding;
            }
            let (manifest, known) = objects.exchange(manifest, &known)?;
            objects.carry_out(manifest, known)?
        }
        Decision::Won(known) => objects.carry_out(manifest, known)?,
    };
    match outcome {
        Outcome::Done => Ok(()),
        Outcome::Void => Err(Error::Undone { lake: lake() }),
    }
}
