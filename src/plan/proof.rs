//! Whether the chunks of each capture fit together: each must begin exactly where the one before it ended.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::capture::Position;

use super::unit_result::UnitResult;

/// Chunks of a capture that a unit has: where reading them began and ended.
#[derive(Clone, Debug)]
pub struct ChunkShare {
    /// The absolute path of the capture.
    pub path: PathBuf,
    chunks: Range<u64>,
    /// How many chunks the capture has.
    whole: u64,
    entry: Option<Position>,
    exit: Option<Position>,
}

impl ChunkShare {
    /// The chunks that a unit has of captures that are cut.
    pub fn of(result: &UnitResult) -> impl Iterator<Item = Self> {
        result.unit.captures.iter().zip(&result.captures).filter_map(|(capture, found)| {
            let chunks = capture.chunks.clone()?;
            let whole = capture.input.size.div_ceil(result.unit.settings.chunk_size.max(1));
            let path = capture.input.absolute.clone();
            Some(Self { path, chunks, whole, entry: found.entry.clone(), exit: found.exit.clone() })
        })
    }
}

/// The captures whose units do not fit together, by their absolute paths.
///
/// Units of one run prove each other while they run. Units that were converted elsewhere began where their worker
/// guessed, and are proved here.
#[must_use]
pub fn unproved<'a>(shares: impl IntoIterator<Item = &'a ChunkShare>) -> Vec<PathBuf> {
    let mut chunked: BTreeMap<&Path, Vec<&ChunkShare>> = BTreeMap::new();
    for share in shares {
        chunked.entry(&share.path).or_default().push(share);
    }
    let mut unproved = Vec::new();
    for (path, mut shares) in chunked {
        shares.sort_by_key(|share| share.chunks.start);
        let fits = shares.windows(2).all(|pair| match pair {
            [before, after] => before.chunks.end == after.chunks.start && before.exit == after.entry,
            _ => true,
        });
        let complete = shares.first().is_some_and(|share| share.chunks.start == 0)
            && shares.last().is_some_and(|share| share.chunks.end == share.whole);
        if !fits || !complete {
            unproved.push(path.to_path_buf());
        }
    }
    unproved
}
