//! Decompressors: streams of several members one behind the other, with a limit on the memory that they may ask for.

use std::io::{self, Read};

use super::input::Compression;

/// The largest LZMA dictionary and Zstandard window that is accepted: what `xz -9` and `zstd --long` need, and no more,
/// so that a crafted file cannot take the machine's memory.
const DECODER_MEMORY: u64 = 160 << 20;
const ZSTD_WINDOW_LOG: u32 = 27;

/// Unpacks a stream that starts with the magic bytes of `compression`.
///
/// # Errors
/// If the decompressor cannot be set up.
pub(super) fn unpack<R: io::BufRead + Send + 'static>(
    compression: Compression,
    reader: R,
) -> io::Result<Box<dyn Read + Send>> {
    Ok(match compression {
        Compression::None => Box::new(reader),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
        Compression::Xz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(DECODER_MEMORY, liblzma::stream::CONCATENATED)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(reader, stream))
        }
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
        Compression::Lz4 => Box::new(Lz4Frames::new(reader)),
    })
}

/// LZ4 frames one behind the other: the decoder stops at the end of each and goes on when it is read again.
///
/// It also stops, without a word, where the bytes end before a block or inside a frame's first bytes.
struct Lz4Frames<R: io::BufRead> {
    decoder: lz4_flex::frame::FrameDecoder<Starving<R>>,
    ended: bool,
}

impl<R: io::BufRead> Lz4Frames<R> {
    fn new(reader: R) -> Self {
        let bytes = Starving { bytes: reader, starved: false };
        Self { decoder: lz4_flex::frame::FrameDecoder::new(bytes), ended: false }
    }
}

impl<R: io::BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let read = self.decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            if self.decoder.get_ref().starved {
                // The end mark of a frame needs no look behind it.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.ended = self.decoder.get_mut().bytes.fill_buf()?.is_empty();
        }
        Ok(0)
    }
}

/// Notes whether somebody wanted more bytes than there are.
struct Starving<R> {
    bytes: R,
    starved: bool,
}

impl<R: Read> Read for Starving<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.starved |= read == 0 && !buffer.is_empty();
        Ok(read)
    }
}
