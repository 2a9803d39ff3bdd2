//! Rows of many partitions in one table, in the order of their capture.
//!
//! A table for each of thousands of partitions takes kilobytes before its first row, and appending to another one at each row is
//! slow. Here, a row costs what it costs in a capture of one date, and 48 bytes.

use std::collections::BTreeSet;
use std::io;

use crate::capture::{PacketRecord, Timestamp};
use crate::decode::Packet;

use super::partition::PartitionKey;
use super::rows::{Rows, Span};

/// Where a row belongs.
#[derive(Clone, Copy, Debug)]
struct RowPlace {
    key: PartitionKey,
    row: u32,
    input: usize,
    offset: u64,
}

/// Rows of many partitions.
#[derive(Debug)]
pub struct MixedRows {
    pub(super) rows: Rows,
    places: Vec<RowPlace>,
    /// Rows that were collected by partition, before there were too many. They come before the others.
    early: Vec<(PartitionKey, Rows)>,
}

impl MixedRows {
    /// None yet, in memory that has no rows.
    pub(super) fn new(rows: Rows) -> Self {
        Self { rows, places: Vec::new(), early: Vec::new() }
    }

    /// Rows that were collected by partition. `rows` are none.
    pub(super) fn of_partitions(rows: Rows, early: Vec<(PartitionKey, Rows)>) -> Self {
        Self { early, ..Self::new(rows) }
    }

    /// Appends a row of a partition, and returns its `length`. Not inlined, so that the loop over packets stays small.
    #[inline(never)]
    pub(super) fn append(
        &mut self,
        key: PartitionKey,
        input: usize,
        record: &PacketRecord<'_>,
        packet: &Packet<'_>,
        first: Option<Timestamp>,
    ) -> i64 {
        // There are far fewer than 2^32 rows. A row that is not found again is an error of the run.
        let row = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.places.push(RowPlace { key, row, input, offset: record.offset });
        self.rows.append(input, record, packet, first)
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Bytes of memory that the rows take, about, without those that were collected by partition.
    pub(super) fn bytes(&self) -> usize {
        self.rows.bytes() + size_of_val(self.places.as_slice())
    }

    /// How many dates have rows.
    pub(super) fn dates(&self) -> usize {
        let mut dates: BTreeSet<_> = self.early.iter().map(|(key, _)| key.when.day()).collect();
        let mut last = None;
        for place in &self.places {
            if last.replace(place.key.when) != Some(place.key.when) {
                dates.insert(place.key.when.day());
            }
        }
        dates.len()
    }

    /// Hands on all rows, sorted by partition and in their order within it: stretches that belong together, and the first row of
    /// each in its table.
    pub(super) fn each_stretch(
        &mut self,
        mut take: impl FnMut(PartitionKey, Span, &Rows, usize) -> io::Result<()>,
    ) -> io::Result<()> {
        self.places.sort_unstable_by_key(|place| (place.key, place.row));
        self.early.sort_by_key(|(key, _)| *key);
        let mut early = self.early.iter().peekable();
        for place in &self.places {
            while let Some((key, rows)) = early.next_if(|(key, _)| *key <= place.key) {
                of_partition(*key, rows, &mut take)?;
            }
            let RowPlace { key, row, input, offset } = *place;
            let span = Span { input, rows: 1, first_offset: offset, last_offset: offset };
            take(key, span, &self.rows, row as usize)?;
        }
        early.try_for_each(|(key, rows)| of_partition(*key, rows, &mut take))
    }

    /// Memory for rows, to be used again.
    #[must_use]
    pub fn into_spare(self) -> Rows {
        self.rows
    }
}

fn of_partition(
    key: PartitionKey,
    rows: &Rows,
    take: &mut impl FnMut(PartitionKey, Span, &Rows, usize) -> io::Result<()>,
) -> io::Result<()> {
    let mut first = 0;
    for span in rows.spans() {
        take(key, *span, rows, first)?;
        first += usize::try_from(span.rows).map_err(io::Error::other)?;
    }
    Ok(())
}
