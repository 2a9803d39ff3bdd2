//! What was asked for ahead of objects, until a reader takes it.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

use super::fetch::Fetch;
use super::fetches::give_ahead;
use super::object_file::{ObjectFile, ObjectId};

/// Of which object, and from where on.
pub(super) type AheadKey = (ObjectId, u64);

/// A request that nobody has taken yet.
#[derive(Debug)]
struct Ahead {
    /// The request; `None` while somebody looks at its first bytes.
    fetch: Option<Fetch>,
    /// The room that it takes.
    room: u64,
    /// The offset before which its reader begins. The bytes after it end a record there, and are another reader's first ones.
    until: u64,
}

static AHEAD: Mutex<Option<HashMap<AheadKey, Ahead>>> = Mutex::new(None);

fn with_ahead<T>(with: impl FnOnce(&mut HashMap<AheadKey, Ahead>) -> T) -> T {
    with(AHEAD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// The request of a reader that begins at a place in an object. A chunk begins with its first record, a little after the place from
/// which on it was asked for.
fn holder(ahead: &HashMap<AheadKey, Ahead>, file: &ObjectFile, at: u64) -> Option<AheadKey> {
    if ahead.is_empty() {
        return None;
    }
    let key = (file.id().clone(), at);
    if ahead.contains_key(&key) {
        return Some(key);
    }
    let is_its = |(id, start): &AheadKey, held: &Ahead| *id == key.0 && (*start..held.until).contains(&at);
    ahead.iter().find(|(key, held)| is_its(key, held)).map(|(key, _)| key.clone())
}

/// Whether what a reader needs that begins at a place in an object was asked for ahead.
pub(super) fn is_held(file: &ObjectFile, at: u64) -> bool {
    with_ahead(|ahead| holder(ahead, file, at).is_some())
}

/// Whether a request is still to be taken.
pub(super) fn is_waiting(key: &AheadKey) -> bool {
    with_ahead(|ahead| ahead.contains_key(key))
}

/// Keeps a request for a range, with the room that it takes, for a reader that begins before an offset.
pub(super) fn hold(key: AheadKey, fetch: Fetch, room: u64, until: u64) {
    let before = with_ahead(|ahead| ahead.insert(key, Ahead { fetch: Some(fetch), room, until }));
    // Somebody else has asked for the same at the same time.
    before.into_iter().for_each(|before| give_ahead(before.room));
}

/// Takes what was asked for ahead, from a place in an object on, and the room that it takes: the caller gives that back.
pub(super) fn take_held(file: &ObjectFile, at: u64) -> Option<(Fetch, u64)> {
    with_ahead(|ahead| {
        let key = holder(ahead, file, at)?;
        let held = ahead.get_mut(&key)?;
        let (mut fetch, room) = (held.fetch.take()?, held.room);
        ahead.remove(&key);
        fetch.skip_to(at);
        Some((fetch, room))
    })
}

/// Gives a request up, if nobody has taken it.
pub(super) fn give_up(key: &AheadKey) {
    if let Some(held) = with_ahead(|ahead| ahead.remove(key)) {
        give_ahead(held.room);
    }
}

/// The first bytes of an object, up to `end`, of what was asked for ahead. They stay there.
pub(super) fn held_bytes(file: &ObjectFile, end: u64) -> Option<io::Result<Bytes>> {
    let (key, mut fetch) = with_ahead(|ahead| {
        let key = holder(ahead, file, 0)?;
        let fetch = ahead.get_mut(&key)?.fetch.take()?;
        Some((key, fetch))
    })?;
    let mut bytes = BytesMut::new();
    while (bytes.len() as u64) < end {
        match fetch.next() {
            Ok(Some(next)) => bytes.extend_from_slice(&next),
            Ok(None) => break,
            Err(error) => {
                give_up(&key);
                return Some(Err(error));
            }
        }
    }
    let bytes = bytes.freeze();
    fetch.put_back(bytes.clone());
    // Unless it was given up meanwhile.
    with_ahead(|ahead| {
        if let Some(held) = ahead.get_mut(&key) {
            held.fetch = Some(fetch);
        }
    });
    Some(Ok(bytes.slice(..bytes.len().min(usize::try_from(end).unwrap_or(usize::MAX)))))
}
