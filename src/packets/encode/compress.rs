//! The compression of pages. Its contexts are reused from page to page.

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::errors::ParquetError;
use zstd::zstd_safe::{CParameter, compress_bound};

use crate::config::PageCompression;

/// The bytes of a page as they go into the file. Columns whose pages are the same share them.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) packed: Bytes,
    /// Bytes before compression.
    pub(super) size: usize,
    pub(super) encoding: Encoding,
}

/// The shortest match that ZSTD looks for in pages of plain numbers. Neighbouring times share the four bytes above their
/// lowest ones. The usual shortest match of level 1 is longer, and misses them.
const NUMBERS_MIN_MATCH: u32 = 4;

/// Compresses pages by one of the codecs of Parquet.
pub(super) enum Compressor {
    Zstd(Box<ZstdCompressor>),
    Snappy(Box<snap::raw::Encoder>),
    Lz4,
    None,
}

pub(super) struct ZstdCompressor {
    usual: zstd::bulk::Compressor<'static>,
    numbers: zstd::bulk::Compressor<'static>,
    /// Room for what the largest page so far could take. A page that has room of its own for that would ask the system for it.
    packed: Vec<u8>,
}

impl ZstdCompressor {
    fn body(
        &mut self,
        bytes: &[u8],
        encoding: Encoding,
        by: impl FnOnce(&mut Self) -> &mut zstd::bulk::Compressor<'static>,
    ) -> Result<Body, ParquetError> {
        let mut packed = std::mem::take(&mut self.packed);
        packed.clear();
        packed.reserve(compress_bound(bytes.len()));
        by(self).compress_to_buffer(bytes, &mut packed).map_err(failed)?;
        let body = Body { packed: Bytes::copy_from_slice(&packed), size: bytes.len(), encoding };
        self.packed = packed;
        Ok(body)
    }
}

impl Compressor {
    pub(super) fn new(compression: PageCompression) -> Result<Self, ParquetError> {
        Ok(match compression {
            PageCompression::Zstd(level) => {
                let usual = zstd::bulk::Compressor::new(level).map_err(failed)?;
                let mut numbers = zstd::bulk::Compressor::new(level).map_err(failed)?;
                numbers.set_parameter(CParameter::MinMatch(NUMBERS_MIN_MATCH)).map_err(failed)?;
                Self::Zstd(Box::new(ZstdCompressor { usual, numbers, packed: Vec::new() }))
            }
            PageCompression::Snappy => Self::Snappy(Box::new(snap::raw::Encoder::new())),
            PageCompression::Lz4 => Self::Lz4,
            PageCompression::None => Self::None,
        })
    }

    /// Compresses a page.
    pub(super) fn body(&mut self, bytes: &[u8], encoding: Encoding) -> Result<Body, ParquetError> {
        let packed = match self {
            Self::Zstd(zstd) => return zstd.body(bytes, encoding, |zstd| &mut zstd.usual),
            Self::Snappy(snappy) => snappy.compress_vec(bytes).map_err(failed)?,
            Self::Lz4 => lz4_flex::block::compress(bytes),
            Self::None => bytes.to_vec(),
        };
        Ok(Body { packed: packed.into(), size: bytes.len(), encoding })
    }

    /// Compresses a page of numbers that have no dictionary.
    pub(super) fn numbers(&mut self, bytes: &[u8], encoding: Encoding) -> Result<Body, ParquetError> {
        match self {
            Self::Zstd(zstd) if encoding == Encoding::PLAIN => zstd.body(bytes, encoding, |zstd| &mut zstd.numbers),
            _ => self.body(bytes, encoding),
        }
    }
}

pub(crate) fn failed(error: impl std::error::Error + Send + Sync + 'static) -> ParquetError {
    ParquetError::External(Box::new(error))
}
