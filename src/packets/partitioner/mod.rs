//! Rows to their partitions.

mod mixing;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use crate::capture::{PacketRecord, Timestamp};
use crate::config::{LengthKind, PartitionBy, ROW_GROUP_ROWS, TimestampUnit};
use crate::decode::Packet;

use crate::packets::fields::FieldRows;
use crate::packets::mixed_rows::MixedRows;
use crate::packets::packed::NO_PROTOCOL;
use crate::packets::partition::{PartitionKey, When};
use crate::packets::rows::Rows;
use crate::packets::schema::TableColumns;

use mixing::MANY_PARTITIONS;

/// Bytes of memory for each row of a full row group, which is counted as `ROW_GROUP_ROWS` rows at least. Once the rows of
/// all partitions together take that memory, or are twice as many as a full row group has, the fullest partitions are
/// handed on early. A row of a scan, with an address of its own, takes 180.
const BYTES_PER_ROW: usize = 192;
/// Up to this many partitions, a new one reuses the memory of another. With more, most have few rows, and should not keep
/// memory for many.
const FEW: usize = 3;

/// Rows after which the bytes of the current partition are counted again.
const STRIDE: usize = 64;

/// The most bytes of memory that rows take, where a full row group has `full` rows.
#[must_use]
pub fn room_of_rows(columns: &TableColumns, full: usize) -> usize {
    let per_row = BYTES_PER_ROW + FieldRows::of(columns.parts().fields).per_row();
    full.max(ROW_GROUP_ROWS).saturating_mul(per_row)
}

/// Rows of a partition, and how many of their bytes have been counted.
struct OpenBatch {
    rows: Box<Rows>,
    counted: usize,
}

/// Rows that are handed on.
#[derive(Debug)]
pub enum HandedOn {
    /// The rows of a row group of one partition.
    RowGroup(PartitionKey, Rows),
    /// Rows of more partitions than fit.
    Mixed(MixedRows),
}

/// Collects the rows of a task by partition, and hands them on as row groups.
pub struct Partitioner {
    columns: TableColumns,
    by: PartitionBy,
    unit: TimestampUnit,
    length: LengthKind,
    /// Rows of a full row group.
    full: usize,
    /// The most bytes that the rows of all partitions take.
    room: usize,
    /// The partition that the last row went to.
    current: Option<(PartitionKey, OpenBatch)>,
    /// The other partitions.
    open: BTreeMap<PartitionKey, OpenBatch>,
    open_rows: usize,
    /// Bytes of all rows, as far as they have been counted.
    open_bytes: usize,
    handed_on: VecDeque<HandedOn>,
    /// Whether rows of more dates than fit may be handed on unsorted.
    may_mix: bool,
    /// The rows with a date, while they are of more dates than fit.
    mixed: Option<MixedRows>,
    /// Partitions from which on their dates are counted again.
    check_at: usize,
    spare: Vec<Rows>,
    /// The date and hour that rows go to now, and the seconds for which that holds.
    when: When,
    holds: std::ops::Range<i64>,
}

impl Partitioner {
    /// A partitioner whose row groups hold `full` rows of these columns. `spare` is memory that another partitioner of the same
    /// table has left.
    ///
    /// # Memory
    /// 24 MiB of rows of all partitions together, or 192 bytes for each of `full` rows if that is more. With all further columns half
    /// as much again.
    #[must_use]
    pub fn new(
        columns: TableColumns,
        by: PartitionBy,
        (unit, length): (TimestampUnit, LengthKind),
        full: usize,
        spare: Vec<Rows>,
    ) -> Self {
        let room = room_of_rows(&columns, full);
        Self {
            columns,
            by,
            unit,
            length,
            full: full.max(1),
            room,
            current: None,
            open: BTreeMap::new(),
            open_rows: 0,
            open_bytes: 0,
            handed_on: VecDeque::new(),
            may_mix: false,
            mixed: None,
            check_at: MANY_PARTITIONS,
            spare,
            when: When::BeforeFirst(0),
            holds: 0..0,
        }
    }

    /// The same, which hands on rows of more dates than fit as [`HandedOn::Mixed`].
    #[must_use]
    pub fn mixing(self) -> Self {
        Self { may_mix: true, ..self }
    }

    /// Begins a capture, or continues one in its middle. `last` is the time of the timed row before.
    pub fn begin(&mut self, input: usize, last: Option<Timestamp>) {
        self.put_away();
        self.holds = 0..0;
        self.when = When::BeforeFirst(input);
        if let Some(last) = last {
            self.enter(last.seconds());
        }
    }

    /// Sends rows to the date and hour of an instant from now on.
    #[cold]
    fn enter(&mut self, seconds: i64) {
        self.put_away();
        if self.open.len() >= self.check_at && !self.mix_if_many() {
            self.check_at = self.open.len() * 2;
        }
        let span = if self.by.hour { 3600 } else { 86_400 };
        let start = seconds - seconds.rem_euclid(span);
        self.holds = start..start + span;
        let before = std::mem::replace(&mut self.when, When::of_seconds(seconds, self.by));
        if matches!(before, When::BeforeFirst(_)) {
            self.resolve(before);
        }
    }

    /// Sends the rows that waited for the first time of their capture to its date: after the rows that are there already,
    /// and before the ones that follow.
    fn resolve(&mut self, before: When) {
        let waiting: Vec<_> = self.open.keys().copied().filter(|key| key.when == before).collect();
        for key in waiting {
            let resolved = PartitionKey { when: self.when, ..key };
            if self.mixed.is_some() {
                self.hand_on_mixed();
                self.hand_on_early(|early| *early == key, self.when);
                continue;
            }
            self.hand_on(resolved);
            if let Some(rows) = self.open.remove(&key) {
                self.open.insert(resolved, rows);
            }
        }
    }

