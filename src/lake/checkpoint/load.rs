//! Loads captures, and the files of their rows, from a checkpoint into a snapshot.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::day::Day;
use crate::discover::Input;
use crate::error::Result;
use crate::lake::record::{CommittedPart, InputEntry};
use crate::lake::snapshot::Snapshot;
use crate::packets::RowRange;
use crate::path_text;

use super::Kind;
use super::base::each;
use super::columns::{
    CAPTURE, CAPTURES, FINGERPRINT, FIRST, FIRST_TIME, HEAD, KEY, LAST, PACKETS, SAME_AS, content_key, of_key,
};
use super::rows::CheckpointRows;

/// The captures that matter to those that a run has opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct WantedCaptures {
    /// By number.
    pub(crate) captures: HashSet<usize>,
    /// Those that were left out, by the number of the one whose rows stand for theirs.
    pub(crate) left_out_for: HashSet<usize>,
    /// By absolute path, as text.
    pub(crate) paths: HashSet<String>,
    /// Those that begin so, and have packets.
    heads: HashSet<i64>,
    /// Those whose files are so, and have packets.
    fingerprints: HashSet<i64>,
}

impl WantedCaptures {
    /// Those with these numbers.
    pub(crate) fn of(numbers: &BTreeSet<usize>) -> Self {
        Self { captures: numbers.iter().copied().collect(), ..Self::default() }
    }

    /// Adds those that may be the same as a capture, or begin as it does.
    pub(crate) fn add_like(&mut self, input: &Input) {
        self.heads.extend(input.head.as_deref().map(content_key));
        self.fingerprints.extend(input.fingerprint.as_deref().map(content_key));
    }

    fn is_empty(&self) -> bool {
        let Self { captures, left_out_for, paths, heads, fingerprints } = self;
        captures.is_empty()
            && left_out_for.is_empty()
            && paths.is_empty()
            && heads.is_empty()
            && fingerprints.is_empty()
    }

    /// Whether one of them is meant by its number or its path.
    pub(super) fn has_entry(&self, entry: &InputEntry) -> bool {
        self.captures.contains(&entry.id) || self.paths.contains(&path_text::to_text(&entry.input.absolute))
    }

    /// Whether a row is of one of them. The columns are the number, what stands for it, packets, head and fingerprint, and the
    /// path if any are wanted by it.
    fn has(&self, rows: &CheckpointRows) -> bool {
        let has = |keys: &HashSet<i64>, column| rows.int(column).is_some_and(|key| keys.contains(&key));
        let by_content = || has(&self.heads, 3) || has(&self.fingerprints, 4);
        rows.capture(0).is_some_and(|number| self.captures.contains(&number))
            || rows.capture(1).is_some_and(|number| self.left_out_for.contains(&number))
            || (rows.capture(1).is_none() && rows.int(2) > Some(0) && by_content())
            || rows.text(5).is_some_and(|path| self.paths.contains(path))
    }
}

impl Snapshot {
    /// Takes up captures that matter.
    ///
    /// # Memory
    /// As these captures. All are looked at, one after the other.
    /// # Errors
    /// If the checkpoint cannot be read.
    pub(crate) fn load(&mut self, wanted: &WantedCaptures) -> Result<()> {
        let Some(base) = self.base.as_ref().filter(|_| !wanted.is_empty()) else { return Ok(()) };
        let columns = [CAPTURE, SAME_AS, PACKETS, HEAD, FINGERPRINT, KEY];
        let columns = if wanted.paths.is_empty() { &columns[..5] } else { &columns };
        let loaded = &base.loaded;
        let is_new = |rows: &CheckpointRows| rows.capture(0).is_some_and(|number| !loaded.contains(&number));
        let entries = base.layers.captures_where(columns, |rows| wanted.has(rows) && is_new(rows))?;
        for entry in entries {
            if let Some(base) = &mut self.base {
                base.loaded.insert(entry.id);
            }
            self.add_input(entry);
        }
        Ok(())
    }

    /// Whether there may be captures that an earlier version converted: these are looked for by their paths.
    #[must_use]
    pub(crate) fn has_bare_captures(&self) -> bool {
        self.base.as_ref().is_some_and(|base| base.has_bare)
    }

