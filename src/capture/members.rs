//! Members, streams or frames one after another, with zeros between and after them.
//!
//! In: compressed bytes that begin with a member. Out: the decompressed bytes of all members. Every format here allows
//! that another member follows. Zeros there are padding. gzip and xz say so (the manual of gzip; the .xz file format
//! section 2.2); tapes, `dd` and preallocated files leave zeros after any format; and no member begins with a zero.
//! Anything other than zeros or a member is no part of the stream. It is reported after everything before it has been
//! given.

use std::io::{self, BufRead, Read};
use std::{fmt, mem};

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation as _, OutBuffer};

use crate::discover::{Compression, MAGIC_LEN, magic, zeros};

use super::decompress::CompressedReader;

/// Decompresses one member. A read gives nothing at the member's end.
pub(super) trait Member: Read {
    /// The bytes that have not been decompressed yet.
    fn packed(&mut self) -> &mut CompressedReader;

    /// Begins the next member, which the compressed bytes go on with.
    fn begin(&mut self) -> io::Result<()>;
}

/// Bytes that are no part of a compressed stream follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailing {
    /// Offset in the compressed file of the first of them that is not zero.
    pub at: u64,
}

impl Trailing {
    /// The `Trailing` that an I/O error carries, if it carries one.
    pub(super) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl std::error::Error for Trailing {}

impl fmt::Display for Trailing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what is at byte {} of the packed file is neither zeros nor more of the stream", self.at)
    }
}

/// All members, read as one stream.
pub(super) struct Members<M> {
    member: M,
    compression: Compression,
    /// Whether the last member has ended, and nothing after it has been looked at.
    is_between: bool,
}

impl<M: Member> Members<M> {
    pub(super) fn new(member: M, compression: Compression) -> Self {
        Self { member, compression, is_between: false }
    }

    /// Begins the next member; `false` if there is none.
    fn next(&mut self) -> io::Result<bool> {
        let packed = self.member.packed();
        if !skip_zeros(packed)? {
            return Ok(false);
        }
        let head = packed.fill_buf()?;
        // Fewer bytes may be the end of a buffer; then the decompressor says what is wrong with them.
        if head.len() >= MAGIC_LEN && magic::compression(head) != self.compression {
            return Err(io::Error::other(Trailing { at: packed.taken() }));
        }
        self.member.begin()?;
        self.is_between = false;
        Ok(true)
    }
}

/// Takes zeros off. Returns whether anything follows them.
fn skip_zeros(bytes: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let held = bytes.fill_buf()?;
        let (len, zeros) = (held.len(), zeros(held));
        bytes.consume(zeros);
        if zeros < len || len == 0 {
            return Ok(len > 0);
        }
    }
}

impl<M: Member> Read for Members<M> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            if self.is_between && !self.next()? {
                break;
            }
            match self.member.read(buffer)? {
                0 => self.is_between = true,
                count => return Ok(count),
            }
        }
        Ok(0)
    }
}

impl Member for flate2::bufread::GzDecoder<CompressedReader> {
    fn packed(&mut self) -> &mut CompressedReader {
        self.get_mut()
    }

    fn begin(&mut self) -> io::Result<()> {
        let packed = mem::take(self.get_mut());
        // The decoder keeps its memory: some writers make a member for each 64 KiB.
        self.reset(packed);
        Ok(())
    }
}

impl Member for bzip2::bufread::BzDecoder<CompressedReader> {
    fn packed(&mut self) -> &mut CompressedReader {
        self.get_mut()
    }

    fn begin(&mut self) -> io::Result<()> {
        *self = Self::new(mem::take(self.get_mut()));
        Ok(())
    }
}

/// A stream of the .xz format.
pub(super) struct XzStream {
    decoder: liblzma::bufread::XzDecoder<CompressedReader>,
    allowed: u64,
}

impl XzStream {
    /// Each stream may take up to `allowed` bytes of memory.
    pub(super) fn new(packed: CompressedReader, allowed: u64) -> io::Result<Self> {
        let stream = liblzma::stream::Stream::new_stream_decoder(allowed, 0)?;
        Ok(Self { decoder: liblzma::bufread::XzDecoder::new_stream(packed, stream), allowed })
    }
}

impl Read for XzStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buffer)
    }
}

impl Member for XzStream {
    fn packed(&mut self) -> &mut CompressedReader {
        self.decoder.get_mut()
    }

    fn begin(&mut self) -> io::Result<()> {
        *self = Self::new(mem::take(self.decoder.get_mut()), self.allowed)?;
        Ok(())
    }
}

/// A zstd frame, skippable ones included. The library's own reader is not used: it goes on into whatever follows a frame.
pub(super) struct ZstdFrame {
    packed: CompressedReader,
    decoder: Decoder<'static>,
    ended: bool,
}

impl ZstdFrame {
    /// Each frame may have a window of up to 2 to the power of `window_log` bytes.
    pub(super) fn new(packed: CompressedReader, window_log: u32) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(window_log))?;
        Ok(Self { packed, decoder, ended: false })
    }
}

impl Read for ZstdFrame {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let input = self.packed.fill_buf()?;
            let (mut from, mut to) = (InBuffer::around(input), OutBuffer::around(&mut *buffer));
            let left = self.decoder.run(&mut from, &mut to)?;
            let (taken, given, is_cut) = (from.pos(), to.pos(), input.is_empty());
            self.packed.consume(taken);
            self.ended = left == 0;
            if given > 0 {
                return Ok(given);
            }
            if is_cut && !self.ended {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

impl Member for ZstdFrame {
    fn packed(&mut self) -> &mut CompressedReader {
        &mut self.packed
    }

    fn begin(&mut self) -> io::Result<()> {
        self.ended = false;
        Ok(())
    }
}

/// An LZ4 frame. The decoder stops at the frame's end, and goes on when it is read again.
///
/// It also stops, without an error, where the bytes end before a block or inside a frame's first bytes.
pub(super) struct Lz4Frame(lz4_flex::frame::FrameDecoder<EofProbe>);

impl Lz4Frame {
    pub(super) fn new(packed: CompressedReader) -> Self {
        Self(lz4_flex::frame::FrameDecoder::new(EofProbe { packed, starved: false }))
    }
}

impl Read for Lz4Frame {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        // After the end mark of a frame, the decoder wants no more bytes.
        if read == 0 && !buffer.is_empty() && self.0.get_ref().starved {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(read)
    }
}

impl Member for Lz4Frame {
    fn packed(&mut self) -> &mut CompressedReader {
        &mut self.0.get_mut().packed
    }

    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Notes whether more bytes were wanted than there are.
struct EofProbe {
    packed: CompressedReader,
    starved: bool,
}

impl Read for EofProbe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.packed.read(buffer)?;
        self.starved |= read == 0 && !buffer.is_empty();
        Ok(read)
    }
}
