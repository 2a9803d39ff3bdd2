//! Decompresses ahead of the conversion: a thread decompresses the next blocks while the last ones are decoded. Where
//! decompression is so fast that it matters, another thread reads ahead of the decompression.
//!
//! The thread is not a worker of the pool, because it waits on a channel. It ends when the stream ends, or when its
//! reader is gone.

use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Bytes of a block.
const BLOCK: usize = 512 << 10;
/// Room before the bytes of a block. The reader may put the rest of the block before there.
const ROOM: usize = 64 << 10;
/// The most blocks under way.
const BLOCKS: usize = 4;

/// The blocks of a stream that another thread reads.
pub struct ReadAhead {
    /// Blocks as they come. A block without bytes is the end.
    blocks: Receiver<io::Result<Block>>,
    /// Buffers of blocks that have been read, on their way back.
    spare: SyncSender<Vec<u8>>,
    block: Block,
    ended: bool,
}

/// Bytes of the stream, from `at` to `end` of the buffer.
#[derive(Default)]
struct Block {
    buffer: Vec<u8>,
    at: usize,
    end: usize,
}

impl ReadAhead {
    /// Starts a thread of this name that reads the stream. Gives the stream back where the system has no thread left.
    pub(crate) fn start(name: &str, stream: Box<dyn Read + Send>) -> Result<Self, Box<dyn Read + Send>> {
        let (send, blocks) = sync_channel(BLOCKS);
        let (spare, returned) = sync_channel(BLOCKS + 2);
        for _ in 0..BLOCKS {
            let _ = spare.try_send(Vec::new());
        }
        // The stream is lent: a thread that cannot be started would drop what it owns.
        let lent = Arc::new(Mutex::new(Some(stream)));
        let own = Arc::clone(&lent);
        let work = move || {
            if let Some(stream) = take(&own) {
                read(stream, &send, &returned);
            }
        };
        let started = thread::Builder::new().name(name.to_owned()).spawn(work);
        if started.is_err()
            && let Some(stream) = take(&lent)
        {
            return Err(stream);
        }
        Ok(Self { blocks, spare, block: Block::default(), ended: false })
    }

    /// Exchanges `buffer`, in which the bytes at `left` are still to be read, for a buffer that has these bytes and more
    /// after them. Returns where in it they are. So the bytes of a stream stay where the decompressor put them until they
    /// are decoded. `None`, with nothing exchanged, if the rest does not fit before the next block, or if there is no
    /// next block.
    pub(crate) fn exchange(&mut self, buffer: &mut Vec<u8>, left: Range<usize>) -> io::Result<Option<Range<usize>>> {
        self.next_block()?;
        let Block { buffer: next, at, end } = &mut self.block;
        let Some(start) = at.checked_sub(left.len()).filter(|_| *at < *end) else { return Ok(None) };
        if let (Some(to), Some(from)) = (next.get_mut(start..*at), buffer.get(left)) {
            to.copy_from_slice(from);
        }
        let held = start..*end;
        let read = std::mem::replace(buffer, std::mem::take(&mut self.block).buffer);
        self.give_back(read);
        Ok(Some(held))
    }

    /// Takes the next block, if the current one has been read.
    fn next_block(&mut self) -> io::Result<()> {
        if self.block.at == self.block.end && !self.ended {
            let read = std::mem::take(&mut self.block);
            if !read.buffer.is_empty() {
                self.give_back(read.buffer);
            }
            self.block = self.blocks.recv().map_err(|_| io::Error::other("the decompressor failed"))??;
            self.ended = self.block.at == self.block.end;
        }
        Ok(())
    }

    fn give_back(&self, buffer: Vec<u8>) {
        // A buffer that was exchanged may have grown for a large record, and there are several buffers.
        let buffer = if buffer.capacity() > 2 * (ROOM + BLOCK) { Vec::new() } else { buffer };
        // The channel is full only if the thread has ended.
        let _ = self.spare.try_send(buffer);
    }
}

