//! One commit while it is put together: what is added, what is removed, and the files of both.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bug::bug;
use crate::config::{CHECKPOINT_AFTER, Settings};
use crate::error::{Error, Result};
use crate::packets::RowRange;
use crate::plan::{PartEntry, PartialEntry, UnitResult};
use crate::storage::objects::HeldUpload;

use super::bucket;
use super::checkpoint::Checkpoint;
use super::committer::{Move, commit};
use super::delta::DeltaPart;
use super::delta_commit::checkpoint;
use super::delta_transaction::Before;
use super::layout::Layout;
use super::manifest::{Action, Manifest};
use super::record::{
    CommittedPart, CommittedPartial, CommittedTable, InputEntry, RefusedEntry, UnitCaptureEntry, UnitEntry,
};
use super::retained::merged;
use super::snapshot::Snapshot;

/// A commit that is being put together. Nothing is visible before [`Transaction::publish`].
#[derive(Debug)]
pub struct Transaction {
    /// The manifest of the commit.
    pub manifest: Manifest,
    pub(super) moves: Vec<Move>,
    next_input: usize,
    /// Files that stay where they are. Nothing is moved onto them.
    staying: HashSet<PathBuf>,
    /// Manifests that this one replaces.
    replaced: Vec<PathBuf>,
    /// Whether the manifest describes the whole lake, although there may be none before it.
    pub(super) says_everything: bool,
    /// Whether no retained part stays.
    pub(super) releases_all: bool,
    /// In a bucket: parts that are uploaded.
    held: Vec<HeldUpload>,
    /// In a bucket: what names of partial summaries end with. Two runs may write those of one unit.
    run: Option<String>,
    /// What the Delta log needs to know of the lake before, if it has one.
    pub(super) before: Option<Before>,
    /// The last checkpoint, and the number of the commit that made it.
    pub(super) checkpoint: Option<(u64, Checkpoint)>,
    /// Bytes of manifests since the last checkpoint from which on this commit makes one.
    pub checkpoint_after: u64,
    /// Whether the lake is read again after a commit that makes a checkpoint: then nothing of it need be held meanwhile.
    pub is_read_again: bool,
}

impl Transaction {
    /// A transaction on a snapshot that changes nothing yet. A lake that has a Delta log keeps it, and one that does not
    /// count DNS clients does not begin to, whatever the settings say.
    #[must_use]
    pub fn new(snapshot: &Snapshot, action: Action, settings: Settings) -> Self {
        let mut settings = settings.counted_in(snapshot.settings.as_ref());
        settings.delta |= snapshot.delta.is_some();
        settings.retain_ms = merged(&settings, snapshot.settings.as_ref());
        Self {
            before: settings.delta.then(|| Before::of(snapshot)),
            manifest: Manifest::new(snapshot.sequence + 1, action, settings),
            moves: Vec::new(),
            next_input: snapshot.next_input(),
            replaced: Vec::new(),
            says_everything: false,
            staying: snapshot
                .parts
                .keys()
                .chain(snapshot.partials.keys())
                .chain(snapshot.retired.keys())
                .chain(snapshot.retained.keys())
                .cloned()
                .collect(),
            releases_all: false,
            held: Vec::new(),
            run: snapshot.run.clone(),
            checkpoint: snapshot.checkpoint.clone(),
            checkpoint_after: CHECKPOINT_AFTER,
            is_read_again: false,
        }
    }

    /// Removes captures. The caller knows what their parts and partial summaries hold besides, and removes those.
    pub fn remove_inputs(&mut self, inputs: impl IntoIterator<Item = usize>) {
        self.manifest.removed.inputs.extend(inputs);
    }

    /// Lets another file have a name. In a bucket no name is given twice: if the commit is undone, the file that has it now must stay.
    pub(super) fn free_name(&mut self, path: &Path) {
        if self.run.is_none() {
            self.staying.remove(path);
        }
    }

    /// Moves a damaged part to where no reader sees it. Returns that place.
    pub fn set_aside(&mut self, path: &Path) -> PathBuf {
        let to = Layout::set_aside(path);
        self.moves.push(Move { from: path.to_path_buf(), to: to.clone() });
        to
    }

    /// Removes a partial summary.
    pub fn remove_partial(&mut self, path: &Path) {
        self.free_name(path);
        self.manifest.removed.partials.push(path.to_path_buf());
    }

    /// Removes a summary table.
    pub fn remove_table(&mut self, path: &Path) {
        self.manifest.removed.tables.push(path.to_path_buf());
    }

