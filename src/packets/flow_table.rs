//! The flows of a row group: what packets of a flow have in common is kept once, and per row only its code.
//!
//! A flow here is whatever has the same MACs, addresses, protocol and ports, in this direction. Most packets are of a flow that has had
//! one before. So one look-up a packet stands for all that is asked by address, by port and by protocol, and what is made of
//! these (codes, text, bounds, sums) is made once a flow.

use std::hash::{BuildHasher as _, Hash, Hasher};

use hashbrown::HashTable;

use crate::address::{IpAddress, MacAddr};
use crate::decode::Packet;

use super::code_table::{CodeTable, NO_CODE};
use super::column_storage::Parts;
use super::packed::{NO_PROTOCOL, Ports};

/// Flows that are searched before the hash table is. Of ten packets, nine are of a flow that has had one lately, and these lie in the
/// first cache.
const RECENT: usize = 1 << RECENT_BITS;
const RECENT_BITS: u32 = 7;

/// Flows after which it is asked whether flows come back at all.
const MANY: usize = 4096;

/// What the rows of a flow have in common. Of each pair the destination comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodedFlow {
    /// Codes in the table of addresses; [`NO_CODE`] for null.
    pub(crate) ip: [u32; 2],
    /// Codes in the table of MACs.
    pub(crate) mac: [u32; 2],
    pub(crate) ports: Ports,
    /// [`NO_PROTOCOL`] for null.
    pub(crate) protocol: u16,
}

