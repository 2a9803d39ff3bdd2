//! The flows of each conversation, both directions together.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::aggregate::{Aggregator, Group, Measure, Space, Sums};
use crate::bug::bug;
use crate::error::Result;

use super::flows::{FLOW_STATES, FlowRow};
use super::key::{Key, KeyReader};
use super::largest::Largest;
use super::pair_ports::MostPorts;
use super::pairs::PAIRS;

/// The flows of each pair, port and state while they are added up: as packets how many, as bytes how many nobody answered, and their first
/// and last time.
#[derive(Debug)]
pub(super) struct PairFlows {
    sums: Aggregator,
    key: Key,
}

const OF_FLOWS: Group = Group { measure: Measure::Span, ..PAIRS };

/// The flows of a pair.
#[derive(Debug)]
pub(super) struct FlowsOfPair {
    /// How many there are.
    pub(super) flows: i64,
    /// How many of them nobody answered.
    pub(super) silent: i64,
    /// The first and the last time of them, in microseconds since the Unix epoch; of no use if there are none.
    pub(super) times: [i64; 2],
    /// How many TCP flows have each of [`FLOW_STATES`].
    states: [i64; FLOW_STATES.len()],
    /// What they went to.
    pub(super) ports: MostPorts,
}

impl Default for FlowsOfPair {
    fn default() -> Self {
        let (states, ports) = Default::default();
        Self { flows: 0, silent: 0, times: [i64::MAX, i64::MIN], states, ports }
    }
}

impl FlowsOfPair {
    /// Takes flows by what comes after the pair in their key, in the order of keys. `None` if it is no such key.
    fn add(&mut self, mut rest: KeyReader<'_>, sums: Sums) -> Option<()> {
        let port = (rest.protocol(), rest.port());
        let [state] = rest.bytes()?;
        self.ports.add(port, sums.packets);
        self.flows = self.flows.saturating_add(sums.packets);
        self.silent = self.silent.saturating_add(sums.bytes);
        let [first, last] = sums.more;
        let [from, to] = self.times;
        self.times = [from.min(first), to.max(last)];
        let count = self.states.get_mut(usize::from(state));
        count.into_iter().for_each(|count| *count = count.saturating_add(sums.packets));
        Some(())
    }

    /// `12 SF, 3 S0`: how many TCP flows have each state, those of most flows first. `None` if no flow is TCP.
    pub(super) fn states(&self) -> Option<String> {
        let mut held: Vec<_> = FLOW_STATES.iter().zip(self.states).filter(|(_, count)| *count > 0).collect();
        held.sort_by_key(|(_, count)| Reverse(*count));
        let texts: Vec<_> = held.into_iter().map(|((state, _), count)| format!("{count} {state}")).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }
}

impl PairFlows {
    /// No flows yet. What does not fit in memory is spilled.
    pub(super) fn new(space: &Space) -> Self {
        Self { sums: Aggregator::new(space), key: Key::default() }
    }

    /// Takes a flow.
    pub(super) fn take(&mut self, flow: &FlowRow<'_>) -> Result<()> {
        let [low, high] = flow.addresses();
        let (low, high) = if low <= high { (low, high) } else { (high, low) };
        let (protocol, port) = flow.port();
        let key = self.key.clear().address(Some(low)).address(Some(high)).protocol(protocol).port(port);
        let key = key.raw(&[flow.state_code()]);
        let sums = Sums { more: flow.times(), ..Sums::of(i64::from(flow.is_silent()), 1) };
        self.sums.add(OF_FLOWS, key.bytes(), sums)
    }