    /// Adds a capture, and returns its number in the lake.
    pub fn add_input(&mut self, mut entry: InputEntry) -> usize {
        let id = self.next_input;
        self.next_input += 1;
        entry.id = id;
        self.manifest.inputs.push(Arc::new(entry));
        id
    }

    /// Adds a part that was staged. `inputs` are the numbers of its captures, by the place that its ranges name.
    ///
    /// # Errors
    /// [`Error::Bug`](crate::error::Error::Bug) if a range names none of them.
    pub fn add_part(&mut self, unit: &str, part: &PartEntry, inputs: &[usize]) -> Result<()> {
        let path = self.free(&part.path)?;
        if let Some(held) = &part.held {
            if held.path != path {
                let problem =
                    "was uploaded for a place that another commit has taken; convert the unit again".to_owned();
                return Err(Error::Commit { path: part.path.clone(), problem });
            }
            self.held.push(held.clone());
        }
        let number = |place: usize| inputs.get(place).copied().ok_or_else(|| bug!());
        let ranges = part.ranges.iter().map(|range| Ok(RowRange { input: number(range.input)?, ..range.clone() }));
        let ranges = ranges.collect::<Result<_>>()?;
        self.moves.push(Move { from: part.staged.clone(), to: path.clone() });
        self.manifest.parts.push(CommittedPart {
            path,
            unit: unit.to_owned(),
            rows: part.rows,
            bytes: part.bytes,
            checksum: part.checksum.clone(),
            ranges,
            delta: part.stats.clone().map(|stats| DeltaPart { modified: 0, stats }),
        });
        Ok(())
    }

    /// Adds a partial summary that was staged. `inputs` are the numbers of its captures, by their place.
    ///
    /// # Errors
    /// [`Error::Bug`](crate::error::Error::Bug) if it has no name.
    pub fn add_partial(&mut self, unit: &str, partial: &PartialEntry, inputs: Vec<usize>) -> Result<()> {
        let path = match &self.run {
            None => self.free(&partial.path)?,
            Some(run) => self.free(&of_run(&partial.path, run)?)?,
        };
        self.moves.push(Move { from: partial.staged.clone(), to: path.clone() });
        self.manifest.partials.push(CommittedPartial {
            path,
            unit: unit.to_owned(),
            bytes: partial.bytes,
            checksum: partial.checksum.clone(),
            days: partial.days.clone(),
            inputs,
        });
        Ok(())
    }

    /// Adds a summary table that was staged, in place of the existing one.
    pub fn add_table(&mut self, (step, table): (Move, CommittedTable)) {
        self.moves.push(step);
        self.manifest.tables.push(table);
    }

    /// Adds the answers of reverse lookups that were staged, in place of the existing ones.
    pub fn add_names(&mut self, (step, table): (Move, CommittedTable)) {
        self.moves.push(step);
        self.manifest.names = Some(table);
    }

    /// Adds units that were converted, with their captures, parts and partial summaries. `mark` may change each capture's
    /// entry last.
    ///
    /// # Errors
    /// As [`Transaction::add_part`].
    pub fn add_units(&mut self, rows: Vec<UnitResult>, mut mark: impl FnMut(&mut InputEntry)) -> Result<()> {
        let mut entries: Vec<InputEntry> = Vec::new();
        let mut places: HashMap<PathBuf, usize> = HashMap::new();
        // For each unit, its parts and partial summary, and the places of its captures with their chunks.
        let mut units = Vec::new();
        for UnitResult { unit, captures, parts, partial } in rows {
            let mut shares = Vec::new();
            for (capture, found) in unit.captures.into_iter().zip(captures) {
                let place = *places.entry(capture.input.absolute.clone()).or_insert(entries.len());
                match entries.get_mut(place) {
                    Some(entry) => entry.found += found,
                    None => entries.push(InputEntry::of(capture.input, found)),
                }
                shares.push((place, capture.chunks));
            }
            units.push((unit.id, shares, parts, partial));
        }
        drop(places);
        let numbers: Vec<usize> = entries.into_iter().map(|entry| self.add_read(entry, &mut mark)).collect();
        for (id, shares, parts, partial) in units {
            let number = |(place, _): &(usize, _)| numbers.get(*place).copied().ok_or_else(|| bug!());
            let inputs: Vec<_> = shares.iter().map(number).collect::<Result<_>>()?;
            let chunks = shares.into_iter().map(|(_, chunks)| chunks);
            let captures = inputs.iter().zip(chunks).map(|(input, chunks)| UnitCaptureEntry { input: *input, chunks });
            let captures = captures.filter(|share| share.input > 0).collect();
            for part in &parts {
                self.add_part(&id, part, &inputs)?;
                self.manifest.rows += part.rows;
            }
            if let Some(partial) = &partial {
                self.add_partial(&id, partial, inputs)?;
            }
            self.manifest.units.push(UnitEntry { id, captures });
        }
        Ok(())
    }

