//! The rows of all segments that count, in the order of their keys.

use std::cmp::Ordering;

use crate::error::Result;

use super::columns::{CAPTURE, CAPTURES, FIRST, KEY, LAST, SAME_AS};
use super::layers::Layers;
use super::rows::{CheckpointRows, key_order};
use super::{Kind, removals::Removals};

/// The rows of a kind, from all layers.
pub(super) struct Merged<'a> {
    layers: &'a Layers,
    kind: Kind,
    /// The places in the layers that have such rows, with the numbers of the layers. Oldest first.
    cursors: Vec<(usize, CheckpointRows)>,
    /// The place of the current row among these.
    now: Option<usize>,
    /// The least key of the others. As long as the current one is below it, nothing has to be compared.
    bound: Option<String>,
}

impl<'a> Merged<'a> {
    /// `columns` are read after those that tell whether a row counts.
    pub(super) fn open(layers: &'a Layers, kind: Kind, columns: &[&str]) -> Result<Self> {
        let columns: Vec<&str> = kind.own_columns().iter().chain(columns).copied().collect();
        let mut cursors = Vec::new();
        for layer in 0..layers.len() {
            if let Some(path) = layers.file(layer, kind) {
                cursors.push((layer, CheckpointRows::open(path, &columns, None)?));
            }
        }
        Ok(Self { layers, kind, cursors, now: None, bound: None })
    }

    /// The row that was met last.
    pub(super) fn row(&self) -> Option<&CheckpointRows> {
        self.now.and_then(|now| self.cursors.get(now)).map(|(_, rows)| rows)
    }

    /// The next row that counts; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<&CheckpointRows>> {
        loop {
            if let Some(now) = self.now.take() {
                self.step(now)?;
            }
            if self.now.is_none() {
                self.choose();
            }
            let Some(now) = self.now else { return Ok(None) };
            if self.counts(now)? {
                return Ok(self.cursors.get(now).map(|(_, rows)| rows));
            }
        }
    }

    /// Goes on from the current row. A row of an older layer with the same key does not count, but of captures: streams have no
    /// place, and so one key.
    fn step(&mut self, now: usize) -> Result<()> {
        if self.kind == Kind::Captures {
            let Some((_, rows)) = self.cursors.get_mut(now) else { return Ok(()) };
            rows.step()?;
            let below = |key: &str| self.bound.as_deref().is_none_or(|bound| key_order(key, bound).is_lt());
            if rows.key().is_some_and(below) {
                self.now = Some(now);
            }
            return Ok(());
        }
        let key = self.cursors.get(now).and_then(|(_, rows)| rows.key()).map(str::to_owned);
        self.cursors.iter_mut().filter(|(_, rows)| rows.key() == key.as_deref()).try_for_each(|(_, rows)| rows.step())
    }

    /// Finds the layer with the least key: of several, the newest one.
    fn choose(&mut self) {
        let (mut least, mut bound): (Option<(usize, &str)>, Option<&str>) = (None, None);
        for (place, (_, rows)) in self.cursors.iter().enumerate() {
            let Some(key) = rows.key() else { continue };
            match least {
                Some((_, held)) if key_order(key, held) == Ordering::Greater => {
                    if bound.is_none_or(|bound| key_order(key, bound).is_lt()) {
                        bound = Some(key);
                    }
                }
                _ => {
                    bound = least.map_or(bound, |(_, held)| Some(held));
                    least = Some((place, key));
                }
            }
        }
        let bound = bound.map(str::to_owned);
        self.now = least.map(|(place, _)| place);
        self.bound = bound;
    }

    /// Whether the row of a cursor counts.
    fn counts(&self, cursor: usize) -> Result<bool> {
        let Some((layer, rows)) = self.cursors.get(cursor) else { return Ok(false) };
        let Some(key) = rows.key() else { return Ok(false) };
        if self.kind == Kind::Captures {
            return Ok(self.layers.counts(*layer, rows.capture(1).unwrap_or(0), rows.capture(2)));
        }
        for removals in self.layers.above(*layer) {
            if removals.has_key(self.kind, key) || (self.kind == Kind::Units && has_one_of(removals, rows)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether one of the captures of a unit was removed.
pub(super) fn has_one_of(removals: &Removals, unit: &CheckpointRows) -> Result<bool> {
    let (Some(first), Some(last)) = (unit.capture(1), unit.capture(2)) else { return Ok(false) };
    if !removals.captures.iter().any(|number| (first..=last).contains(number)) {
        return Ok(false);
    }
    let captures: Vec<usize> = unit.entry(3)?;
    Ok(captures.iter().any(|number| removals.captures.contains(number)))
}

impl Kind {
    /// The columns that tell whether a row counts. The key is the first.
    pub(super) fn own_columns(self) -> &'static [&'static str] {
        match self {
            Self::Captures => &[KEY, CAPTURE, SAME_AS],
            Self::Units => &[KEY, FIRST, LAST, CAPTURES],
            _ => &[KEY],
        }
    }
}
