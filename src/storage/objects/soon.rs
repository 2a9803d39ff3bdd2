//! What will be read soon, asked for ahead: the beginnings of the next captures while one is read, so that many small ones do not take
//! a request's time each.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

use super::fetch::Fetch;
use super::fetches::{give_ahead, small_share, take_ahead};
use super::object_file::{HEAD, ObjectFile, ObjectId, end_of_fetch};

/// As long as this part of what may be under way is, no more is asked for: looking what comes next takes time as well.
const ENOUGH: (usize, usize) = (3, 4);

/// What was asked for ahead: of which object, and from where on.
type HeldKey = (ObjectId, u64);

/// The answers that nobody has taken yet, with the room that each takes.
static HELD: Mutex<Option<HashMap<HeldKey, (Fetch, u64)>>> = Mutex::new(None);

fn held<T>(with: impl FnOnce(&mut HashMap<HeldKey, (Fetch, u64)>) -> T) -> T {
    with(HELD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// What was asked for ahead and has the byte at a place in an object. A chunk begins with its first record, a little after the place
/// from which on it was asked for.
fn holder(held: &HashMap<HeldKey, (Fetch, u64)>, file: &ObjectFile, at: u64) -> Option<HeldKey> {
    if held.is_empty() {
        return None;
    }
    let key = (file.id().clone(), at);
    if held.contains_key(&key) {
        return Some(key);
    }
    let has_it = |(id, start): &HeldKey, fetch: &Fetch| *id == key.0 && *start <= at && at < fetch.end();
    held.iter().find(|(key, (fetch, _))| has_it(key, fetch)).map(|(key, _)| key.clone())
}

/// Whether the byte at a place in an object was asked for ahead.
pub(super) fn is_held(file: &ObjectFile, at: u64) -> bool {
    held(|held| holder(held, file, at).is_some())
}

/// Takes what was asked for ahead, from a place in an object on, and the room that it takes: the caller gives that back.
pub(super) fn take_held(file: &ObjectFile, at: u64) -> Option<(Fetch, u64)> {
    held(|held| {
        let (mut fetch, room) = holder(held, file, at).and_then(|key| held.remove(&key))?;
        fetch.skip_to(at);
        Some((fetch, room))
    })
}

/// Gives up what was asked for ahead of an object and lies before a place from which on it is read now. Nobody would take it, and its
/// room would be lacking.
pub(super) fn give_up_before(file: &ObjectFile, at: u64) {
    held(|held| {
        held.retain(|(id, _), (fetch, room)| {
            let is_passed = id == file.id() && fetch.end() <= at;
            if is_passed {
                give_ahead(*room);
            }
            !is_passed
        });
    });
}

/// The first bytes of an object, up to `end`, of what was asked for ahead. They stay there.
pub(super) fn held_bytes(file: &ObjectFile, end: u64) -> Option<io::Result<Bytes>> {
    let (mut fetch, room) = take_held(file, 0)?;
    let mut bytes = BytesMut::new();
    while (bytes.len() as u64) < end {
        match fetch.next() {
            Ok(Some(next)) => bytes.extend_from_slice(&next),
            Ok(None) => break,
            Err(error) => {
                give_ahead(room);
                return Some(Err(error));
            }
        }
    }
    let bytes = bytes.freeze();
    fetch.put_back(bytes.clone());
    held(|held| held.insert((file.id().clone(), 0), (fetch, room)));
    Some(Ok(bytes.slice(..bytes.len().min(usize::try_from(end).unwrap_or(usize::MAX)))))
}

/// What one worker has asked for ahead. Dropping it gives up what was not read.
#[derive(Debug, Default)]
pub(crate) struct ReadSoon {
    asked: VecDeque<(HeldKey, u64)>,
}

impl ReadSoon {
    /// Asks for the beginnings of objects that will be read next, as many as there is room for: of each the first bytes of a range.
    pub(crate) fn want(&mut self, next: impl Iterator<Item = (ObjectFile, Range<u64>)>) {
        let most = small_share();
        self.forget_read();
        if self.asked.len() * ENOUGH.1 > most * ENOUGH.0 {
            return;
        }
        for (file, range) in next.take(most) {
            if !self.want_piece(&file, &range) {
                break;
            }
        }
    }

    /// Asks for a range that will be read next of an object, as far as there is room. Returns where what was not asked for begins: what
    /// was is perhaps taken soon, and is not to be asked for again.
    pub(super) fn want_on(&mut self, file: &ObjectFile, mut range: Range<u64>) -> u64 {
        self.forget_read();
        while range.start < range.end.min(file.size()) && self.want_piece(file, &range) {
            range.start = end_of_fetch(file, &range);
        }
        range.start
    }

    /// Asks for the first piece of a range. Returns whether there may be room for another.
    fn want_piece(&mut self, file: &ObjectFile, range: &Range<u64>) -> bool {
        let at = range.start;
        let key = (file.id().clone(), at);
        // What is kept of small ones is all of them.
        let is_kept = file.size() <= HEAD && file.kept_head().is_some();
        if is_kept || file.is_stream() || held(|held| held.contains_key(&key)) {
            return true;
        }
        let end = end_of_fetch(file, range);
        let bytes = end.saturating_sub(at);
        let own = self.asked.iter().map(|(_, bytes)| bytes).sum();
        if bytes == 0 || self.asked.len() >= small_share() || !take_ahead(own, bytes) {
            return false;
        }
        let fetch = Fetch::start(file, at..end);
        held(|held| held.insert(key.clone(), (fetch, bytes)));
        self.asked.push_back((key, bytes));
        true
    }

    /// Forgets what a reader has taken.
    fn forget_read(&mut self) {
        held(|held| self.asked.retain(|(key, _)| held.contains_key(key)));
    }
}

impl Drop for ReadSoon {
    fn drop(&mut self) {
        if !self.asked.is_empty() {
            let left: Vec<_> = held(|held| self.asked.iter().filter_map(|(key, _)| held.remove(key)).collect());
            left.iter().for_each(|(_, room)| give_ahead(*room));
        }
    }
}

#[cfg(all(test, feature = "remote"))]
mod tests {
    use std::io::Read as _;
    use std::path::Path;
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;
    use crate::storage::objects::object_file::object_facts;
    use crate::storage::objects::{ObjectAddress, ObjectClient, ObjectRequests as _, PutIf, Store};

    #[test]
    fn what_another_reader_has_taken_is_not_asked_for_again() {
        const PIECE: u64 = 4 << 20;
        let length = usize::try_from(PIECE).unwrap();
        let memory = Arc::new(InMemory::new());
        let client = ObjectClient::of_bucket(memory.clone(), memory);
        client.put("a.pcap", Bytes::from(vec![1; 3 * length]), PutIf::Always).unwrap();
        let address = ObjectAddress::of(Path::new("s3://taken-ahead/a.pcap")).unwrap();
        Store::stand_in(&address.root, Store::of(Arc::new(client)));
        let facts = object_facts(&address).unwrap().unwrap();
        let file = ObjectFile::open(address, facts.version, facts.size).unwrap();
        let soon = Arc::new(Mutex::new(ReadSoon::default()));
        let mut reader = file.reader(0);
        reader.read_until(2 * PIECE);
        reader.then(2 * PIECE..3 * PIECE, &soon);
        let mut first = vec![0; length];
        reader.read_exact(&mut first).unwrap();
        // Another worker begins with the next chunk, while this one still reads its own.
        let (_, room) = take_held(&file, 2 * PIECE).expect("it was asked for ahead");
        give_ahead(room);
        reader.read_exact(&mut first).unwrap();
        assert!(!is_held(&file, 2 * PIECE));
    }

    #[test]
    fn a_chunk_whose_first_record_begins_late_takes_what_was_asked_for_it() {
        const PIECE: u64 = 4 << 20;
        let length = usize::try_from(PIECE).unwrap();
        let memory = Arc::new(InMemory::new());
        let client = ObjectClient::of_bucket(memory.clone(), memory);
        let bytes: Vec<u8> = (0..3 * length).map(|at| u8::try_from(at / 1000 % 251).unwrap()).collect();
        client.put("a.pcap", Bytes::from(bytes.clone()), PutIf::Always).unwrap();
        let address = ObjectAddress::of(Path::new("s3://begins-late/a.pcap")).unwrap();
        Store::stand_in(&address.root, Store::of(Arc::new(client)));
        let facts = object_facts(&address).unwrap().unwrap();
        let file = ObjectFile::open(address, facts.version, facts.size).unwrap();
        let mut soon = ReadSoon::default();
        soon.want_on(&file, PIECE..2 * PIECE);
        // The last record of the chunk before ends here.
        let mut reader = file.reader(PIECE + 1234);
        let mut first = vec![0; length];
        reader.read_exact(&mut first).unwrap();
        assert!(first == bytes[length + 1234..2 * length + 1234]);
        assert!(!is_held(&file, PIECE) && !is_held(&file, PIECE + 1234));
        // What nobody takes gives its room back as soon as the object is read after it.
        soon.want_on(&file, 0..PIECE);
        assert!(is_held(&file, 0));
        file.reader(2 * PIECE).read_exact(&mut first[..10]).unwrap();
        assert!(!is_held(&file, 0));
    }
}