    /// Adds a capture that was read, and returns its number. A capture that gave no rows is not part of the lake; its
    /// number is 0.
    fn add_read(&mut self, mut entry: InputEntry, mark: &mut impl FnMut(&mut InputEntry)) -> usize {
        // Only chunks need this of each other. It has served its purpose.
        (entry.found.entry, entry.found.exit) = (None, None);
        entry.status = entry.found.status();
        mark(&mut entry);
        self.manifest.records += entry.found.records;
        match RefusedEntry::of(&entry) {
            None => self.add_input(entry),
            Some(refused) => {
                self.manifest.refused.push(refused);
                0
            }
        }
    }

    /// A place where no file stays, usually the wanted one. A capture that vanishes while its unit is converted again can
    /// leave a part of that unit there.
    fn free(&mut self, wanted: &Path) -> Result<PathBuf> {
        let mut path = wanted.to_path_buf();
        while !self.staying.insert(path.clone()) {
            path = Layout::another_name(&path)?;
        }
        Ok(path)
    }

    /// Where the added files are staged, by their places in the lake; all below the lake.
    #[must_use]
    pub fn staged(&self) -> HashMap<&Path, &Path> {
        self.moves.iter().map(|step| (step.to.as_path(), step.from.as_path())).collect()
    }

    /// Makes the manifest describe the whole lake and replace these manifests.
    pub fn replace_manifests(&mut self, manifests: Vec<PathBuf>) {
        self.replaced = manifests;
        self.says_everything = true;
    }

    /// Publishes it: all of it becomes visible, or nothing. `after` is the lake's content then, except for what only the commit
    /// itself tells; of a commit that describes the whole lake, nothing is left in it.
    ///
    /// In a lake with a Delta log, the log has it too, unless other writers have changed the table: [`Layout::delta_lacks`] says so.
    ///
    /// # Errors
    /// If staged files differ from what the manifest says; if something is in the way; if anything cannot be written,
    /// synced or moved. Before the commit is decided, the lake then stays as it was. After that, the next run finishes or
    /// undoes the commit.
    pub fn publish(mut self, lake: &Layout, after: &mut Snapshot) -> Result<()> {
        let delta = self.prepare_delta(lake, after)?;
        // Of what the checkpoint has, nothing is left afterwards.
        let partials: HashSet<PathBuf> = after.partials.keys().filter(|_| self.run.is_some()).cloned().collect();
        let last_checkpoint = self.checkpoint.as_ref().map(|(number, _)| *number);
        let lets_go = self.is_read_again && delta.is_none();
        let obsolete = self.make_checkpoint(lake, after, lets_go)?;
        let removed = &self.manifest.removed;
        let stays: HashSet<&PathBuf> = self.manifest.retained.iter().map(|part| &part.path).collect();
        let parts = removed.parts.iter().filter(|path| !stays.contains(path)).chain(&removed.retained);
        let tables = removed.partials.iter().chain(&removed.tables);
        let removes = parts.chain(tables).chain(&self.replaced).chain(&obsolete).cloned().collect();
        let has_step = delta.is_some();
        let is_base = self.says_everything;
        let (manifest, after) = match self.says_everything {
            true => (std::mem::take(after).into_base(self.manifest), None),
            false => (self.manifest, Some(after).filter(|_| has_step)),
        };
        match lake.bucket() {
            None => commit(lake, self.moves, removes, &manifest, delta)?,
            Some(bucket) => {
                bucket::publish(bucket, (self.moves, self.held), removes, manifest, delta, last_checkpoint)?;
                bucket.forget_copies(&obsolete);
                if let Err(error) = bucket.sweep(&partials, is_base) {
                    lake.note("sweep", || format!("what earlier runs have left could not be removed: {error}"));
                }
            }
        }
        after.iter().for_each(|after| checkpoint(lake, after));
        Ok(())
    }
}

/// A name that only one run gives.
fn of_run(path: &Path, run: &str) -> Result<PathBuf> {
    let mut name = path.file_stem().ok_or_else(|| bug!())?.to_owned();
    name.push("-");
    name.push(run);
    let mut renamed = path.with_file_name(name);
    renamed.set_extension(path.extension().unwrap_or_default());
    Ok(renamed)
}