    /// Appends a row, and returns its `length`.
    #[inline]
    pub fn append(
        &mut self,
        input: usize,
        record: &PacketRecord<'_>,
        packet: &Packet<'_>,
        first: Option<Timestamp>,
    ) -> i64 {
        self.step_over(record.time);
        let protocol = self.by.protocol.then(|| packet.protocol.map_or(NO_PROTOCOL, u16::from));
        if let Some(mixed) = &mut self.mixed
            && self.when.day().is_some()
        {
            let length = mixed.append(PartitionKey { when: self.when, protocol }, input, record, packet, first);
            let rows = mixed.len();
            if rows >= self.full.saturating_mul(2) || rows.is_multiple_of(STRIDE) && mixed.bytes() >= self.room {
                self.hand_on_mixed();
            }
            return length;
        }
        let (_, open) = match &mut self.current {
            Some(current) if current.0.protocol == protocol => current,
            _ => self.turn_to(PartitionKey { when: self.when, protocol }),
        };
        let length = open.rows.append(input, record, packet, first);
        let rows = open.rows.len();
        self.open_rows += 1;
        if rows >= self.full {
            self.put_away();
            self.hand_on(PartitionKey { when: self.when, protocol });
        } else if self.open_rows.is_multiple_of(STRIDE) || self.open_rows >= self.full.saturating_mul(2) {
            self.look_for_room();
        }
        length
    }

    /// Makes another partition the current one, until rows go to another date, hour or capture.
    fn turn_to(&mut self, key: PartitionKey) -> &mut (PartitionKey, OpenBatch) {
        self.put_away();
        let are_few = self.open.len() < FEW;
        let open = self.open.remove(&key).unwrap_or_else(|| {
            let rows = self
                .spare
                .pop_if(|_| are_few)
                .unwrap_or_else(|| Rows::new(self.columns.clone(), self.unit, self.length));
            OpenBatch { rows: Box::new(rows), counted: 0 }
        });
        self.current.insert((key, open))
    }

    /// Puts the current partition among the others.
    fn put_away(&mut self) {
        self.count();
        if let Some((key, open)) = self.current.take() {
            self.open.insert(key, open);
        }
    }

    /// Counts the bytes of the current partition.
    fn count(&mut self) {
        if let Some((_, open)) = &mut self.current {
            let bytes = open.rows.bytes();
            self.open_bytes += bytes - std::mem::replace(&mut open.counted, bytes);
        }
    }

    #[cold]
    fn look_for_room(&mut self) {
        self.count();
        if self.open_rows >= self.full.saturating_mul(2) || self.open_bytes >= self.room {
            self.put_away();
            self.make_room();
        }
    }

    /// Hands on the partitions that have most of what exceeds its limit, until a quarter of the limit is free. Of few
    /// partitions it takes one, of many it takes many at once, so that they are not searched at every row.
    fn make_room(&mut self) {
        if self.mix_if_many() {
            return;
        }
        let too_many_rows = self.open_rows >= self.full.saturating_mul(2);
        let size = |rows: &Rows| if too_many_rows { rows.len() } else { rows.bytes() };
        let mut fullest: Vec<_> = self.open.iter().map(|(key, open)| (size(&open.rows), Reverse(*key))).collect();
        fullest.sort_unstable();
        while let Some((_, Reverse(key))) = fullest.pop() {
            self.hand_on(key);
            if self.open_rows <= self.full / 2 * 3 && self.open_bytes <= self.room / 4 * 3 {
                break;
            }
        }
    }

    /// Notes a record's time without making a row.
    #[inline]
    pub fn step_over(&mut self, time: Option<Timestamp>) {
        if let Some(time) = time
            && !self.holds.contains(&time.seconds())
        {
            self.enter(time.seconds());
        }
    }

    fn hand_on(&mut self, key: PartitionKey) {
        // Rows that came before come first.
        self.hand_on_mixed();
        if let Some(rows) = self.take_out(key) {
            self.handed_on.push_back(HandedOn::RowGroup(key, rows));
        }
    }

    fn take_out(&mut self, key: PartitionKey) -> Option<Rows> {
        let OpenBatch { rows, counted } = self.open.remove(&key)?;
        self.open_rows -= rows.len();
        self.open_bytes -= counted;
        Some(*rows)
    }

    /// Hands on all rows that are left, in the order of the keys; first those of more dates than fit.
    pub fn flush(&mut self) {
        self.put_away();
        self.hand_on_mixed();
        let keys: Vec<_> = self.open.keys().copied().collect();
        keys.into_iter().for_each(|key| self.hand_on(key));
    }

    /// Whether rows have been handed on.
    #[must_use]
    #[inline]
    pub fn has_handed_on(&self) -> bool {
        !self.handed_on.is_empty()
    }

    /// The rows that were handed on first.
    pub fn take_handed_on(&mut self) -> Option<HandedOn> {
        self.handed_on.pop_front()
    }

    /// Takes back rows that have been written, to use their memory again, unless it is much.
    pub fn recycle(&mut self, mut rows: Rows) {
        if self.spare.is_empty() && rows.kept() <= self.room / 3 * 2 {
            rows.clear();
            self.spare.push(rows);
        }
    }

    /// Memory that is no longer in use, for the partitioner of the next task.
    pub fn into_spare(self) -> Vec<Rows> {
        self.spare
    }

    /// The date and hour of the last row.
    #[must_use]
    pub fn when(&self) -> When {
        self.when
    }
}
