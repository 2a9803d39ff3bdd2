//! The content of a lake: the sum of its manifests.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::capture::Timestamp;
use crate::config::Settings;
use crate::day::Day;

use super::bucket::Retired;
use super::checkpoint::{Base, Checkpoint};
use super::delta::DeltaEntry;
use super::manifest::{Manifest, PlanProgress, Removed};
use super::record::{
    CommittedPart, CommittedPartial, CommittedTable, FileStamp, InputEntry, Recompressed, RefusedEntry, Relocated,
};
use super::retained::RetainedPart;

/// How long the name of a removed file is not given again, in milliseconds. No run sleeps for so long.
const RETIRED_FOR: i64 = 30 * 24 * 3600 * 1000;

/// The content of a lake.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Number of the last commit; 0 for a new lake.
    pub sequence: u64,
    /// Number of the last commit that was not undone.
    pub(super) last_change: u64,
    /// The settings of the last commit.
    pub settings: Option<Settings>,
    /// How far a plan is committed, if nothing else has changed a capture since.
    pub plan: Option<PlanProgress>,
    /// What the last commit says of the Delta log, if the lake has one.
    pub delta: Option<DeltaEntry>,
    /// Captures by number.
    pub inputs: BTreeMap<usize, Arc<InputEntry>>,
    /// Numbers of the captures that are files, by absolute path.
    paths: HashMap<PathBuf, usize>,
    /// Fingerprints of what was read from standard input.
    pub streams: HashSet<String>,
    /// The captures of each unit that is as it was converted.
    pub(super) units: HashMap<String, Vec<usize>>,
    /// Parts by path below the lake.
    pub parts: BTreeMap<PathBuf, CommittedPart>,
    /// Partial summaries by path below the lake.
    pub partials: BTreeMap<PathBuf, CommittedPartial>,
    /// Summary tables by path below the lake.
    pub tables: BTreeMap<PathBuf, CommittedTable>,
    /// The answers of reverse lookups.
    pub names: Option<CommittedTable>,
    /// Files that were refused for their content, by absolute path.
    pub quarantine: BTreeMap<PathBuf, RefusedEntry>,
    /// The other refusals of the last commit.
    pub refused: Vec<RefusedEntry>,
    /// The last number that was given.
    last_input: usize,
    /// In a bucket: names that are not given again.
    pub(super) retired: BTreeMap<PathBuf, i64>,
    /// Parts that commits removed and whose files are still in their places.
    pub retained: BTreeMap<PathBuf, RetainedPart>,
    /// In a bucket: what tells this run from all others.
    pub(super) run: Option<String>,
    /// The last checkpoint, and the number of the commit that made it.
    pub(super) checkpoint: Option<(u64, Checkpoint)>,
    /// The rows of the checkpoint that are not in here.
    pub(super) base: Option<Base>,
}

impl Snapshot {
    /// Applies a commit.
    pub fn add(&mut self, manifest: Manifest) {
        // One with a checkpoint is read after it.
        if manifest.base && manifest.checkpoint.is_none() {
            *self = Self { sequence: self.sequence, run: self.run.take(), ..Self::default() };
        }
        self.sequence = self.sequence.max(manifest.sequence);
        if manifest.base || manifest.plan.is_some() || manifest.changes_captures() {
            self.plan.clone_from(&manifest.plan);
        }
        self.retired.extend(manifest.retired.into_iter().map(|retired| (retired.path, retired.since)));
        if manifest.void {
            return;
        }
        self.last_change = self.last_change.max(manifest.sequence);
        if let Some(checkpoint) = manifest.checkpoint {
            self.checkpoint = Some((manifest.sequence, checkpoint));
        }
        if let Some(since) = manifest.committed {
            let Removed { parts, partials, retained, .. } = &manifest.removed;
            self.retired.extend(parts.iter().chain(partials).chain(retained).map(|path| (path.clone(), since)));
        }
        let replaced = self.replaced_by(&manifest.removed.inputs, &manifest.retained);
        self.delta = manifest.delta;
        self.settings = Some(manifest.settings);
        self.remove_inputs(&manifest.removed.inputs);
        manifest.removed.parts.iter().for_each(|path| drop(self.parts.remove(path)));
        manifest.removed.partials.iter().for_each(|path| drop(self.partials.remove(path)));
        manifest.removed.tables.iter().for_each(|path| drop(self.tables.remove(path)));
        manifest.removed.refused.iter().for_each(|path| drop(self.quarantine.remove(path)));
        for entry in manifest.inputs {
            self.add_input(entry);
        }
        manifest.met_again.into_iter().for_each(|met| self.meet_again(met));
        for unit in manifest.units {
            self.units.insert(unit.id, unit.captures.iter().map(|capture| capture.input).collect());
        }
        self.parts.extend(manifest.parts.into_iter().map(|part| (part.path.clone(), part)));
        self.partials.extend(manifest.partials.into_iter().map(|partial| (partial.path.clone(), partial)));
        self.add_tables(manifest.tables);
        self.names = manifest.names.or(self.names.take());
        self.retain(manifest.retained, &manifest.removed.retained, &replaced);
        self.refused.clear();
        for refused in manifest.refused {
            match &refused.seen {
                Some(seen) => drop(self.quarantine.insert(seen.absolute.clone(), refused)),
                None => self.refused.push(refused),
            }
        }
    }

