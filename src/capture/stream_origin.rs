//! What is known of the bytes below a decompressor: how many there were, their hash, and how they ended.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::hash::ContentHash;
use crate::storage::ReadFailure;

/// What is known of the bytes below a decompressor.
#[derive(Clone, Debug, Default)]
pub struct StreamOrigin {
    pub(super) read: Arc<AtomicU64>,
    pub(super) hash: Option<Arc<Mutex<ContentHash>>>,
    /// Whether a signal has ended them.
    pub(super) ended: Arc<AtomicBool>,
    /// Where an error of a store is kept.
    pub(super) failure: Option<ReadFailure>,
}

/// What is wrong with a decompressor that says it gave more bytes than there was room for. Its bytes have not ended.
pub(super) fn too_much() -> io::Error {
    io::Error::other("the decompressor failed")
}

/// Counts the bytes that go through, and hashes them if asked to.
pub(super) struct MeteredReader<R> {
    pub(super) bytes: R,
    pub(super) origin: StreamOrigin,
}

impl<R: Read> Read for MeteredReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.origin.read.fetch_add(read as u64, Ordering::Relaxed);
        if let Some(hash) = &self.origin.hash {
            let mut hash = hash.lock().unwrap_or_else(PoisonError::into_inner);
            hash.update(buffer.get(..read).ok_or_else(too_much)?);
        }
        Ok(read)
    }
}

/// Reads little at a time, however much room there is, and keeps what it read.
pub(super) struct Sips<R> {
    pub(super) bytes: R,
    pub(super) taken: Sipped,
}

/// Bytes of a sip: some of the smallest captures.
pub(super) const SIP: usize = 4 << 10;

/// What has been read in sips.
#[derive(Clone, Debug, Default)]
pub struct Sipped(Arc<Mutex<Vec<u8>>>);

impl Sipped {
    /// A hash of the first `bytes` bytes. `None` if fewer were read.
    #[must_use]
    pub fn hash(&self, bytes: u64) -> Option<String> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hash = ContentHash::default();
        hash.update(taken.get(..usize::try_from(bytes).ok()?)?);
        Some(hash.hex())
    }
}

impl<R: Read> Read for Sips<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (buffer, _) = buffer.split_at_mut(buffer.len().min(SIP));
        let read = self.bytes.read(buffer)?;
        let mut taken = self.taken.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.extend_from_slice(buffer.get(..read).ok_or_else(too_much)?);
        Ok(read)
    }
}
