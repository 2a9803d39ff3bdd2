//! Counts the pieces of flows in row groups.

use std::collections::HashMap;

use crate::address::IpAddress;
use crate::aggregate::{Aggregator, Buffer, Sums};
use crate::day::Day;
use crate::packets::{CodeTable, CodedFlow, NO_CODE, NO_DATETIME, Ports, Rows};
use crate::summary::key::Key;
use crate::summary::sum_kind::SumKind;

use super::edges::EdgeNotes;
use super::end::End;
use super::piece::{FlowPiece, IN_NO_FLOW, PairLength, Side};
use super::seen::SeenFlags;

/// Counts row groups one after another. Its memory is allocated once.
#[derive(Debug)]
pub(in crate::summary) struct FlowCounter {
    /// The longest gap within a flow, in microseconds.
    timeout: i64,
    /// Whether the capture that a piece is of is kept in its key.
    by_owner: bool,
    /// For each flow of the row group, which has one direction, the pair of ends that it is between.
    of_flow: Vec<Direction>,
    /// The place of each pair in `pairs`.
    places: HashMap<CodedPair, u32, foldhash::fast::RandomState>,
    pairs: Vec<(CodedPair, OpenPiece)>,
    edges: EdgeNotes,
    key: Key,
}

/// Two ends and a protocol, as codes of the row group. The lower codes come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CodedPair {
    ips: [u32; 2],
    ports: [u32; 2],
    protocol: u16,
}

/// The pair of a flow with one direction, and which of its ends sends; or that it is between no two addresses.
#[derive(Clone, Copy, Debug)]
struct Direction {
    /// [`NO_CODE`] for none.
    pair: u32,
    sender: u8,
}

/// A piece while packets may belong to it.
#[derive(Clone, Copy, Debug)]
struct OpenPiece {
    piece: FlowPiece,
    /// The capture.
    owner: u32,
    is_open: bool,
}

impl FlowCounter {
    /// Counts flows with a timeout in microseconds. `by_owner` says whether captures may be taken out again.
    pub(in crate::summary) fn new(timeout: i64, by_owner: bool) -> Self {
        Self {
            timeout,
            by_owner,
            of_flow: Vec::new(),
            places: HashMap::default(),
            pairs: Vec::new(),
            edges: EdgeNotes::new(timeout),
            key: Key::default(),
        }
    }

    /// Adds the rows of one partition, whose date is `day`, to the sums.
    pub(in crate::summary) fn count(&mut self, day: Day, rows: &Rows, aggregator: &mut Aggregator) {
        self.pair_up(rows.flows());
        let pieces = SumKind::FlowPieces.group(day);
        let held = aggregator.group(if self.by_owner { pieces.by_owner() } else { pieces });
        let mut pairs = std::mem::take(&mut self.pairs);
        let mut values = rows.micros().iter().zip(rows.volumes()).zip(rows.tcp_flags());
        for span in rows.spans() {
            // A unit has at most some thousand captures.
            let owner = u32::try_from(span.input).unwrap_or(u32::MAX);
            let mut in_no_flow = Sums::default();
            let of_span = usize::try_from(span.rows).unwrap_or(usize::MAX);
            for ((micros, (flow, bytes)), flags) in values.by_ref().take(of_span) {
                let (bytes, direction) = (i64::from(bytes), self.of_flow.get(flow as usize).copied());
                let pair = direction.and_then(|direction| pairs.get_mut(direction.pair as usize));
                let Some(((pair, open), direction)) = pair.zip(direction).filter(|_| *micros != NO_DATETIME) else {
                    in_no_flow.bytes += bytes;
                    in_no_flow.packets += 1;
                    continue;
                };
                if open.is_open && open.owner == owner && open.goes_on(*micros, self.timeout) {
                    open.add(*micros, (direction.sender, bytes), SeenFlags::of_later(flags));
                    continue;
                }
                if open.is_open && !(open.owner == owner && open.touches(*micros, self.timeout)) {
                    self.end(day, rows.addresses(), (pair, open), held);
                    open.is_open = false;
                }
                // It is the first packet, or as early as that one.
                open.begin(*micros, owner);
                open.add(*micros, (direction.sender, bytes), SeenFlags::of(flags));
            }
            if in_no_flow.packets > 0 {
                let owner = self.by_owner.then_some(owner);
                held.add(self.key.clear().raw(IN_NO_FLOW).owner(owner).bytes(), in_no_flow);
            }
        }
        for (pair, open) in pairs.iter().filter(|(_, open)| open.is_open) {
            self.end(day, rows.addresses(), (pair, open), held);
        }
        self.pairs = pairs;
        self.edges.flush(day, self.by_owner, aggregator);
    }

