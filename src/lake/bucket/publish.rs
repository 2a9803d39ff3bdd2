//! Publishes a transaction in a bucket.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::bug::bug;
use crate::clock::now_ms;
use crate::error::{Error, LostUploads, Result};
use crate::lake::committer::Move;
use crate::lake::delta_commit::DeltaStep;
use crate::lake::layout::{Layout, PACKETS, SUMMARIES};
use crate::lake::manifest::Manifest;
use crate::storage::objects::HeldUpload;

use super::carry::CommitOutcome;
use super::decide::Decision;
use super::many::{AT_ONCE, at_once};
use super::open::Bucket;
use super::state::{CommitStage, Pending};

/// An hour, and the age that an upload may have when a commit is decided, in milliseconds. MinIO ends uploads after a day.
const HOUR: i64 = 3600 * 1000;
const OLDEST: i64 = 12 * HOUR;

/// Publishes staged files, and parts that are `held` already: all of them become visible, or nothing does. `checkpoint_at` is the number
/// of the commit that made the last checkpoint before this one.
///
/// # Errors
/// [`Error::Overtaken`] if another run has committed; [`Error::Undone`] if an upload was gone when it was needed, or is so old
/// that it may soon be. The lake then is as it was, or as the other run made it. If the store fails, the commit may be decided: the next run finishes it.
pub(in crate::lake) fn publish(
    bucket: &Bucket,
    (moves, held): (Vec<Move>, Vec<HeldUpload>),
    mut removes: Vec<PathBuf>,
    mut manifest: Manifest,
    delta: Option<DeltaStep>,
    checkpoint_at: Option<u64>,
) -> Result<()> {
    let written: HashSet<&PathBuf> = moves.iter().map(|step| &step.to).collect();
    removes.retain(|path| !written.contains(path));
    let is_uploaded: HashSet<&PathBuf> = held.iter().map(|held| &held.path).collect();
    let is_part = |step: &&Move| step.to.starts_with(PACKETS);
    let is_table = |step: &&Move| step.to.starts_with(SUMMARIES) || step.to.starts_with(Layout::names_folder());
    let parts: Vec<&Move> = moves.iter().filter(|step| is_part(step) && !is_uploaded.contains(&step.to)).collect();
    let tables: Vec<&Move> = moves.iter().filter(is_table).collect();
    let others: Vec<&Move> = moves.iter().filter(|step| !is_part(step) && !is_table(step)).collect();
    // Parts of this process are being uploaded since they were made.
    tables.iter().try_for_each(|step| bucket.upload(&step.from, &step.to))?;
    put(bucket, &others)?;
    let (mut parts, tables) = (uploaded(bucket, &parts)?, uploaded(bucket, &tables)?);
    parts.extend(held);
    // What is moved away is gone from where it was.
    removes.extend(others.iter().filter(|step| step.from.starts_with(PACKETS)).map(|step| step.from.clone()));
    // From here on the commit says what becomes of its uploads. Others were of units that are not part of it.
    let committed: HashSet<String> = parts.iter().chain(&tables).map(|held| held.upload.clone()).collect();
    bucket.abandon(&bucket.take_others(committed.clone()));
    // A store that refuses the list, as it does without a permission for it, changes nothing.
    let _ = bucket.sweep_uploads(&committed);
    if let Some(hours) = hours_if_old(parts.iter().chain(&tables), now_ms()) {
        bucket.abandon(&parts);
        bucket.abandon(&tables);
        let objects = bucket.objects()?;
        delta.iter().for_each(|step| drop(objects.remove(step.text())));
        return Err(Error::Undone(LostUploads::Old { lake: bucket.root().to_path_buf(), hours }));
    }
    manifest.run = Some(bucket.run().to_owned());
    manifest.committed = Some(now_ms());
    let stage = CommitStage::Decided;
    manifest.pending = Some(Pending { stage, parts, tables, delta, removes, checkpoint_at });
    commit(bucket, manifest)
}

/// The age of the first of some uploads in hours, if it is too old for a commit. What is decided must be carried out before any store
/// ends an upload, by whichever run comes next.
fn hours_if_old<'a>(uploads: impl Iterator<Item = &'a HeldUpload>, now: i64) -> Option<i64> {
    let first = uploads.filter_map(|held| held.since).min()?;
    let age = now.saturating_sub(first);
    (age > OLDEST).then_some(age / HOUR)
}

/// The uploads of staged files, which are begun now if they were not.
fn uploaded(bucket: &Bucket, steps: &[&Move]) -> Result<Vec<HeldUpload>> {
    let mut all = Vec::with_capacity(steps.len());
    for step in steps {
        let mut held = bucket.uploaded(&step.from)?;
        if held.is_none() {
            bucket.upload(&step.from, &step.to)?;
            held = bucket.uploaded(&step.from)?;
        }
        let held = held.ok_or_else(|| bug!())?;
        if held.path != step.to {
            let problem = "was uploaded for another place than it has in the commit; run again".to_owned();
            return Err(Error::Commit { path: step.to.clone(), problem });
        }
        all.push(held);
    }
    Ok(all)
}

/// Writes partial summaries, files of a checkpoint, and damaged parts that are set aside. No reader looks there, and the names are this
/// run's own.
fn put(bucket: &Bucket, steps: &[&Move]) -> Result<()> {
    for steps in steps.chunks(4 * AT_ONCE) {
        // Those of other processes are fetched.
        let files = at_once(steps, |step| bucket.fetch_or_staged(&step.from))?;
        steps.iter().for_each(|step| bucket.keep_staged(&step.from, &step.to));
        bucket.write_files(files.iter().zip(steps).map(|(file, step)| (&**file, &*step.to)))?;
    }
    Ok(())
}

/// Decides a commit and carries it out.
pub(super) fn commit(bucket: &Bucket, manifest: Manifest) -> Result<()> {
    let objects = bucket.objects()?;
    let sequence = manifest.sequence;
    let lake = || bucket.root().to_path_buf();
    bucket.look_again();
    let outcome = match objects.decide(&manifest)? {
        Decision::Lost => {
            let pending = manifest.pending.iter().flat_map(|pending| pending.parts.iter().chain(&pending.tables));
            pending.for_each(|held| objects.abandon(held));
            let text = manifest.pending.iter().filter_map(|pending| pending.delta.as_ref());
            text.for_each(|step| drop(objects.remove(step.text())));
            objects.recover()?;
            return Err(Error::Overtaken { lake: lake() });
        }
        Decision::Won(known) => {
            // This list is not of what was known before: it keeps a number from being won twice. A run that slept for a week may find
            // its number free because the manifests up to a base were removed since; then a higher one is there.
            let listed = objects.manifests()?;
            let is_late = listed.last_key_value().is_some_and(|(last, _)| *last > sequence);
            bucket.has_listed(listed);
            if is_late {
                let mut manifest = manifest;
                if let Some(pending) = &mut manifest.pending {
                    pending.stage = CommitStage::Voiding;
                }
                let (manifest, known) = objects.exchange(manifest, &known)?;
                objects.carry_out(manifest, known)?
            } else {
                objects.carry_out(manifest, known)?
            }
        }
    };
    match outcome {
        CommitOutcome::Done => Ok(()),
        CommitOutcome::Void => Err(Error::Undone(LostUploads::Gone { lake: lake() })),
    }
}
