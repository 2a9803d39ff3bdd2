//! Where the records of a capture resume after a fault.
//!
//! In: a buffer that stands at a fault, the framing up to there, and the time of the last record. Out: the buffer at the
//! next credible record or file header, or at the end. The rule keeps bytes inside of packets from being taken for
//! records:
//!
//! 1. A record or block is credible if it is whole and its fields agree with one another and with what the capture has
//!    said so far ([`record`], [`block`]). Its time must be able to follow the last one before the fault: the records
//!    that a packet carries are older.
//! 2. Credible records in a row are a run. A run is believed if it has [`MANY_RECORDS`] packets and is longer than the
//!    longest packet, so that it cannot lie within one. It is also believed if it has [`MIN_RECORDS`] packets and ends
//!    with the last byte of the capture, with zeros up to there, or with more zeros than a packet has.
//! 3. The first believed run after the fault is taken. The other length of the faulty record leads to one place, which is
//!    tried before all others.
//! 4. Records that a packet carries up to its own end look like the beginning of the run. So if one of the first
//!    [`LOOKED_INTO`] records of the run carries such records, the run begins with that record, and what precedes it is
//!    given up.
//! 5. A file header ([`appended`]) begins another capture if a believed run of that capture's records follows it at once,
//!    whatever their times are. It does not if rule 4 cuts that run.
//!
//! Always: the answer depends on the bytes from the fault on and on what precedes it, never on chunks or buffers. Every
//! byte is looked at a bounded number of times.
//!
//! What the rule cannot tell apart: records that a packet carries up to its own end, with times that could follow, if the
//! packet's own header is gone and none of the next [`LOOKED_INTO`] packets carries any.
//!
//! What it does not find: anything, where the first time of the capture, or the last one before the fault, is so wrong
//! that no time can follow. Nor records after a fault in an appended capture that is older than the capture before it.
//!
//! Not here: mending a record, and what follows a fault of a compressed stream.

mod block;
mod record;

use std::collections::HashSet;

use crate::capture::appended;
use crate::discover::{Format, zeros};

use super::appended::Begun;
use super::damage::DamageKind;
use super::position::{Framing, LengthOrder};
use super::read_buffer::ReadBuffer;
use super::time::Timestamp;

/// Packets that a run needs to be believed for its length.
const MANY_RECORDS: usize = 8;
/// Packets that a run needs to be believed for ending with the capture.
const MIN_RECORDS: usize = 3;
/// How many records of a run are searched for records that their packets carry.
const LOOKED_INTO: usize = 64;
/// Bytes within which a run must be believed. A run with fewer packets among other blocks is not.
const RUN: usize = MANY_RECORDS * LONGEST;
/// Bytes in which places are tried before the buffer moves on.
const STEP: usize = 1 << 20;
/// Bytes of the longest packet, with its framing: what an IP header can announce, and some. Jumbograms are longer, and
/// rare.
const LONGEST: usize = 65_535 + 1024;
/// Bytes of the shortest record; fewer zeros at the end may be the beginning of one.
const SHORTEST: usize = 16;
/// The longest span of a capture, in seconds, within which a time is credible: a year and some.
const LONGEST_S: i64 = 400 * 86_400;
/// Seconds by which a credible record may follow the last one before the fault: a month.
const AFTER_S: i64 = 31 * 86_400;
/// Seconds by which it may precede that record: captures of several queues are not quite in order.
const BEFORE_S: i64 = 1;

/// Where the buffer stands once something was found after a fault.
pub(super) enum Resumed {
    /// At a credible record of the same capture.
    Records,
    /// At the file header of another capture.
    Capture(Begun),
}

