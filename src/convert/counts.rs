//! Counts what is odd, packet by packet, in arrays. Names are added at the end.

use crate::capture::{LinkType, PacketRecord, Timestamp};
use crate::config::LengthKind;
use crate::decode::{Packet, Stop};
use crate::plan::{APPENDED, BACKWARDS, CUT_BY_SNAP_LEN, CaptureEntry, IMPLAUSIBLE, Implausible};

/// Names and meanings of the oddities of records: those of [`RecordAnomaly::bits`](crate::capture::RecordAnomaly::bits)
/// in their order, then two about the lengths.
const RECORD_ODDITIES: [(&str, &str); 8] = [
    ("fraction_carried", "The fraction of a second is a second or more; it was carried."),
    ("time_out_of_range", "A time outside the years 1 to 9999; the row has none."),
    ("no_interface", "A pcapng packet that names an interface which its section does not have."),
    ("cap_len_over_block", "A pcapng packet that announces more captured bytes than its block has."),
    ("cap_len_over_snap_len", "More captured bytes than the snapshot length allows."),
    ("zero_length", "No byte of the packet was captured."),
    (CUT_BY_SNAP_LEN, "Fewer bytes were captured than were on the wire. That alone makes no capture `odd`."),
    ("orig_len_below_cap_len", "More bytes captured than were on the wire."),
];

/// The names under which oddities are counted, each with its meaning.
pub fn oddities() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of_captures = [
        (BACKWARDS, "A time before that of the timed packet before it."),
        (IMPLAUSIBLE, "More than 512 KiB announced on the wire, and fewer captured: perhaps a flipped bit."),
        (APPENDED, "Not packets but captures: each begins after the records of another in the same file."),
    ];
    RECORD_ODDITIES.into_iter().chain(of_captures).chain(Stop::ALL.map(|stop| (stop.name(), stop.meaning())))
}

/// More bytes than a packet has on any wire: Linux hands on segments of up to 524,280 bytes (BIG TCP) as one packet.
const MOST_ON_WIRE: u32 = 1 << 19;

/// Counts of some records of one capture.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) records: u64,
    /// Sums of the lengths on the wire and of the captured lengths, in bytes.
    on_wire: i64,
    captured: i64,
    odd: Odd,
    stops: Stops,
    link_types: Vec<(Option<LinkType>, u64)>,
    earliest: Option<Timestamp>,
    /// The latest time before time went back. It is the latest of all unless the last time is later.
    latest_before: Option<Timestamp>,
    first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    backwards: u64,
    implausible: u64,
    /// Of the implausible records, the first with most bytes.
    most_implausible: Option<Box<Implausible>>,
}

/// Records by the set of their oddities, one bit each: a record takes one count, whatever is odd about it.
struct Odd([u64; 1 << RECORD_ODDITIES.len()]);

impl Default for Odd {
    fn default() -> Self {
        Self([0; 1 << RECORD_ODDITIES.len()])
    }
}

/// By where decoding ended: counts of all packets, and of packets that were not captured whole.
struct Stops([[u64; 2]; Stop::COUNT]);

impl Default for Stops {
    fn default() -> Self {
        Self([[0; 2]; Stop::COUNT])
    }
}

impl Counts {
    #[inline]
    pub(super) fn add(&mut self, record: &PacketRecord<'_>, packet: &Packet<'_>) {
        self.records += 1;
        self.on_wire += i64::from(record.orig_len);
        self.captured += i64::from(record.cap_len);
        let lengths = u8::from(record.cap_len == 0)
            | u8::from(record.cap_len < record.orig_len) << 1
            | u8::from(record.cap_len > record.orig_len) << 2;
        let bits = usize::from(record.odd.bits() | lengths << 5);
        // Eight bits: each has its place.
        if let Some(count) = self.odd.0.get_mut(bits) {
            *count += 1;
        }
        if record.orig_len > MOST_ON_WIRE {
            self.note_implausible(record);
        }
        if let Some(stop) = packet.stop {
            self.stop(stop, record);
        }
        match self.link_types.iter_mut().find(|(held, _)| *held == record.link_type) {
            Some((_, count)) => *count += 1,
            None => self.link_types.push((record.link_type, 1)),
        }
        if let Some(time) = record.time {
            self.time(time);
        }
    }

    /// Kept out of the loop over packets: within it, it made that loop slower by a tenth.
    #[inline(never)]
    fn stop(&mut self, stop: Stop, record: &PacketRecord<'_>) {
        if let Some([all, cut]) = self.stops.0.get_mut(stop.index()) {
            *all += 1;
            *cut += u64::from(record.cap_len < record.orig_len);
        }
    }

    /// A length whose bytes were all captured is real, however long, e.g. a USB transfer.
    #[cold]
    fn note_implausible(&mut self, record: &PacketRecord<'_>) {
        let &PacketRecord { orig_len, cap_len, time, .. } = record;
        if cap_len >= orig_len {
            return;
        }
        self.implausible += 1;
        if self.most_implausible.as_ref().is_none_or(|held| held.orig_len < orig_len) {
            self.most_implausible = Some(Box::new(Implausible { frame: self.records, orig_len, cap_len, time }));
        }
    }

    #[inline]
    fn time(&mut self, time: Timestamp) {
        // Times mostly rise.
        if self.last.is_none_or(|last| time < last) {
            self.turn_back(time);
        }
        self.last = Some(time);
    }

    /// Handles the first time, or a time before the last one.
    #[cold]
    fn turn_back(&mut self, time: Timestamp) {
        self.backwards += u64::from(self.last.is_some());
        self.latest_before = self.latest_before.max(self.last);
        self.earliest = Some(self.earliest.map_or(time, |held| held.min(time)));
        self.first = self.first.or(Some(time));
    }

    /// Sum of the lengths, in bytes.
    pub(super) fn length(&self, kind: LengthKind) -> i64 {
        match kind {
            LengthKind::Wire => self.on_wire,
            LengthKind::Captured => self.captured,
        }
    }

    /// Puts the counts into a manifest entry.
    pub(super) fn into_entry(self, entry: &mut CaptureEntry) {
        entry.records = self.records;
        entry.earliest = self.earliest;
        entry.latest = self.latest_before.max(self.last);
        entry.first = self.first;
        entry.last = self.last;
        for (link_type, count) in self.link_types {
            let name = link_type.map_or_else(|| "none".to_owned(), |link_type| link_type.to_string());
            entry.link_types.add(&name, count);
        }
        for (place, (name, _)) in RECORD_ODDITIES.into_iter().enumerate() {
            let counts = self.odd.0.iter().enumerate().filter(|(bits, _)| bits >> place & 1 == 1);
            entry.count_odd(name, counts.map(|(_, count)| count).sum());
        }
        for (stop, [all, cut]) in Stop::ALL.into_iter().zip(self.stops.0) {
            entry.count_odd(stop.name(), all);
            // Missing bytes are explained; wrong ones are not.
            if stop.is_cut() && cut > 0 {
                entry.snapped.add(stop.name(), cut);
            }
        }
        entry.count_odd(BACKWARDS, self.backwards);
        entry.count_odd(IMPLAUSIBLE, self.implausible);
        entry.implausible = self.most_implausible;
    }
}
