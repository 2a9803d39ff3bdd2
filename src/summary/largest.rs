//! The largest of many sums, and the total of all others.

use std::collections::BinaryHeap;

use crate::aggregate::{Measure, Sums};

use super::key::{DESCENDING, Key};
use super::schema::SortOrder;

/// Keeps the keys with the most bytes, then packets, then the first in order. Each key is offered once.
#[derive(Debug)]
pub(crate) struct Largest {
    order: SortOrder,
    room: usize,
    /// The heap's greatest element is the smallest key that is kept.
    kept: BinaryHeap<(Vec<u8>, [i64; 4])>,
    /// The size of that key, if there is one.
    smallest: (i64, i64),
    /// How many keys were offered.
    offered: u64,
    rest: Sums,
    key: Key,
}

impl Largest {
    /// Keeps up to `room` rows of a table whose rows are as large as its order says.
    pub(crate) fn new(order: SortOrder, room: usize) -> Self {
        Self {
            order,
            room,
            kept: BinaryHeap::new(),
            smallest: (0, 0),
            offered: 0,
            rest: Sums::default(),
            key: Key::default(),
        }
    }

    /// Whether it keeps any.
    pub(super) fn has_room(&self) -> bool {
        self.room > 0
    }

    pub(crate) fn offer(&mut self, key: &[u8], sums: Sums) {
        self.offered += 1;
        if self.room == 0 {
            return self.rest.merge(&sums, Measure::Add);
        }
        let full = self.kept.len() >= self.room;
        let size = self.order.size(&sums);
        // Most keys are far too small, and need not be compared.
        if full && size < self.smallest {
            return self.rest.merge(&sums, Measure::Add);
        }
        let order = self.key.clear().descending(size).raw(key).bytes();
        if full && self.kept.peek().is_some_and(|(smallest, _)| order > smallest.as_slice()) {
            return self.rest.merge(&sums, Measure::Add);
        }
        let [a, b] = sums.more;
        let numbers = [sums.bytes, sums.packets, a, b];
        if let Some(mut smallest) = self.kept.peek_mut().filter(|_| full) {
            let (_, [bytes, packets, ..]) = *smallest;
            self.rest.merge(&Sums::of(bytes, packets), Measure::Add);
            *smallest = (order.to_vec(), numbers);
        } else {
            self.kept.push((order.to_vec(), numbers));
        }
        self.note_smallest();
    }

    fn note_smallest(&mut self) {
        let smallest = self.kept.peek().map(|(_, [bytes, packets, a, b])| {
            self.order.size(&Sums { bytes: *bytes, packets: *packets, more: [*a, *b] })
        });
        self.smallest = smallest.unwrap_or_default();
    }

    /// How many keys were offered.
    pub(super) fn offered(&self) -> u64 {
        self.offered
    }

    /// How many keys are not among the largest, and their sums.
    pub(crate) fn rest(&self) -> (u64, Sums) {
        (self.offered - self.kept.len() as u64, self.rest)
    }

    /// The keys that are kept, in any order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.kept.iter().map(|(key, _)| key.get(DESCENDING..).unwrap_or_default())
    }

    /// The keys that are kept, the largest first.
    pub(crate) fn into_largest(self) -> impl Iterator<Item = (Vec<u8>, Sums)> {
        self.kept.into_sorted_vec().into_iter().map(|(mut key, [bytes, packets, a, b])| {
            key.drain(..DESCENDING.min(key.len()));
            (key, Sums { bytes, packets, more: [a, b] })
        })
    }
}
