//! A moving view of the bytes of a capture, in one reused buffer.
//!
//! Memory follows the bytes that are there, never a length field: the buffer grows only as bytes arrive.

use crate::discover::zeros;
use crate::hash::ContentHash;

use super::source::{Source, SourceError};
use super::stream_origin::SIP;

/// Bytes that one read asks for, as a rule.
const BUFFER: usize = 1 << 20;

/// The bytes from an offset on, as many as were asked for.
pub(super) struct ReadBuffer {
    source: Source,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the decompressed capture of `buffer[start]`.
    offset: u64,
    at_end: bool,
    failure: Option<SourceError>,
    /// Bytes that one read asks for.
    piece: usize,
    /// Hash of the bytes that have been taken off the front, if it is asked for.
    hash: Option<ContentHash>,
    /// Index in the buffer of the first byte that is not hashed.
    hashed: usize,
}

impl ReadBuffer {
    /// A buffer that begins at `offset`, where the source stands.
    pub(super) fn new(source: Source, offset: u64) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset,
            at_end: false,
            failure: None,
            piece: BUFFER,
            hash: None,
            hashed: 0,
        }
    }

    /// A buffer at the beginning of a source of which little is wanted: a buffer of the usual size would cost more.
    pub(super) fn small(source: Source) -> Self {
        Self { piece: SIP, ..Self::new(source, 0) }
    }

    /// Hashes what is taken off the front from here on. It hashes a whole buffer at a time: a record at a time would cost
    /// more than the hash.
    pub(super) fn begin_hash(&mut self) {
        (self.hash, self.hashed) = (Some(ContentHash::default()), self.start);
    }

    /// Hash of the bytes from where hashing began up to `offset`. `None` if the buffer went back in between, or has
    /// hashed beyond `offset`.
    pub(super) fn take_hash(&mut self, offset: u64) -> Option<ContentHash> {
        let mut hash = self.hash.take()?;
        let end = self.start.checked_sub(usize::try_from(self.offset.checked_sub(offset)?).ok()?)?;
        hash.update(self.buffer.get(self.hashed..end)?);
        Some(hash)
    }

    fn hash_passed(&mut self) {
        // No hash rather than the hash of other bytes.
        self.hash = self.hash.take().and_then(|mut hash| {
            hash.update(self.buffer.get(self.hashed..self.start)?);
            Some(hash)
        });
    }

    /// Where the bytes come from.
    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// As [`ReadBuffer::source`], to say what will be read.
    pub(super) fn source_mut(&mut self) -> &mut Source {
        &mut self.source
    }

    /// Offset of the buffer's first byte.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is in the buffer.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        // The loop over packets comes through here: only tests and fuzzers ask.
        debug_assert!(self.start <= self.end && self.end <= self.buffer.len(), "the bytes are in the buffer");
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads on until the buffer holds `wanted` bytes or the source ends. Returns all that it holds.
    #[inline]
    pub(super) fn fill(&mut self, wanted: usize) -> &[u8] {
        if self.end - self.start < wanted && !self.at_end {
            self.read_more(wanted);
        }
        self.bytes()
    }

    /// Takes `count` bytes off the front, or all that the buffer holds.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Steps over `count` bytes without keeping them. Returns how many there were.
    pub(super) fn skip(&mut self, count: u64) -> u64 {
        let held = usize::try_from(count).unwrap_or(usize::MAX).min(self.end - self.start);
        self.consume(held);
        let mut left = count - held as u64;
        if left > 0
            && !self.at_end
            && self.hash.is_none()
            && let Some(skipped) = self.source.skip(left)
        {
            self.offset += skipped;
            left -= skipped;
        }
        while left > 0 {
            let held = self.fill(1).len();
            if held == 0 {
                break;
            }
            let step = held.min(usize::try_from(left).unwrap_or(usize::MAX));
            self.consume(step);
            left -= step as u64;
        }
        count - left
    }

    /// Takes zeros off the front, except the last `keep` of them. Returns how many zeros there are in all, and whether
    /// nothing follows them.
    pub(super) fn take_zeros(&mut self, keep: usize) -> (u64, bool) {
        let mut taken = 0;
        loop {
            let held = self.fill(keep + 1);
            let (len, zeros) = (held.len(), zeros(held));
            let step = zeros.saturating_sub(keep);
            self.consume(step);
            if zeros < len || len <= keep {
                return (taken + zeros as u64, zeros == len);
            }
            taken += step as u64;
        }
    }

    /// Goes back to an offset that has been passed. Returns `false`, and moves nothing, if the source cannot.
    pub(super) fn go_back(&mut self, offset: u64) -> bool {
        let went = self.source.seek(offset);
        if went {
            (self.start, self.end, self.offset, self.at_end) = (0, 0, offset, false);
            self.hash = None;
        }
        went
    }

    /// Whether the source ended in an error.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// The error in which the source ended, if it did.
    pub(super) fn take_failure(&mut self) -> Option<SourceError> {
        self.failure.take()
    }

    #[cold]
    fn read_more(&mut self, wanted: usize) {
        while self.end - self.start < wanted && !self.at_end {
            match self.read_some(wanted) {
                Ok(true) => {}
                Ok(false) => self.at_end = true,
                Err(failure) => {
                    self.at_end = true;
                    self.failure = Some(failure);
                }
            }
        }
    }

    /// Reads on; `false` at the end.
    fn read_some(&mut self, wanted: usize) -> Result<bool, SourceError> {
        self.hash_passed();
        self.hashed = self.start;
        if let Some(held) = self.source.exchange(&mut self.buffer, self.start..self.end)? {
            (self.start, self.end, self.hashed) = (held.start, held.end, held.start);
            return Ok(true);
        }
        self.hashed = 0;
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        // Room for twice what has arrived: an announced length costs nothing until its bytes are there.
        let room = self.piece.max(self.end * 2).min(self.piece.max(wanted));
        if self.buffer.is_empty() {
            // The system zeroes it page by page, only as far as a capture needs it: most captures are small.
            self.buffer = vec![0; room];
        } else if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        let (_, free) = self.buffer.split_at_mut(self.end);
        let read = self.source.read(free)?;
        self.end += read;
        Ok(read > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use crate::capture::stream_origin::StreamOrigin;

    use super::*;

    struct SaysTooMuch;

    impl Read for SaysTooMuch {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            Ok(buffer.len() + 1)
        }
    }

    #[test]
    fn a_source_that_says_too_much_has_failed_and_not_ended() {
        let source = Source::Stream { bytes: Box::new(SaysTooMuch), origin: StreamOrigin::default() };
        let mut window = ReadBuffer::new(source, 0);
        assert!(window.fill(1).is_empty());
        assert!(matches!(window.take_failure(), Some(SourceError::CompressedCorrupt(_))));
    }
}