/// Moves the buffer, which stands at a fault of kind `fault`, to the next credible record. `None`, with the buffer at its
/// end, if there is none.
pub(super) fn find(
    window: &mut ReadBuffer,
    framing: &mut Framing,
    known: RecordTimes,
    fault: DamageKind,
) -> Option<Resumed> {
    match framing {
        Framing::Empty => None,
        Framing::Pcap(header) => {
            let rule = record::Records { header: *header, known };
            // The record is zeros, and so has no other length.
            let hint = if fault == DamageKind::ZeroGap { None } else { record::other_length(window.bytes(), *header) };
            search(window, &rule, hint)
        }
        Framing::Pcapng(section) => {
            // An interface may have been described in the gap, so the numbers of later interfaces are not known.
            section.gapped = true;
            search(window, &block::Blocks { section: section.clone(), known }, None)
        }
    }
}

/// What makes bytes a credible record of a format.
trait RecordRule {
    /// What the blocks of a run have said so far, where it matters for the next block.
    type State: Clone;

    /// What is known at the fault.
    fn state(&self) -> Self::State;

    /// The credible record that the bytes begin with. It may end after them.
    fn next(&self, bytes: &[u8], state: &mut Self::State) -> Option<Next>;

    /// Where a packet's bytes begin in its record, if packets of the format may end with records that they carry.
    fn carries(&self) -> Option<usize>;
}

/// A credible record or block.
struct Next {
    /// Its bytes, headers and padding included.
    len: usize,
    /// Whether it is a packet.
    packet: bool,
}

/// What is known of the capture's times at a fault.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordTimes {
    /// The time of its first record that has one.
    first: Option<Timestamp>,
    /// The time of the last record before the fault.
    last: Option<Timestamp>,
}

impl RecordTimes {
    /// `last` counts only if it can follow `first`: it may be the damaged record's.
    pub(super) fn new(first: Option<Timestamp>, last: Option<Timestamp>) -> Self {
        let mut alone = Self { first, last: None };
        let last = last.filter(|&last| alone.allow(last));
        Self { first, last: last.or(first) }
    }

    /// Whether a time can follow. Where none is known, the first time of the run becomes the first.
    fn allow(&mut self, time: Timestamp) -> bool {
        let since_first = time.seconds() - self.first.get_or_insert(time).seconds();
        let since_last = time.seconds() - self.last.get_or_insert(time).seconds();
        (-BEFORE_S..=LONGEST_S).contains(&since_first) && (-BEFORE_S..=AFTER_S).contains(&since_last)
    }
}

/// Places from which no run is believed: offsets in the capture, by how they were read. Runs that meet share the rest, so
/// each place is tried once.
type Dead = HashSet<(u8, u64)>;

fn search(window: &mut ReadBuffer, rule: &impl RecordRule, hint: Option<usize>) -> Option<Resumed> {
    // The longest run that is walked, one more record, and the zeros that may end it.
    const AHEAD: usize = RUN + 2 * LONGEST;
    let mut dead = Dead::new();
    // The search starts after the first byte: the faulty record itself is no record, wherever its other length leads.
    let mut from = 1;
    let mut hint = hint.filter(|&hint| hint <= STEP);
    loop {
        let whole = window.fill(STEP + AHEAD).len() < STEP + AHEAD;
        let at_end = whole && !window.has_failed();
        // No more than that, however much is buffered: what is believed must not depend on the buffer.
        let held = window.bytes();
        let held = Lookahead { bytes: held.get(..STEP + AHEAD).unwrap_or(held), offset: window.offset(), at_end };
        let places = if whole { held.bytes.len() } else { STEP };
        let believed = (hint.take().into_iter().chain(from..places)).find_map(|start| {
            let ahead = believed(held, start, rule, (0, &mut dead));
            ahead.map(|ahead| (start + ahead, Resumed::Records)).or_else(|| {
                let begun = capture(held, start, &mut dead)?;
                Some((start, Resumed::Capture(begun)))
            })
        });
        if let Some((start, resumed)) = believed {
            window.consume(start);
            return Some(resumed);
        }
        window.consume(places);
        if whole {
            return None;
        }
        dead.retain(|&(_, place)| place >= window.offset());
        from = 0;
    }
}

/// Bytes of the buffer.
#[derive(Clone, Copy)]
struct Lookahead<'a> {
    bytes: &'a [u8],
    /// Offset in the capture of the first byte.
    offset: u64,
    /// Whether the capture ends with the last byte.
    at_end: bool,
}

