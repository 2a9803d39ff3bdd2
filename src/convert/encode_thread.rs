//! A thread that encodes a worker's row groups while the worker reads on.
//!
//! A capture that can only be read from its beginning keeps one worker busy, however many there are. Where another worker
//! is idle, an encode thread takes its place. It is not a thread of the pool, because it waits on channels. Row groups
//! come back in the order in which they were given, so the bytes do not depend on whether there is an encode thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, channel, sync_channel};
use std::thread;

use crate::error::{Error, Result};
use crate::packets::{EncodedRowGroup, Encoder, ParquetError, PartitionKey, Rows};

/// How many workers are idle. Negative while encode threads have the places of workers that work again.
#[derive(Debug, Default)]
pub(super) struct IdleWorkers(AtomicIsize);

impl IdleWorkers {
    /// Adds an idle worker.
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Removes an idle worker.
    pub(super) fn remove(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// No worker is idle any more: all have ended.
    pub(super) fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Whether an encode thread has the place of a worker that works again.
    pub(super) fn is_wanted_back(&self) -> bool {
        self.0.load(Ordering::Relaxed) < 0
    }

    /// Takes the place of an idle worker, if there is one.
    fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |idle| (idle > 0).then_some(idle - 1)).is_ok()
    }
}

/// Rows that have been encoded, and their row group.
pub(super) struct Done {
    pub(super) key: PartitionKey,
    pub(super) rows: Rows,
    pub(super) group: Result<EncodedRowGroup, ParquetError>,
}

/// The thread, as the worker sees it. It ends when this is dropped.
pub(super) struct EncodeThread<'a> {
    idle: &'a IdleWorkers,
    rows: SyncSender<(PartitionKey, Rows)>,
    done: Receiver<Done>,
    under_way: usize,
}

impl<'a> EncodeThread<'a> {
    /// Starts a thread, if a worker is idle.
    pub(super) fn start(idle: &'a IdleWorkers, encoder: &Arc<Encoder>) -> Option<Self> {
        if !idle.take() {
            return None;
        }
        // While one row group is encoded, one waits and the worker collects another. There are never more.
        let (rows, given) = sync_channel::<(PartitionKey, Rows)>(1);
        let (give_back, done) = channel();
        let thread = Self { idle, rows, done, under_way: 0 };
        let encoder = Arc::clone(encoder);
        let work = move || {
            for (key, rows) in given {
                let group = encoder.encode(&rows);
                if give_back.send(Done { key, rows, group }).is_err() {
                    return;
                }
            }
        };
        let started = thread::Builder::new().name("parcap-encode".to_owned()).spawn(work);
        // Where no thread can be started, the worker encodes by itself.
        started.is_ok().then_some(thread)
    }

    /// Gives it rows, as soon as no others wait.
    pub(super) fn give(&mut self, key: PartitionKey, rows: Rows) -> Result<()> {
        self.rows.send((key, rows)).map_err(|_| gone())?;
        self.under_way += 1;
        Ok(())
    }

    /// The next row group, if it is done.
    pub(super) fn done(&mut self) -> Result<Option<Done>> {
        match self.done.try_recv() {
            Ok(done) => {
                self.under_way -= 1;
                Ok(Some(done))
            }
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(gone()),
        }
    }

    /// Waits for the next row group. `None` if none is under way.
    pub(super) fn wait(&mut self) -> Result<Option<Done>> {
        if self.under_way == 0 {
            return Ok(None);
        }
        let done = self.done.recv().map_err(|_| gone())?;
        self.under_way -= 1;
        Ok(Some(done))
    }
}

impl Drop for EncodeThread<'_> {
    fn drop(&mut self) {
        self.idle.add();
    }
}

/// The thread ends before its worker only if it panics, which is a bug.
fn gone() -> Error {
    Error::Worker { unit: String::new(), message: "the thread that encodes row groups ended".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::config::{LengthKind, TimestampUnit};
    use crate::day::Day;
    use crate::packets::When;

    fn key(number: u16) -> PartitionKey {
        PartitionKey { when: When::At(Day::EPOCH, None), protocol: Some(number) }
    }

    #[test]
    fn an_encode_thread_has_the_place_of_an_idle_worker_and_gives_back_in_order() {
        let encoder = Arc::new(Encoder::new(&Settings::default()).unwrap());
        let idle = IdleWorkers::default();
        assert!(EncodeThread::start(&idle, &encoder).is_none());
        idle.add();
        let mut thread = EncodeThread::start(&idle, &encoder).unwrap();
        assert!(EncodeThread::start(&idle, &encoder).is_none() && !idle.is_wanted_back());
        assert!(thread.wait().unwrap().is_none());
        let rows = || Rows::new(encoder.table().clone(), TimestampUnit::Us, LengthKind::Wire);
        (0..10).for_each(|number| thread.give(key(number), rows()).unwrap());
        for number in 0..10 {
            let done = thread.wait().unwrap().unwrap();
            assert_eq!((done.key, done.group.unwrap().rows), (key(number), 0));
        }
        assert!(thread.wait().unwrap().is_none() && thread.done().unwrap().is_none());
        idle.remove();
        assert!(idle.is_wanted_back());
        drop(thread);
        assert!(!idle.is_wanted_back());
    }
}
