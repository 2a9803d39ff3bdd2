//! Unpacking beside the conversion: a thread of its own unpacks the next blocks while the last ones are decoded.
//!
//! It is no worker of the pool, for it waits on a channel. It ends when the stream ends, or when nobody reads any more.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Bytes of a block.
const BLOCK: usize = 256 << 10;
/// Blocks that are under way at most.
const BLOCKS: usize = 4;

/// The blocks of a stream that another thread reads.
pub(super) struct ReadAhead {
    /// Blocks as they come; an empty one is the end.
    blocks: Receiver<io::Result<Vec<u8>>>,
    /// Blocks that are read, on their way back.
    spare: SyncSender<Vec<u8>>,
    block: Vec<u8>,
    at: usize,
    ended: bool,
}

impl ReadAhead {
    /// Starts a thread that reads the stream.
    pub(super) fn start(stream: Box<dyn Read + Send>) -> io::Result<Self> {
        let (send, blocks) = sync_channel(BLOCKS);
        let (spare, returned) = sync_channel(BLOCKS + 2);
        for _ in 0..BLOCKS {
            let _ = spare.try_send(Vec::new());
        }
        thread::Builder::new().name("parcap-unpack".to_owned()).spawn(move || read(stream, &send, &returned))?;
        Ok(Self { blocks, spare, block: Vec::new(), at: 0, ended: false })
    }
}

fn read(mut stream: Box<dyn Read + Send>, send: &SyncSender<io::Result<Vec<u8>>>, spare: &Receiver<Vec<u8>>) {
    while let Ok(mut block) = spare.recv() {
        block.resize(BLOCK, 0);
        let result = loop {
            match stream.read(&mut block) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        let last = !matches!(result, Ok(1..));
        let message = result.map(|count| {
            block.truncate(count);
            block
        });
        if send.send(message).is_err() || last {
            return;
        }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.block.len() && !self.ended {
            let block = self.blocks.recv().map_err(|_| io::Error::other("the decompressor failed"))?;
            let read = std::mem::replace(&mut self.block, block?);
            self.at = 0;
            self.ended = self.block.is_empty();
            // Full only if the thread has ended.
            let _ = self.spare.try_send(read);
        }
        let rest = self.block.get(self.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the numbers from 0 on, some at a time, then fails or ends.
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

    fn ahead(end: u8, fails: bool) -> ReadAhead {
        ReadAhead::start(Box::new(Dribble { next: 0, end, fails })).unwrap()
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
        let mut ahead = ReadAhead::start(Box::new(Endless { _alive: alive })).unwrap();
        ahead.read_exact(&mut [0; 16]).unwrap();
        drop(ahead);
        // The stream, and its end of the channel with it, is dropped when the thread ends.
        assert!(dead.recv().is_err());
    }
}
