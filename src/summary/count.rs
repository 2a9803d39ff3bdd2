//! Counting the rows of a row group: by the codes that the columns are made of, so that no address is hashed twice.

use std::collections::HashMap;

use crate::columns::{NO_CODE, NO_PROTOCOL, Rows};
use crate::partition::Day;
use crate::tally::{Sums, Tallies};

use super::key::Key;
use super::kind::Kind;

/// Bits of a pair's key that hold an address's code: a row group has at most 2^24 rows of two addresses each.
const CODE_BITS: u32 = 27;
const CODE_MASK: u64 = (1 << CODE_BITS) - 1;
/// Bits that hold the protocol.
const PROTOCOL_BITS: u32 = 9;

/// How much, and how many packets.
#[derive(Clone, Copy, Debug, Default)]
struct Volume {
    bytes: i64,
    packets: i64,
}

impl Volume {
    #[inline]
    fn add(&mut self, bytes: i64) {
        self.bytes += bytes;
        self.packets += 1;
    }
}

/// Counts row groups one after the other; what it needs for that is allocated once.
#[derive(Debug, Default)]
pub(super) struct Counter {
    places: HashMap<u64, u32, foldhash::fast::RandomState>,
    flows: Vec<(u64, Volume)>,
    /// Protocols of the window that is being counted; a handful.
    window: Vec<(u16, Volume)>,
    ports: Vec<(u16, Ports)>,
    key: Key,
}

/// The ports of one protocol.
#[derive(Debug, Default)]
struct Ports {
    /// By port, the place in `held` and one; 0 for a port that has not been seen. Empty as long as none has been:
    /// most protocols have no ports.
    places: Vec<u32>,
    /// To and from each port, in the order of their appearance; `None` for packets that do not say one.
    held: Vec<(Option<u16>, Volume, Volume)>,
    /// Place and one of the packets that do not say a port.
    none: u32,
}

impl Ports {
    #[inline]
    fn of(&mut self, port: Option<u16>) -> Option<&mut (Option<u16>, Volume, Volume)> {
        let place = match port {
            Some(port) => {
                if self.places.is_empty() {
                    self.places.resize(1 << 16, 0);
                }
                self.places.get_mut(usize::from(port))?
            }
            None => &mut self.none,
        };
        if *place == 0 {
            self.held.push((port, Volume::default(), Volume::default()));
            *place = u32::try_from(self.held.len()).ok()?;
        }
        self.held.get_mut(*place as usize - 1)
    }
}

impl Counter {
    /// Adds the rows of one partition, of which `day` is the date, to the tallies.
    ///
    /// Windows of `window` microseconds begin at multiples of it since the Unix epoch, and belong to the date on which
    /// they begin.
    pub(super) fn count(&mut self, day: Day, rows: &Rows, window: i64, tallies: &mut Tallies) {
        self.flows(day, rows, tallies);
        self.windows(day, rows, window, tallies);
        self.ports(day, rows, tallies);
    }

    fn flows(&mut self, day: Day, rows: &Rows, tallies: &mut Tallies) {
        // Packets of two directions alternate: the two pairs before are looked at before the table is.
        let (mut last, mut before) = ((u64::MAX, 0u32), (u64::MAX, 0u32));
        let columns = rows.destinations().iter().zip(rows.sources()).zip(rows.protocols()).zip(rows.lengths());
        for (((dst, src), protocol), bytes) in columns {
            let pair = pair(*dst, *src, *protocol);
            if pair != last.0 {
                std::mem::swap(&mut last, &mut before);
                if pair != last.0 {
                    let next = u32::try_from(self.flows.len()).unwrap_or(u32::MAX);
                    let place = *self.places.entry(pair).or_insert(next);
                    if place == next {
                        self.flows.push((pair, Volume::default()));
                    }
                    last = (pair, place);
                }
            }
            if let Some((_, volume)) = self.flows.get_mut(last.1 as usize) {
                volume.add(*bytes);
            }
        }
        let table = rows.addresses();
        let held = tallies.section(Kind::Flows.section(day));
        for (pair, volume) in self.flows.drain(..) {
            let code = |shift: u32| u32::try_from(pair >> shift & CODE_MASK).unwrap_or(NO_CODE);
            let address = |shift: u32| table.key(code(shift));
            let protocol = u16::try_from(pair & ((1 << PROTOCOL_BITS) - 1)).unwrap_or(NO_PROTOCOL);
            let key = self.key.clear();
            key.address(address(PROTOCOL_BITS + CODE_BITS)).address(address(PROTOCOL_BITS)).protocol(protocol);
            held.add(key.bytes(), Sums::of(volume.bytes, volume.packets));
        }
        self.places.clear();
    }

