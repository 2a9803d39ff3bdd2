//! The decompressed bytes of a capture: of a plain file or object from any offset, of other inputs from the beginning.
//!
//! Positioned reads and no memory map: a map of a file that shrinks is a crash, and costs more per byte.

use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use crate::discover::{Compression, Input, MAGIC_LEN, magic};
use crate::hash::checksum;
use crate::memory::USUAL_WINDOW;
use crate::storage::objects::{ObjectReader, ReadSoon};
use crate::storage::{CaptureFile, ForwardReader, LocalFile, ReadAhead, ReadFailure, RetryingReader, Stream, steadily};

use super::decompress::{Excess, unpack};
use super::members::Trailing;
use super::reopen::open_as_found;
use super::stream_origin::{MeteredReader, Sipped, Sips, StreamOrigin, too_much};

/// Compressed files smaller than this are decompressed by the worker itself.
const SMALL: u64 = 1 << 20;

/// Where the bytes come from.
pub enum Source {
    /// Part of a plain file, read at its offsets.
    File {
        /// The open file; chunks of one capture share it.
        file: Arc<LocalFile>,
        /// Offset of the next read.
        at: u64,
        /// Offset at which reading ends: the size that the file had when it was discovered.
        end: u64,
        /// Bytes read so far.
        read: u64,
    },
    /// Part of a plain object in a store.
    Object {
        /// Asks for its bytes ahead.
        bytes: ObjectReader,
        /// Bytes read so far.
        read: u64,
    },
    /// A decompressor on its own thread, or a stream that is read ahead.
    Ahead {
        /// The decompressed bytes.
        bytes: ReadAhead,
        /// What is known of the bytes below them.
        origin: StreamOrigin,
    },
    /// A decompressor of a small file, or any other source of bytes.
    Stream {
        /// The decompressed bytes.
        bytes: Box<dyn Read + Send>,
        /// What is known of the bytes below them.
        origin: StreamOrigin,
    },
}

/// Why no bytes could be read.
#[derive(Debug)]
pub enum SourceError {
    /// The operating system refused.
    Io(io::Error),
    /// The decompressor found its stream cut short.
    CompressedCut,
    /// The decompressor found its stream corrupt.
    CompressedCorrupt(String),
    /// The compressed stream is whole, and something other than a member follows it.
    CompressedTrailing(Trailing),
    /// The decompressor would take too much memory, or gives more bytes than are believed.
    CompressedExcess(Excess),
}

