//! What will be read soon, asked for ahead: the beginnings of the next captures while one is read, so that many small ones do not take
//! a request's time each, and the next chunks of large ones.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::ahead::{AheadKey, give_up, hold, is_waiting};
use super::fetch::Fetch;
use super::fetches::{small_share, take_ahead};
use super::object_file::{HEAD, ObjectFile, ObjectId, end_of_fetch};

/// As long as this part of what may be under way is, no more is asked for: looking what comes next takes time as well.
const ENOUGH: (usize, usize) = (3, 4);

/// What one worker, or all that share it, have asked for ahead. Dropping it gives up what was not read.
#[derive(Debug, Default)]
pub(crate) struct ReadSoon {
    asked: VecDeque<(AheadKey, u64)>,
    /// The ranges in the hands of readers.
    in_hand: HashMap<ObjectId, InHand>,
}

/// What is being read of an object whose ranges are begun in order.
#[derive(Debug, Default)]
struct InHand {
    /// The end of the last range that was begun.
    up_to: u64,
    readers: usize,
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
            if !self.is_begun(&file, &range) && !self.want_piece(&file, &range) {
                break;
            }
        }
    }

    /// Asks for a range that will be read next of an object, as far as there is room. Returns where what was not asked for begins: what
    /// was is perhaps taken soon, and is not to be asked for again.
    pub(super) fn want_on(&mut self, file: &ObjectFile, mut range: Range<u64>) -> u64 {
        self.forget_read();
        if self.is_begun(file, &range) {
            return range.end;
        }
        while range.start < range.end.min(file.size()) && self.want_piece(file, &range) {
            range.start = end_of_fetch(file, &range);
        }
        range.start
    }

    /// Says that a range of an object is read from now on: nobody needs to ask for it ahead any more. Ranges of an object are begun in
    /// order.
    pub(crate) fn begin<'s>(soon: &'s Mutex<Self>, file: &ObjectFile, range: Range<u64>) -> RangeInHand<'s> {
        let id = file.id().clone();
        let mut locked = soon.lock().unwrap_or_else(PoisonError::into_inner);
        let in_hand = locked.in_hand.entry(id.clone()).or_default();
        in_hand.readers += 1;
        in_hand.up_to = in_hand.up_to.max(range.end);
        drop(locked);
        RangeInHand { soon, id, range }
    }

    /// Whether a range has been begun, while one of its object is still read.
    fn is_begun(&self, file: &ObjectFile, range: &Range<u64>) -> bool {
        self.in_hand.get(file.id()).is_some_and(|held| range.start < held.up_to)
    }

    /// Asks for the first piece of a range. Returns whether there may be room for another.
    fn want_piece(&mut self, file: &ObjectFile, range: &Range<u64>) -> bool {
        let at = range.start;
        let key = (file.id().clone(), at);
        // What is kept of small ones is all of them.
        let is_kept = file.size() <= HEAD && file.kept_head().is_some();
        if is_kept || file.is_stream() || is_waiting(&key) {
            return true;
        }
        let end = end_of_fetch(file, range);
        let bytes = end.saturating_sub(at);
        let own = self.asked.iter().map(|(_, bytes)| bytes).sum();
        if bytes == 0 || self.asked.len() >= small_share() || !take_ahead(own, bytes) {
            return false;
        }
        hold(key.clone(), Fetch::start(file, at..end), bytes, end.min(range.end));
        self.asked.push_back((key, bytes));
        true
    }

    /// Forgets what a reader has taken.
    fn forget_read(&mut self) {
        self.asked.retain(|(key, _)| is_waiting(key));
    }

    /// Says that a range has been read: what was asked for of it and not taken is given up.
    fn end(&mut self, id: &ObjectId, range: &Range<u64>) {
        if let Some(in_hand) = self.in_hand.get_mut(id) {
            in_hand.readers -= 1;
            if in_hand.readers == 0 {
                self.in_hand.remove(id);
            }
        }
        self.asked.retain(|(key, _)| {
            let is_in_it = key.0 == *id && range.contains(&key.1);
            if is_in_it {
                give_up(key);
            }
            !is_in_it
        });
    }
}

impl Drop for ReadSoon {
    fn drop(&mut self) {
        self.asked.iter().for_each(|(key, _)| give_up(key));
    }
}

/// A range of an object that is being read, until this is dropped.
#[derive(Debug)]
pub(crate) struct RangeInHand<'s> {
    soon: &'s Mutex<ReadSoon>,
    id: ObjectId,
    /// What will not be read by anybody else.
    range: Range<u64>,
}

impl RangeInHand<'_> {
    /// Leaves the range to another reader, with what was asked for it.
    pub(crate) fn leave(mut self) {
        self.range.end = self.range.start;
    }
}

impl Drop for RangeInHand<'_> {
    fn drop(&mut self) {
        self.soon.lock().unwrap_or_else(PoisonError::into_inner).end(&self.id, &self.range);
    }
}

#[cfg(all(test, feature = "remote"))]
mod tests {
    use std::io::Read as _;
    use std::path::Path;
    use std::sync::{Arc, MutexGuard};

    use bytes::Bytes;
    use object_store::memory::InMemory;

    use super::*;
    use crate::storage::objects::ahead::{held_bytes, is_held, take_held};
    use crate::storage::objects::fetches::{give_ahead, taken_ahead};
    use crate::storage::objects::object_file::object_facts;
    use crate::storage::objects::{ObjectAddress, ObjectClient, ObjectRequests as _, PutIf, Store};

    const LENGTH: usize = 4 << 20;
    const PIECE: u64 = LENGTH as u64;

    fn content(pieces: usize) -> Vec<u8> {
        (0..=250).flat_map(|byte| [byte; 1000]).cycle().take(pieces * LENGTH).collect()
    }

