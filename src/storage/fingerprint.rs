//! Identifies a file without reading all of it.

use std::io;

use crate::hash::ContentHash;

use super::local_file::LocalFile;
use super::retry::steadily;

/// Bytes that a fingerprint reads at each end of a file.
const EDGE: u64 = ROOM as u64;
/// Bytes that are read at a time at most.
const ROOM: usize = 64 << 10;
/// Pieces that it reads in between, evenly spaced, so that a rewrite in the middle shows.
const SAMPLES: u64 = 16;
/// Bytes of each sample.
const SAMPLE: u64 = 4 << 10;

/// A fingerprint of a file's content: a hash of its size, its two ends and samples between them.
///
/// It reads at most 192 KiB, whatever the size of the file: a nightly run over terabytes cannot read everything to learn
/// that nothing changed. Two captures of the same size that differ only between the samples share a fingerprint.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn fingerprint(file: &LocalFile, size: u64) -> io::Result<String> {
    let mut hash = ContentHash::default();
    hash.update(&size.to_le_bytes());
    let mut buffer = vec![0; ROOM];
    let mut add = |offset: u64, len: u64| -> io::Result<()> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..len).filter(|rest| !rest.is_empty()) {
            match steadily(|| file.read_at(rest, offset + filled as u64))? {
                0 => break,
                read => filled += read,
            }
        }
        hash.update(buffer.get(..filled).ok_or_else(|| io::Error::other("more was read than was asked for"))?);
        Ok(())
    };
    add(0, EDGE.min(size))?;
    if size > 2 * EDGE {
        let step = (size - 2 * EDGE) / (SAMPLES + 1);
        for sample in 1..=SAMPLES {
            add(EDGE + step * sample, SAMPLE.min(step))?;
        }
    }
    add(size.saturating_sub(EDGE).max(EDGE.min(size)), EDGE.min(size.saturating_sub(EDGE)))?;
    Ok(format!("xxh3s:{}", hash.hex()))
}
