//! Makes the checkpoint of a commit.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::lake::committer::Move;
use crate::lake::layout::Layout;
use crate::lake::manifest::{Manifest, files, number_of};
use crate::lake::snapshot::Snapshot;
use crate::storage::local;

use super::layers::Layers;
use super::merge::{merge, to_merge};
use super::removals::Removals;
use super::stage::Staging;
use super::tail::Tail;
use super::{Checkpoint, LakeState, Segment};

/// A checkpoint, and what a commit does for it.
#[derive(Debug, Default)]
pub(in crate::lake) struct MadeCheckpoint {
    pub(in crate::lake) checkpoint: Checkpoint,
    pub(in crate::lake) moves: Vec<Move>,
    /// Files of segments that became one.
    pub(in crate::lake) removes: Vec<PathBuf>,
}

/// Makes the checkpoint of what a lake holds before its commit of this number, if its manifests since the last one have `after` bytes or
/// more. `last` is the last one, and the number of the commit that made it. `is_made` is called before it is made.
///
/// # Memory
/// As the manifests since the last one, and as they are merged.
/// # Errors
/// If a manifest or a segment cannot be read, or a new one cannot be written.
pub(in crate::lake) fn next_checkpoint(
    lake: &Layout,
    last: Option<&(u64, Checkpoint)>,
    number: u64,
    after: u64,
    is_made: impl FnOnce(),
) -> Result<Option<MadeCheckpoint>> {
    let since: Vec<PathBuf> = files(lake)?
        .into_iter()
        .filter(|path| number_of(path).is_some_and(|it| it < number && last.is_none_or(|(made, _)| it >= *made)))
        .collect();
    let mut bytes = 0_u64;
    for path in &since {
        bytes = bytes.saturating_add(local::facts(path).map_err(Error::io("read", path))?.size);
    }
    if since.is_empty() || bytes < after {
        return Ok(None);
    }
    is_made();
    let manifests = since.iter().map(|path| Manifest::read(path)).collect::<Result<Vec<_>>>()?;
    let mut segments = last.map(|(_, checkpoint)| checkpoint.segments.clone()).unwrap_or_default();
    let tail = Tail::of(last.map(|(_, checkpoint)| checkpoint), &Layers::open(lake, &segments)?, manifests)?;
    let state = LakeState::of(&tail.snapshot);
    let removals = if segments.is_empty() { Removals::default() } else { tail.removals };
    let mut staging = Staging::new(lake, format!("{:010}", number - 1));
    staging.write_all(&tail.snapshot, &removals)?;
    let (segment, moves) = staging.finish();
    segments.push(segment);
    // Nothing names what is there without a last one: it could not be read, or an earlier version left it.
    let removes = if last.is_none() && lake.bucket().is_none() { all_files(lake)? } else { Vec::new() };
    let mut made = MadeCheckpoint { moves, removes, ..MadeCheckpoint::default() };
    made.unite(lake, &mut segments, number)?;
    made.checkpoint = Checkpoint { sequence: number - 1, segments, state };
    Ok(Some(made))
}

/// All files of checkpoints, below the lake.
fn all_files(lake: &Layout) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    let root = Layout::checkpoints();
    for folder in names_in(lake, &root)? {
        let folder = root.join(folder);
        all.extend(names_in(lake, &folder)?.into_iter().map(|name| folder.join(name)));
    }
    Ok(all)
}

/// The names in a folder of the lake, if it is there.
fn names_in(lake: &Layout, folder: &Path) -> Result<Vec<OsString>> {
    let path = lake.resolve(folder);
    match local::list(&path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(Error::io("read", &path)(error)),
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(Error::io("read", &path))?.name())).collect(),
    }
}

/// The checkpoint of a commit that describes the whole lake, and is part of it.
///
/// # Errors
/// If it cannot be written.
pub(in crate::lake) fn whole_checkpoint(lake: &Layout, held: &Snapshot, number: u64) -> Result<MadeCheckpoint> {
    let mut staging = Staging::new(lake, format!("{number:010}"));
    staging.write_all(held, &Removals::default())?;
    let (segment, moves) = staging.finish();
    let checkpoint = Checkpoint { sequence: number, segments: vec![segment], state: LakeState::of(held) };
    Ok(MadeCheckpoint { checkpoint, moves, removes: Vec::new() })
}

impl MadeCheckpoint {
    /// Makes one segment of those at the end that have about as many entries, if they are many.
    fn unite(&mut self, lake: &Layout, segments: &mut Vec<Segment>, number: u64) -> Result<()> {
        for round in 1.. {
            let run = to_merge(&segments.iter().map(Segment::entries).collect::<Vec<_>>());
            if run == 0 {
                return Ok(());
            }
            let upper = segments.split_off(segments.len() - run);
            let layers = Layers::of_staged(lake, &upper, &self.moves)?;
            let mut staging = Staging::new(lake, format!("{:010}-{round}", number - 1));
            merge(layers, segments.is_empty(), &mut staging)?;
            let (segment, moves) = staging.finish();
            // What was staged a moment ago is in no place yet.
            for file in upper.iter().flat_map(|segment| &segment.files) {
                match self.moves.iter().position(|step| step.to == file.path) {
                    None => self.removes.push(file.path.clone()),
                    Some(place) => {
                        let staged = lake.resolve(&self.moves.swap_remove(place).from);
                        local::remove(&staged).map_err(Error::io("remove", &staged))?;
                    }
                }
            }
            self.moves.extend(moves);
            segments.push(segment);
        }
        Ok(())
    }
}
