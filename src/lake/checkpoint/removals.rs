//! What a segment says was removed from the segments before it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use crate::bug::bug;
use crate::error::Result;
use crate::lake::manifest::Removed;
use crate::path_text;
use crate::tables::{Table, TableColumn};

use super::Kind;
use super::columns::{KEY, REMOVED};
use super::rows::CheckpointRows;

/// The word for a capture that was removed.
const CAPTURE: &str = "capture";
/// The word for a capture whose row is in a newer segment.
const MOVED: &str = "moved";

/// What was removed from the segments before.
#[derive(Debug, Default)]
pub(super) struct Removals {
    /// Captures, by number. A capture that was left out because of one of them went with it.
    pub(super) captures: HashSet<usize>,
    /// Captures that have another path, time or compression since, and a newer row.
    pub(super) moved: HashSet<usize>,
    /// Other things, by their keys.
    keys: BTreeMap<Kind, HashSet<String>>,
}

impl Removals {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let mut removals = Self::default();
        let mut rows = CheckpointRows::open(path, &[KEY, REMOVED], None)?;
        while let Some(key) = rows.key() {
            let word = rows.text(1).unwrap_or_default();
            let number = || key.parse::<usize>().map_err(|_| bug!());
            if word == CAPTURE {
                removals.captures.insert(number()?);
            } else if word == MOVED {
                removals.moved.insert(number()?);
            } else if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == word) {
                removals.keys.entry(kind).or_default().insert(key.to_owned());
            }
            rows.step()?;
        }
        Ok(removals)
    }

    /// Adds what a commit removed.
    pub(super) fn add(&mut self, removed: &Removed) {
        self.captures.extend(&removed.inputs);
        for (kind, paths) in [
            (Kind::Parts, &removed.parts),
            (Kind::Partials, &removed.partials),
            (Kind::Tables, &removed.tables),
            (Kind::Refusals, &removed.refused),
        ] {
            if !paths.is_empty() {
                self.keys.entry(kind).or_default().extend(paths.iter().map(|path| path_text::to_text(path)));
            }
        }
    }

    /// Adds a thing that was removed, by its key.
    pub(super) fn add_key(&mut self, kind: Kind, key: String) {
        self.keys.entry(kind).or_default().insert(key);
    }

    /// Adds what a newer segment removed.
    pub(super) fn extend(&mut self, newer: Self) {
        self.captures.extend(newer.captures);
        self.moved.extend(newer.moved);
        for (kind, keys) in newer.keys {
            self.keys.entry(kind).or_default().extend(keys);
        }
    }

    /// Whether nothing was removed.
    pub(super) fn is_empty(&self) -> bool {
        self.captures.is_empty() && self.moved.is_empty() && self.keys.is_empty()
    }

    /// Whether it says that a thing with this key was removed.
    pub(super) fn has_key(&self, kind: Kind, key: &str) -> bool {
        self.keys.get(&kind).is_some_and(|keys| keys.contains(key))
    }

    /// Whether a row of a capture counts no more.
    pub(super) fn has_capture(&self, number: usize, same_as: Option<usize>) -> bool {
        self.captures.contains(&number)
            || self.moved.contains(&number)
            || same_as.is_some_and(|same_as| self.captures.contains(&same_as))
    }

    /// The keys of removed things of a kind.
    pub(super) fn keys(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.keys.get(&kind).into_iter().flatten().map(String::as_str)
    }

    pub(super) fn to_table(&self) -> Table {
        let numbers = |numbers: &HashSet<usize>| numbers.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let (captures, moved) = (numbers(&self.captures), numbers(&self.moved));
        let mut rows: Vec<(&str, String)> = captures.into_iter().map(|key| (CAPTURE, key)).collect();
        rows.extend(moved.into_iter().map(|key| (MOVED, key)));
        for (kind, keys) in &self.keys {
            rows.extend(keys.iter().collect::<BTreeSet<_>>().into_iter().map(|key| (kind.name(), key.clone())));
        }
        let words = rows.iter().map(|(word, _)| Some(*word)).collect();
        let keys = rows.iter().map(|(_, key)| Some(key)).collect();
        Table::new([(KEY, TableColumn::Text(keys)), (REMOVED, TableColumn::Text(words))])
    }
}