    /// Finds the pair of each flow of a row group.
    fn pair_up(&mut self, flows: &[CodedFlow]) {
        self.places.clear();
        self.pairs.clear();
        self.of_flow.clear();
        for CodedFlow { ip: [dst, src], ports, protocol, .. } in flows {
            let Ports { dst: port_dst, src: port_src } = *ports;
            if *dst == NO_CODE || *src == NO_CODE {
                self.of_flow.push(Direction { pair: NO_CODE, sender: 0 });
                continue;
            }
            let (source, target) = ((*src, port_src), (*dst, port_dst));
            let sender = u8::from(target < source);
            let [(a, port_a), (b, port_b)] = if sender == 0 { [source, target] } else { [target, source] };
            let pair = CodedPair { ips: [a, b], ports: [port_a, port_b], protocol: *protocol };
            let next = u32::try_from(self.pairs.len()).unwrap_or(NO_CODE);
            let place = *self.places.entry(pair).or_insert(next);
            if place == next {
                self.pairs.push((pair, OpenPiece::NONE));
            }
            self.of_flow.push(Direction { pair: place, sender });
        }
    }

    /// Adds a piece that is whole.
    fn end(
        &mut self,
        day: Day,
        addresses: &CodeTable<IpAddress>,
        (pair, open): (&CodedPair, &OpenPiece),
        held: &mut Buffer,
    ) {
        let [a, b] = pair.ips.map(|code| addresses.key(code));
        let (Some(a), Some(b), [port_a, port_b]) = (a, b, pair.ports) else { return };
        let ends = [End { ip: a, port: port_a }, End { ip: b, port: port_b }];
        let owner = self.by_owner.then_some(open.owner);
        let PairLength(length) = open.piece.write(ends, pair.protocol, self.key.clear());
        let flow = self.key.bytes().get(..length).unwrap_or_default();
        self.edges.note(day, flow, [open.piece.first, open.piece.last], owner);
        let [a, b] = open.piece.sides;
        held.add(self.key.owner(owner).bytes(), Sums::of(a.bytes + b.bytes, a.packets + b.packets));
    }
}

impl OpenPiece {
    const NO_SIDE: Side = Side { packets: 0, bytes: 0, seen: SeenFlags::NONE };
    const NONE: Self =
        Self { piece: FlowPiece { first: 0, last: 0, sides: [Self::NO_SIDE; 2] }, owner: 0, is_open: false };

    /// Whether a packet at this time is of the same flow. Times mostly rise, but need not.
    #[inline]
    fn touches(&self, micros: i64, timeout: i64) -> bool {
        micros.saturating_sub(self.piece.last) <= timeout && self.piece.first.saturating_sub(micros) <= timeout
    }

    /// Whether a packet at this time is of the same flow and later than its first one, as most are.
    #[inline]
    fn goes_on(&self, micros: i64, timeout: i64) -> bool {
        micros > self.piece.first && micros.saturating_sub(self.piece.last) <= timeout
    }

    /// Begins a piece at the time of a packet, or earlier than it began.
    fn begin(&mut self, micros: i64, owner: u32) {
        let piece = &mut self.piece;
        if !self.is_open {
            *piece = FlowPiece { first: micros, last: micros, sides: [Self::NO_SIDE; 2] };
            (self.is_open, self.owner) = (true, owner);
        } else if micros < piece.first {
            piece.first = micros;
            piece.sides.iter_mut().for_each(|side| side.seen = side.seen.later());
        }
    }

    /// Adds a packet. A row group has at most 2^24 of them, of less than 2^32 bytes.
    #[inline]
    fn add(&mut self, micros: i64, (sender, bytes): (u8, i64), seen: SeenFlags) {
        let FlowPiece { last, sides: [a, b], .. } = &mut self.piece;
        *last = micros.max(*last);
        let side = if sender == 0 { a } else { b };
        side.packets += 1;
        side.bytes += bytes;
        side.seen = side.seen | seen;
    }
}
