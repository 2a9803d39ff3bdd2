//! What is done with the packets of a capture that is converted.

use crate::capture::{PacketRecord, Timestamp};
use crate::decode::Packet;
use crate::packets::When;

use super::row_group_queue::TaskError;
use super::scan::{Flow, STRIDE, Visitor};
use super::task::{Work, day_of};

/// A capture, or a chunk of one, whose packets become rows.
pub(super) struct ConvertVisitor<'w, 'j, 'a> {
    work: &'w mut Work<'j, 'a>,
    place: usize,
    /// Bytes read that the progress bar knows of.
    pub(super) metered: u64,
}

impl<'w, 'j, 'a> ConvertVisitor<'w, 'j, 'a> {
    pub(super) fn new(work: &'w mut Work<'j, 'a>, place: usize) -> Self {
        Self { work, place, metered: 0 }
    }
}

impl Visitor for ConvertVisitor<'_, '_, '_> {
    type Stop = TaskError;

    #[inline]
    fn packet(
        &mut self,
        record: &PacketRecord<'_>,
        packet: &Packet<'_>,
        first: Option<Timestamp>,
    ) -> Result<Flow, TaskError> {
        let work = &mut *self.work;
        if record.time.is_none()
            && work.output.guessed.is_some()
            && matches!(work.partitioner.when(), When::BeforeFirst(_))
        {
            // The date of the row depends on the chunk before.
            return Err(TaskError::WrongGuess);
        }
        let length = work.partitioner.append(self.place, record, packet, first);
        if let Some(message) = &packet.dns
            && work.job.unit.settings.summaries
        {
            let day = day_of(work.partitioner.when());
            work.partial.add_message(day, message, packet);
            work.partial.add_names(day, record.time.map(Timestamp::micros), message);
        }
        if work.has_server_names {
            let day = day_of(work.partitioner.when());
            work.partial.add_server_name(day, record.time.map(Timestamp::micros), packet);
        }
        if !packet.tunnels.is_empty() && work.job.unit.settings.summaries {
            work.partial.add_tunnels(day_of(work.partitioner.when()), &packet.tunnels, length);
        }
        if work.partitioner.has_handed_on() {
            work.encode()?;
        }
        Ok(Flow::On)
    }

    /// What is credible after a fault depends on the time before it, which a guess does not know.
    fn begun(&mut self, has_gaps: bool) -> Result<(), TaskError> {
        if self.work.output.guessed.is_some() && has_gaps { Err(TaskError::WrongGuess) } else { Ok(()) }
    }

    fn stride(&mut self, bytes_read: u64) -> Result<Flow, TaskError> {
        self.work.job.context.meter.add(bytes_read - self.metered, STRIDE);
        self.metered = bytes_read;
        Ok(Flow::On)
    }
}