fn take(lent: &Mutex<Option<Box<dyn Read + Send>>>) -> Option<Box<dyn Read + Send>> {
    lent.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn read(mut stream: Box<dyn Read + Send>, send: &SyncSender<io::Result<Block>>, spare: &Receiver<Vec<u8>>) {
    while let Ok(mut buffer) = spare.recv() {
        buffer.resize(ROOM + BLOCK, 0);
        let (end, result) = fill(&mut stream, &mut buffer);
        let last = end == ROOM;
        // A block without bytes says that the stream has ended. A stream that failed has not.
        let is_told = result.is_ok() || !last;
        if is_told && send.send(Ok(Block { buffer, at: ROOM, end })).is_err() {
            return;
        }
        if let Err(error) = result {
            // If the reader is gone, nobody needs the error.
            let _ = send.send(Err(error));
            return;
        }
        if last {
            return;
        }
    }
}

/// Fills a block as far as the stream goes. Returns where the bytes end, and the error if the stream failed.
fn fill(stream: &mut dyn Read, buffer: &mut [u8]) -> (usize, io::Result<()>) {
    let mut end = ROOM;
    while let Some(free) = buffer.get_mut(end..).filter(|free| !free.is_empty()) {
        match stream.read(free) {
            Ok(0) => break,
            Ok(count) if count <= free.len() => end += count,
            // A decompressor that says it gave more bytes than there was room for has failed.
            Ok(_) => return (end, Err(io::Error::other("the decompressor failed"))),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (end, Err(error)),
        }
    }
    (end, Ok(()))
}

impl BufRead for ReadAhead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.next_block()?;
        // A decompressor that says of more bytes than it had room for that they are there has failed.
        let bytes = self.block.buffer.get(self.block.at..self.block.end);
        bytes.ok_or_else(|| io::Error::other("the decompressor failed"))
    }

    fn consume(&mut self, count: usize) {
        self.block.at = self.block.end.min(self.block.at + count);
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the numbers from 0 on, a few at a time, then fails or ends.
    struct Dribble {
        next: u8,
        end: u8,
        fails: bool,
    }

    impl Read for Dribble {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.next == self.end {
                return if self.fails { Err(io::Error::other("broken")) } else { Ok(0) };
            }
            let count = buffer.len().min(usize::from(self.next % 7 + 1)).min(usize::from(self.end - self.next));
            for byte in &mut buffer[..count] {
                *byte = self.next;
                self.next += 1;
            }
            Ok(count)
        }
    }

    fn start(stream: impl Read + Send + 'static) -> ReadAhead {
        ReadAhead::start("ahead", Box::new(stream)).ok().unwrap()
    }

    fn ahead(end: u8, fails: bool) -> ReadAhead {
        start(Dribble { next: 0, end, fails })
    }

    #[test]
    fn a_decompressor_that_says_too_much_has_failed() {
        struct Boasting;
        impl Read for Boasting {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                Ok(buffer.len() + 1)
            }
        }
        assert!(start(Boasting).read(&mut [0; 8]).is_err());
        assert!(start(Boasting).exchange(&mut Vec::new(), 0..0).is_err());
    }

    #[test]
    fn nothing_is_lost_and_nothing_comes_after_the_end() {
        let mut ahead = ahead(200, false);
        let mut bytes = Vec::new();
        ahead.read_to_end(&mut bytes).unwrap();
        assert!(bytes.iter().copied().eq(0..200), "{} bytes", bytes.len());
        assert_eq!(ahead.read(&mut [0; 8]).unwrap(), 0);
    }

    #[test]
    fn what_is_exchanged_is_what_is_read_whatever_is_left_of_it() {
        let expected: Vec<u8> = (0..3 * BLOCK + 1000).map(|at| (at * at % 251).to_le_bytes()[0]).collect();
        // Nothing left, little, as much as fits, more than fits; and some of it read by copying.
        for (left, copied) in [(0, 0), (1, 0), (100, 77), (ROOM, 0), (ROOM, 5), (ROOM + 1, 0), (BLOCK, 3)] {
            let mut ahead = start(io::Cursor::new(expected.clone()));
            let (mut buffer, mut held, mut seen) = (Vec::new(), 0..0, Vec::new());
            loop {
                let kept = held.len().min(left);
                seen.extend_from_slice(&buffer[held.start..held.end - kept]);
                let tail = buffer[held.end - kept..held.end].to_vec();
                match ahead.exchange(&mut buffer, held.end - kept..held.end).unwrap() {
                    Some(next) => {
                        assert_eq!(buffer[next.start..next.start + kept], tail);
                        held = next;
                    }
                    None => {
                        let mut more = vec![0; copied.max(1000)];
                        let count = ahead.read(&mut more).unwrap();
                        buffer = tail;
                        buffer.extend_from_slice(&more[..count]);
                        held = 0..buffer.len();
                        if count == 0 {
                            seen.extend_from_slice(&buffer);
                            break;
                        }
                    }
                }
                if copied > 0 && seen.len() < 10_000 {
                    let mut more = vec![0; copied];
                    let count = ahead.read(&mut more).unwrap();
                    buffer.truncate(held.end);
                    buffer.extend_from_slice(&more[..count]);
                    held.end += count;
                }
            }
            assert!(seen == expected, "{left} left, {copied} copied: {} bytes", seen.len());
        }
    }

    #[test]
    fn buffers_that_grew_for_a_large_record_are_not_kept() {
        let mut ahead = start(io::repeat(0).take(40 * BLOCK as u64));
        let mut buffer = Vec::new();
        while ahead.exchange(&mut buffer, 0..0).unwrap().is_some() {
            assert!(buffer.capacity() < 4 * BLOCK, "{} bytes", buffer.capacity());
            buffer.resize(16 << 20, 0);
        }
    }

    #[test]
    fn a_failure_comes_after_what_was_read_before_it() {
        let mut ahead = ahead(50, true);
        let mut bytes = Vec::new();
        let error = ahead.read_to_end(&mut bytes).unwrap_err();
        assert!(bytes.iter().copied().eq(0..50), "{} bytes", bytes.len());
        assert_eq!(error.to_string(), "broken");
    }

    #[test]
    fn a_reader_that_goes_away_ends_the_thread() {
        struct Endless {
            _alive: SyncSender<()>,
        }
        impl Read for Endless {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                Ok(buffer.len())
            }
        }
        let (alive, dead) = sync_channel(0);
        let mut ahead = start(Endless { _alive: alive });
        ahead.read_exact(&mut [0; 16]).unwrap();
        drop(ahead);
        // The stream, and its end of the channel with it, is dropped when the thread ends.
        assert!(dead.recv().is_err());
    }
}
