//! Counts packets by the tunnels that they were taken out of.
//!
//! Packets of one tunnel mostly follow one another, and a mirror has few tunnels. So a packet is held against the last one, then
//! looked up among the tunnels of its date as numbers. The text of a key is made once for all packets of a tunnel.

use std::collections::HashMap;

use crate::address::IpAddress;
use crate::aggregate::{Aggregator, Sums};
use crate::day::Day;
use crate::decode::Tunnels;

use super::key::Key;
use super::messages::group;
use super::sum_kind::SumKind;

/// Tunnels that are counted here before they go to the aggregator, which spills.
const MAX_TUNNELS: usize = 4096;

/// What packets of a tunnel share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct TunnelKey {
    /// [`Tunnels::names`].
    names: u64,
    id: Option<u32>,
    outer: [Option<IpAddress>; 2],
}

/// Packets of a tunnel.
#[derive(Debug)]
struct TunnelVolume {
    key: TunnelKey,
    /// The key in the aggregator, without an owner.
    text: Box<[u8]>,
    sums: Sums,
}

/// Counts of the packets of one date and owner.
#[derive(Debug, Default)]
pub(super) struct TunnelCounts {
    day: Option<Day>,
    /// The owner of the packets, if it is kept in the keys.
    owner: Option<u32>,
    /// The place of each tunnel in `held`.
    places: HashMap<TunnelKey, usize, foldhash::fast::RandomState>,
    held: Vec<TunnelVolume>,
    /// The place of the last packet's tunnel.
    last: usize,
    key: Key,
}

impl TunnelCounts {
    /// Adds a packet of `length` bytes that was captured on `day`.
    #[inline]
    pub(super) fn add(&mut self, day: Day, tunnels: &Tunnels<'_>, length: i64, aggregator: &mut Aggregator) {
        let (names, id) = (tunnels.names(), tunnels.id());
        let key = TunnelKey { names, id, outer: [tunnels.outer_ip_src(), tunnels.outer_ip_dst()] };
        match self.held.get_mut(self.last) {
            Some(last) if last.key == key && self.day == Some(day) => {
                last.sums.bytes += length;
                last.sums.packets += 1;
            }
            _ => self.add_other(day, tunnels, key, length, aggregator),
        }
    }

    /// Adds a packet that is not of the last one's tunnel and date.
    fn add_other(&mut self, day: Day, tunnels: &Tunnels<'_>, key: TunnelKey, length: i64, aggregator: &mut Aggregator) {
        if self.day != Some(day) || self.held.len() >= MAX_TUNNELS {
            self.flush(aggregator);
            self.day = Some(day);
        }
        let place = *self.places.entry(key).or_insert(self.held.len());
        self.last = place;
        match self.held.get_mut(place) {
            Some(held) => {
                held.sums.bytes += length;
                held.sums.packets += 1;
            }
            None => {
                let [src, dst] = key.outer;
                let text = self.key.clear().text(|text| tunnels.write_to(text));
                let text = text.tunnel_id(key.id).address(src).address(dst).bytes().into();
                self.held.push(TunnelVolume { key, text, sums: Sums::of(length, 1) });
            }
        }
    }

    /// Counts for this owner from now on.
    pub(super) fn belong_to(&mut self, owner: u32, aggregator: &mut Aggregator) {
        if self.owner != Some(owner) {
            self.flush(aggregator);
            self.owner = Some(owner);
        }
    }

    /// Moves all counts to the aggregator.
    pub(super) fn flush(&mut self, aggregator: &mut Aggregator) {
        let Some(day) = self.day.filter(|_| !self.held.is_empty()) else { return };
        let into = aggregator.group(group(SumKind::Tunnels, day, self.owner));
        for TunnelVolume { text, sums, .. } in self.held.drain(..) {
            into.add(self.key.clear().raw(&text).owner(self.owner).bytes(), sums);
        }
        self.places.clear();
    }
}
