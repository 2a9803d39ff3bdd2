//! Reads what a lake holds: its manifests, one after the other.

use std::io;
use std::path::PathBuf;

use crate::error::{Error, Result};

use super::bucket::Bucket;
use super::checkpoint::Checkpoint;
use super::completeness::{incomplete, missing_at_the_end};
use super::layout::Layout;
use super::manifest::{Manifest, files, number_of};
use super::snapshot::Snapshot;

/// How often a lake is read again while another process commits to it.
const ATTEMPTS: u32 = 5;

impl Snapshot {
    /// Reads the manifests of a lake. A lake that does not exist is empty.
    ///
    /// # Errors
    /// If a manifest cannot be read, or is not one; [`Error::Incomplete`] if one is missing, or if all are and there are
    /// packets.
    pub fn read(lake: &Layout) -> Result<Self> {
        let mut attempt = 1;
        loop {
            match Self::read_once(lake) {
                // Compacting a lake makes one manifest of many, and this reader holds no lock.
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => {}
                Err(Error::Incomplete { .. }) if attempt < ATTEMPTS => {}
                result => return result,
            }
            attempt += 1;
            lake.look_again();
        }
    }

    fn read_once(lake: &Layout) -> Result<Self> {
        let (held, problem) = Self::read_all(lake, Err)?;
        problem.map_or(Ok(held), Err)
    }

    /// Reads the manifests that exist, to mend a lake. Returns their sum, and the first thing that is missing.
    /// `unreadable` decides about a manifest that cannot be read.
    ///
    /// # Errors
    /// If the folder of the manifests cannot be read, or `unreadable` returns an error.
    pub fn read_all(lake: &Layout, mut unreadable: impl FnMut(Error) -> Result<()>) -> Result<(Self, Option<Error>)> {
        let mut paths = files(lake)?;
        let (mut held, is_readable) = match of_last_checkpoint(lake, &mut paths) {
            Ok(held) => held,
            // A store that fails has lost nothing.
            Err(error) if lake.bucket().is_some() && Bucket::has_failed(&error) => return Err(error),
            Err(error) => {
                unreadable(error)?;
                (Self::default(), false)
            }
        };
        held.run = lake.run().map(str::to_owned);
        let (mut problem, mut checkpoint_at) = (None, None);
        for path in paths {
            let manifest = match Manifest::read(&path) {
                Ok(manifest) => manifest,
                Err(error) => {
                    unreadable(error)?;
                    continue;
                }
            };
            if number_of(&path) != Some(manifest.sequence) {
                let found = format!("is the manifest of commit {}", manifest.sequence);
                problem.get_or_insert(incomplete(&path, found));
            } else if manifest.base || (manifest.checkpoint.is_some() && manifest.sequence == held.sequence + 1) {
                // A base describes the whole lake. The manifests that are missing before it were removed by it.
                problem = None;
            } else if manifest.sequence != held.sequence + 1 {
                let missing = held.sequence + 1;
                problem
                    .get_or_insert(incomplete(&path, format!("the manifest of commit {missing} is missing before it")));
            }
            if let Some(checkpoint) =
                manifest.checkpoint.as_ref().filter(|_| manifest.base && held.sequence < manifest.sequence)
            {
                // The last checkpoint could not be read, and what this one has is in no manifest.
                match Self::of_checkpoint(lake, checkpoint) {
                    Ok(base) => held = base,
                    Err(error) => {
                        unreadable(error)?;
                        problem = Some(incomplete(&path, "its checkpoint is lost".to_owned()));
                    }
                }
            }
            if !manifest.void {
                checkpoint_at = manifest.checkpoint_at;
            }
            held.add(manifest);
        }
        // A commit that could not read it names it no more. The next one begins with all manifests.
        held.checkpoint = held.checkpoint.filter(|(number, _)| is_readable && checkpoint_at == Some(*number));
        held.give_names(lake);
        if problem.is_none() {
            problem = missing_at_the_end(lake, held.sequence)?;
        }
        Ok((held, problem))
    }

