//! Joins pieces to flows: those of one key that touch within the timeout.

use crate::aggregate::{Aggregator, Group, Merge, Sums};
use crate::day::Day;
use crate::error::Result;
use crate::packets::{NO_TCP_FLAGS, TCP};
use crate::summary::derive::{NamesOfDate, RowSink};
use crate::summary::filter::Filter;
use crate::summary::key::{Key, KeyReader};
use crate::summary::naming::{GivenNames, Naming};
use crate::summary::sum_kind::SumKind;

use super::edges::{Edge, EdgeTimes};
use super::end::read_pair;
use super::named::MayBeNamed;
use super::piece::{FlowPiece, Side, is_in_no_flow};
use super::row::{FlowRow, SentVolume};
use super::state::state;

/// A flow while pieces are added to it.
#[derive(Debug)]
struct Joining {
    pair: Vec<u8>,
    whole: FlowPiece,
}

impl Joining {
    fn new(pair: &[u8], piece: FlowPiece) -> Self {
        Self { pair: pair.to_vec(), whole: piece }
    }

    /// Whether a piece that begins no earlier than those before is of the same flow.
    fn takes(&self, pair: &[u8], piece: &FlowPiece, timeout: i64) -> bool {
        self.pair == pair && piece.first.saturating_sub(self.whole.last) <= timeout
    }

    fn add(&mut self, piece: &FlowPiece) {
        let is_first = piece.first == self.whole.first;
        self.whole.last = self.whole.last.max(piece.last);
        for (side, more) in self.whole.sides.iter_mut().zip(piece.sides) {
            side.bytes = side.bytes.saturating_add(more.bytes);
            side.packets = side.packets.saturating_add(more.packets);
            side.seen = side.seen | if is_first { more.seen } else { more.seen.later() };
        }
    }

    /// As a row. `None` if its key is none: files may be damaged.
    fn row(&self, is_cut: bool) -> Option<FlowRow<'static>> {
        let ([lower, upper], protocol, _) = read_pair(&self.pair)?;
        let [of_lower, of_upper] = self.whole.sides;
        let (a, b) = (of_lower.seen, of_upper.seen);
        // The first packet is of both if they have one at the same time. Then who opens a connection has sent it, else the lower end.
        let is_upper = match (a.is_first(), b.is_first()) {
            (true, true) => b.opens_first() && !a.opens_first(),
            (is_first, _) => !is_first,
        };
        let (ends, [out, back]) =
            if is_upper { ([upper, lower], [of_upper, of_lower]) } else { ([lower, upper], [of_lower, of_upper]) };
        // Fragments have none; nor have rows that were counted again without their column.
        let has_flags = protocol == TCP && (a.has_flags() || b.has_flags());
        let sent = |side: Side| {
            let flags = if has_flags { side.seen.flags() } else { NO_TCP_FLAGS };
            SentVolume { packets: side.packets, bytes: side.bytes, flags }
        };
        let state = if has_flags { Some(state(out.seen, back.seen)) } else { None };
        let times = [self.whole.first, self.whole.last];
        Some(FlowRow { times, ends, protocol, sent: [sent(out), sent(back)], state, is_cut, name: None })
    }
}

/// The flows of a date, in the order of their keys.
struct Flows<'a> {
    pieces: Merge<'a>,
    before: EdgeTimes<'a>,
    after: EdgeTimes<'a>,
    timeout: i64,
    next: Option<Joining>,
}

impl<'a> Flows<'a> {
    fn new(day: Day, timeout: i64, aggregator: &'a mut Aggregator) -> Result<Self> {
        let edges = |day: i32| SumKind::FlowEdges.group(Day(day));
        let groups = [SumKind::FlowPieces.group(day), edges(day.0.saturating_sub(1)), edges(day.0.saturating_add(1))];
        let [pieces, before, after] = aggregator.read_together(groups)?;
        let (before, after) = (EdgeTimes::new(Edge::End, before)?, EdgeTimes::new(Edge::Start, after)?);
        Ok(Self { pieces, before, after, timeout, next: None })
    }