    fn windows(&mut self, day: Day, rows: &Rows, window: i64, tallies: &mut Tallies) {
        let mut holds = 0..0;
        let mut start = None;
        for ((micros, protocol), bytes) in rows.micros().zip(rows.protocols()).zip(rows.lengths()) {
            let same = match micros {
                Some(micros) => holds.contains(&micros),
                None => start.is_none() && !self.window.is_empty(),
            };
            if !same {
                self.end_of_window(day, start, tallies);
                start = micros.map(|micros| micros - micros.rem_euclid(window));
                holds = start.map_or(0..0, |start| start..start + window);
            }
            match self.window.iter_mut().find(|(held, _)| held == protocol) {
                Some((_, volume)) => volume.add(*bytes),
                None => self.window.push((*protocol, Volume { bytes: *bytes, packets: 1 })),
            }
        }
        self.end_of_window(day, start, tallies);
    }

    fn end_of_window(&mut self, day: Day, start: Option<i64>, tallies: &mut Tallies) {
        if self.window.is_empty() {
            return;
        }
        let day = start.map_or(day, |start| Day::of_seconds(start.div_euclid(1_000_000)));
        let held = tallies.section(Kind::Windows.section(day));
        for (protocol, volume) in self.window.drain(..) {
            let key = self.key.clear().time(start).protocol(protocol);
            held.add(key.bytes(), Sums::of(volume.bytes, volume.packets));
        }
    }

    fn ports(&mut self, day: Day, rows: &Rows, tallies: &mut Tallies) {
        let mut current = 0;
        let (dst, src) = rows.ports();
        for (((dst, src), protocol), bytes) in dst.zip(src).zip(rows.protocols()).zip(rows.lengths()) {
            if self.ports.get(current).is_none_or(|(held, _)| held != protocol) {
                current = self.ports.iter().position(|(held, _)| held == protocol).unwrap_or_else(|| {
                    self.ports.push((*protocol, Ports::default()));
                    self.ports.len() - 1
                });
            }
            if let Some((_, ports)) = self.ports.get_mut(current) {
                ports.of(dst).into_iter().for_each(|(_, to, _)| to.add(*bytes));
                ports.of(src).into_iter().for_each(|(_, _, from)| from.add(*bytes));
            }
        }
        let held = tallies.section(Kind::Ports.section(day));
        for (protocol, ports) in &mut self.ports {
            for (port, to, from) in ports.held.drain(..) {
                let key = self.key.clear().protocol(*protocol).port(port);
                let sums = Sums { bytes: to.bytes, packets: to.packets, more: [from.bytes, from.packets] };
                held.add(key.bytes(), sums);
                match port {
                    Some(port) => ports.places.get_mut(usize::from(port)).into_iter().for_each(|place| *place = 0),
                    None => ports.none = 0,
                }
            }
        }
    }
}

/// Two addresses and a protocol as one number.
#[inline]
fn pair(dst: u32, src: u32, protocol: u16) -> u64 {
    let code = |code: u32| u64::from(code) & CODE_MASK;
    code(dst) << (PROTOCOL_BITS + CODE_BITS) | code(src) << PROTOCOL_BITS | u64::from(protocol)
}
