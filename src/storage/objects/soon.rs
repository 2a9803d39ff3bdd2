//! What will be read soon, asked for ahead: the beginnings of the next captures while one is read, so that many small ones do not take
//! a request's time each.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

use super::fetch::Fetch;
use super::fetches::{FETCH, FetchShare};
use super::object_file::{HEAD, ObjectFile, ObjectId};

/// The most objects that one worker asks for ahead.
const AHEAD: usize = 16;

/// What was asked for ahead: of which object, and from where on.
type HeldKey = (ObjectId, u64);

static HELD: Mutex<Option<HashMap<HeldKey, Fetch>>> = Mutex::new(None);

fn held<T>(with: impl FnOnce(&mut HashMap<HeldKey, Fetch>) -> T) -> T {
    with(HELD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// Takes what was asked for ahead, from a place in an object on.
pub(super) fn take_held(file: &ObjectFile, at: u64) -> Option<Fetch> {
    held(|held| if held.is_empty() { None } else { held.remove(&(file.id().clone(), at)) })
}

/// The first bytes of an object, up to `end`, of what was asked for ahead. They stay there.
pub(super) fn held_bytes(file: &ObjectFile, end: u64) -> Option<io::Result<Bytes>> {
    let mut fetch = take_held(file, 0)?;
    let mut bytes = BytesMut::new();
    while (bytes.len() as u64) < end {
        match fetch.next() {
            Ok(Some(next)) => bytes.extend_from_slice(&next),
            Ok(None) => break,
            Err(error) => return Some(Err(error)),
        }
    }
    let bytes = bytes.freeze();
    fetch.put_back(bytes.clone());
    held(|held| held.insert((file.id().clone(), 0), fetch));
    Some(Ok(bytes.slice(..bytes.len().min(usize::try_from(end).unwrap_or(usize::MAX)))))
}

/// What one worker has asked for ahead. Dropping it gives up what was not read.
#[derive(Debug, Default)]
pub(crate) struct ReadSoon {
    asked: VecDeque<(HeldKey, u64)>,
    share: Option<FetchShare>,
}

impl ReadSoon {
    /// Asks for the beginnings of objects that will be read next, as many as there is room for: of each the bytes from a place on.
    pub(crate) fn want(&mut self, next: impl Iterator<Item = (ObjectFile, u64)>) {
        self.forget_read();
        for (file, at) in next.take(AHEAD) {
            let key = (file.id().clone(), at);
            // What is kept of small ones is all of them.
            let is_kept = file.size() <= HEAD && file.kept_head().is_some();
            if is_kept || file.is_stream() || held(|held| held.contains_key(&key)) {
                continue;
            }
            let bytes = file.size().saturating_sub(at).min(FETCH);
            let share = self.share.get_or_insert_with(FetchShare::new);
            if bytes == 0 || self.asked.len() >= AHEAD || !share.take(bytes, false) {
                break;
            }
            let fetch = Fetch::start(&file, at..at + bytes);
            held(|held| held.insert(key.clone(), fetch));
            self.asked.push_back((key, bytes));
        }
    }

    /// Gives the room back of what a reader has taken.
    fn forget_read(&mut self) {
        let Some(share) = &mut self.share else { return };
        held(|held| {
            self.asked.retain(|(key, bytes)| {
                let stays = held.contains_key(key);
                if !stays {
                    share.give(*bytes);
                }
                stays
            });
        });
    }
}

impl Drop for ReadSoon {
    fn drop(&mut self) {
        if !self.asked.is_empty() {
            held(|held| self.asked.iter().for_each(|(key, _)| drop(held.remove(key))));
        }
    }
}
