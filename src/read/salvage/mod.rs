//! Where the records of a capture go on behind a fault (`--salvage`).
//!
//! In: a window that stands at a fault, the framing up to there, and the time of the last record. Out: the window at the
//! next credible record, or at the end. The rule, made so that bytes inside of packets are not taken for records:
//!
//! 1. A record or block is credible if it is whole and its fields agree with one another and with what the capture has
//!    said so far ([`record`], [`block`]). Its time follows the last one before the fault: a packet that carries records
//!    carries older ones.
//! 2. Credible ones in a row are a run. A run is believed if it has [`MANY_RECORDS`] packets and is longer than the
//!    longest packet, so that it cannot lie within one, or if it has [`MIN_RECORDS`] packets and ends with the last byte
//!    of the capture.
//! 3. The first believed run behind the fault is taken. Before any other place, the one is tried to which the other
//!    length of the faulty record leads.
//! 4. Records that a packet carries up to its own end look like the beginning of the run. So if one of the first
//!    [`LOOKED_INTO`] records of the run carries such, the run begins with it, and what precedes it is given up.
//!
//! Always: the answer depends on the bytes from the fault on and on what precedes it, never on chunks or buffers; every
//! byte is looked at a bounded number of times. What the rule cannot tell: records that a packet carries up to its own
//! end, with times that could follow, if the packet's own header is gone and none of the next [`LOOKED_INTO`] packets
//! carries any. What it does not find: anything, where the first time of the capture, or the last one before the fault, is
//! itself so wrong that no time can follow. Deliberately not here: mending a record, and what lies behind a fault of a compressed stream.

mod block;
mod record;

use std::collections::HashSet;

use super::position::Framing;
use super::time::Timestamp;
use super::window::Window;

/// Packets that a run needs if it is believed for its length.
const MANY_RECORDS: usize = 8;
/// Packets that a run needs if it is believed for ending with the capture.
const MIN_RECORDS: usize = 3;
/// Records of a run whose packets are looked into for records.
const LOOKED_INTO: usize = 64;
/// Bytes after which a run must have been believed: where so few packets are among so many other blocks, it is not.
const RUN: usize = MANY_RECORDS * LONGEST;
/// Bytes in which places are tried before the window moves on.
const STEP: usize = 1 << 20;
/// Bytes of the longest packet, with what frames it: what an IP header can announce, and some. Jumbograms are longer, and
/// rare.
const LONGEST: usize = 65_535 + 1024;
/// Seconds that a capture spans at most, for a time to be credible: a year and some.
const LONGEST_S: i64 = 400 * 86_400;
/// Seconds by which a credible record may follow the last one before the fault: a month.
const AFTER_S: i64 = 31 * 86_400;
/// By how much it may precede it: captures of several queues are not quite in order.
const BEFORE_S: i64 = 1;

/// Moves the window, which stands at a fault, to the next credible record. `false`, and the window at its end, if there
/// is none.
pub(super) fn find(window: &mut Window, framing: &mut Framing, known: Times) -> bool {
    match framing {
        Framing::Empty => false,
        Framing::Pcap(header) => {
            let rule = record::Records { header: *header, known };
            let hint = record::other_length(window.bytes(), *header);
            search(window, &rule, hint)
        }
        Framing::Pcapng(section) => {
            // An interface may have been described in the gap, so the numbers of those that follow are not known.
            section.gapped = true;
            search(window, &block::Blocks { section: section.clone(), known }, None)
        }
    }
}

/// What makes bytes a credible record of a format.
trait Rule {
    /// What the blocks of a run have said so far, where that matters for the next.
    type State: Clone;

    /// What is known at the fault.
    fn state(&self) -> Self::State;