    /// Takes up which captures the rows of units, parts and partial summaries are of, where they are of some that a run may remove;
    /// and the other captures of these files.
    ///
    /// # Errors
    /// If the checkpoint cannot be read.
    pub(crate) fn load_files_of(&mut self, removed: &BTreeSet<usize>) -> Result<()> {
        let Some(base) = self.base.as_ref().filter(|_| !removed.is_empty()) else { return Ok(()) };
        let layers = Arc::clone(&base.layers);
        let may_be = |rows: &CheckpointRows, first: usize| match (rows.capture(first), rows.capture(first + 1)) {
            (Some(first), Some(last)) => removed.range(first..=last).next().is_some(),
            _ => false,
        };
        // Of units these are the columns that tell whether they count.
        each(&layers, Kind::Units, &[], &mut |rows, _| {
            if may_be(rows, 1) {
                let captures: Vec<usize> = rows.entry(3)?;
                let unit = rows.key().unwrap_or_default();
                if captures.iter().any(|it| removed.contains(it))
                    && let Some(held) = self.units.get_mut(unit).filter(|held| held.is_empty())
                {
                    *held = captures;
                }
            }
            Ok(())
        })?;
        each(&layers, Kind::Parts, &[FIRST, LAST, CAPTURES], &mut |rows, first| {
            if may_be(rows, first) {
                let ranges: Vec<RowRange> = rows.entry(first + 2)?;
                let path = of_key(rows.key().unwrap_or_default(), rows.path())?;
                let is_bare = |part: &&mut CommittedPart| part.ranges.is_empty();
                if ranges.iter().any(|range| removed.contains(&range.input))
                    && let Some(part) = self.parts.get_mut(&path).filter(is_bare)
                {
                    part.ranges = ranges;
                }
            }
            Ok(())
        })?;
        each(&layers, Kind::Partials, &[FIRST, LAST, CAPTURES], &mut |rows, first| {
            if may_be(rows, first) {
                let captures: Vec<usize> = rows.entry(first + 2)?;
                let path = of_key(rows.key().unwrap_or_default(), rows.path())?;
                if captures.iter().any(|it| removed.contains(it))
                    && let Some(partial) = self.partials.get_mut(&path).filter(|partial| partial.inputs.is_empty())
                {
                    partial.inputs = captures;
                }
            }
            Ok(())
        })?;
        // A part that was written since the checkpoint may have rows of captures that are in it.
        let is_of_removed = |part: &&CommittedPart| part.ranges.iter().any(|range| removed.contains(&range.input));
        let parts = self.parts.values().filter(is_of_removed);
        let beside = parts.flat_map(|part| part.ranges.iter().map(|range| range.input)).collect();
        // Those that were left out go with what stands for them.
        let left_out_for = removed.iter().copied().collect();
        self.load(&WantedCaptures { captures: beside, left_out_for, ..WantedCaptures::default() })
    }

    /// The captures with these numbers, wherever they are, in the order of their numbers.
    ///
    /// # Memory
    /// As these captures.
    /// # Errors
    /// If the checkpoint cannot be read.
    pub(crate) fn captures_of(&self, wanted: &BTreeSet<usize>) -> Result<BTreeMap<usize, Arc<InputEntry>>> {
        let held = wanted.iter().filter_map(|number| self.inputs.get(number).map(|entry| (*number, Arc::clone(entry))));
        let mut found: BTreeMap<_, _> = held.collect();
        if let Some(base) = &self.base {
            let left = wanted.iter().filter(|number| !found.contains_key(number) && !base.loaded.contains(number));
            let left = base.layers.captures(&left.copied().collect())?;
            found.extend(left.into_iter().map(|entry| (entry.id, entry)));
        }
        Ok(found)
    }

    /// Does something with each capture, or with those of some dates, in no order.
    ///
    /// # Memory
    /// That of one at a time.
    /// # Errors
    /// If the checkpoint cannot be read, or `take` fails.
    pub(crate) fn each_capture(
        &self,
        days: Option<&BTreeSet<Day>>,
        mut take: impl FnMut(&InputEntry) -> Result<()>,
    ) -> Result<()> {
        let is_of = |day: &Day| days.is_none_or(|days| days.contains(day));
        self.inputs.values().filter(|entry| is_of(&entry.day())).try_for_each(|entry| take(entry))?;
        let Some(base) = &self.base else { return Ok(()) };
        let wanted = |rows: &CheckpointRows| {
            let day = rows.int(2).map_or(Day::EPOCH, |micros| Day::of_seconds(micros.div_euclid(1_000_000)));
            is_of(&day) && rows.capture(0).is_some_and(|number| !base.loaded.contains(&number))
        };
        base.layers.each_capture_where(&[CAPTURE, SAME_AS, FIRST_TIME], wanted, |entry| take(&entry))
    }
}
