//! Whether the chunks of each capture fit together: each must begin exactly where the one before it ended.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::unit_result::UnitResult;

/// The captures whose units do not fit together, by their absolute paths.
///
/// Units of one run prove each other while they run. Units that were converted elsewhere began where their worker
/// guessed, and are proved here.
#[must_use]
pub fn unproved(rows: &[UnitResult]) -> Vec<PathBuf> {
    let mut chunked: BTreeMap<&Path, Vec<_>> = BTreeMap::new();
    for row in rows {
        for (capture, found) in row.unit.captures.iter().zip(&row.captures) {
            if let Some(chunks) = &capture.chunks {
                let whole = capture.input.size.div_ceil(row.unit.settings.chunk_size);
                chunked.entry(&capture.input.absolute).or_default().push((chunks.clone(), whole, found));
            }
        }
    }
    let mut unproved = Vec::new();
    for (path, mut shares) in chunked {
        shares.sort_by_key(|(chunks, ..)| chunks.start);
        let fits = shares.windows(2).all(|pair| match pair {
            [(before, _, left), (after, _, right)] => before.end == after.start && left.exit == right.entry,
            _ => true,
        });
        let complete = shares.first().is_some_and(|(chunks, ..)| chunks.start == 0)
            && shares.last().is_some_and(|(chunks, whole, _)| chunks.end == *whole);
        if !fits || !complete {
            unproved.push(path.to_path_buf());
        }
    }
    unproved
}
