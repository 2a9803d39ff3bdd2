//! Counts the rows of row groups by their flows, so that no row asks for an address: what is asked by address, by port and by protocol
//! is added up once a flow. Ports come again in each row group, so they are added up here until the date changes.

use std::collections::HashMap;

use crate::aggregate::{Aggregator, Sums};
use crate::day::Day;
use crate::packets::{CodedFlow, NO_CODE, NO_DATETIME, NO_PROTOCOL, Ports, Rows};

use super::key::Key;
use super::sum_kind::SumKind;

/// Bits of a pair's key that hold an address's code: a row group has at most 2^24 rows of two addresses each.
const CODE_BITS: u32 = 27;
const CODE_MASK: u64 = (1 << CODE_BITS) - 1;
/// Protocols, and none.
const PROTOCOLS: usize = NO_PROTOCOL as usize + 1;
/// Bits that hold the protocol.
const PROTOCOL_BITS: u32 = 9;

/// A number of bytes and packets.
#[derive(Clone, Copy, Debug, Default)]
struct Volume {
    bytes: i64,
    packets: i64,
}

impl Volume {
    #[inline]
    fn add(&mut self, more: Self) {
        // Lengths come from captures: a crafted one must not end the run.
        self.bytes = self.bytes.saturating_add(more.bytes);
        self.packets = self.packets.saturating_add(more.packets);
    }
}

/// What the rows of a flow add up to in one row group.
#[derive(Clone, Copy, Debug)]
struct FlowVolume {
    bytes: i64,
    /// A row group has at most 2^24 rows.
    packets: u32,
    /// The flow's protocol: here, because its flow is elsewhere in memory.
    protocol: u16,
}

/// Counts row groups one after another. Its memory is allocated once.
#[derive(Debug, Default)]
pub(super) struct Counter {
    /// The date whose ports are being counted.
    day: Option<Day>,
    /// For each flow of the row group, by its code.
    by_flow: Vec<FlowVolume>,
    /// For each pair of addresses of the row group, its place in `flows`.
    places: HashMap<u64, u32, foldhash::fast::RandomState>,
    flows: Vec<(u64, Volume)>,
    ports: Vec<(u16, PortCounts)>,
    window: WindowVolumes,
    key: Key,
}

/// The window that is being counted.
#[derive(Debug)]
struct WindowVolumes {
    /// By protocol.
    volumes: [Volume; PROTOCOLS],
    /// Those that there are.
    protocols: Vec<u16>,
}

impl Default for WindowVolumes {
    fn default() -> Self {
        Self { volumes: [Volume::default(); PROTOCOLS], protocols: Vec::new() }
    }
}

impl WindowVolumes {
    #[inline]
    fn add(&mut self, protocol: u16, volume: Volume) {
        if let Some(held) = self.volumes.get_mut(usize::from(protocol)) {
            if held.packets == 0 {
                self.protocols.push(protocol);
            }
            // At most the rows of a row group, as for a flow.
            held.bytes += volume.bytes;
            held.packets += volume.packets;
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
    /// The counts of a port; [`NO_CODE`] for none.
    fn of(&mut self, port: u32) -> Option<&mut (Option<u16>, Volume, Volume)> {
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
    /// Adds the rows of one partition, whose date is `day`, to the sums; their ports when it is flushed.
    ///
    /// Windows of `window` microseconds begin at multiples of it since the Unix epoch, and belong to the date on which
    /// they begin.
    pub(crate) fn count(&mut self, day: Day, rows: &Rows, window: i64, aggregator: &mut Aggregator) {
        if self.day != Some(day) {
            self.flush(aggregator);
            self.day = Some(day);
        }
        self.rows(day, rows, window, aggregator);
        self.add_flows(rows);
        self.end_of_flows(day, rows, aggregator);
    }

    /// Adds the rows up by flow, and those of each window by protocol.
    fn rows(&mut self, day: Day, rows: &Rows, window: i64, aggregator: &mut Aggregator) {
        let Self { by_flow, .. } = self;
        by_flow.clear();
        by_flow.extend(rows.flows().iter().map(|flow| FlowVolume { bytes: 0, packets: 0, protocol: flow.protocol }));
        // Rows without a time have a window of their own, which no time is in.
        let (mut start, mut length) = (NO_DATETIME, 0);
        for (micros, (flow, bytes)) in rows.micros().iter().copied().zip(rows.volumes()) {
            let Some(of_flow) = self.by_flow.get_mut(flow as usize) else { continue };
            let bytes = i64::from(bytes);
            // A length is below 2^32, so 2^24 of them are below 2^63.
            of_flow.bytes += bytes;
            of_flow.packets += 1;
            let protocol = of_flow.protocol;
            // A time before the window wraps around to a number above its length.
            if micros.wrapping_sub(start).cast_unsigned() >= length {
                self.end_of_window(day, start, aggregator);
                (start, length) = match micros {
                    NO_DATETIME => (NO_DATETIME, 1),
                    _ => (micros - micros.rem_euclid(window), window.cast_unsigned()),
                };
            }
            self.window.add(protocol, Volume { bytes, packets: 1 });
        }
        self.end_of_window(day, start, aggregator);
    }

    /// Adds the packets of each flow to their addresses and ports.
    fn add_flows(&mut self, rows: &Rows) {
        let Self { by_flow, places, flows, ports, .. } = self;
        for (flow, volume) in rows.flows().iter().zip(by_flow) {
            let CodedFlow { ip: [dst, src], ports: Ports { dst: port_dst, src: port_src }, protocol, .. } = *flow;
            let volume = Volume { bytes: volume.bytes, packets: i64::from(volume.packets) };
            let next = u32::try_from(flows.len()).unwrap_or(u32::MAX);
            let pair = pair(dst, src, protocol);
            let place = *places.entry(pair).or_insert(next);
            if place == next {
                flows.push((pair, Volume::default()));
            }
            flows.get_mut(place as usize).into_iter().for_each(|(_, sum)| sum.add(volume));
            let held = ports.iter().position(|(held, _)| *held == protocol).unwrap_or_else(|| {
                ports.push((protocol, PortCounts::default()));
                ports.len() - 1
            });
            if let Some((_, ports)) = ports.get_mut(held) {
                ports.of(port_dst).into_iter().for_each(|(_, to, _)| to.add(volume));
                ports.of(port_src).into_iter().for_each(|(_, _, from)| from.add(volume));
            }
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

    /// Moves the ports to the aggregator.
    pub(super) fn flush(&mut self, aggregator: &mut Aggregator) {
        let Some(day) = self.day.take() else { return };
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

    fn end_of_window(&mut self, day: Day, start: i64, aggregator: &mut Aggregator) {
        if self.window.protocols.is_empty() {
            return;
        }
        let start = (start != NO_DATETIME).then_some(start);
        let day = start.map_or(day, |start| Day::of_seconds(start.div_euclid(1_000_000)));
        let held = aggregator.group(SumKind::Windows.group(day));
        let WindowVolumes { volumes, protocols } = &mut self.window;
        // In the order of their keys: windows that follow one another need not be sorted then.
        protocols.sort_unstable();
        for protocol in protocols.drain(..) {
            let volume = volumes.get_mut(usize::from(protocol)).map(std::mem::take).unwrap_or_default();
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

#[cfg(test)]
mod tests;
