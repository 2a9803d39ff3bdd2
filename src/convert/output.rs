//! What a task gives: row groups, encoded as its rows are collected, and written when it is its turn.

use crate::capture::Position;
use crate::error::Error;
use crate::packets::EncodedRowGroup;
use crate::packets::Rows;
use crate::packets::{PartitionKey, Router, When};

use super::encode_thread::{Assistant, Done};
use super::job::Job;
use crate::cancel::Interrupted;

/// Bytes of encoded row groups that a task holds while it is not its turn; then it waits.
const MAX_HELD: u64 = 12 << 20;

/// Row groups on their way to the parts of their unit.
pub(super) struct Output<'j, 'a> {
    job: &'j Job<'a>,
    turn: u64,
    held: Vec<Held>,
    held_bytes: u64,
    /// The position that was guessed and awaits its proof.
    pub(super) guessed: Option<Position>,
    pub(super) is_in_turn: bool,
    /// Whether what is read can only be read from its beginning, so that no other worker can help.
    pub(super) is_alone: bool,
    assistant: Option<Assistant<'j>>,
}

/// What waits for the task's turn.
enum Held {
    /// A row group of a partition.
    RowGroup(PartitionKey, EncodedRowGroup),
    /// Where the rows of a capture go that came before any with a time.
    Resolved(usize, When),
}

/// Why a task stops short.
pub(super) enum Stop {
    /// A guess has turned out wrong, or cannot tell what is needed: the work is thrown away and done again in turn.
    Disproved,
    /// The run cannot go on.
    Failed(Error),
}

impl From<Interrupted> for Stop {
    fn from(interrupted: Interrupted) -> Self {
        Self::Failed(interrupted.into())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl<'j, 'a> Output<'j, 'a> {
    pub(super) fn new(job: &'j Job<'a>, turn: u64) -> Self {
        Self {
            job,
            turn,
            held: Vec::new(),
            held_bytes: 0,
            guessed: None,
            is_in_turn: false,
            is_alone: false,
            assistant: None,
        }
    }

    /// Encodes rows, here or beside this; their memory goes back to the router.
    pub(super) fn add(&mut self, key: PartitionKey, rows: Rows, router: &mut Router) -> Result<(), Stop> {
        self.find_assistant(router)?;
        let Some(assistant) = &mut self.assistant else {
            let group = self.job.workshop.encoder.encode(&rows);
            return self.take_over(Done { key, rows, group }, router);
        };
        assistant.give(key, rows)?;
        while let Some(done) = self.assistant.as_mut().map_or(Ok(None), Assistant::done)? {
            self.take_over(done, router)?;
        }
        Ok(())
    }

    /// The rows of a capture that came before any with a time, and those that have been added so far, go there.
    pub(super) fn resolve(&mut self, place: usize, when: When, router: &mut Router) -> Result<(), Stop> {
        self.wait_for_assistant(router)?;
        self.held.push(Held::Resolved(place, when));
        Ok(())
    }

    /// Writes the rest, as soon as it is the task's turn.
    pub(super) fn finish(&mut self, router: &mut Router) -> Result<(), Stop> {
        self.wait_for_assistant(router)?;
        self.write_held()
    }

    /// Takes an assistant, where one helps and there is one; gives it up where its place is wanted.
    fn find_assistant(&mut self, router: &mut Router) -> Result<(), Stop> {
        let workshop = self.job.workshop;
        if self.assistant.is_none() {
            if self.is_alone {
                self.assistant = Assistant::start(&workshop.idle, &workshop.encoder);
            }
        } else if workshop.idle.is_wanted_back() {
            self.wait_for_assistant(router)?;
            self.assistant = None;
        }
        Ok(())
    }

    /// Takes over all row groups that are being encoded.
    fn wait_for_assistant(&mut self, router: &mut Router) -> Result<(), Stop> {
        while let Some(done) = self.assistant.as_mut().map_or(Ok(None), Assistant::wait)? {
            self.take_over(done, router)?;
        }
        Ok(())
    }

    /// Holds a row group that has been encoded, and writes what is held as soon as that may be.
    fn take_over(&mut self, Done { key, rows, group }: Done, router: &mut Router) -> Result<(), Stop> {
        let path = || self.job.workshop.lake.root().to_path_buf();
        let group = group.map_err(|source| Error::Parquet { path: path(), source })?;
        router.recycle(rows);
        self.held_bytes += group.memory();
        self.held.push(Held::RowGroup(key, group));
        // After each: rows of thousands of partitions may have been handed on at once.
        if self.is_in_turn || self.held_bytes > MAX_HELD || self.job.relay.is_turn(self.turn) {
            self.write_held()?;
        }
        Ok(())
    }

    /// Waits for the turn, has the guess proved, and writes what is held.
    pub(super) fn write_held(&mut self) -> Result<(), Stop> {
        if !self.is_in_turn {
            let handover = self.job.relay.wait(self.turn, &self.job.workshop.cancel)?;
            if let (Some(guessed), Some(handover)) = (&self.guessed, &handover)
                && *guessed != handover.position
            {
                return Err(Stop::Disproved);
            }
            self.guessed = None;
            self.is_in_turn = true;
        }
        self.held_bytes = 0;
        let held = std::mem::take(&mut self.held);
        self.job.with_sink(|sink| {
            held.into_iter().try_for_each(|held| match held {
                Held::RowGroup(key, group) => sink.append(key, group),
                Held::Resolved(place, when) => sink.resolve(place, when),
            })
        })?;
        Ok(())
    }
}