    /// Adds summary tables, in place of existing ones.
    pub fn add_tables(&mut self, tables: Vec<CommittedTable>) {
        self.tables.extend(tables.into_iter().map(|table| (table.path.clone(), table)));
    }

    /// The captures whose rows are in a part, or whose sums are in a partial summary.
    pub fn inputs_in(&self, path: &Path) -> impl Iterator<Item = usize> {
        let of_part = self.parts.get(path).into_iter().flat_map(|part| part.ranges.iter().map(|range| range.input));
        let of_partial = self.partials.get(path).into_iter().flat_map(|partial| partial.inputs.iter().copied());
        of_part.chain(of_partial).filter(|input| *input > 0)
    }

    /// Adds a capture that has a number.
    pub fn take_up(&mut self, entry: InputEntry) {
        self.add_input(Arc::new(entry));
    }

    /// Adds a unit whose captures all exist, so that it is not committed again.
    pub fn take_up_unit(&mut self, id: &str, inputs: Vec<usize>) {
        self.units.insert(id.to_owned(), inputs);
    }

    /// Indexes paths and streams again, after captures were changed.
    pub fn index(&mut self) {
        self.paths.clear();
        self.streams.clear();
        for entry in self.inputs.values() {
            if entry.input.is_stdin() {
                self.streams.extend(entry.input.fingerprint.clone());
            } else {
                self.paths.insert(entry.input.absolute.clone(), entry.id);
            }
        }
        let inputs = &self.inputs;
        self.units.retain(|_, captures| captures.iter().all(|input| *input == 0 || inputs.contains_key(input)));
    }

    /// The captures of each unit that is as it was converted.
    pub(super) fn unit_lists(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.units.iter().map(|(id, captures)| (id.as_str(), captures.as_slice()))
    }

    /// Names that are not given again, and since when. Those that have had their time are left out.
    pub(super) fn retired_names(&self) -> Vec<Retired> {
        let newest = self.retired.values().copied().max().unwrap_or(0);
        let is_kept = |since: i64| since >= newest.saturating_sub(RETIRED_FOR);
        let retired = self.retired.iter().filter(|(_, since)| is_kept(**since));
        retired.map(|(path, since)| Retired { path: path.clone(), since: *since }).collect()
    }

    /// Lets go of all that is read again from a checkpoint.
    pub(super) fn let_go(&mut self) {
        *self = Self {
            sequence: self.sequence,
            checkpoint: self.checkpoint.take(),
            run: self.run.take(),
            ..Self::default()
        };
    }

    /// Takes out what a checkpoint has in its files.
    pub(super) fn is_in_checkpoint(&mut self) {
        self.inputs.clear();
        self.units.clear();
        self.parts.clear();
        self.partials.clear();
        self.tables.clear();
        self.quarantine.clear();
    }

    /// Notes that captures had numbers up to this one.
    pub(super) fn last_number(&mut self, number: usize) {
        self.last_input = self.last_input.max(number);
    }

    pub(super) fn add_input(&mut self, entry: Arc<InputEntry>) {
        self.last_input = self.last_input.max(entry.id);
        if entry.input.is_stdin() {
            self.streams.extend(entry.input.fingerprint.clone());
        } else {
            self.paths.insert(entry.input.absolute.clone(), entry.id);
            self.quarantine.remove(&entry.input.absolute);
        }
        self.inputs.insert(entry.id, entry);
    }