impl Source {
    /// Opens an input at its beginning, and says how it is compressed. Of standard input, only the bytes themselves tell
    /// that.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(input: &Input) -> io::Result<(Self, Compression)> {
        Self::open_within(input, USUAL_WINDOW)
    }

    /// As [`Source::open`], with up to `window` bytes of memory for a decompressor.
    ///
    /// # Errors
    /// If the file cannot be opened, or is another one than was found; if nobody writes to a FIFO.
    pub fn open_within(input: &Input, window: u64) -> io::Result<(Self, Compression)> {
        if input.is_stdin() {
            return stream(input, window);
        }
        let source = match (input.compression, open_as_found(input)?) {
            (Compression::None, CaptureFile::Local(file)) => {
                Self::File { file: Arc::new(file), at: 0, end: input.size, read: 0 }
            }
            (Compression::None, CaptureFile::Object(object)) => Self::Object { bytes: object.reader(0), read: 0 },
            (packed, file) => {
                let packed_bytes = match file {
                    CaptureFile::Local(file) => ForwardReader::Local(RetryingReader(file)),
                    CaptureFile::Object(object) => ForwardReader::of_object(object.reader(0)),
                };
                let origin = StreamOrigin { failure: packed_bytes.failure(), ..StreamOrigin::default() };
                let metered = MeteredReader { bytes: packed_bytes.take(input.size), origin: origin.clone() };
                let buffered = |metered| BufReader::with_capacity(1 << 17, metered);
                match packed {
                    // A thread costs more than it saves on a small file.
                    _ if input.size < SMALL => {
                        Self::Stream { bytes: unpack(packed, buffered(metered), window)?, origin }
                    }
                    // zstd and LZ4 decompress about as fast as the system reads, so the read has a thread of its own.
                    Compression::Zstd | Compression::Lz4 => {
                        let unpacked = match ReadAhead::start("parcap-read", Box::new(metered)) {
                            Ok(ahead) => unpack(packed, ahead, window)?,
                            Err(packed_bytes) => {
                                unpack(packed, BufReader::with_capacity(1 << 17, packed_bytes), window)?
                            }
                        };
                        Self::ahead(unpacked, origin)
                    }
                    _ => Self::ahead(unpack(packed, buffered(metered), window)?, origin),
                }
            }
        };
        Ok((source, input.compression))
    }

    /// Opens an input for a look at its first records: of an object, no more is asked for.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn glance(input: &Input) -> io::Result<(Self, Compression)> {
        let (source, compression) = Self::open(input)?;
        Ok((source.glancing(), compression))
    }

    /// The decompressed bytes of a file, a few at a time, for callers that want only the first of them: nothing is read
    /// ahead. Also returns a record of the file bytes that were taken.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn in_sips(input: &Input, window: u64) -> io::Result<(Self, Sipped)> {
        let file = open_as_found(input)?.reader()?;
        let origin = StreamOrigin { failure: file.failure(), ..StreamOrigin::default() };
        let metered = MeteredReader { bytes: file.take(input.size), origin: origin.clone() };
        let bytes = unpack(input.compression, BufReader::new(metered), window)?;
        let taken = Sipped::default();
        Ok((Self::Stream { bytes: Box::new(Sips { bytes, taken: taken.clone() }), origin }, taken))
    }

    /// Decompresses on another thread, or on this one where no thread can be started.
    fn ahead(bytes: Box<dyn Read + Send>, origin: StreamOrigin) -> Self {
        match ReadAhead::start("parcap-unpack", bytes) {
            Ok(bytes) => Self::Ahead { bytes, origin },
            Err(bytes) => Self::Stream { bytes, origin },
        }
    }

    /// Whether this is a stream that a signal has ended. It is no damage if such a stream is cut.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        match self {
            Self::File { .. } | Self::Object { .. } => false,
            Self::Ahead { origin, .. } | Self::Stream { origin, .. } => origin.ended.load(Ordering::Relaxed),
        }
    }

    /// The same plain file or object from another offset on. `None` for a stream, which can only be read forward.
    #[must_use]
    pub fn at_offset(&self, offset: u64) -> Option<Self> {
        match self {
            Self::File { file, end, .. } => Some(Self::File { file: Arc::clone(file), at: offset, end: *end, read: 0 }),
            Self::Object { bytes, .. } if bytes.is_stream() => None,
            Self::Object { bytes, .. } => Some(Self::Object { bytes: bytes.at_offset(offset), read: 0 }),
            Self::Ahead { .. } | Self::Stream { .. } => None,
        }
    }

    /// Says that nothing after an offset will be read, but the rest of a record that begins before it. An object is then not asked for
    /// more.
    pub fn read_until(&mut self, offset: u64) {
        if let Self::Object { bytes, .. } = self {
            bytes.read_until(offset);
        }
    }

    /// Says where another reader will go on, once this one has asked for all that it reads.
    pub(crate) fn then(&mut self, range: Range<u64>, soon: &Arc<Mutex<ReadSoon>>) {
        if let Self::Object { bytes, .. } = self {
            bytes.then(range, soon);
        }
    }

    /// Says that little will be read.
    #[must_use]
    pub fn glancing(self) -> Self {
        match self {
            Self::Object { bytes, read } => Self::Object { bytes: bytes.glancing(), read },
            other => other,
        }
    }

    /// Says that all of it will be read from here on, after a glance.
    #[must_use]
    pub fn in_full(mut self) -> Self {
        if let Self::Object { bytes, .. } = &mut self {
            bytes.in_full();
        }
        self
    }

    /// Moves to another offset of a plain file. `false` for a stream, which only goes forward.
    pub fn seek(&mut self, offset: u64) -> bool {
        match self {
            Self::File { at, .. } => {
                *at = offset;
                true
            }
            Self::Object { bytes, .. } if bytes.is_stream() => false,
            Self::Object { bytes, .. } => {
                bytes.seek(offset);
                true
            }
            Self::Ahead { .. } | Self::Stream { .. } => false,
        }
    }

    /// Steps over `count` bytes of a plain file, or as many as it has. Returns how many. `None` for a stream, which must
    /// be read.
    pub fn skip(&mut self, count: u64) -> Option<u64> {
        match self {
            Self::File { at, end, .. } => {
                let count = count.min(end.saturating_sub(*at));
                *at += count;
                Some(count)
            }
            Self::Object { bytes, .. } if bytes.is_stream() => None,
            Self::Object { bytes, .. } => Some(bytes.skip(count)),
            Self::Ahead { .. } | Self::Stream { .. } => None,
        }
    }

    /// Reads into `buffer` and returns the number of bytes; 0 is the end.
    ///
    /// # Errors
    /// See [`SourceError`]. An interrupted call is repeated, and a failed read of a file is tried once more.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SourceError> {
        loop {
            let result = match self {
                Self::File { file, at, end, read: total } => {
                    let left = usize::try_from(end.saturating_sub(*at)).unwrap_or(usize::MAX);
                    let (buffer, _) = buffer.split_at_mut(left.min(buffer.len()));
                    steadily(|| file.read_at(buffer, *at)).inspect(|&read| {
                        *at += read as u64;
                        *total += read as u64;
                    })
                }
                Self::Object { bytes, read: total } => bytes.read(buffer).inspect(|&read| *total += read as u64),
                Self::Ahead { bytes, .. } => bytes.read(buffer),
                Self::Stream { bytes, .. } => bytes.read(buffer),
            };
            return match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(read) if read <= buffer.len() => Ok(read),
                Ok(_) => Err(SourceError::of(self, too_much())),
                Err(error) => Err(SourceError::of(self, error)),
            };
        }
    }

    /// Exchanges `buffer`, in which the bytes at `left` are still to be read, for a buffer that has these bytes and more
    /// after them. Returns where in it they are. `None`, with nothing exchanged, where bytes can only be read into a
    /// buffer.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn exchange(&mut self, buffer: &mut Vec<u8>, left: Range<usize>) -> Result<Option<Range<usize>>, SourceError> {
        match self {
            Self::Ahead { bytes, .. } => bytes.exchange(buffer, left).map_err(|error| SourceError::of(self, error)),
            _ => Ok(None),
        }
    }

    /// Bytes of the file that have been read, as they are in the file: compressed ones of a compressed capture.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        match self {
            Self::File { read, .. } | Self::Object { read, .. } => *read,
            Self::Ahead { origin, .. } | Self::Stream { origin, .. } => origin.read.load(Ordering::Relaxed),
        }
    }

    /// Fingerprint of the bytes read so far, if this is a stream. Nothing is known of a stream before it is read.
    #[must_use]
    pub fn fingerprint(&self) -> Option<String> {
        match self {
            Self::Ahead { origin: StreamOrigin { hash: Some(hash), .. }, .. }
            | Self::Stream { origin: StreamOrigin { hash: Some(hash), .. }, .. } => {
                let hash = hash.lock().unwrap_or_else(PoisonError::into_inner);
                Some(checksum(&hash))
            }
            _ => None,
        }
    }
}