    fn next(&mut self) -> Result<Option<FlowRow<'static>>> {
        loop {
            let piece = self.pieces.next()?.filter(|(key, _)| !is_in_no_flow(key));
            let piece = piece.and_then(|(key, sums)| FlowPiece::read(key, sums));
            if let Some((joining, (pair, piece))) = self.next.as_mut().zip(piece)
                && joining.takes(pair, &piece, self.timeout)
            {
                joining.add(&piece);
                continue;
            }
            let is_last = piece.is_none();
            let done = std::mem::replace(&mut self.next, piece.map(|(pair, piece)| Joining::new(pair, piece)));
            let Some(done) = done else {
                if is_last {
                    return Ok(None);
                }
                continue;
            };
            let began_before =
                self.before.of(&done.pair)?.is_some_and(|[_, last]| done.whole.first - last <= self.timeout);
            let goes_on = self.after.of(&done.pair)?.is_some_and(|[first, _]| first - done.whole.last <= self.timeout);
            if let Some(row) = done.row(began_before || goes_on) {
                return Ok(Some(row));
            }
        }
    }
}

/// Hands on the flows of a date, and no other table.
///
/// # Memory
/// As [`Aggregator`].
/// # Errors
/// If sums cannot be read or spilled.
pub(crate) fn flows_of(
    day: Day,
    aggregator: &mut Aggregator,
    (naming, timeout): (&Naming, i64),
    sink: &mut dyn RowSink,
) -> Result<()> {
    let mut rows = Aggregator::new(aggregator.space());
    hand_on(day, timeout, aggregator, naming, &Filter::default(), &mut rows)?;
    let mut merge = rows.read(SumKind::FlowRows.group(day))?;
    while let Some((key, sums)) = merge.next()? {
        sink.take(SumKind::FlowRows, key, sums)?;
    }
    Ok(())
}

/// Hands on the flows of a date, without names and in no order that means something.
///
/// # Errors
/// If sums cannot be read, or `each` fails.
pub(in crate::summary) fn each_flow(
    day: Day,
    timeout: i64,
    aggregator: &mut Aggregator,
    filter: &Filter,
    mut each: impl FnMut(&FlowRow<'_>) -> Result<()>,
) -> Result<()> {
    let mut flows = Flows::new(day, timeout, aggregator)?;
    while let Some(row) = flows.next()? {
        let [src, dst] = row.ends;
        if filter.takes_protocol(row.protocol) && filter.takes_addresses(Some(src.ip), Some(dst.ip)) {
            each(&row)?;
        }
    }
    Ok(())
}

/// Adds the flows of a date to `again`, as rows of their table.
///
/// # Memory
/// As [`Aggregator`].
/// # Errors
/// If sums cannot be read or spilled.
pub(in crate::summary) fn hand_on(
    day: Day,
    timeout: i64,
    aggregator: &mut Aggregator,
    naming: &Naming,
    filter: &Filter,
    again: &mut Aggregator,
) -> Result<()> {
    let group = SumKind::FlowRows.group(day);
    let may_be_named = MayBeNamed::of(day, aggregator)?;
    // Names of captures are in the order of their addresses. So flows to those that may have one are sorted by destination first.
    let mut by_destination = Aggregator::new(aggregator.space());
    let mut key = Key::default();
    each_flow(day, timeout, aggregator, filter, |row| {
        let ([_, dst], [out, back]) = (row.ends, row.sent);
        let sums = Sums::of(out.bytes.saturating_add(back.bytes), out.packets.saturating_add(back.packets));
        if may_be_named.has(key.clear().address(Some(dst.ip)).bytes()) {
            row.write(&mut key);
            by_destination.add(group, key.bytes(), sums)
        } else {
            row.write(key.clear());
            add_named(again, group, &mut key, naming.name(dst.ip, GivenNames::default()), sums)
        }
    })?;
    let mut names = NamesOfDate::new(day, aggregator)?;
    let mut rows = by_destination.read(group)?;
    while let Some((held, sums)) = rows.next()? {
        let mut reader = KeyReader(held);
        let dst = reader.address_bytes();
        let given = names.of(dst)?;
        let name = KeyReader(dst).address().and_then(|address| naming.name(address, given));
        add_named(again, group, key.clear().raw(reader.0), name, sums)?;
    }
    Ok(())
}

/// Adds a row whose destination has a name, or none.
fn add_named(
    rows: &mut Aggregator,
    group: Group,
    key: &mut Key,
    name: Option<(&str, &'static str)>,
    sums: Sums,
) -> Result<()> {
    if let Some((name, _)) = name {
        key.name(|text| text.extend_from_slice(name.as_bytes()));
    }
    rows.add(group, key.bytes(), sums)
}
