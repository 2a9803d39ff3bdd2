//! Counts DNS messages by client and name, while packets are converted.
//!
//! A client mostly asks for a name by two types, and is answered both times: four messages. So the counts of the usual response codes
//! are together under one key, that of the client and the name. Each key costs to be sorted, stored and read again, far more
//! than a message does here.

use std::collections::HashMap;
use std::ops::Range;

use crate::address::IpAddress;
use crate::aggregate::{Aggregator, Sums};
use crate::day::Day;

use super::key::{Key, KeyReader};
use super::messages::group;
use super::sum_kind::SumKind;

/// Keys that are counted here before they go to the aggregator, 80 bytes each.
const MAX_CLIENTS: usize = 8192;

/// In place of a response code, of queries.
pub(super) const QUERY: u8 = u8::MAX;

/// The response codes of which the counts are together: queries, NOERROR, NXDOMAIN and SERVFAIL. They are the four numbers of
/// [`Sums`], in its order. Each other code has a key of its own, and its count is the first number.
const TOGETHER: [u8; 4] = [QUERY, 0, 3, 2];

/// A client and a name, by its place, and a code that is not together with others.
type ClientName = (u32, Option<u8>, Option<IpAddress>);

/// Counts of the messages of one date and owner.
#[derive(Debug, Default)]
pub(super) struct ClientCounts {
    /// The place of each name in `texts`, by its part of a key.
    names: HashMap<Box<[u8]>, u32, foldhash::fast::RandomState>,
    texts: Vec<Range<usize>>,
    text: Vec<u8>,
    held: HashMap<ClientName, [i64; 4], foldhash::fast::RandomState>,
}

impl ClientCounts {
    /// The number of a name, which is given as it is in a key.
    pub(super) fn name(&mut self, name: &[u8]) -> u32 {
        if let Some(place) = self.names.get(name) {
            return *place;
        }
        let place = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.names.insert(name.into(), place);
        let start = self.text.len();
        self.text.extend_from_slice(name);
        self.texts.push(start..self.text.len());
        place
    }

    /// How many names there are.
    pub(super) fn names(&self) -> usize {
        self.texts.len()
    }

    /// Whether all should go to the aggregator. The numbers of the names stay.
    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= MAX_CLIENTS
    }

    /// Adds messages with a response code, or [`QUERY`], by the number of their name.
    pub(super) fn add(&mut self, name: u32, code: u8, client: Option<IpAddress>, messages: i64) {
        let (alone, place) = match TOGETHER.iter().position(|together| *together == code) {
            Some(place) => (None, place),
            None => (Some(code), 0),
        };
        let counts = self.held.entry((name, alone, client)).or_default();
        counts.get_mut(place).into_iter().for_each(|count| *count += messages);
    }

    /// Moves all counts to the aggregator.
    pub(super) fn flush(&mut self, day: Day, owner: Option<u32>, key: &mut Key, aggregator: &mut Aggregator) {
        if self.held.is_empty() {
            return;
        }
        let held = aggregator.group(group(SumKind::ClientNames, day, owner));
        for ((name, alone, client), [bytes, packets, more @ ..]) in self.held.drain() {
            let name = self.texts.get(name as usize).and_then(|text| self.text.get(text.clone())).unwrap_or_default();
            let key = key.clear().address(client).raw(name).code(alone.map(u16::from)).owner(owner);
            held.add(key.bytes(), Sums { bytes, packets, more });
        }
    }

    /// Forgets the numbers of the names.
    pub(super) fn forget_names(&mut self) {
        self.names.clear();
        self.texts.clear();
        self.text.clear();
    }
}

/// What a key of [`SumKind::ClientNames`] says: its client, as it is in a key, whether there is a name, and the messages by response
/// code, or [`QUERY`].
pub(super) fn client_name(key: &[u8], sums: Sums) -> (&[u8], bool, [(u8, i64); 4]) {
    let mut reader = KeyReader(key);
    let client = reader.address_bytes();
    let has_name = !reader.name().is_empty();
    let Sums { bytes, packets, more: [third, fourth] } = sums;
    let [one, two, three, four] = TOGETHER;
    let codes = match reader.code().and_then(|code| u8::try_from(code).ok()) {
        Some(code) => [(code, bytes), (QUERY, 0), (QUERY, 0), (QUERY, 0)],
        None => [(one, bytes), (two, packets), (three, third), (four, fourth)],
    };
    (client, has_name, codes)
}
