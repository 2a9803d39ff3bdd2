//! A capture or a chunk of one, batch by batch.

use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::capture::{CaptureReader, Damage, Position, Timestamp};
use crate::decode::{Packet, decode};
use crate::error::Result;
use crate::packets::Rows;
use crate::plan::CaptureEntry;

use super::workers::Shared;

/// Records between two checks whether to go on.
const STRIDE: u64 = 4096;

/// Reads on from where a reader stands.
pub(super) struct ChunkReader {
    shared: Arc<Shared>,
    reader: CaptureReader,
    place: usize,
    rows: Rows,
    /// Whether the reader has come to its end, and the damage it found there.
    end: Option<Option<Damage>>,
    /// Whether the start of the chunk was guessed.
    is_guess: bool,
    last: Option<Timestamp>,
}

/// What a chunk gives next.
pub(super) enum ChunkStep {
    /// Rows.
    Batch(RecordBatch),
    /// There are no more rows.
    End(Box<ChunkResult>),
    /// The chunk must be read again, from where the one before it ended.
    WrongGuess,
}

/// What is known about a chunk that has been read.
pub(super) struct ChunkResult {
    /// Where it ended.
    pub(super) position: Position,
    /// The time of its last record that has one.
    pub(super) last: Option<Timestamp>,
    /// Its records, damage and gaps.
    pub(super) found: CaptureEntry,
}

impl ChunkReader {
    /// Reads what a reader gives, up to its limit. `last` is the time of the record before it, unless the beginning is a
    /// guess.
    pub(super) fn new(
        shared: &Arc<Shared>,
        (place, reader): (usize, CaptureReader),
        last: Option<Timestamp>,
        is_guess: bool,
    ) -> Self {
        let request = &shared.request;
        let reader = reader.salvaging(request.salvage, last);
        let rows = Rows::new(request.unit, request.length);
        Self { shared: Arc::clone(shared), reader, place, rows, end: None, is_guess, last }
    }

    /// The next batch, or the end.
    ///
    /// # Errors
    /// If the reading was cancelled.
    pub(super) fn next(&mut self) -> Result<ChunkStep> {
        while self.end.is_none() && self.rows.len() < self.shared.request.batch_rows {
            self.record()?;
            // What is credible after a fault depends on the time before it, which a guess does not know.
            if self.is_guess && self.reader.frames() <= 1 && self.reader.has_gaps() {
                return Ok(ChunkStep::WrongGuess);
            }
        }
        if !self.rows.is_empty() {
            let batch = self.rows.project(0..self.rows.len(), &self.shared.projection)?;
            self.rows.clear();
            return Ok(ChunkStep::Batch(batch));
        }
        if self.is_guess && self.reader.frames() == 0 {
            // No record begins in the chunk, so its times are those of an earlier chunk.
            return Ok(ChunkStep::WrongGuess);
        }
        let mut found = CaptureEntry { records: self.reader.frames(), ..CaptureEntry::default() };
        found.note_damage(self.end.take().flatten(), self.reader.take_gaps());
        let result = ChunkResult { position: self.reader.position().clone(), last: self.last, found };
        Ok(ChunkStep::End(Box::new(result)))
    }

    fn record(&mut self) -> Result<()> {
        if self.reader.frames().is_multiple_of(STRIDE) {
            self.shared.request.cancel.check()?;
            if self.shared.is_stopped() {
                self.end = Some(None);
                return Ok(());
            }
        }
        let first = self.reader.position().first_time;
        let record = match self.reader.next() {
            Ok(Some(record)) => record,
            Ok(None) => {
                self.end = Some(None);
                return Ok(());
            }
            Err(damage) => {
                self.end = Some(Some(damage));
                return Ok(());
            }
        };
        self.last = record.time.or(self.last);
        let packet = record.link_type.map_or_else(Packet::default, |link_type| decode(link_type, record.data));
        let filter = &self.shared.request.filter;
        let is_wanted = (!self.shared.request.only_dns || packet.dns.is_some())
            && filter.takes_time(record.time.map(Timestamp::micros))
            && filter.takes(&packet);
        if is_wanted {
            self.rows.append(self.place, &record, &packet, first.or(record.time));
        }
        Ok(())
    }
}
