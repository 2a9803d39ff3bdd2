//! Counts the rows of a row group by the codes of their columns, so that no address is hashed twice.

use std::collections::HashMap;

use crate::aggregate::{Aggregator, Sums};
use crate::day::Day;
use crate::packets::{NO_CODE, NO_DATETIME, NO_PROTOCOL, Rows};

use super::key::Key;
use super::registry::SumKind;

/// Bits of a pair's key that hold an address's code: a row group has at most 2^24 rows of two addresses each.
const CODE_BITS: u32 = 27;
const CODE_MASK: u64 = (1 << CODE_BITS) - 1;
/// Bits that hold the protocol.
const PROTOCOL_BITS: u32 = 9;

/// Recent pairs whose packets are counted together before anything is looked up: a power of two.
const RECENT: usize = 256;

/// A number of bytes and packets.
#[derive(Clone, Copy, Debug, Default)]
struct Volume {
    bytes: i64,
    packets: i64,
}

impl Volume {
    #[inline]
    fn add(&mut self, more: Self) {
        self.bytes += more.bytes;
        self.packets += more.packets;
    }
}

/// Packets with the same two addresses and ports, for one of the recent pairs. Packets of a few flows follow one another
/// for a while, so most are counted here, without a look into any table.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    pair: u64,
    /// Destination and source port as the columns have them.
    ports: [i32; 2],
    volume: Volume,
}

/// Counts row groups one after another. Its memory is allocated once.
#[derive(Debug)]
pub(super) struct Counter {
    recent: Box<[Recent; RECENT]>,
    /// For each pair, its place in `flows`.
    places: HashMap<u64, u32, foldhash::fast::RandomState>,
    flows: Vec<(u64, Volume)>,
    ports: Vec<(u16, PortCounts)>,
    /// Protocols of the window that is being counted: a few.
    window: Vec<(u16, Volume)>,
    key: Key,
}

impl Default for Counter {
    fn default() -> Self {
        Self {
            recent: Box::new([Recent::default(); RECENT]),
            places: HashMap::default(),
            flows: Vec::new(),
            ports: Vec::new(),
            window: Vec::new(),
            key: Key::default(),
        }
    }
}

/// The ports of one protocol.
#[derive(Debug, Default)]
struct PortCounts {
    /// For each port, one more than its place in `held`; 0 for a port that has not been seen. Empty as long as no port
    /// has been: most protocols have none.
    places: Vec<u32>,
    /// To and from each port, in the order of their appearance; `None` for packets without a port.
    held: Vec<(Option<u16>, Volume, Volume)>,
    /// One more than the place of the packets without a port.
    none: u32,
}

