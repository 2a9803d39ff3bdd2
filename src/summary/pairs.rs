//! Who talked with whom: the two directions of a conversation as one row.

use std::collections::BTreeMap;

use crate::aggregate::{Aggregator, Group, Measure, Space, Sums};
use crate::day::Day;
use crate::error::Result;
use crate::tables::{Table, TableColumn};

use super::key::{Key, KeyReader};
use super::largest::Largest;
use super::pair_flows::FlowsOfPair;
use super::pair_ports::PairPorts;
use super::preview::Preview;
use super::schema::SortOrder;
use super::sum_kind::SumKind;

/// Conversations in both directions while they are added up. The first further number is the bytes from the smaller address, the second
/// one the packets from it.
#[derive(Debug)]
pub(super) struct Pairs {
    sums: Aggregator,
    key: Key,
}

pub(super) const PAIRS: Group =
    Group { day: Day::EPOCH, kind: SumKind::Conversations as u8, measure: Measure::Add, by_owner: false };

impl Pairs {
    /// No pairs yet. What does not fit in memory is spilled.
    pub(super) fn new(space: &Space) -> Self {
        Self { sums: Aggregator::new(space), key: Key::default() }
    }

    /// Takes a conversation in one direction, of any date.
    pub(super) fn take(&mut self, key: &[u8], sums: Sums) -> Result<()> {
        let mut reader = KeyReader(key);
        let (src, dst) = (reader.address_bytes(), reader.address_bytes());
        let (ends, more) = if src <= dst { ([src, dst], [sums.bytes, sums.packets]) } else { ([dst, src], [0, 0]) };
        let [low, high] = ends;
        self.sums.add(PAIRS, self.key.clear().raw(low).raw(high).bytes(), Sums { more, ..sums })
    }

    /// The `top` largest pairs.
    pub(super) fn largest(mut self, top: usize) -> Result<Largest> {
        let mut largest = Largest::new(SortOrder::Largest, top);
        let mut merge = self.sums.read(PAIRS)?;
        while let Some((key, sums)) = merge.next()? {
            largest.offer(key, sums);
        }
        Ok(largest)
    }
}

/// The largest pairs as a table: `ip_src`, `ip_dst`, `bytes`, `packets`, `bytes_out`, `packets_out`, `bytes_in`, `packets_in`. The source is
/// the end that sent more bytes; of two that sent as many, the smaller address. Out is from the source. With their flows also `flows`,
/// `silent`, `states`, `first_time` and `last_time`, and the ports of each row.
pub(super) fn listed_pairs(
    pairs: Largest,
    mut flows: Option<BTreeMap<Vec<u8>, FlowsOfPair>>,
) -> (Preview, Vec<PairPorts>) {
    let rows = pairs.offered();
    let mut ends: [Vec<Option<String>>; 2] = Default::default();
    let mut numbers: [Vec<Option<i64>>; 6] = Default::default();
    let mut of_flows: [Vec<Option<i64>>; 4] = Default::default();
    let (mut states, mut ports) = (Vec::new(), Vec::new());
    for (key, Sums { bytes, packets, more: [out, packets_out] }) in pairs.into_largest() {
        if let Some(flows) = &mut flows {
            let held = flows.remove(&key).filter(|held| held.flows > 0);
            let [first, last] = held.as_ref().map_or([None; 2], |held| held.times.map(Some));
            let [number, silent] = held.as_ref().map_or([0; 2], |held| [held.flows, held.silent]);
            let values = [Some(number), Some(silent), first, last];
            of_flows.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
            states.push(held.as_ref().and_then(FlowsOfPair::states));
            ports.push(held.map(|held| held.ports.into_ports()).unwrap_or_default());
        }
        let mut reader = KeyReader(&key);
        let [low, high] = [reader.address(), reader.address()].map(|end| end.map(|address| address.to_text()));
        let (back, packets_back) = (bytes.saturating_sub(out), packets.saturating_sub(packets_out));
        let row = if out >= back {
            ([low, high], [bytes, packets, out, packets_out, back, packets_back])
        } else {
            ([high, low], [bytes, packets, back, packets_back, out, packets_out])
        };
        ends.iter_mut().zip(row.0).for_each(|(column, end)| column.push(end));
        numbers.iter_mut().zip(row.1).for_each(|(column, number)| column.push(Some(number)));
    }
    let names = ["bytes", "packets", "bytes_out", "packets_out", "bytes_in", "packets_in"];
    let texts =
        ["ip_src", "ip_dst"].into_iter().zip(ends.map(|column| TableColumn::Text(column.into_iter().collect())));
    let [number, silent, first, last] = of_flows;
    let of_flows = [
        ("flows", TableColumn::Int(number)),
        ("silent", TableColumn::Int(silent)),
        ("states", TableColumn::Text(states.into_iter().collect())),
        ("first_time", TableColumn::Time(first)),
        ("last_time", TableColumn::Time(last)),
    ];
    let of_flows = of_flows.into_iter().filter(|_| flows.is_some());
    let columns = texts.chain(names.into_iter().zip(numbers.map(TableColumn::Int))).chain(of_flows);
    let columns = columns.map(|(name, column)| (name.to_owned(), column)).collect();
    (Preview { name: "conversations", rows, first: Table { columns } }, ports)
}