    /// Takes up what only the last commit's manifest tells, after a commit of this process: the times of parts in a Delta log, and in a
    /// bucket the names that are not given again.
    ///
    /// # Errors
    /// If the manifest cannot be read.
    pub fn take_up_last_commit(&mut self, lake: &Layout) -> Result<()> {
        if lake.bucket().is_none() && self.delta.is_none() {
            return Ok(());
        }
        // It was written again when it had been carried out.
        lake.look_again();
        if let Some(path) = files(lake)?.iter().find(|path| number_of(path) == Some(self.sequence)) {
            // What is known of it already stays as it is.
            self.add(Manifest::read(path)?);
        }
        self.give_names(lake);
        Ok(())
    }

    /// Tells the bucket that the lake is in, if it is in one, which names of parts are given.
    pub(super) fn give_names(&self, lake: &Layout) {
        if let Some(bucket) = lake.bucket() {
            bucket.know(self.parts.keys().chain(self.retired.keys()).chain(self.retained.keys()));
        }
    }
}

/// The last checkpoint of a lake, with the place of the manifest that names it among all, and that manifest. `None` if there is none.
pub(super) fn last_checkpoint(paths: &[PathBuf]) -> Result<Option<(usize, Manifest, Checkpoint)>> {
    let Some(newest) = paths.last() else { return Ok(None) };
    let Some(number) = Manifest::checkpoint_at(newest)? else { return Ok(None) };
    let Some(place) = paths.iter().position(|path| number_of(path) == Some(number)) else { return Ok(None) };
    let Some(path) = paths.get(place) else { return Ok(None) };
    let mut manifest = Manifest::read(path)?;
    let checkpoint = manifest.checkpoint.take();
    Ok(checkpoint.map(|checkpoint| (place, manifest, checkpoint)))
}

/// What the lake held at its last checkpoint; nothing if there is none. Manifests that the checkpoint has are taken out of `paths`.
///
/// A checkpoint that cannot be read is not needed as long as all manifests are there. Also returns whether it can be.
fn of_last_checkpoint(lake: &Layout, paths: &mut Vec<PathBuf>) -> Result<(Snapshot, bool)> {
    let mut attempt = 1;
    loop {
        let (place, manifest, checkpoint) = match last_checkpoint(paths) {
            Ok(Some(found)) => found,
            // A manifest that cannot be read shows when it is its turn.
            Ok(None) | Err(_) => {
                look_at_all(lake, paths)?;
                return Ok((Snapshot::default(), true));
            }
        };
        let error = match Snapshot::of_checkpoint(lake, &checkpoint) {
            Ok(held) => {
                drop(paths.drain(..place));
                return Ok((held, true));
            }
            Err(error) => error,
        };
        if lake.bucket().is_some() {
            if Bucket::has_failed(&error) {
                return Err(error);
            }
            // A commit since then may have made one segment of some.
            lake.look_again();
            let now = files(lake)?;
            if now.last() != paths.last() && attempt < ATTEMPTS {
                (*paths, attempt) = (now, attempt + 1);
                continue;
            }
        }
        if manifest.base {
            return Err(error);
        }
        lake.note("checkpoint", || {
            format!(
                "the checkpoint of commit {} could not be read, and all manifests were read instead; \
                 compacting the lake makes a new one ({error})",
                manifest.sequence
            )
        });
        look_at_all(lake, paths)?;
        return Ok((Snapshot::default(), false));
    }
}

/// Finds all manifests, where a checkpoint is not to be had. Those of a bucket may not be here yet.
fn look_at_all(lake: &Layout, paths: &mut Vec<PathBuf>) -> Result<()> {
    if lake.bucket().is_some_and(Bucket::look_at_all) {
        *paths = files(lake)?;
    }
    Ok(())
}
