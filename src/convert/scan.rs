//! The one loop that reads, decodes and counts packets.
//!
//! Converting, summing up captures, inspecting and reading batches are [`Visitor`]s of it, so all of them see the same
//! packets and say the same of a capture.

use crate::cancel::Cancel;
use crate::capture::{CaptureReader, Damage, PacketRecord, Position, Timestamp};
use crate::config::{Decapsulation, LengthKind};
use crate::decode::{Packet, decode_into};
use crate::error::{Error, Result};
use crate::plan::{APPENDED, CaptureEntry, StreamEntry};

use super::counts::Counts;

/// Records between two checks for a signal, and between two steps of the progress bar.
pub(crate) const STRIDE: u64 = 4096;

/// What is done with the packets of a capture.
pub(crate) trait Visitor {
    /// Why the scan may stop short.
    type Stop: From<Error>;

    /// Takes a packet. `first` is the time of the capture's first record that has one.
    ///
    /// # Errors
    /// If the scan cannot go on.
    fn packet(
        &mut self,
        record: &PacketRecord<'_>,
        packet: &Packet<'_>,
        first: Option<Timestamp>,
    ) -> Result<Flow, Self::Stop>;

    /// Called once: after the first packet, or at the end of a capture without packets. `has_gaps` says whether bytes
    /// were stepped over before.
    ///
    /// # Errors
    /// If the scan cannot go on.
    fn begun(&mut self, has_gaps: bool) -> Result<(), Self::Stop> {
        let _ = has_gaps;
        Ok(())
    }

    /// Called every [`STRIDE`] packets, with the bytes that have been read from the file.
    ///
    /// # Errors
    /// If the scan cannot go on.
    fn stride(&mut self, bytes_read: u64) -> Result<Flow, Self::Stop> {
        let _ = bytes_read;
        Ok(Flow::On)
    }
}

/// Whether a scan goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// With the next packet.
    On,
    /// Later: [`Scan::run`] returns, and goes on from here when it is called again.
    Pause,
}

/// How far [`Scan::run`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// To where the visitor paused.
    Pause,
    /// To the end of the capture, to its damage, or to the limit of the reader.
    End,
}

/// Reads up to the first record that begins at `limit` or later, and decodes nothing. Returns the time of the last record that
/// has one. Damage ends it too, and is not reported. `look` is asked every [`STRIDE`] records whether to go on.
///
/// # Errors
/// Those of `look`.
pub(crate) fn walk(
    reader: &mut CaptureReader,
    limit: u64,
    look: impl Fn() -> Result<Flow>,
) -> Result<Option<Timestamp>> {
    let mut last = None;
    reader.set_limit(limit);
    while let Ok(Some(record)) = reader.next() {
        last = record.time.or(last);
        if reader.frames().is_multiple_of(STRIDE) && look()? == Flow::Pause {
            break;
        }
    }
    Ok(last)
}

/// A capture, or a chunk of one, while it is read.
pub(crate) struct Scan {
    reader: CaptureReader,
    counts: Counts,
    first: Option<Timestamp>,
    damage: Option<Damage>,
    decapsulate: Decapsulation,
    cancel: Cancel,
}

impl Scan {
    /// Begins where the reader stands. `decapsulate` says which tunnels are looked into.
    pub(crate) fn new(reader: CaptureReader, decapsulate: &Decapsulation, cancel: &Cancel) -> Self {
        let first = reader.position().first_time;
        Self {
            reader,
            counts: Counts::default(),
            first,
            damage: None,
            decapsulate: decapsulate.clone(),
            cancel: cancel.clone(),
        }
    }

    /// Shows packets to the visitor, until it pauses or there are no more. Looks for a signal first, and on the way.
    ///
    /// # Errors
    /// If a signal has arrived, or the visitor stops.
    pub(crate) fn run<V: Visitor>(&mut self, visitor: &mut V) -> Result<Reached, V::Stop> {
        self.cancel.check().map_err(Error::from)?;
        loop {
            let record = match self.reader.next() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(damage) => {
                    self.damage = Some(damage);
                    break;
                }
            };
            let mut packet = Packet::default();
            if let Some(link_type) = record.link_type {
                decode_into(link_type, record.data, &self.decapsulate, &mut packet);
            }
            self.counts.add(&record, &packet);
            if self.first.is_none() {
                self.first = record.time;
            }
            let mut flow = visitor.packet(&record, &packet, self.first)?;
            if self.counts.records == 1 {
                visitor.begun(self.reader.has_gaps())?;
            }
            if self.counts.records.is_multiple_of(STRIDE) {
                self.cancel.check().map_err(Error::from)?;
                if visitor.stride(self.reader.bytes_read())? == Flow::Pause {
                    flow = Flow::Pause;
                }
            }
            if flow == Flow::Pause {
                return Ok(Reached::Pause);
            }
        }
        if self.counts.records == 0 {
            visitor.begun(self.reader.has_gaps())?;
        }
        Ok(Reached::End)
    }

    /// Where the next packet would begin.
    pub(crate) fn position(&self) -> &Position {
        self.reader.position()
    }

    /// Packets so far.
    pub(crate) fn records(&self) -> u64 {
        self.counts.records
    }

    /// Bytes that have been read from the file.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.reader.bytes_read()
    }

    /// The time of the last packet that has one.
    pub(crate) fn last(&self) -> Option<Timestamp> {
        self.counts.last
    }

    /// What a manifest says of what was read. A packet has a row, unless the visitor decided otherwise. To be called once,
    /// at the end.
    pub(crate) fn take_entry(&mut self, length: LengthKind) -> CaptureEntry {
        let (counts, reader) = (std::mem::take(&mut self.counts), &mut self.reader);
        let mut entry = CaptureEntry {
            format: Some(reader.format()),
            compression: Some(reader.compression()),
            rows: counts.records,
            length: counts.length(length),
            // Before the gaps are taken out of the reader: bytes that were stepped over have no hash.
            content: reader.take_content(),
            stream: StreamEntry::of(reader),
            ..CaptureEntry::default()
        };
        entry.note_damage(self.damage.take(), reader.take_gaps());
        counts.into_entry(&mut entry);
        entry.count_odd(APPENDED, reader.appended());
        entry
    }

    /// The reader, at the end.
    pub(crate) fn into_reader(self) -> CaptureReader {
        self.reader
    }
}
