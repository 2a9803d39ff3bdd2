//! An object that is read like a file.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;

use super::address::ObjectAddress;
use super::ahead::{held_bytes, is_held, take_held};
use super::facts::{ObjectFacts, ObjectVersion};
use super::fetch::Fetch;
use super::fetches::FETCH;
use super::object_reader::ObjectReader;
use super::requests::ObjectBody;
use super::store::Store;

/// First bytes of an object that are kept once they have been read: they say what it is, and are looked at several times.
pub(super) const HEAD: u64 = 64 << 10;
/// An object of this size is read whole by one who wants to know what it is.
const SMALL: u64 = 1 << 20;
/// Heads that are kept: those of the captures that are being looked at, and of those after them, for one that is looked at may have to
/// wait for a core.
const HEADS: usize = 256;

/// First bytes of objects that were read last.
static KEPT: Mutex<VecDeque<(ObjectId, Bytes)>> = Mutex::new(VecDeque::new());

/// Tells an object from those that had its key before.
pub(super) type ObjectId = (ObjectAddress, ObjectVersion);

/// An object that is read: at any place, or from a place on. Cheap to clone. It is opened without a request, and only read as long as
/// it is the object that was meant.
#[derive(Clone, Debug)]
pub(crate) struct ObjectFile(Arc<OpenedObject>);

#[derive(Debug)]
struct OpenedObject {
    store: Store,
    id: ObjectId,
    size: u64,
    /// All of it, if it was taken in.
    whole: OnceLock<Bytes>,
}

impl ObjectFile {
    /// The object of an address that has this version and size.
    pub(crate) fn open(address: ObjectAddress, version: ObjectVersion, size: u64) -> io::Result<Self> {
        if address.is_odd() {
            return Err(io::Error::new(io::ErrorKind::InvalidFilename, NO_PATH));
        }
        let store = Store::connect(&address.root)?;
        Ok(Self(Arc::new(OpenedObject { store, id: (address, version), size, whole: OnceLock::new() })))
    }

    /// Bytes.
    pub(crate) fn size(&self) -> u64 {
        self.0.size
    }

    pub(super) fn id(&self) -> &ObjectId {
        &self.0.id
    }

    /// Whether it can only be read from its beginning.
    pub(crate) fn is_stream(&self) -> bool {
        self.0.store.is_stream(&self.0.id.0.key)
    }

    /// Asks for a range.
    pub(super) fn body(&self, range: Range<u64>) -> ObjectBody {
        self.0.store.body(&self.0.id.0.key, &self.0.id.1, range)
    }

    /// Reads all of it, if it is so small that this is one request as well as its beginning would be.
    pub(crate) fn take_in(&self) -> io::Result<()> {
        if self.size() <= SMALL && self.0.whole.get().is_none() {
            let whole = Fetch::start(self, 0..self.size()).whole()?;
            self.keep_head(&slice(&whole, 0, HEAD));
            let _ = self.0.whole.set(whole);
        }
        Ok(())
    }

    /// Its first bytes, which are kept for a while.
    pub(crate) fn head(&self) -> io::Result<Bytes> {
        if let Some(head) = self.kept_head() {
            return Ok(head);
        }
        let end = self.size().min(HEAD);
        let head = match held_bytes(self, end) {
            Some(held) => held?,
            None => Fetch::start(self, 0..end).whole()?,
        };
        self.keep_head(&head);
        Ok(head)
    }

    /// Its first bytes, if they are kept.
    pub(super) fn kept_head(&self) -> Option<Bytes> {
        if let Some(whole) = self.0.whole.get() {
            return Some(whole.clone());
        }
        let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(id, _)| id == self.id()).map(|(_, head)| head.clone())
    }

    fn keep_head(&self, head: &Bytes) {
        // What has no version may be another object next time. A piece of a larger buffer would keep all of that.
        if self.id().1.is_nothing() {
            return;
        }
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        kept.truncate(HEADS - 1);
        kept.push_front((self.id().clone(), Bytes::copy_from_slice(head)));
    }

    /// Ranges of the object, all asked for at the same time.
    pub(crate) fn ranges(&self, ranges: &[Range<u64>]) -> io::Result<Vec<Bytes>> {
        let head = self.head()?;
        let wants = |range: &Range<u64>| !range.is_empty() && range.end > head.len() as u64;
        let fetches: Vec<_> =
            ranges.iter().map(|range| wants(range).then(|| Fetch::start(self, range.clone()))).collect();
        let ranges = ranges.iter().zip(fetches).map(|(range, fetch)| match fetch {
            Some(fetch) => fetch.whole(),
            None => Ok(slice(&head, range.start, range.end)),
        });
        ranges.collect()
    }

    /// Reads bytes at a place: as many as there is room for, up to the end.
    pub(crate) fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let end = self.size().min(at.saturating_add(buffer.len() as u64));
        if at >= end {
            return Ok(0);
        }
        let is_held = end <= HEAD || self.0.whole.get().is_some();
        let bytes = if is_held { slice(&self.head()?, at, end) } else { Fetch::start(self, at..end).whole()? };
        let (room, _) = buffer.split_at_mut(bytes.len().min(buffer.len()));
        room.copy_from_slice(bytes.get(..room.len()).unwrap_or_default());
        Ok(room.len())
    }

    /// Reads from a place on.
    pub(crate) fn reader(&self, at: u64) -> ObjectReader {
        ObjectReader::new(self.clone(), at)
    }

    /// What was asked for ahead from this place on, if something was, with the room that it takes.
    pub(super) fn take_held(&self, at: u64) -> Option<(Fetch, u64)> {
        take_held(self, at)
    }

    /// Whether something was asked for ahead from this place on.
    pub(super) fn is_held(&self, at: u64) -> bool {
        is_held(self, at)
    }

    /// An error of the store, in words that say what became of the object.
    pub(super) fn explained(&self, error: io::Error) -> io::Error {
        match error.kind() {
            io::ErrorKind::StaleNetworkFileHandle => io::Error::new(error.kind(), REPLACED),
            io::ErrorKind::NotFound => io::Error::new(error.kind(), "it was removed after it had been found"),
            _ => error,
        }
    }
}

const REPLACED: &str = "it was replaced after it had been found; the next run reads it again";
const NO_PATH: &str =
    "its key has an empty segment, `.`, `..` or a control character, and cannot be read; copy it to another key";

/// What the store says of the object of an address. `None` if there is none.
pub(crate) fn object_facts(address: &ObjectAddress) -> io::Result<Option<ObjectFacts>> {
    if address.is_odd() {
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, NO_PATH));
    }
    Store::connect(&address.root)?.facts(&address.key)
}

/// Bytes after the end of a range that come with its last request: most records that begin in the range end within them.
const SLACK: u64 = 64 << 10;

/// Where the request ends with which reading a range begins. Those of an object end at multiples of their usual size.
pub(super) fn end_of_fetch(file: &ObjectFile, range: &Range<u64>) -> u64 {
    let end = (range.start / FETCH + 1) * FETCH;
    if end >= range.end { range.end.saturating_add(SLACK).min(file.size()) } else { end }
}

pub(super) fn slice(bytes: &Bytes, start: u64, end: u64) -> Bytes {
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(place(start)..place(end).max(place(start)))
}