/// The same as values. They are borrowed: a packet's are asked for number by number, just after they were written, which takes longer
/// where larger pieces are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlowValues<'a> {
    pub(crate) ip: [&'a Option<IpAddress>; 2],
    pub(crate) mac: [&'a Option<MacAddr>; 2],
    pub(crate) ports: Ports,
    pub(crate) protocol: u16,
}

/// Flows, in the order of their first appearance; distinct, unless most packets have one of their own, as in a scan. To look for each
/// would then cost more than it saves, so nobody looks any more.
#[derive(Debug, Default)]
pub(crate) struct FlowTable {
    flows: Vec<CodedFlow>,
    /// Whether each packet gets a flow of its own from here on.
    is_scan: bool,
    /// Those without IPv6 addresses.
    narrow: KeyedFlows<4>,
    wide: KeyedFlows<7>,
}

/// Flows by keys of `N` words.
#[derive(Debug)]
struct KeyedFlows<const N: usize> {
    /// Keys by their hash.
    places: HashTable<FlowPlace>,
    hasher: foldhash::fast::RandomState,
    keys: Vec<FlowWords<N>>,
    /// Where keys were found lately, by [`FlowWords::near`].
    recent: [FlowPlace; RECENT],
}

/// Which key, and the code of its flow.
#[derive(Clone, Copy, Debug)]
struct FlowPlace {
    key: u32,
    code: u32,
}

impl FlowPlace {
    const NONE: Self = Self { key: NO_CODE, code: NO_CODE };
}

#[derive(Clone, Copy, Debug)]
struct FlowWords<const N: usize>([u64; N]);

impl CodedFlow {
    pub(super) const NULL: Self =
        Self { ip: [NO_CODE; 2], mac: [NO_CODE; 2], ports: Ports::NULL, protocol: NO_PROTOCOL };
}

impl<'a> FlowValues<'a> {
    /// The values of a packet that are wanted.
    #[inline(always)]
    pub(super) fn of(packet: &'a Packet<'_>, parts: Parts) -> Self {
        let ([ip_dst, ip_src], [mac_dst, mac_src]) = (parts.ip, parts.mac);
        Self {
            ip: [wanted(&packet.ip_dst, ip_dst), wanted(&packet.ip_src, ip_src)],
            mac: [wanted(&packet.mac_dst, mac_dst), wanted(&packet.mac_src, mac_src)],
            ports: if parts.ports { Ports::of(packet) } else { Ports::NULL },
            protocol: packet.protocol.map_or(NO_PROTOCOL, u16::from),
        }
    }

    /// The words that tell it from others, but for its addresses: the MACs, 48 bits each, with the protocol and which MACs there are
    /// above the one and the kinds of addresses above the other; and the ports.
    #[inline(always)]
    fn words(&self) -> [u64; 3] {
        let kind = |ip: &Option<IpAddress>| match ip {
            None => 0,
            Some(IpAddress::V4(_)) => 1_u64,
            Some(IpAddress::V6(_)) => 2,
        };
        let mac = |mac: &Option<MacAddr>| match mac {
            None => (0, 0),
            Some(MacAddr(bits)) => (1, bits & MAC),
        };
        let ([ip_dst, ip_src], [mac_dst, mac_src]) = (self.ip, self.mac);
        let ((has_dst, dst), (has_src, src)) = (mac(mac_dst), mac(mac_src));
        [
            dst | (u64::from(self.protocol) | has_dst << 9 | has_src << 10) << MAC_BITS,
            src | (kind(ip_dst) | kind(ip_src) << 2) << MAC_BITS,
            u64::from(self.ports.dst) | u64::from(self.ports.src) << 32,
        ]
    }
}

#[inline(always)]
fn wanted<T>(value: &Option<T>, is_wanted: bool) -> &Option<T> {
    if is_wanted { value } else { &None }
}

const MAC_BITS: u32 = 48;
const MAC: u64 = (1 << MAC_BITS) - 1;

impl FlowTable {
    /// The code of the flow of a row with these values. One that has not been seen gets a new one, and its addresses get theirs.
    #[inline(always)]
    pub(super) fn code(
        &mut self,
        row: usize,
        values: &FlowValues<'_>,
        ips: &mut CodeTable<IpAddress>,
        macs: &mut CodeTable<MacAddr>,
    ) -> u32 {
        if self.is_scan {
            return self.new_flow(row, values, ips, macs);
        }
        let [a, b, c] = values.words();
        let v4 = |ip: &Option<IpAddress>| match ip {
            None => Some(0),
            Some(IpAddress::V4(bits)) => Some(u64::from(*bits)),
            Some(IpAddress::V6(_)) => None,
        };
        let [dst, src] = values.ip;
        if let (Some(dst), Some(src)) = (v4(dst), v4(src)) {
            let words = FlowWords([a, b, c, dst << 32 | src]);
            self.narrow.code(words).unwrap_or_else(|hash| {
                let code = self.new_flow(row, values, ips, macs);
                self.narrow.insert(words, hash, code)
            })
        } else {
            let [dst, src] = [halves(dst), halves(src)];
            let words = FlowWords([a, b, c, dst[0], dst[1], src[0], src[1]]);
            self.wide.code(words).unwrap_or_else(|hash| {
                let code = self.new_flow(row, values, ips, macs);
                self.wide.insert(words, hash, code)
            })
        }
    }

    /// Takes up a flow, and returns its code.
    #[inline(never)]
    fn new_flow(
        &mut self,
        row: usize,
        values: &FlowValues<'_>,
        ips: &mut CodeTable<IpAddress>,
        macs: &mut CodeTable<MacAddr>,
    ) -> u32 {
        let FlowValues { ip, mac, ports, protocol } = *values;
        // A row group has far fewer than 2^32 rows.
        let code = u32::try_from(self.flows.len()).unwrap_or(NO_CODE);
        self.flows.push(CodedFlow {
            ip: ip.map(|ip| ips.code(*ip)),
            mac: mac.map(|mac| macs.code(*mac)),
            ports,
            protocol,
        });
        if self.flows.len() == MANY {
            // Whether more than half of the rows before this one had a flow of their own.
            self.is_scan = row < 2 * (MANY - 1);
        }
        code
    }

    /// The flow of a code.
    #[inline]
    pub(crate) fn get(&self, code: u32) -> CodedFlow {
        self.flows.get(code as usize).copied().unwrap_or(CodedFlow::NULL)
    }

    /// All flows, in the order of their codes.
    pub(crate) fn all(&self) -> &[CodedFlow] {
        &self.flows
    }

    /// Bytes of memory that the flows take, about.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.flows.as_slice()) + self.narrow.bytes() + self.wide.bytes()
    }

    /// Bytes of memory that are allocated for flows, about.
    pub(super) fn kept(&self) -> usize {
        self.flows.capacity() * size_of::<CodedFlow>() + self.narrow.kept() + self.wide.kept()
    }

    /// Forgets every flow and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.flows.clear();
        self.is_scan = false;
        self.narrow.clear();
        self.wide.clear();
    }
}