    /// These tests share what may be under way in all of a process.
    static ALONE: Mutex<()> = Mutex::new(());

    fn alone() -> MutexGuard<'static, ()> {
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An object in a bucket of its own.
    fn object(bucket: &str, pieces: usize) -> Option<ObjectFile> {
        let memory = Arc::new(InMemory::new());
        let client = ObjectClient::of_bucket(memory.clone(), memory);
        client.put("a.pcap", Bytes::from(content(pieces)), PutIf::Always).ok()?;
        let address = ObjectAddress::of(&Path::new("s3://").join(bucket).join("a.pcap"))?;
        Store::stand_in(&address.root, Store::of(Arc::new(client)));
        let facts = object_facts(&address).ok()??;
        ObjectFile::open(address, facts.version, facts.size).ok()
    }

    #[test]
    fn what_another_reader_has_taken_is_not_asked_for_again() {
        let _alone = alone();
        let file = object("taken-ahead", 3).unwrap();
        let soon = Arc::new(Mutex::new(ReadSoon::default()));
        let mut reader = file.reader(0);
        reader.read_until(2 * PIECE);
        reader.then(2 * PIECE..3 * PIECE, &soon);
        let mut first = vec![0; LENGTH];
        reader.read_exact(&mut first).unwrap();
        // Another worker begins with the next chunk, while this one still reads its own.
        let (_, room) = take_held(&file, 2 * PIECE).expect("it was asked for ahead");
        give_ahead(room);
        reader.read_exact(&mut first).unwrap();
        assert!(!is_held(&file, 2 * PIECE));
    }

    #[test]
    fn a_chunk_whose_first_record_begins_late_takes_what_was_asked_for_it() {
        let _alone = alone();
        let file = object("begins-late", 3).unwrap();
        let mut soon = ReadSoon::default();
        soon.want_on(&file, PIECE..2 * PIECE);
        // The last record of the chunk before ends here.
        let mut reader = file.reader(PIECE + 1234);
        let mut first = vec![0; LENGTH];
        reader.read_exact(&mut first).unwrap();
        assert!(first == content(3)[LENGTH + 1234..2 * LENGTH + 1234]);
        assert!(!is_held(&file, PIECE) && !is_held(&file, PIECE + 1234));
    }

    #[test]
    fn a_chunk_leaves_what_was_asked_for_the_one_before_it() {
        let _alone = alone();
        let file = object("leaves-it", 3).unwrap();
        let mut soon = ReadSoon::default();
        soon.want_on(&file, PIECE / 2..PIECE);
        // The request ends 64 KiB after the chunk, so the next one begins within it, or after it if its first record is long.
        for begin in [PIECE, PIECE + 1234, PIECE + (100 << 10)] {
            file.reader(begin).read_exact(&mut [0; 10]).unwrap();
            assert!(is_held(&file, PIECE / 2), "{begin}");
        }
    }

    #[test]
    fn a_chunk_that_is_being_read_is_not_asked_for_ahead() {
        let _alone = alone();
        let file = object("being-read", 4).unwrap();
        let soon = Arc::new(Mutex::new(ReadSoon::default()));
        let ahead = |chunk: u64| {
            let mut reader = file.reader(0);
            reader.read_until(PIECE);
            reader.then(chunk * PIECE..(chunk + 1) * PIECE, &soon);
            reader.read_exact(&mut [0; 10]).unwrap();
            is_held(&file, chunk * PIECE)
        };
        let first = ReadSoon::begin(&soon, &file, 0..PIECE);
        let third = ReadSoon::begin(&soon, &file, 2 * PIECE..3 * PIECE);
        assert!(!ahead(2) && ahead(3));
        // Nor after its end, as long as one before it is read.
        drop(third);
        assert!(!ahead(2));
        let next = [(file.clone(), PIECE..2 * PIECE), (file.clone(), 3 * PIECE..4 * PIECE)];
        soon.lock().unwrap().want(next.into_iter());
        assert!(!is_held(&file, PIECE) && is_held(&file, 3 * PIECE));
        // What its reader does not take gives its room back, unless it leaves the range to another one.
        ReadSoon::begin(&soon, &file, 3 * PIECE..4 * PIECE).leave();
        assert!(is_held(&file, 3 * PIECE));
        drop(ReadSoon::begin(&soon, &file, 3 * PIECE..4 * PIECE));
        assert!(!is_held(&file, 3 * PIECE));
        drop(first);
        assert!(soon.lock().unwrap().in_hand.is_empty());
    }

    #[test]
    fn a_record_that_goes_on_in_the_next_chunk_leaves_it_what_was_asked_for_it() {
        let _alone = alone();
        let file = object("goes-on", 2).unwrap();
        let mut soon = ReadSoon::default();
        soon.want_on(&file, PIECE / 2..PIECE);
        let mut reader = file.reader(0);
        reader.read_until(PIECE / 2);
        reader.read_exact(&mut vec![0; LENGTH / 2 + (100 << 10)]).unwrap();
        assert!(is_held(&file, PIECE / 2));
    }

    #[test]
    fn what_is_looked_at_and_asked_for_twice_gives_its_room_back_once() {
        let _alone = alone();
        let file = object("looked-at", 1).unwrap();
        let taken = taken_ahead();
        let mut soon = ReadSoon::default();
        soon.want_on(&file, 0..PIECE);
        assert!(held_bytes(&file, 10).unwrap().unwrap().len() == 10 && is_held(&file, 0));
        // The same once more, as from another iterator.
        assert!(take_ahead(0, PIECE));
        hold((file.id().clone(), 0), Fetch::start(&file, 0..PIECE), PIECE, PIECE);
        drop(soon);
        assert_eq!(taken_ahead(), taken);
    }
}
