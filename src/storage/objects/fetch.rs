//! One range of an object on its way, whose answer may break off.

use std::io;
use std::ops::Range;
use std::thread::sleep;
use std::time::Duration;

use bytes::{Buf as _, Bytes};

use super::object_file::ObjectFile;
use super::requests::ObjectBody;

/// How often a range is asked for again that broke off, without a byte in between. The store's client has tried by itself before.
const ATTEMPTS: u32 = 6;
/// How long to wait before the first of these.
const PAUSE: Duration = Duration::from_millis(50);

/// A range of an object, which has been asked for.
#[derive(Debug)]
pub(super) struct Fetch {
    file: ObjectFile,
    body: ObjectBody,
    /// Bytes that have come, and were put back.
    first: Option<Bytes>,
    /// What has not come yet.
    left: Range<u64>,
    /// Bytes of that which nobody wants, at its beginning.
    unwanted: u64,
    /// Attempts since the last byte.
    failed: u32,
}

impl Fetch {
    /// Asks for a range, which lies within the object.
    pub(super) fn start(file: &ObjectFile, range: Range<u64>) -> Self {
        let body = if range.is_empty() { ObjectBody::of([]) } else { file.body(range.clone()) };
        Self { body, file: file.clone(), first: None, left: range, unwanted: 0, failed: 0 }
    }

    /// Offset in the object of the byte after the last one of the range.
    pub(super) fn end(&self) -> u64 {
        self.left.end
    }

    /// Bytes that are still to be had.
    pub(super) fn len(&self) -> u64 {
        self.left.end - self.left.start
    }

    /// Steps over the bytes up to an offset in the object, when they come.
    pub(super) fn skip_to(&mut self, offset: u64) {
        self.unwanted = offset.saturating_sub(self.left.start);
    }

    /// Puts bytes back that were the last ones to come.
    pub(super) fn put_back(&mut self, bytes: Bytes) {
        self.left.start -= bytes.len() as u64;
        self.first = Some(bytes);
    }

    /// The next bytes that are wanted, or `None` at the end of the range. Bytes that do not come are asked for again, from the last one
    /// that did.
    pub(super) fn next(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(mut bytes) = self.next_that_comes()? {
            let unwanted = bytes.len().min(usize::try_from(self.unwanted).unwrap_or(usize::MAX));
            self.unwanted -= unwanted as u64;
            bytes.advance(unwanted);
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    fn next_that_comes(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            self.left.start += first.len() as u64;
            return Ok(Some(first));
        }
        while !self.left.is_empty() {
            let broken = match self.body.next() {
                Some(Ok(mut bytes)) => {
                    let wanted = usize::try_from(self.len()).unwrap_or(usize::MAX);
                    bytes.truncate(wanted);
                    if !bytes.is_empty() {
                        self.left.start += bytes.len() as u64;
                        self.failed = 0;
                        return Ok(Some(bytes));
                    }
                    continue;
                }
                Some(Err(error)) if is_final(error.kind()) => return Err(self.file.explained(error)),
                Some(Err(error)) => error,
                None => io::Error::new(io::ErrorKind::ConnectionAborted, "the answer broke off"),
            };
            if self.failed >= ATTEMPTS {
                return Err(broken);
            }
            sleep(PAUSE * (1 << self.failed));
            self.failed += 1;
            self.body = self.file.body(self.left.clone());
        }
        Ok(None)
    }

    /// All bytes of the range, put together.
    pub(super) fn whole(mut self) -> io::Result<Bytes> {
        let Some(first) = self.next()? else { return Ok(Bytes::new()) };
        if self.left.is_empty() {
            return Ok(first);
        }
        let mut all = Vec::with_capacity(first.len() + usize::try_from(self.len()).unwrap_or(0));
        all.extend_from_slice(&first);
        while let Some(next) = self.next()? {
            all.extend_from_slice(&next);
        }
        Ok(Bytes::from(all))
    }
}

/// Whether asking again would give the same answer.
fn is_final(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::NotFound
            | io::ErrorKind::StaleNetworkFileHandle
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::Unsupported
            | io::ErrorKind::InvalidFilename
    )
}