    /// The credible record that the bytes begin with. Its end may lie behind them.
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
pub(super) struct Times {
    /// Of its first record that has one.
    first: Option<Timestamp>,
    /// Of the last one before the fault.
    last: Option<Timestamp>,
}

impl Times {
    /// `last` counts only if it can follow `first`: it may be the damaged record's.
    pub(super) fn new(first: Option<Timestamp>, last: Option<Timestamp>) -> Self {
        let mut alone = Self { first, last: None };
        let last = last.filter(|&last| alone.allow(last));
        Self { first, last: last.or(first) }
    }

    /// Whether a time can follow. Where none is known, the first one of the run is.
    fn allow(&mut self, time: Timestamp) -> bool {
        let since_first = time.seconds() - self.first.get_or_insert(time).seconds();
        let since_last = time.seconds() - self.last.get_or_insert(time).seconds();
        (-BEFORE_S..=LONGEST_S).contains(&since_first) && (-BEFORE_S..=AFTER_S).contains(&since_last)
    }
}

fn search(window: &mut Window, rule: &impl Rule, hint: Option<usize>) -> bool {
    // The longest run that is walked, and one more record.
    const AHEAD: usize = RUN + LONGEST;
    let mut dead = HashSet::new();
    // The faulty record itself is none, wherever its other length may lead.
    let mut from = 1;
    let mut hint = hint.filter(|&hint| hint <= STEP);
    loop {
        let whole = window.fill(STEP + AHEAD).len() < STEP + AHEAD;
        let at_end = whole && !window.has_failed();
        // No more than that, however much the window holds: what is believed must not depend on its buffer.
        let held = window.bytes();
        let held = held.get(..STEP + AHEAD).unwrap_or(held);
        let places = if whole { held.len() } else { STEP };
        let offset = window.offset();
        let believed = (hint.take().into_iter().chain(from..places))
            .find_map(|start| Some(start + believed(held, start, offset, at_end, rule, &mut dead)?));
        if let Some(start) = believed {
            window.consume(start);
            return true;
        }
        window.consume(places);
        if whole {
            return false;
        }
        dead.retain(|&place| place >= window.offset());
        from = 0;
    }
}

/// How many bytes behind `start` the believed run begins, if there is one. `dead` are places, as offsets in the capture,
/// from which no run is believed: runs that meet there share the rest, so that each place is tried once.
fn believed<R: Rule>(
    held: &[u8],
    start: usize,
    offset: u64,
    at_end: bool,
    rule: &R,
    dead: &mut HashSet<u64>,
) -> Option<usize> {
    let mut state = rule.state();
    let mut records = Vec::new();
    let mut packets = 0;
    let mut at = start;
    let believed = loop {
        let rest = held.get(at..).unwrap_or_default();
        let long = packets >= MANY_RECORDS && at - start > LONGEST;
        let last = packets >= MIN_RECORDS && rest.is_empty() && at_end;
        if long || last {
            break true;
        }
        // Most places are no record, so that is asked first.
        let next = rule.next(rest, &mut state).filter(|next| next.len <= rest.len().min(LONGEST));
        let Some(next) = next.filter(|_| at - start <= RUN && !dead.contains(&(offset + at as u64))) else {
            break false;
        };
        records.push(at..at + next.len);
        packets += usize::from(next.packet);
        at += next.len;
    };
    if !believed {
        dead.extend(records.iter().map(|record| offset + record.start as u64));
        return None;
    }
    let carrying = rule.carries().and_then(|header| {
        records.iter().take(LOOKED_INTO).find(|record| {
            let packet = held.get(record.start + header..record.end).unwrap_or_default();
            let mut tried = HashSet::new();
            (1..packet.len()).any(|inner| ends_with_records(packet, inner, rule, &mut tried))
        })
    });
    Some(carrying.map_or(0, |record| record.start - start))
}

/// Whether a packet's bytes from `at` on are credible records up to their end. `tried` are places from which they are not.
fn ends_with_records<R: Rule>(packet: &[u8], mut at: usize, rule: &R, tried: &mut HashSet<usize>) -> bool {
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
