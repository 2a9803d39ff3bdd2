//! The sums of captures without a lake: read and decoded as in a conversion, but no row is written.

use crate::aggregate::{Aggregator, Space};
use crate::cancel::Cancel;
use crate::capture::{CaptureReader, PacketRecord, Timestamp};
use crate::config::{LengthKind, PartitionBy, ROW_GROUP_ROWS, TimestampUnit};
use crate::day::Day;
use crate::decode::{Packet, decode};
use crate::discover::{Input, Refusal};
use crate::error::Result;
use crate::lake::InputEntry;
use crate::packets::{Partitioner, When};
use crate::plan::{APPENDED, CaptureEntry, StreamEntry};
use crate::summary::{AlignedWindows, Filter, Partial};

use super::counts::Counts;

/// Records between two checks for a signal.
const STRIDE: u64 = 4096;

/// How captures are summed up.
#[derive(Clone, Debug)]
pub(crate) struct Counting {
    pub(crate) length: LengthKind,
    pub(crate) window: i64,
    pub(crate) salvage: bool,
    pub(crate) filter: Filter,
    /// Whether the time of each packet is counted, for windows that begin with the first packet.
    pub(crate) instants: bool,
}

impl Counting {
    /// What a record adds to the sum of lengths.
    fn length_of(&self, record: &PacketRecord<'_>) -> u32 {
        match self.length {
            LengthKind::Wire => record.orig_len,
            LengthKind::Captured => record.cap_len,
        }
    }
}

/// Sums up one capture. The inner error says why it is no capture.
pub(crate) fn count(
    input: Input,
    counting: &Counting,
    space: &Space,
    cancel: &Cancel,
) -> Result<Result<(InputEntry, Aggregator), (Input, Refusal)>> {
    let mut reader = match CaptureReader::open(&input) {
        Ok(reader) => reader.salvaging(counting.salvage, None),
        Err(refusal) => return Ok(Err((input, refusal))),
    };
    let mut counts = Counts::default();
    let mut found = CaptureEntry::default();
    let mut partial = Partial::new(space);
    let mut names_within = Partial::new(space);
    let mut instants = AlignedWindows::new(space);
    let mut router =
        Partitioner::new(PartitionBy::default(), TimestampUnit::Us, counting.length, ROW_GROUP_ROWS, Vec::new());
    router.begin(0, None);
    let end = loop {
        let record = match reader.next() {
            Ok(Some(record)) => record,
            Ok(None) => break None,
            Err(damage) => break Some(damage),
        };
        let packet = record.link_type.map_or_else(Packet::default, |link_type| decode(link_type, record.data));
        counts.add(&record, &packet);
        if counts.records().is_multiple_of(STRIDE) {
            cancel.check()?;
            names_within.keep_within()?;
        }
        router.step_over(record.time);
        let day = day_of(router.when());
        found.length += i64::from(counting.length_of(&record));
        let micros = record.time.map(Timestamp::micros);
        let is_within = counting.filter.takes_time(micros);
        if let Some(message) = &packet.dns {
            // Of all messages: the name of an address does not depend on which packets count.
            partial.add_names(day, micros, message);
            if is_within && counting.filter.times.is_some() {
                names_within.add_names(day, micros, message);
            }
        }
        if !is_within || !counting.filter.takes(&packet) {
            continue;
        }
        let length = router.append(0, &record, &packet, None);
        if let Some(message) = &packet.dns {
            partial.add_message(day, message);
        }
        if counting.instants {
            instants.add(day, record.time, length)?;
        }
        count_rows(&mut router, &mut partial, counting.window)?;
    };
    router.flush();
    count_rows(&mut router, &mut partial, counting.window)?;
    found.format = Some(reader.format());
    found.compression = Some(reader.compression());
    found.note_damage(end, reader.take_gaps());
    counts.into_entry(&mut found);
    found.count_odd(APPENDED, reader.appended());
    found.rows = found.records;
    let first = found.first.map_or(Day::EPOCH, |first| Day::of_seconds(first.seconds()));
    partial.resolve(first);
    instants.resolve(first);
    names_within.resolve(first);
    let mut input = input;
    if input.is_stdin() {
        (input.size, input.fingerprint) = (reader.bytes_read(), reader.fingerprint());
        found.stream = StreamEntry::of(&reader);
    }
    let mut tallies = partial.into_tallies();
    tallies.append(instants.into_tallies())?;
    tallies.append(names_within.into_names_within()?)?;
    Ok(Ok((InputEntry::of(input, found), tallies)))
}

fn count_rows(router: &mut Partitioner, partial: &mut Partial, window: i64) -> Result<()> {
    while let Some((key, rows)) = router.take_row_group() {
        partial.add_rows(day_of(key.when), &rows, window)?;
        router.recycle(rows);
    }
    Ok(())
}

fn day_of(when: When) -> Day {
    when.day().unwrap_or(Day::UNKNOWN)
}
