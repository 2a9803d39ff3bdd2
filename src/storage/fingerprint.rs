//! Identifies a file without reading all of it.

use std::io;
use std::ops::Range;

use crate::hash::ContentHash;

use super::capture_file::CaptureFile;
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
/// that nothing changed. Two captures of the same size that differ only between the samples share a fingerprint. That of an object is
/// that of a file with the same bytes; what it reads of one is asked for at the same time.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn fingerprint(file: &CaptureFile, size: u64) -> io::Result<String> {
    let mut hash = ContentHash::default();
    hash.update(&size.to_le_bytes());
    match file {
        CaptureFile::Local(file) => {
            let mut buffer = vec![0; ROOM];
            for piece in pieces(size) {
                hash.update(read(file, piece, &mut buffer)?);
            }
        }
        CaptureFile::Object(object) => {
            object.take_in()?;
            let pieces: Vec<_> = pieces(size).collect();
            object.ranges(&pieces)?.iter().for_each(|piece| hash.update(piece));
        }
    }
    Ok(format!("xxh3s:{}", hash.hex()))
}

/// The pieces of a file that count, in their order.
fn pieces(size: u64) -> impl Iterator<Item = Range<u64>> {
    let step = size.saturating_sub(2 * EDGE) / (SAMPLES + 1);
    let samples = if size > 2 * EDGE { SAMPLES } else { 0 };
    let sample = move |sample| (EDGE + step * sample, SAMPLE.min(step));
    let end = (size.saturating_sub(EDGE).max(EDGE.min(size)), EDGE.min(size.saturating_sub(EDGE)));
    let all = std::iter::once((0, EDGE.min(size))).chain((1..=samples).map(sample)).chain([end]);
    all.map(|(offset, len)| offset..offset + len)
}

/// Reads a piece, as far as the file goes.
fn read<'b>(file: &LocalFile, piece: Range<u64>, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let len = usize::try_from(piece.end - piece.start).unwrap_or(usize::MAX);
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..len).filter(|rest| !rest.is_empty()) {
        match steadily(|| file.read_at(rest, piece.start + filled as u64))? {
            0 => break,
            read => filled += read,
        }
    }
    buffer.get(..filled).ok_or_else(|| io::Error::other("more was read than was asked for"))
}
