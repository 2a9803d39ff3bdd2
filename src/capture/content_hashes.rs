//! How the records of a capture are recognised, whatever the file is called and however it is compressed.

use serde::{Deserialize, Serialize};

use super::reader::CaptureReader;

/// Hashes of the decompressed bytes of a capture: from its first record, or the first block of a pcapng, to the end of
/// its last whole one.
///
/// Another capture begins with this one if its bytes in the same places have the same hashes. A capture that was read in
/// chunks has a hash for each, because the chunks are read side by side. The ends of the chunks are kept, so that the
/// same pieces can be hashed later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentHashes {
    /// Offset of the first piece, in the decompressed capture. 0 if there is none.
    start: u64,
    /// The pieces, each beginning where the one before it ends.
    pieces: Vec<Piece>,
}

/// A piece of a capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Offset of the first byte after it, in the decompressed capture.
    pub end: u64,
    /// XXH3 of its bytes, 128 bits in hexadecimal.
    pub hash: String,
}

impl ContentHashes {
    /// One piece, up to `end`. A piece without bytes is nothing, wherever it is: so chunks without a record, before the
    /// first one that has some or after the last, change nothing.
    pub(super) fn of_piece(start: u64, end: u64, hash: String) -> Self {
        if end > start { Self { start, pieces: vec![Piece { end, hash }] } } else { Self::default() }
    }

    /// Offset of the first piece.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Offset of the first byte after the last whole record or block.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.pieces.last().map_or(self.start, |piece| piece.end)
    }

    /// The pieces, in order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The content of consecutive chunks. `None` if they are not consecutive, or if one of them has no content.
    #[must_use]
    pub fn joined(before: Option<Self>, next: Option<Self>) -> Option<Self> {
        let (mut before, next) = (before?, next?);
        if before.pieces.is_empty() {
            return Some(next);
        }
        let fits = next.pieces.is_empty() || next.start == before.end();
        before.pieces.extend(next.pieces);
        fits.then_some(before)
    }
}

impl CaptureReader {
    /// Hashes what it reads from here on, for [`CaptureReader::take_content`].
    #[must_use]
    pub fn hashing(mut self) -> Self {
        self.window.begin_hash();
        self.hashed_from = Some(self.window.offset());
        self
    }

    /// Hashes of what was read. `None` if they were not asked for, or bytes were stepped over.
    pub fn take_content(&mut self) -> Option<ContentHashes> {
        let settled = self.settled.take();
        if self.has_gaps() {
            return None;
        }
        settled.or_else(|| self.hashed_up_to(self.position.offset))
    }

    fn hashed_up_to(&mut self, end: u64) -> Option<ContentHashes> {
        let start = self.hashed_from.take()?;
        let hash = self.window.take_hash(end)?;
        Some(ContentHashes::of_piece(start, end, hash.hex()))
    }

    /// Ends hashing here: what follows is looked at, but is no part of the capture.
    pub(super) fn settle_content(&mut self) {
        self.settled = self.hashed_up_to(self.window.offset());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(start: u64, end: u64) -> Option<ContentHashes> {
        Some(ContentHashes::of_piece(start, end, format!("{start}-{end}")))
    }

    #[test]
    fn chunks_join_where_they_meet() {
        let whole =
            ContentHashes::joined(ContentHashes::joined(piece(24, 100), piece(100, 100)), piece(100, 180)).unwrap();
        assert_eq!((whole.start(), whole.end(), whole.pieces().len()), (24, 180, 2));
        assert_eq!(ContentHashes::joined(piece(24, 100), piece(101, 180)), None);
        assert_eq!(ContentHashes::joined(piece(24, 100), None), None);
        assert_eq!(ContentHashes::joined(Some(ContentHashes::default()), piece(24, 100)), piece(24, 100));
    }

    /// Regression: a capture whose first record is damaged had a content from 24 to 24 in one run, and 0 to 0 in pieces.
    #[test]
    fn chunks_without_a_record_are_nothing_in_any_grouping() {
        let none = || Some(ContentHashes::default());
        assert_eq!(piece(24, 24), none());
        assert_eq!(ContentHashes::joined(none(), piece(24, 24)), none());
        assert_eq!(ContentHashes::joined(piece(24, 24), none()), none());
        assert_eq!(ContentHashes::joined(piece(24, 24), piece(60, 90)), piece(60, 90));
    }
}
