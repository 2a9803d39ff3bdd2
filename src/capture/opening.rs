//! Opens captures for reading from their beginning.

use crate::capture::{pcap, pcapng};
use crate::discover::{Compression, Format, Input, LOOKED_AT, MAGIC_LEN, Refusal, format, refusal};

use super::position::{Framing, Position};
use super::read_buffer::ReadBuffer;
use super::reader::CaptureReader;
use super::source::{Source, SourceError};

impl CaptureReader {
    /// Opens a capture at its beginning.
    ///
    /// # Errors
    /// If it cannot be opened, or its first bytes are not those of a capture.
    pub fn open(input: &Input) -> Result<Self, Refusal> {
        let (source, compression) = Source::open(input)?;
        Self::from_source(source, compression).map(|reader| reader.named(input))
    }

    /// Opens a capture for a look at its first records. Reading on from there would be slower than from a reader that is opened for all.
    ///
    /// # Errors
    /// As [`CaptureReader::open`].
    pub fn glance(input: &Input) -> Result<Self, Refusal> {
        let (source, compression) = Source::glance(input)?;
        Self::from_source(source, compression).map(|reader| reader.named(input).glancing())
    }

    /// As [`CaptureReader::open`], with up to `window` bytes of memory for a decompressor.
    ///
    /// # Errors
    /// As [`CaptureReader::open`], and if the first bytes need more memory than that.
    pub fn open_within(input: &Input, window: u64) -> Result<Self, Refusal> {
        let (source, compression) = Source::open_within(input, window)?;
        Self::from_source(source, compression).map(|reader| reader.named(input))
    }

    pub(super) fn named(mut self, input: &Input) -> Self {
        self.name = (!input.is_stdin()).then(|| input.name().into());
        self
    }

    /// Reads a capture from the bytes of any source.
    ///
    /// # Errors
    /// If its first bytes are not those of a capture.
    pub fn from_source(source: Source, compression: Compression) -> Result<Self, Refusal> {
        Self::from_window(ReadBuffer::new(source, 0), compression)
    }

    /// As [`CaptureReader::from_source`], for the first records only.
    ///
    /// # Errors
    /// As [`CaptureReader::from_source`].
    pub fn glance_at(source: Source, compression: Compression) -> Result<Self, Refusal> {
        Self::from_window(ReadBuffer::small(source), compression).map(Self::glancing)
    }

    fn from_window(mut window: ReadBuffer, compression: Compression) -> Result<Self, Refusal> {
        if window.fill(MAGIC_LEN).is_empty() {
            match window.take_failure() {
                Some(SourceError::Io(error)) => return Err(Refusal::Unreadable(error)),
                // A signal ended the stream before anything came.
                Some(SourceError::CompressedCut) if window.source().is_ended() => {}
                Some(SourceError::CompressedCut) => {
                    return Err(Refusal::Packing { compression, problem: "it ends before its first byte".to_owned() });
                }
                Some(SourceError::CompressedCorrupt(problem)) => {
                    return Err(Refusal::Packing { compression, problem });
                }
                Some(SourceError::CompressedTrailing(trailing)) => {
                    return Err(Refusal::Packing { compression, problem: trailing.to_string() });
                }
                Some(SourceError::CompressedExcess(excess)) => {
                    return Err(Refusal::Packing { compression, problem: excess.to_string() });
                }
                None => {}
            }
        }
        // The bytes that came in with the magic number tell more. For standard input, no more bytes are waited for.
        let head = window.bytes();
        let head = head.get(..LOOKED_AT).unwrap_or(head);
        let format = format(head).ok_or_else(|| refusal(head))?;
        let framing = match format {
            Format::Empty => Framing::Empty,
            Format::Pcapng => Framing::Pcapng(pcapng::first_section(&mut window)?),
            _ => Framing::Pcap(pcap::file_header(&mut window, format)?),
        };
        let position = Position { offset: window.offset(), framing, first_time: None, ended: false };
        Ok(Self::at(window, position, u64::MAX, (format, compression)))
    }
}
