//! A capture or a chunk of one, batch by batch.

use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::capture::{CaptureReader, Damage, DamageKind, PacketRecord, Position, Timestamp};
use crate::convert::{Flow, Reached, STRIDE, Scan, Visitor, walk};
use crate::decode::Packet;
use crate::error::{Error, Result};
use crate::packets::Rows;
use crate::plan::CaptureEntry;

use super::metered::Metered;
use super::workers::Shared;

/// Reads on from where a reader stands.
pub(super) struct ChunkReader {
    scan: Scan,
    wanted: WantedRows,
    is_at_end: bool,
}

/// The rows of a batch, while they are collected.
struct WantedRows {
    shared: Arc<Shared>,
    rows: Rows,
    /// Whether the start of the chunk was guessed.
    is_guess: bool,
    metered: Metered,
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
    /// What a manifest would say of it.
    pub(super) found: CaptureEntry,
    pub(super) metered: Metered,
}

impl ChunkResult {
    /// Of a chunk of a capture that was well when it was begun, and cannot be read on from a position.
    pub(super) fn lost(mut position: Position, last: Option<Timestamp>, detail: String, metered: Metered) -> Self {
        let (kind, detail) = (DamageKind::Unreadable, Some(detail));
        let damage = Damage { kind, frame: 1, offset: position.offset, announced: 0, found: 0, detail };
        position.ended = true;
        Self { position, last, found: CaptureEntry { damage: Some(damage), ..CaptureEntry::default() }, metered }
    }
}

/// Why a chunk is not read on.
enum ChunkStop {
    WrongGuess,
    Failed(Error),
}

impl From<Error> for ChunkStop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl ChunkReader {
    /// Reads what a reader gives, up to its limit. `last` is the time of the record before it, unless the beginning is a
    /// guess. Where one chunk alone is asked for, the reader stands at the beginning of the capture, and walks to it.
    ///
    /// # Errors
    /// If the reading was cancelled on the way.
    pub(super) fn new(
        shared: &Arc<Shared>,
        reader: CaptureReader,
        last: Option<Timestamp>,
        is_guess: bool,
    ) -> Result<Self> {
        let request = &shared.request;
        let mut reader = reader.salvaging(request.salvage, last);
        if let Some(chunk) = &request.chunk {
            let look = || {
                request.cancel.check()?;
                Ok(if shared.is_stopped() { Flow::Pause } else { Flow::On })
            };
            walk(&mut reader, chunk.start, look)?;
            // Those are of the chunks before.
            drop(reader.take_gaps());
            reader.set_limit(chunk.end);
        }
        let scan = Scan::new(reader, &request.decapsulate, &request.cancel);
        let rows = shared.take_rows();
        let metered = Metered::new(&shared.meter);
        let wanted = WantedRows { shared: Arc::clone(shared), rows, is_guess, metered };
        Ok(Self { scan, wanted, is_at_end: false })
    }

    /// The next batch, or the end, which comes once.
    ///
    /// # Errors
    /// If the reading was cancelled.
    pub(super) fn next(&mut self) -> Result<ChunkStep> {
        while !self.is_at_end && !self.wanted.is_full() {
            match self.scan.run(&mut self.wanted) {
                Ok(reached) => self.is_at_end = reached == Reached::End || self.wanted.shared.is_stopped(),
                Err(ChunkStop::WrongGuess) => return Ok(ChunkStep::WrongGuess),
                Err(ChunkStop::Failed(error)) => return Err(error),
            }
        }
        let WantedRows { shared, rows, is_guess, metered, .. } = &mut self.wanted;
        if !rows.is_empty() {
            let batch = rows.project(0..rows.len(), &shared.projection)?;
            rows.clear();
            return Ok(ChunkStep::Batch(batch));
        }
        if *is_guess && self.scan.records() == 0 {
            // No record begins in the chunk, so its times are those of an earlier chunk.
            return Ok(ChunkStep::WrongGuess);
        }
        let mut metered = std::mem::replace(metered, Metered::new(&shared.meter));
        metered.count(self.scan.bytes_read(), self.scan.records());
        let (position, last) = (self.scan.position().clone(), self.scan.last());
        let found = self.scan.take_entry(shared.request.length);
        Ok(ChunkStep::End(Box::new(ChunkResult { position, last, found, metered })))
    }
}

impl Drop for WantedRows {
    fn drop(&mut self) {
        self.shared.put_rows(&mut self.rows);
    }
}

impl WantedRows {
    fn is_full(&self) -> bool {
        self.rows.len() >= self.shared.request.batch_rows
    }
}

impl Visitor for WantedRows {
    type Stop = ChunkStop;

    #[inline]
    fn packet(
        &mut self,
        record: &PacketRecord<'_>,
        packet: &Packet<'_>,
        first: Option<Timestamp>,
    ) -> Result<Flow, ChunkStop> {
        let request = &self.shared.request;
        let is_wanted = request.conditions.iter().all(|condition| condition.takes(packet))
            && request.filter.takes_time(record.time.map(Timestamp::micros))
            && request.filter.takes(packet);
        if is_wanted {
            self.rows.append_wanted(record, packet, first);
        }
        Ok(if self.is_full() { Flow::Pause } else { Flow::On })
    }

    /// What is credible after a fault depends on the time before it, which a guess does not know.
    fn begun(&mut self, has_gaps: bool) -> Result<(), ChunkStop> {
        if self.is_guess && has_gaps { Err(ChunkStop::WrongGuess) } else { Ok(()) }
    }

    fn stride(&mut self, bytes_read: u64) -> Result<Flow, ChunkStop> {
        self.metered.count_stride(bytes_read, STRIDE);
        Ok(if self.shared.is_stopped() { Flow::Pause } else { Flow::On })
    }
}
