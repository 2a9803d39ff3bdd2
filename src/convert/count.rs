//! The sums of captures without a lake: read and decoded as in a conversion, but no row is written.

use crate::aggregate::{Aggregator, Space};
use crate::bug::bug;
use crate::cancel::Cancel;
use crate::capture::{CaptureReader, PacketRecord, Timestamp};
use crate::config::{Decapsulation, LengthKind, PartitionBy, ROW_GROUP_ROWS, TimestampUnit};
use crate::day::Day;
use crate::decode::Packet;
use crate::discover::{Input, Refusal};
use crate::error::{Error, Result};
use crate::lake::InputEntry;
use crate::packets::{HandedOn, Partitioner, TableColumns, When};
use crate::summary::{AlignedWindows, Filter, Partial};

use super::scan::{Flow, Scan, Visitor};

/// How captures are summed up.
#[derive(Clone, Debug)]
pub(crate) struct Counting {
    pub(crate) length: LengthKind,
    pub(crate) window: i64,
    pub(crate) salvage: bool,
    pub(crate) decapsulate: Decapsulation,
    pub(crate) filter: Filter,
    /// Whether the server names in TLS are a source of names.
    pub(crate) server_names: bool,
    /// Microseconds without a packet after which another flow begins, if flows are counted.
    pub(crate) flow_timeout: Option<i64>,
    /// Whether the time of each packet is counted, for windows that begin with the first packet.
    pub(crate) instants: bool,
}

/// Sums up one capture. The inner error says why it is no capture.
pub(crate) fn count(
    mut input: Input,
    counting: &Counting,
    space: &Space,
    cancel: &Cancel,
) -> Result<Result<(InputEntry, Aggregator), (Input, Refusal)>> {
    let reader = match CaptureReader::open(&input) {
        Ok(reader) => reader.salvaging(counting.salvage, None),
        Err(refusal) => return Ok(Err((input, refusal))),
    };
    let mut scan = Scan::new(reader, &counting.decapsulate, cancel);
    let mut capture_sums = CaptureSums::new(counting, space);
    scan.run(&mut capture_sums)?;
    let found = scan.take_entry(counting.length);
    let sums = capture_sums.into_sums(found.first)?;
    if input.is_stdin() {
        let reader = scan.into_reader();
        (input.size, input.fingerprint) = (reader.bytes_read(), reader.fingerprint());
    }
    Ok(Ok((InputEntry::of(input, found), sums)))
}

/// What a capture adds to the sums.
struct CaptureSums<'c> {
    counting: &'c Counting,
    partial: Partial,
    /// Names in the messages of the times that count, if not all do.
    names_within: Partial,
    instants: AlignedWindows,
    partitioner: Partitioner,
}

impl<'c> CaptureSums<'c> {
    fn new(counting: &'c Counting, space: &Space) -> Self {
        let kinds = (TimestampUnit::Us, counting.length);
        let mut partitioner =
            Partitioner::new(TableColumns::default(), PartitionBy::default(), kinds, ROW_GROUP_ROWS, Vec::new());
        partitioner.begin(0, None);
        Self {
            counting,
            partial: Partial::new(space).counting_clients(true).with_flows(counting.flow_timeout, false),
            names_within: Partial::new(space),
            instants: AlignedWindows::new(space),
            partitioner,
        }
    }

    fn add_row_groups(&mut self) -> Result<()> {
        while let Some(handed_on) = self.partitioner.take_handed_on() {
            // Sums are kept by key, whatever the number of dates.
            let HandedOn::RowGroup(key, rows) = handed_on else { return Err(bug!()) };
            self.partial.add_rows(day_of(key.when), &rows, self.counting.window)?;
            self.partitioner.recycle(rows);
        }
        Ok(())
    }

    /// The sums. `first` is the time of the first packet that has one.
    fn into_sums(mut self, first: Option<Timestamp>) -> Result<Aggregator> {
        self.partitioner.flush();
        self.add_row_groups()?;
        let first = first.map_or(Day::EPOCH, |first| Day::of_seconds(first.seconds()));
        self.partial.resolve(first);
        self.instants.resolve(first);
        self.names_within.resolve(first);
        let mut sums = self.partial.into_aggregator();
        sums.append(self.instants.into_aggregator())?;
        sums.append(self.names_within.into_names_within()?)?;
        Ok(sums)
    }
}

impl Visitor for CaptureSums<'_> {
    type Stop = Error;

    fn packet(&mut self, record: &PacketRecord<'_>, packet: &Packet<'_>, _: Option<Timestamp>) -> Result<Flow> {
        self.partitioner.step_over(record.time);
        let day = day_of(self.partitioner.when());
        let micros = record.time.map(Timestamp::micros);
        let filter = &self.counting.filter;
        let is_within = filter.takes_time(micros);
        if let Some(message) = &packet.dns {
            // Of all messages: the name of an address does not depend on which packets count.
            self.partial.add_names(day, micros, message);
            if is_within && filter.times.is_some() {
                self.names_within.add_names(day, micros, message);
            }
        }
        if self.counting.server_names {
            self.partial.add_server_name(day, micros, packet);
        }
        if !is_within || !filter.takes(packet) {
            return Ok(Flow::On);
        }
        let length = self.partitioner.append(0, record, packet, None);
        if let Some(message) = &packet.dns {
            self.partial.add_message(day, message, packet);
        }
        if !packet.tunnels.is_empty() {
            self.partial.add_tunnels(day, &packet.tunnels, length);
        }
        if self.counting.instants {
            self.instants.add(day, record.time, length)?;
        }
        self.add_row_groups()?;
        Ok(Flow::On)
    }

    fn stride(&mut self, _: u64) -> Result<Flow> {
        self.names_within.keep_within()?;
        Ok(Flow::On)
    }
}

fn day_of(when: When) -> Day {
    when.day().unwrap_or(Day::UNKNOWN)
}