    /// Those of some pairs, by the key of the pair. `None` if there are no flows at all.
    ///
    /// # Errors
    /// If what was spilled cannot be read.
    pub(super) fn of(mut self, pairs: &Largest) -> Result<Option<BTreeMap<Vec<u8>, FlowsOfPair>>> {
        let mut wanted: BTreeMap<Vec<u8>, _> = pairs.keys().map(|key| (key.to_vec(), FlowsOfPair::default())).collect();
        let mut merge = self.sums.read(OF_FLOWS)?;
        let mut is_any = false;
        while let Some((key, sums)) = merge.next()? {
            is_any = true;
            let mut rest = KeyReader(key);
            let _ends = [rest.address_bytes(), rest.address_bytes()];
            let pair = key.len() - rest.0.len();
            if let Some(held) = key.get(..pair).and_then(|pair| wanted.get_mut(pair)) {
                held.add(rest, sums).ok_or_else(|| bug!())?;
            }
        }
        Ok(is_any.then_some(wanted))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::address::IpAddress;
    use crate::aggregate::Sums;
    use crate::summary::flows::row_of;
    use crate::summary::pair_ports::PairPorts;
    use crate::summary::schema::SortOrder;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn flows_of_a_pair_are_counted_in_any_order(
            flows in prop::collection::vec((0..4_u32, 0..4_u32, prop::option::of(0..FLOW_STATES.len()), 0..99_i64, 0..99_i64, any::<bool>(), 0..6_u16), 0..60),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut pairs = PairFlows::new(&Space::new(folder.path()).with_room(0));
            let mut wanted = Largest::new(SortOrder::Largest, 99);
            let key = |a: u32, b: u32| {
                Key::default().address(Some(IpAddress::V4(a.min(b)))).address(Some(IpAddress::V4(a.max(b)))).bytes().to_vec()
            };
            (0..4).flat_map(|a| (a..4).map(move |b| (a, b))).for_each(|(a, b)| wanted.offer(&key(a, b), Sums::of(1, 1)));
            for (src, dst, state, first, length, answered, port) in &flows {
                let state = state.map(|place| FLOW_STATES[place].0);
                let ends = [*src, *dst].map(IpAddress::V4);
                pairs.take(&row_of(ends, *port, state, [*first, first + length], i64::from(*answered))).unwrap();
            }
            let found = pairs.of(&wanted).unwrap();
            prop_assert_eq!(found.is_some(), !flows.is_empty());
            for (key_of_pair, held) in found.into_iter().flatten() {
                let of_pair: Vec<_> = flows.iter().filter(|(a, b, ..)| key(*a, *b) == key_of_pair).collect();
                prop_assert_eq!(held.flows, i64::try_from(of_pair.len()).unwrap());
                let is_silent = |state: &Option<usize>, answered: bool| match state {
                    Some(place) => ["S0", "REJ", "RSTOS0", "SH"].contains(&FLOW_STATES[*place].0),
                    None => !answered,
                };
                let silent = of_pair.iter().filter(|(_, _, state, _, _, answered, _)| is_silent(state, *answered)).count();
                prop_assert_eq!(held.silent, i64::try_from(silent).unwrap());
                let first = of_pair.iter().map(|(_, _, _, first, ..)| *first).min();
                let last = of_pair.iter().map(|(_, _, _, first, length, ..)| first + length).max();
                prop_assert_eq!(Some(held.times).filter(|_| held.flows > 0), first.zip(last).map(|(first, last)| [first, last]));
                // Those of most flows first; of as many, in the order of the states.
                let count = |place: usize| of_pair.iter().filter(|(_, _, state, ..)| *state == Some(place)).count();
                let mut states: Vec<_> = (0..FLOW_STATES.len()).map(|place| (Reverse(count(place)), place)).collect();
                states.sort_unstable();
                let said = states.into_iter().filter(|(count, _)| count.0 > 0);
                let said: Vec<_> = said.map(|(count, place)| format!("{} {}", count.0, FLOW_STATES[place].0)).collect();
                let count = |port: u16| of_pair.iter().filter(|(.., held)| *held == port).count();
                let mut ports: Vec<_> = (0..6).map(|port| (Reverse(count(port)), port)).collect();
                ports.sort_unstable();
                ports.retain(|(count, _)| count.0 > 0);
                let most = ports.iter().take(3).map(|(_, port)| ("TCP".to_owned(), Some(*port))).collect();
                prop_assert_eq!(held.states(), (!said.is_empty()).then(|| said.join(", ")));
                prop_assert_eq!(held.ports.into_ports(), PairPorts { most, others: ports.len().saturating_sub(3) as u64 });
            }
        }
    }
}