impl<'a> Lookahead<'a> {
    fn rest(self, place: usize) -> &'a [u8] {
        self.bytes.get(place..).unwrap_or_default()
    }

    /// Whether the capture ends at a place, or is zeros from there to its end, or zeros for longer than a packet.
    fn ends_at(self, place: usize) -> bool {
        let rest = self.rest(place);
        let zeros = zeros(rest.get(..LONGEST).unwrap_or(rest));
        let may_be_record = (1..SHORTEST).contains(&rest.len());
        zeros == LONGEST || (self.at_end && zeros == rest.len() && !may_be_record)
    }
}

/// The capture whose file header is at `start`, if a believed run of its records follows at once.
fn capture(held: Lookahead<'_>, start: usize, dead: &mut Dead) -> Option<Begun> {
    let begun = appended::begins(held.rest(start)).ok()??;
    let known = RecordTimes::new(None, None);
    let first = start + begun.header;
    let ahead = match &begun.framing {
        Framing::Empty => None,
        Framing::Pcap(header) => {
            let order = match header.length_order {
                LengthOrder::CapLenFirst => 0,
                LengthOrder::OrigLenFirst => 1,
                LengthOrder::SmallerIsCapLen => 2,
            };
            let modified = u8::from(begun.format == Format::PcapModified);
            let nanoseconds = u8::from(header.nanoseconds);
            let how = 4 | order << 3 | modified << 5 | nanoseconds << 6 | u8::from(header.big_endian) << 7;
            believed(held, first, &record::Records { header: *header, known }, (how, dead))
        }
        Framing::Pcapng(section) => {
            let rule = block::Blocks { section: section.clone(), known };
            believed(held, first, &rule, (2 | u8::from(section.big_endian), dead))
        }
    };
    ahead.filter(|ahead| *ahead == 0).map(|_| begun)
}

/// How many bytes after `start` the believed run begins, if there is one. Dead places are kept under `how`, the way they
/// were read.
fn believed<R: RecordRule>(held: Lookahead<'_>, start: usize, rule: &R, (how, dead): (u8, &mut Dead)) -> Option<usize> {
    let mut state = rule.state();
    let mut records = Vec::new();
    let mut packets = 0;
    let mut at = start;
    let believed = loop {
        if packets >= MANY_RECORDS && at - start > LONGEST {
            break true;
        }
        let rest = held.rest(at);
        // Asked first: most places are no record.
        let next = rule.next(rest, &mut state).filter(|next| next.len <= rest.len().min(LONGEST));
        let is_new = |at: usize| at - start <= RUN && !dead.contains(&(how, held.offset + at as u64));
        let Some(next) = next.filter(|_| is_new(at)) else {
            break packets >= MIN_RECORDS && held.ends_at(at);
        };
        records.push(at..at + next.len);
        packets += usize::from(next.packet);
        at += next.len;
    };
    if !believed {
        dead.extend(records.iter().map(|record| (how, held.offset + record.start as u64)));
        return None;
    }
    let carrying = rule.carries().and_then(|header| {
        records.iter().take(LOOKED_INTO).find(|record| {
            let packet = held.bytes.get(record.start + header..record.end).unwrap_or_default();
            let mut tried = HashSet::new();
            (1..packet.len()).any(|inner| ends_with_records(packet, inner, rule, &mut tried))
        })
    });
    Some(carrying.map_or(0, |record| record.start - start))
}

/// Whether a packet's bytes from `at` on are credible records up to their end. `tried` are places from which they are
/// not.
fn ends_with_records<R: RecordRule>(packet: &[u8], mut at: usize, rule: &R, tried: &mut HashSet<usize>) -> bool {
    let mut state = rule.state();
    while let Some(next) = packet.get(at..).and_then(|rest| rule.next(rest, &mut state)) {
        if !tried.insert(at) {
            return false;
        }
        at += next.len;
        if at == packet.len() {
            return true;
        }
    }
    false
}
