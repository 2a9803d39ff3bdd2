//! Batches that come from a thread of their own. The thread that waits for one can look for Ctrl-C meanwhile.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{mem, process};

use arrow::array::RecordBatch;
use parcap::{Cancel, Error, Observer as _, ReadCaptures};

use crate::progress::Seen;

/// How often a caller that waits looks for signals.
pub(crate) const LOOK: Duration = Duration::from_millis(50);
/// How long a pass that is dropped waits for its threads. They end at once, unless the system lets a read wait.
const END: Duration = Duration::from_secs(1);
/// SIGINT.
const SIGINT: u8 = 2;

/// What a pass found, once it is over.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Captures that are damaged: path, what is wrong, packet, byte offset, packets read.
    pub(crate) damaged: Vec<(String, String, u64, u64, u64)>,
    /// What gave no rows: path, why, what to do.
    pub(crate) refused: Vec<(String, String, Option<String>)>,
}

/// What comes from the thread.
pub(crate) enum Message {
    Batch(RecordBatch),
    End(Found),
    Failed(Error),
}

/// One pass over captures.
pub(crate) struct Stream {
    messages: Option<Receiver<Message>>,
    thread: Option<JoinHandle<()>>,
    cancel: Cancel,
    process: u32,
}

/// Why there is no message.
pub(crate) enum NoMessage {
    /// None came so far.
    Yet,
    /// There will be none: the pass is over.
    Ever,
    /// Another process reads, of which this one is a fork.
    Forked,
}

impl Stream {
    /// Starts to read, up to `limit` rows. `seen` follows how far it is.
    pub(crate) fn start(request: &ReadCaptures, limit: Option<usize>, seen: Arc<Seen>) -> std::io::Result<Self> {
        let cancel = Cancel::default();
        let request = request.clone().cancel(&cancel);
        let (send, messages) = sync_channel(1);
        let thread = thread::Builder::new().name("parcap-read".to_owned()).spawn(move || {
            let last = match read(&request, limit, &seen, &send) {
                Ok(found) => Message::End(found),
                Err(error) => Message::Failed(error),
            };
            // If nobody listens, nobody misses it.
            let _ = send.send(last);
        })?;
        Ok(Self { messages: Some(messages), thread: Some(thread), cancel, process: process::id() })
    }

    /// The next message, if one comes within [`LOOK`].
    pub(crate) fn receive(&self) -> Result<Message, NoMessage> {
        if process::id() != self.process {
            return Err(NoMessage::Forked);
        }
        let Some(messages) = &self.messages else { return Err(NoMessage::Ever) };
        messages.recv_timeout(LOOK).map_err(|error| match error {
            RecvTimeoutError::Timeout => NoMessage::Yet,
            RecvTimeoutError::Disconnected => NoMessage::Ever,
        })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if process::id() != self.process {
            // The thread is one of the parent.
            mem::forget((thread, self.messages.take()));
            return;
        }
        self.cancel.signal(SIGINT);
        self.messages = None;
        let begin = Instant::now();
        while !thread.is_finished() && begin.elapsed() < END {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Reads all batches, or the first `limit` rows.
fn read(request: &ReadCaptures, limit: Option<usize>, seen: &Seen, send: &SyncSender<Message>) -> Result<Found, Error> {
    let mut batches = request.open()?;
    seen.begin(batches.captures().iter().map(|input| input.size).sum(), batches.meter());
    let mut left = limit.unwrap_or(usize::MAX);
    while left > 0 {
        let Some(batch) = batches.next().transpose()? else { break };
        let batch = batch.slice(0, batch.num_rows().min(left));
        left -= batch.num_rows();
        if send.send(Message::Batch(batch)).is_err() {
            break;
        }
    }
    let damaged = batches.damaged().iter().map(|damaged| {
        let (path, damage) = (damaged.path.display().to_string(), &damaged.damage);
        (path, damaged.message.clone(), damage.frame, damage.offset, damaged.records)
    });
    let refused = batches.refused().iter().map(|refused| {
        let hint = refused.hint.as_ref().map(ToString::to_string);
        (refused.path.display().to_string(), refused.reason.clone(), hint)
    });
    Ok(Found { damaged: damaged.collect(), refused: refused.collect() })
}
