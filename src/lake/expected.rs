//! How many rows a capture gave, as its parts say it, and how many there are.

use std::collections::{BTreeMap, HashMap};

use crate::packets::Origin;

use super::snapshot::Snapshot;

/// What is known about how many rows a capture gave.
#[derive(Debug, Default)]
pub(super) struct Expected {
    all: Option<u64>,
    shares: BTreeMap<(u64, u64), Option<u64>>,
}

impl Expected {
    /// Takes in what a part says.
    pub(super) fn note(&mut self, origin: &Origin) {
        match &origin.chunks {
            None => self.all = self.all.max(origin.rows),
            Some(chunks) => {
                let share = self.shares.entry((chunks.start, chunks.end)).or_default();
                *share = (*share).max(origin.rows);
            }
        }
    }

    /// How many rows a capture of `chunks` chunks should have, if all that tells it exists.
    pub(super) fn rows(&self, chunks: u64) -> Option<u64> {
        // A unit whose parts are all gone had rows: at least one more than there are.
        let missing = Some(u64::MAX);
        if self.all.is_some() || self.shares.is_empty() {
            return self.all;
        }
        let (mut next, mut rows) = (0, 0);
        for ((start, end), share) in &self.shares {
            if *start != next {
                return missing;
            }
            next = *end;
            rows = (*share)?.saturating_add(rows);
        }
        if next < chunks { missing } else { Some(rows) }
    }
}

/// How many rows there are of each capture.
pub(super) fn rows_in_parts(snapshot: &Snapshot) -> HashMap<usize, u64> {
    let mut rows: HashMap<usize, u64> = HashMap::new();
    for range in snapshot.parts.values().flat_map(|part| &part.ranges) {
        let count = rows.entry(range.input).or_default();
        *count = count.saturating_add(range.rows);
    }
    rows
}
