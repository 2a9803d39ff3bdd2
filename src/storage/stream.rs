//! Standard input, and FIFOs that were named. Their bytes come once, as long as somebody writes them or until a signal
//! ends them.
//!
//! A user who stops `tcpdump -w - | parcap convert -` with Ctrl-C wants what was captured. The signal goes to both.
//! tcpdump writes what it still has and ends. So the bytes under way are read, and then the input is over. The state
//! belongs to the process, as standard input and signals do.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::facts::{EntryKind, Facts, Inode};
use super::location::Location;
use super::open::{NotRegular, open_at_once};

/// How long one poll for bytes waits before it checks whether the input has been ended.
const LOOK: Duration = Duration::from_millis(50);
/// How long an input that has been ended is still read, and how long if nothing comes. With what a run does then, this is
/// less than a user waits before a second Ctrl-C.
const LAST: Duration = Duration::from_millis(1000);
const SILENCE: Duration = Duration::from_millis(250);
/// How long after the last byte a signal still counts as the end of the input: it went to the writer as well,
/// which may have been faster.
const JUST_NOW: Duration = Duration::from_millis(1000);
/// How long to wait for somebody to write to a FIFO.
const PATIENCE: Duration = Duration::from_secs(30);

/// The streams of this process.
struct Streams {
    /// Streams that were named and have not been opened yet.
    expected: usize,
    /// Streams that are being read.
    open: usize,
    /// When the last stream came to its end.
    closed: Option<Instant>,
    /// When a signal ended them.
    ended: Option<Instant>,
}

static STREAMS: Mutex<Streams> = Mutex::new(Streams { expected: 0, open: 0, closed: None, ended: None });

fn streams<T>(with: impl FnOnce(&mut Streams) -> T) -> T {
    with(&mut STREAMS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Notes how many streams were named. From now on a signal ends them first.
pub(crate) fn expect_streams(count: usize) {
    streams(|streams| streams.expected = count);
}

/// Ends standard input and the other streams that are being read or will be. Returns whether there were any, and this was
/// the first call. Bytes under way are still read, for a second at most.
#[must_use]
pub fn end_streams() -> bool {
    streams(|streams| {
        let is_read =
            streams.expected + streams.open > 0 || streams.closed.is_some_and(|closed| closed.elapsed() < JUST_NOW);
        let is_first = streams.ended.is_none();
        if is_read && is_first {
            streams.ended = Some(Instant::now());
        }
        is_read && is_first
    })
}

/// Standard input as a file.
fn stdin() -> io::Result<File> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

/// The inode of standard input. A closed standard input is still a stream; reading it fails.
pub(crate) fn stdin_inode() -> Inode {
    let metadata = stdin().and_then(|stdin| stdin.metadata());
    metadata.map_or(Inode::UNKNOWN, |metadata| Facts::of(&metadata).inode)
}

/// A stream that is being read.
pub(crate) struct Stream {
    file: File,
    opened: Instant,
    /// When bytes came last.
    heard: Instant,
    /// Whether a process writes, or has written. For a FIFO that was opened by its name this is not known at first.
    has_writer: bool,
    /// Whether it is a pipe or a socket, whose writer may have got the same signal.
    is_pipe: bool,
    over: bool,
    ended: Arc<AtomicBool>,
}

impl Stream {
    /// Standard input, by `-`, or a FIFO by its path.
    ///
    /// # Errors
    /// If it cannot be opened, or is no FIFO.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let is_stdin = Location::of(path).is_stdin();
        let file = if is_stdin { stdin()? } else { open_at_once(path)? };
        let file_type = file.metadata()?.file_type();
        if !is_stdin && !file_type.is_fifo() {
            return Err(io::Error::other(NotRegular(EntryKind::of(file_type).name())));
        }
        streams(|streams| {
            streams.open += 1;
            streams.expected = streams.expected.saturating_sub(1);
        });
        let now = Instant::now();
        let is_pipe = file_type.is_fifo() || file_type.is_socket();
        let ended = Arc::default();
        Ok(Self { file, opened: now, heard: now, has_writer: is_stdin, is_pipe, over: false, ended })
    }

    /// Becomes true if a signal ends it.
    pub(crate) fn ended(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.ended)
    }

    /// Whether a signal has ended the stream and nothing more is waited for. `is_silent`: there is nothing to read now.
    fn is_ended(&self, is_silent: bool) -> bool {
        let Some(ended) = streams(|streams| streams.ended) else { return false };
        self.ended.store(true, Ordering::Relaxed);
        let since = ended.max(self.opened);
        since.elapsed() > LAST || (is_silent && since.max(self.heard).elapsed() > SILENCE)
    }

    /// Waits a little for bytes, or for the end.
    fn look(&self) -> io::Result<PollFlags> {
        let mut polled = [PollFd::new(&self.file, PollFlags::IN)];
        let look = Timespec::try_from(LOOK).map_err(io::Error::other)?;
        match poll(&mut polled, Some(&look)) {
            Ok(_) => Ok(polled.iter().fold(PollFlags::empty(), |all, one| all | one.revents())),
            Err(error) if error == rustix::io::Errno::INTR => Ok(PollFlags::empty()),
            Err(error) => Err(error.into()),
        }
    }

    /// Handles the end. A signal that comes at the same time counts as what ended the stream.
    fn end(&mut self) -> usize {
        if self.is_pipe && !self.ended.load(Ordering::Relaxed) {
            let closed = Instant::now();
            while closed.elapsed() < LOOK && streams(|streams| streams.ended.is_none()) {
                std::thread::sleep(LOOK / 10);
            }
        }
        self.close();
        0
    }

    fn close(&mut self) {
        if !std::mem::replace(&mut self.over, true) {
            streams(|streams| {
                self.ended.fetch_or(streams.ended.is_some(), Ordering::Relaxed);
                streams.open -= 1;
                streams.closed = self.is_pipe.then(Instant::now).or(streams.closed);
            });
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.over || buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let ready = self.look()?;
            if self.is_ended(ready.is_empty()) {
                self.close();
                return Ok(0);
            }
            if ready.is_empty() && self.has_writer {
                continue;
            }
            match self.file.read(buffer) {
                // Until a FIFO has a writer, it reports no end either.
                Ok(0) if !self.has_writer && !ready.contains(PollFlags::HUP) => {
                    if self.opened.elapsed() > PATIENCE {
                        let problem = format!("nobody has written to it for {} seconds", PATIENCE.as_secs());
                        return Err(io::Error::new(io::ErrorKind::TimedOut, problem));
                    }
                }
                Ok(0) => return Ok(self.end()),
                Ok(count) => {
                    (self.has_writer, self.heard) = (true, Instant::now());
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.has_writer = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.close();
    }
}
