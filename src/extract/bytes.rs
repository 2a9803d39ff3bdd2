//! Keys: bytes whose order has a meaning, and values after them.

use crate::bug::bug;
use crate::error::Result;

/// Writes a key.
#[derive(Debug, Default)]
pub(super) struct KeyWriter(pub(super) Vec<u8>);

impl KeyWriter {
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend(bytes);
        self
    }

    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }
}

/// Reads what [`KeyWriter`] wrote.
#[derive(Debug)]
pub(super) struct KeyBytes<'a>(pub(super) &'a [u8]);

impl KeyBytes<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(|| bug!())?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn skip(&mut self, count: usize) -> Result<&mut Self> {
        self.0 = self.0.get(count..).ok_or_else(|| bug!())?;
        Ok(self)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        self.take().map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        self.take().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        self.take().map(u64::from_be_bytes)
    }
}