    pub(super) fn remove_inputs(&mut self, removed: &[usize]) {
        if removed.is_empty() {
            return;
        }
        let removed: HashSet<usize> = removed.iter().copied().collect();
        let stood_for = |entry: &Arc<InputEntry>| entry.same_as.is_some_and(|same_as| removed.contains(&same_as));
        // Captures that were left out because of a removed one are gone from the lake too: the next run converts them.
        let gone = self.inputs.extract_if(.., |id, entry| removed.contains(id) || stood_for(entry));
        let gone: Vec<_> = gone.map(|(_, entry)| entry).collect();
        gone.iter().for_each(|entry| self.forget_path(entry));
        self.units.retain(|_, inputs| !inputs.iter().any(|input| removed.contains(input)));
    }

    /// Forgets where a capture was that is not in here any more.
    pub(super) fn forget_path(&mut self, entry: &InputEntry) {
        let input = &entry.input;
        if input.is_stdin() {
            for known in input.fingerprint.iter() {
                self.streams.remove(known);
            }
        } else if self.paths.get(&input.absolute) == Some(&entry.id) {
            self.paths.remove(&input.absolute);
        }
    }

    /// Gives a capture another name, or another time.
    pub fn meet_again(&mut self, met: Relocated) {
        // The manifest that named it may be lost: what there is of such a lake is read all the same.
        let Some(entry) = self.inputs.get_mut(&met.input).map(Arc::make_mut) else { return };
        self.quarantine.remove(&met.seen.absolute);
        if entry.input.absolute != met.seen.absolute {
            if self.paths.get(&entry.input.absolute) == Some(&met.input) {
                self.paths.remove(&entry.input.absolute);
            }
            self.paths.insert(met.seen.absolute.clone(), met.input);
        }
        entry.input.path = met.path;
        let FileStamp { absolute, size, modified, version } = met.seen;
        (entry.input.absolute, entry.input.size, entry.input.modified) = (absolute, size, modified);
        (entry.input.etag, entry.input.version) = (version.etag, version.version);
        entry.input.reached = met.reached;
        if let Some(Recompressed { fingerprint, compression }) = met.packed {
            (entry.input.fingerprint, entry.input.compression) = (Some(fingerprint), compression);
            entry.found.compression = Some(compression);
        }
    }

    /// The capture that a file was converted as, by the file's absolute path.
    #[must_use]
    pub fn input_at(&self, absolute: &Path) -> Option<&InputEntry> {
        self.inputs.get(self.paths.get(absolute)?).map(Arc::as_ref)
    }

    /// The captures, by path. Captures from standard input come first.
    #[must_use]
    pub fn inputs_by_path(&self) -> Vec<&InputEntry> {
        let mut inputs: Vec<_> = self.inputs.values().map(Arc::as_ref).collect();
        inputs.sort_by(|a, b| a.input.absolute.cmp(&b.input.absolute).then(a.id.cmp(&b.id)));
        inputs
    }

    /// Time of the newest packet, in seconds since the Unix epoch. `None` if no packet has a time.
    #[must_use]
    pub fn newest_packet(&self) -> Option<f64> {
        let of_base = self.base.as_ref().and_then(|base| base.newest);
        self.inputs.values().filter_map(|entry| entry.found.latest).chain(of_base).max().map(Timestamp::as_f64)
    }

    /// The number for the next capture.
    #[must_use]
    pub fn next_input(&self) -> usize {
        self.last_input + 1
    }

    /// Whether a unit was converted, and all its captures are still unchanged.
    #[must_use]
    pub fn has_unit(&self, id: &str) -> bool {
        self.units.contains_key(id)
    }

    /// The identities that new units must not have once the captures at some absolute paths have been replaced: those of
    /// files that stay.
    #[must_use]
    pub fn identities_beside<'a>(&self, replaced: impl Iterator<Item = &'a Path>) -> HashSet<String> {
        let removed: HashSet<usize> = replaced.filter_map(|absolute| self.paths.get(absolute).copied()).collect();
        let mut identities = HashSet::new();
        for part in self.parts.values() {
            if !part.ranges.iter().any(|range| removed.contains(&range.input)) {
                identities.insert(part.unit.clone());
            }
        }
        for partial in self.partials.values() {
            if !partial.inputs.iter().any(|input| removed.contains(input)) {
                identities.insert(partial.unit.clone());
            }
        }
        let intact = self.units.iter().filter(|(_, inputs)| !inputs.iter().any(|input| removed.contains(input)));
        identities.extend(intact.map(|(id, _)| id.clone()));
        identities
    }

    /// The partial summaries that contribute to some dates.
    pub fn partials_of<'a>(&'a self, days: &'a BTreeSet<Day>) -> impl Iterator<Item = &'a CommittedPartial> {
        self.partials.values().filter(|partial| partial.days.iter().any(|day| days.contains(day)))
    }
}