/// An address in two words. Which kind it is, is told elsewhere.
fn halves(ip: &Option<IpAddress>) -> [u64; 2] {
    let bits = match ip {
        None => 0,
        Some(IpAddress::V4(bits)) => u128::from(*bits),
        Some(IpAddress::V6(bits)) => *bits,
    };
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
    [(bits >> 64) as u64, bits as u64]
}

impl<const N: usize> Default for KeyedFlows<N> {
    fn default() -> Self {
        Self {
            places: HashTable::default(),
            hasher: foldhash::fast::RandomState::default(),
            keys: Vec::new(),
            recent: [FlowPlace::NONE; RECENT],
        }
    }
}

impl<const N: usize> KeyedFlows<N> {
    /// A place takes up to twice its size, and a byte.
    const PER_KEY: usize = size_of::<FlowWords<N>>() + 2 * size_of::<FlowPlace>() + 2;

    /// The code of the flow with a key, or the hash of one that has not been seen.
    #[inline(always)]
    fn code(&mut self, words: FlowWords<N>) -> Result<u32, u64> {
        let near = words.near();
        match self.recent.get(near).filter(|place| self.is_at(place, &words)) {
            Some(place) => Ok(place.code),
            None => self.look_up(words, near),
        }
    }

    #[inline(never)]
    fn look_up(&mut self, words: FlowWords<N>, near: usize) -> Result<u32, u64> {
        let hash = self.hasher.hash_one(words);
        let place = *self.places.find(hash, |place| self.is_at(place, &words)).ok_or(hash)?;
        self.recent.get_mut(near).into_iter().for_each(|recent| *recent = place);
        Ok(place.code)
    }

    #[inline(always)]
    fn is_at(&self, place: &FlowPlace, words: &FlowWords<N>) -> bool {
        self.keys.get(place.key as usize).is_some_and(|held| held.is(words))
    }

    #[inline(never)]
    fn insert(&mut self, words: FlowWords<N>, hash: u64, code: u32) -> u32 {
        let Self { places, hasher, keys, .. } = self;
        let key = u32::try_from(keys.len()).unwrap_or(NO_CODE);
        keys.push(words);
        let rehash = |place: &FlowPlace| keys.get(place.key as usize).map_or(0, |words| hasher.hash_one(words));
        let place = FlowPlace { key, code };
        places.insert_unique(hash, place, rehash);
        self.recent.get_mut(words.near()).into_iter().for_each(|recent| *recent = place);
        code
    }

    /// Bytes of memory that the keys take, about: with their places, and the free room of the hash table.
    fn bytes(&self) -> usize {
        self.keys.len() * Self::PER_KEY
    }

    /// Bytes of memory that are allocated for keys, about.
    fn kept(&self) -> usize {
        self.keys.capacity() * Self::PER_KEY
    }

    fn clear(&mut self) {
        self.places.clear();
        self.keys.clear();
        self.recent = [FlowPlace::NONE; RECENT];
    }
}

impl<const N: usize> FlowWords<N> {
    /// A number that tells it from most other flows of the same minute. Made in fewer steps than a hash.
    #[inline(always)]
    fn near(&self) -> usize {
        let all = self.0.iter().fold(0, |all, word| all ^ word);
        (all.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - RECENT_BITS)) as usize
    }

    /// Compares all words at once: to stop at the first that differs takes longer.
    #[inline(always)]
    fn is(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }
}

impl<const N: usize> Hash for FlowWords<N> {
    #[inline(always)]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|word| state.write_u64(*word));
    }
}

#[cfg(test)]
mod tests;
