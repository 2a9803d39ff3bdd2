//! The flows of each conversation, both directions together.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::aggregate::{Aggregator, Group, Measure, Space, Sums};
use crate::bug::bug;
use crate::error::Result;

use super::flows::{FLOW_STATES, FlowRow};
use super::key::Key;
use super::largest::Largest;
use super::pairs::PAIRS;

/// The flows of each pair and state while they are added up: as packets how many, as bytes how many nobody answered, and their first and
/// last time.
#[derive(Debug)]
pub(super) struct PairFlows {
    sums: Aggregator,
    key: Key,
}

const OF_FLOWS: Group = Group { measure: Measure::Span, ..PAIRS };

/// The flows of a pair.
#[derive(Debug, Default)]
pub(super) struct FlowsOfPair {
    /// How many there are.
    pub(super) flows: i64,
    /// How many of them nobody answered.
    pub(super) silent: i64,
    /// The first and the last time of them, in microseconds since the Unix epoch.
    pub(super) times: Option<[i64; 2]>,
    /// How many TCP flows have each of [`FLOW_STATES`].
    states: [i64; FLOW_STATES.len()],
}

impl FlowsOfPair {
    fn add(&mut self, state: u8, sums: Sums) {
        self.flows = self.flows.saturating_add(sums.packets);
        self.silent = self.silent.saturating_add(sums.bytes);
        let [first, last] = sums.more;
        self.times = Some(self.times.map_or([first, last], |[from, to]| [from.min(first), to.max(last)]));
        let count = self.states.get_mut(usize::from(state));
        count.into_iter().for_each(|count| *count = count.saturating_add(sums.packets));
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

    /// Takes a flow, as a key of its table.
    pub(super) fn take(&mut self, flow: &[u8]) -> Result<()> {
        let Some(flow) = FlowRow::read(flow) else { return Ok(()) };
        let [low, high] = flow.addresses();
        let (low, high) = if low <= high { (low, high) } else { (high, low) };
        let key = self.key.clear().address(Some(low)).address(Some(high)).raw(&[flow.state_code()]);
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
            let (state, pair) = key.split_last().ok_or_else(|| bug!())?;
            wanted.get_mut(pair).into_iter().for_each(|held| held.add(*state, sums));
        }
        Ok(is_any.then_some(wanted))
    }
}