impl PortCounts {
    /// The counts of a port, as the columns have it: negative for none.
    fn of(&mut self, port: i32) -> Option<&mut (Option<u16>, Volume, Volume)> {
        let port = u16::try_from(port).ok();
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
    /// Adds the rows of one partition, whose date is `day`, to the sums.
    ///
    /// Windows of `window` microseconds begin at multiples of it since the Unix epoch, and belong to the date on which
    /// they begin.
    pub(crate) fn count(&mut self, day: Day, rows: &Rows, window: i64, aggregator: &mut Aggregator) {
        self.pairs(rows);
        self.end_of_flows(day, rows, aggregator);
        self.end_of_ports(day, aggregator);
        let datetimes = rows.times.iter().map(|times| times.datetime);
        match rows.micros() {
            None => self.windows(day, datetimes.zip(rows.volumes()), window, aggregator),
            Some(micros) => self.windows(day, micros.iter().copied().zip(rows.volumes()), window, aggregator),
        }
    }

    fn pairs(&mut self, rows: &Rows) {
        for (([dst, src], ports), (protocol, bytes)) in rows.ends().iter().zip(rows.ports()).zip(rows.volumes()) {
            let pair = pair(*dst, *src, protocol);
            let Some(recent) = self.recent.get_mut(place(pair, ports)) else { continue };
            if recent.pair != pair || recent.ports != ports {
                let before = std::mem::replace(recent, Recent { pair, ports, volume: Volume::default() });
                recent.volume.add(Volume { bytes: i64::from(bytes), packets: 1 });
                self.add(before);
            } else {
                recent.volume.add(Volume { bytes: i64::from(bytes), packets: 1 });
            }
        }
        for place in 0..RECENT {
            let recent = self.recent.get_mut(place).map(std::mem::take).unwrap_or_default();
            self.add(recent);
        }
    }

    /// Adds packets that were counted together to their flow and ports.
    fn add(&mut self, recent: Recent) {
        let Recent { pair, ports: [dst, src], volume } = recent;
        if volume.packets == 0 {
            return;
        }
        let next = u32::try_from(self.flows.len()).unwrap_or(u32::MAX);
        let place = *self.places.entry(pair).or_insert(next);
        if place == next {
            self.flows.push((pair, Volume::default()));
        }
        self.flows.get_mut(place as usize).into_iter().for_each(|(_, sum)| sum.add(volume));
        let protocol = protocol_of(pair);
        let held = self.ports.iter().position(|(held, _)| *held == protocol).unwrap_or_else(|| {
            self.ports.push((protocol, PortCounts::default()));
            self.ports.len() - 1
        });
        if let Some((_, ports)) = self.ports.get_mut(held) {
            ports.of(dst).into_iter().for_each(|(_, to, _)| to.add(volume));
            ports.of(src).into_iter().for_each(|(_, _, from)| from.add(volume));
        }
    }

    fn end_of_flows(&mut self, day: Day, rows: &Rows, aggregator: &mut Aggregator) {
        let table = rows.addresses();
        let held = aggregator.group(SumKind::Flows.group(day));
        for (pair, volume) in self.flows.drain(..) {
            let code = |shift: u32| u32::try_from(pair >> shift & CODE_MASK).unwrap_or(NO_CODE);
            let address = |shift: u32| table.key(code(shift));
            let key = self.key.clear();
            key.address(address(PROTOCOL_BITS + CODE_BITS)).address(address(PROTOCOL_BITS)).protocol(protocol_of(pair));
            held.add(key.bytes(), Sums::of(volume.bytes, volume.packets));
        }
        self.places.clear();
    }

    fn end_of_ports(&mut self, day: Day, aggregator: &mut Aggregator) {
        let held = aggregator.group(SumKind::Ports.group(day));
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

    fn windows(
        &mut self,
        day: Day,
        rows: impl Iterator<Item = (i64, (u16, u32))>,
        window: i64,
        aggregator: &mut Aggregator,
    ) {
        let mut holds = 0..0;
        let mut start = None;
        // Packets of one protocol mostly follow one another; they are counted here.
        let mut run = (NO_PROTOCOL, Volume::default());
        for (micros, (protocol, bytes)) in rows {
            let micros = (micros != NO_DATETIME).then_some(micros);
            let is_in_window = match micros {
                Some(micros) => holds.contains(&micros),
                None => start.is_none(),
            };
            if !is_in_window || run.0 != protocol {
                self.add_to_window(run);
                run = (protocol, Volume::default());
            }
            if !is_in_window {
                self.end_of_window(day, start, aggregator);
                start = micros.map(|micros| micros - micros.rem_euclid(window));
                holds = start.map_or(0..0, |start| start..start + window);
            }
            run.1.add(Volume { bytes: i64::from(bytes), packets: 1 });
        }
        self.add_to_window(run);
        self.end_of_window(day, start, aggregator);
    }

    fn add_to_window(&mut self, (protocol, volume): (u16, Volume)) {
        if volume.packets == 0 {
            return;
        }
        match self.window.iter_mut().find(|(held, _)| *held == protocol) {
            Some((_, held)) => held.add(volume),
            None => self.window.push((protocol, volume)),
        }
    }

    fn end_of_window(&mut self, day: Day, start: Option<i64>, aggregator: &mut Aggregator) {
        if self.window.is_empty() {
            return;
        }
        let day = start.map_or(day, |start| Day::of_seconds(start.div_euclid(1_000_000)));
        let held = aggregator.group(SumKind::Windows.group(day));
        for (protocol, volume) in self.window.drain(..) {
            let key = self.key.clear().time(start).protocol(protocol);
            held.add(key.bytes(), Sums::of(volume.bytes, volume.packets));
        }
    }
}

/// Two addresses and a protocol as one number.
#[inline]
fn pair(dst: u32, src: u32, protocol: u16) -> u64 {
    let code = |code: u32| u64::from(code) & CODE_MASK;
    code(dst) << (PROTOCOL_BITS + CODE_BITS) | code(src) << PROTOCOL_BITS | u64::from(protocol)
}

fn protocol_of(pair: u64) -> u16 {
    u16::try_from(pair & ((1 << PROTOCOL_BITS) - 1)).unwrap_or(NO_PROTOCOL)
}

/// Where packets of a pair and ports are counted: the upper bits of a product, which depend on all of their bits.
#[inline]
fn place(pair: u64, [dst, src]: [i32; 2]) -> usize {
    // 2^64 divided by the golden ratio, and an odd number of many bits.
    const FACTORS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f];
    let ports = u64::from(dst.cast_unsigned()) << 32 | u64::from(src.cast_unsigned());
    let mixed = pair.wrapping_mul(FACTORS[0]) ^ ports.wrapping_mul(FACTORS[1]);
    usize::try_from(mixed >> (u64::BITS - RECENT.ilog2())).unwrap_or(0)
}
