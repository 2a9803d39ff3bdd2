//! Counting what is odd, packet by packet, in arrays; names come in at the end.

use crate::commit::{BACKWARDS, CaptureEntry};
use crate::decode::{Packet, Stop};
use crate::read::{LinkType, PacketRecord, Timestamp};

/// Names of the oddities of records.
const RECORD_ODDITIES: [&str; 8] = [
    "zero_length",
    "cut_by_snap_len",
    "orig_len_below_cap_len",
    "fraction_carried",
    "time_out_of_range",
    "no_interface",
    "cap_len_over_block",
    "cap_len_over_snap_len",
];

/// Counts of some records of one capture.
#[derive(Default)]
pub(crate) struct Counts {
    pub(super) records: u64,
    odd: [u64; RECORD_ODDITIES.len()],
    stops: Stops,
    link_types: Vec<(Option<LinkType>, u64)>,
    earliest: Option<Timestamp>,
    latest: Option<Timestamp>,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    backwards: u64,
}

struct Stops([u64; Stop::COUNT]);

impl Default for Stops {
    fn default() -> Self {
        Self([0; Stop::COUNT])
    }
}

impl Counts {
    #[inline]
    pub(crate) fn add(&mut self, record: &PacketRecord<'_>, packet: &Packet<'_>) {
        self.records += 1;
        let odd = [
            record.cap_len == 0,
            record.cap_len < record.orig_len,
            record.cap_len > record.orig_len,
            record.odd.fraction_carried,
            record.odd.time_out_of_range,
            record.odd.no_interface,
            record.odd.cap_len_over_block,
            record.odd.cap_len_over_snap_len,
        ];
        for (count, odd) in self.odd.iter_mut().zip(odd) {
            *count += u64::from(odd);
        }
        if let Some(count) = packet.stop.and_then(|stop| self.stops.0.get_mut(stop.index())) {
            *count += 1;
        }
        match self.link_types.iter_mut().find(|(held, _)| *held == record.link_type) {
            Some((_, count)) => *count += 1,
            None => self.link_types.push((record.link_type, 1)),
        }
        if let Some(time) = record.time {
            self.earliest = Some(self.earliest.map_or(time, |held| held.min(time)));
            self.latest = Some(self.latest.map_or(time, |held| held.max(time)));
            self.backwards += u64::from(self.last.is_some_and(|last| time < last));
            self.first = self.first.or(Some(time));
            self.last = Some(time);
        }
    }

    /// Records counted so far.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Puts what was counted into a manifest entry.
    pub(crate) fn into_entry(self, entry: &mut CaptureEntry) {
        entry.records = self.records;
        entry.earliest = self.earliest;
        entry.latest = self.latest;
        entry.first = self.first;
        entry.last = self.last;
        for (link_type, count) in self.link_types {
            let name = link_type.map_or_else(|| "none".to_owned(), |link_type| link_type.to_string());
            entry.link_types.add(&name, count);
        }
        for (name, count) in RECORD_ODDITIES.into_iter().zip(self.odd) {
            entry.count_odd(name, count);
        }
        for (stop, count) in Stop::ALL.into_iter().zip(self.stops.0) {
            entry.count_odd(stop.name(), count);
        }
        entry.count_odd(BACKWARDS, self.backwards);
    }
}
