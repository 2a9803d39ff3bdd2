//! Reads an object from a place on, with several requests under way.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf as _, Bytes};

use super::fetch::Fetch;
use super::fetches::FetchShare;
use super::object_file::{HEAD, ObjectFile, end_of_fetch, slice};
use super::soon::ReadSoon;

/// Bytes of a request where little is wanted.
const SIP: u64 = 256 << 10;

/// The bytes of an object from a place on. Nothing is asked for before the first read. From then on, several requests are under way,
/// in order; a seek gives them up.
#[derive(Debug)]
pub struct ObjectReader {
    file: ObjectFile,
    /// Offset of the next byte.
    at: u64,
    /// Offset of the first byte that has not been asked for.
    next: u64,
    /// Nothing after it is asked for before a read comes there.
    until: u64,
    /// Whether only the bytes that are read are asked for.
    is_glance: bool,
    /// What has come, up to its end.
    current: Bytes,
    /// What is under way, with the room that it takes.
    under_way: VecDeque<(Fetch, u64)>,
    share: Option<FetchShare>,
    /// Where reading goes on after `until`, by this reader or another one, and what keeps the bytes from there meanwhile.
    then: Option<(Range<u64>, Arc<Mutex<ReadSoon>>)>,
    /// What the last read met after it had some bytes.
    failure: Option<io::Error>,
}

impl ObjectReader {
    pub(super) fn new(file: ObjectFile, at: u64) -> Self {
        let until = file.size();
        Self {
            file,
            at,
            next: at,
            until,
            is_glance: false,
            current: Bytes::new(),
            under_way: VecDeque::new(),
            share: None,
            then: None,
            failure: None,
        }
    }

    /// Asks for what is at another place too, once all up to where this reader ends is under way: another reader will begin there.
    pub(crate) fn then(&mut self, range: Range<u64>, soon: &Arc<Mutex<ReadSoon>>) {
        self.then = Some((range, Arc::clone(soon)));
    }

    /// Asks for no more than is read, or little more: for one who wants the first bytes only.
    #[must_use]
    pub(crate) fn glancing(mut self) -> Self {
        self.is_glance = true;
        self
    }

    /// Asks for nothing after an offset, but what a record there needs.
    pub(crate) fn read_until(&mut self, offset: u64) {
        self.until = offset.min(self.file.size());
    }

    /// Asks for what comes from now on, with several requests.
    pub(crate) fn in_full(&mut self) {
        self.is_glance = false;
    }

    /// The same object from another offset on.
    pub(crate) fn at_offset(&self, offset: u64) -> Self {
        Self { is_glance: self.is_glance, ..self.file.reader(offset) }
    }

    /// Bytes of the object.
    pub(crate) fn size(&self) -> u64 {
        self.file.size()
    }

    /// Whether it can only be read from its beginning.
    pub(crate) fn is_stream(&self) -> bool {
        self.file.is_stream()
    }

    /// Moves to another offset. What is under way is given up.
    pub(crate) fn seek(&mut self, offset: u64) {
        (self.at, self.next) = (offset, offset);
        (self.current, self.failure) = (Bytes::new(), None);
        self.under_way.clear();
        self.share = None;
    }

    /// Steps over bytes, or as many as there are. Returns how many.
    pub(crate) fn skip(&mut self, count: u64) -> u64 {
        let count = count.min(self.size().saturating_sub(self.at));
        if count <= self.current.len() as u64 {
            self.current.advance(usize::try_from(count).unwrap_or(0));
            self.at += count;
        } else {
            self.seek(self.at + count);
        }
        count
    }

    /// Asks for what comes next, as far as there is room.
    fn ask(&mut self) {
        let size = self.file.size();
        loop {
            let is_first = self.under_way.is_empty();
            if self.next >= self.until
                && let Some((range, soon)) = &mut self.then
            {
                range.start = soon.lock().unwrap_or_else(PoisonError::into_inner).want_on(&self.file, range.clone());
            }
            if self.next >= size || !is_first && (self.is_glance || self.next >= self.until) {
                return;
            }
            if self.file.is_stream() {
                // Each request goes through all bytes before its range, so there is one.
                if is_first {
                    self.under_way.push_back((Fetch::start(&self.file, self.next..size), 0));
                    self.next = size;
                }
                return;
            }
            let share = self.share.get_or_insert_with(FetchShare::new);
            // What was asked for after the place where it ends is another reader's.
            let is_its_own = !self.is_glance && self.next < self.until;
            if let Some((held, room)) = if is_its_own { self.file.take_held(self.next) } else { None } {
                share.adopt(room);
                self.next = held.end();
                self.under_way.push_back((held, room));
                continue;
            }
            let end = self.end_of_next();
            if !self.share.get_or_insert_with(FetchShare::new).take(end - self.next) {
                return;
            }
            self.under_way.push_back((Fetch::start(&self.file, self.next..end), end - self.next));
            self.next = end;
        }
    }

    /// Where the next request ends.
    fn end_of_next(&self) -> u64 {
        let (size, next) = (self.file.size(), self.next);
        if self.is_glance || next >= self.until {
            return size.min(next + SIP);
        }
        end_of_fetch(&self.file, &(next..self.until))
    }

    /// Makes sure that something has come. `false` at the end.
    fn fill(&mut self) -> io::Result<bool> {
        while self.current.is_empty() {
            if self.at >= self.file.size() {
                return Ok(false);
            }
            if self.under_way.is_empty() {
                self.begin()?;
                continue;
            }
            self.ask();
            let Some((fetch, room)) = self.under_way.front_mut() else { continue };
            match fetch.next()? {
                Some(bytes) => self.current = bytes,
                None => {
                    let room = *room;
                    self.under_way.pop_front();
                    self.share.iter_mut().for_each(|share| share.give(room));
                }
            }
        }
        Ok(true)
    }

    /// Finds the first bytes where they are, or asks for them.
    fn begin(&mut self) -> io::Result<()> {
        // What was asked for ahead is taken first: nobody else will read it.
        let is_held = !self.is_glance && self.file.is_held(self.at);
        let head = if is_held || self.at >= HEAD || self.next != self.at {
            None
        } else if self.is_glance {
            Some(self.file.head()?)
        } else {
            self.file.kept_head()
        };
        if let Some(head) = head.filter(|head| head.len() as u64 > self.at) {
            self.current = slice(&head, self.at, head.len() as u64);
            self.next = head.len() as u64;
            if !self.is_glance {
                self.ask();
            }
        } else {
            self.ask();
        }
        Ok(())
    }
}

impl Read for ObjectReader {
    /// Fills the buffer, if that many bytes are to come; one who glances gets what has come.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            // What lies after the place up to which will be read is not asked for to fill a buffer.
            let has_come = self.current.is_empty() && self.under_way.iter().all(|(fetch, _)| fetch.len() == 0);
            if filled > 0 && has_come && self.next >= self.until {
                break;
            }
            match self.fill() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if filled > 0 => {
                    self.failure = Some(error);
                    break;
                }
                Err(error) => return Err(error),
            }
            let count = room.len().min(self.current.len());
            self.current.copy_to_slice(room.split_at_mut(count).0);
            self.at += count as u64;
            filled += count;
            if self.is_glance {
                break;
            }
        }
        Ok(filled)
    }
}
