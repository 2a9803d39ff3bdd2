//! Decompressors within two limits: how much memory one takes, and how much it makes of few bytes.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::discover::Compression;
use crate::memory::Bytes;

use super::dictionary_size::AROUND;
use super::members::{Lz4Frame, Members, XzStream, ZstdFrame};

/// The most decompressed bytes for each compressed one that are believed. Archive traffic is compressed 2 to 20 times.
/// Whatever a packet holds, unless it is all zeros, keeps even `xz -9` below 300.
const MAX_RATIO: u64 = 1000;
/// The ratio is checked once this many bytes are decompressed.
const RATIO_COUNTS_FROM: u64 = 64 << 20;

/// Why a stream is not decompressed further although the decompressor finds nothing wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Far more comes out than a capture has in this many compressed bytes.
    Ratio {
        /// Compressed bytes so far.
        packed: u64,
        /// Decompressed bytes so far.
        unpacked: u64,
    },
    /// The decompressor needs a larger dictionary than there is memory for.
    Window {
        /// Bytes of memory that there are.
        allowed: u64,
    },
}

impl Excess {
    /// The excess that an I/O error carries, if it carries one.
    pub(super) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl std::error::Error for Excess {}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ratio { packed, unpacked } => {
                write!(f, "{packed} packed bytes have given {unpacked}, over {MAX_RATIO} times as many")
            }
            Self::Window { allowed } => write!(f, "it needs more memory than the {} that there are", Bytes(*allowed)),
        }
    }
}

/// Decompresses a stream that starts with the magic bytes of `compression`, in up to `allowed` bytes of memory. An I/O
/// error of the decompressor itself carries no error number of the system. One that is an [`Excess`] carries it.
///
/// # Errors
/// If the decompressor cannot be set up.
pub(super) fn unpack<R: BufRead + Send + 'static>(
    compression: Compression,
    reader: R,
    allowed: u64,
) -> io::Result<Box<dyn Read + Send>> {
    if compression == Compression::None {
        return Ok(Box::new(reader));
    }
    let packed = Arc::new(AtomicU64::new(0));
    let reader = CompressedReader { bytes: Box::new(reader), taken: Arc::clone(&packed) };
    let bytes: Box<dyn Read + Send> = match compression {
        Compression::None => Box::new(reader),
        Compression::Gzip => Box::new(Members::new(flate2::bufread::GzDecoder::new(reader), compression)),
        Compression::Zstd => {
            // The library takes 10 to 31.
            let window_log = allowed.saturating_sub(AROUND).max(1).ilog2().clamp(10, 31);
            Box::new(Members::new(ZstdFrame::new(reader, window_log)?, compression))
        }
        Compression::Xz => Box::new(Members::new(XzStream::new(reader, allowed)?, compression)),
        Compression::Bzip2 => Box::new(Members::new(bzip2::bufread::BzDecoder::new(reader), compression)),
        Compression::Lz4 => Box::new(Members::new(Lz4Frame::new(reader), compression)),
    };
    Ok(Box::new(BombGuard { bytes, compression, packed, unpacked: 0, allowed }))
}

/// Compressed bytes, with an exact count of those taken. What is only read ahead is not counted: it would make the count
/// differ from one run to the next.
pub(super) struct CompressedReader {
    bytes: Box<dyn BufRead + Send>,
    taken: Arc<AtomicU64>,
}

impl CompressedReader {
    /// Bytes that have been taken.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Default for CompressedReader {
    /// A reader without bytes, to put in place of one that is taken away.
    fn default() -> Self {
        Self { bytes: Box::new(io::empty()), taken: Arc::default() }
    }
}

impl BufRead for CompressedReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.bytes.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken.fetch_add(amount as u64, Ordering::Relaxed);
        self.bytes.consume(amount);
    }
}

impl Read for CompressedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// Decompressed bytes, as long as there are not too many to be believed.
struct BombGuard {
    bytes: Box<dyn Read + Send>,
    compression: Compression,
    packed: Arc<AtomicU64>,
    unpacked: u64,
    allowed: u64,
}

impl BombGuard {
    /// The decompressors say only in words that a dictionary is too large.
    fn name(&self, error: io::Error) -> io::Error {
        let text = error.raw_os_error().map_or_else(|| error.to_string(), |_| String::new());
        let is_window = match self.compression {
            Compression::Zstd => text.contains("requires too much memory"),
            Compression::Xz => text.contains("memory limit"),
            _ => false,
        };
        if is_window { io::Error::other(Excess::Window { allowed: self.allowed }) } else { error }
    }
}

impl Read for BombGuard {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let packed = self.packed.load(Ordering::Relaxed);
        if self.unpacked >= RATIO_COUNTS_FROM && self.unpacked / MAX_RATIO > packed {
            return Err(io::Error::other(Excess::Ratio { packed, unpacked: self.unpacked }));
        }
        let read = self.bytes.read(buffer).map_err(|error| self.name(error))?;
        self.unpacked += read as u64;
        Ok(read)
    }
}