impl SourceError {
    /// A decompressor reports its own findings as I/O errors too, but without an error number of the system.
    fn of(source: &Source, error: io::Error) -> Self {
        match source {
            Source::Ahead { origin, .. } | Source::Stream { origin, .. }
                if let Some(failure) = origin.failure.as_ref().and_then(ReadFailure::take) =>
            {
                Self::Io(failure)
            }
            Source::Ahead { .. } | Source::Stream { .. } if error.raw_os_error().is_none() => {
                if let Some(excess) = Excess::of(&error) {
                    Self::CompressedExcess(excess)
                } else if let Some(trailing) = Trailing::of(&error) {
                    Self::CompressedTrailing(trailing)
                } else if error.kind() == io::ErrorKind::UnexpectedEof {
                    Self::CompressedCut
                } else {
                    Self::CompressedCorrupt(error.to_string())
                }
            }
            _ => Self::Io(error),
        }
    }
}

/// A stream, decompressed if its first bytes say that it is compressed.
fn stream(input: &Input, window: u64) -> io::Result<(Source, Compression)> {
    let mut bytes = Stream::open(&input.path)?;
    let origin = StreamOrigin { read: Arc::default(), hash: Some(Arc::default()), ended: bytes.ended(), failure: None };
    let mut head = Vec::with_capacity(MAGIC_LEN);
    bytes.by_ref().take(MAGIC_LEN as u64).read_to_end(&mut head)?;
    let packed = magic::compression(&head);
    let whole = MeteredReader { bytes: io::Cursor::new(head).chain(bytes), origin: origin.clone() };
    let bytes = unpack(packed, BufReader::with_capacity(1 << 17, whole), window)?;
    Ok((Source::ahead(bytes, origin), packed))
}
