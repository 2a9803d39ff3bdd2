//! What of a lake is left in the files of its checkpoint, while a run works: most of its captures.
//!
//! A snapshot with a base has the manifests since the checkpoint, added up, and of the checkpoint's rows only what runs always need:
//! names, sizes and dates of files, and captures that were being written. Of each other capture it is asked when it is met
//! ([`super::lookup`]), and it is loaded when it matters ([`super::load`]). So what a run holds follows what is new.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use crate::capture::Timestamp;
use crate::error::{Error, Result};
use crate::lake::completeness::missing_at_the_end;
use crate::lake::held_capture::LookAgain;
use crate::lake::layout::Layout;
use crate::lake::manifest::{Manifest, files, number_of};
use crate::lake::read_manifests::last_checkpoint;
use crate::lake::record::{CommittedPart, CommittedPartial, CommittedTable, InputEntry, RefusedEntry};
use crate::lake::snapshot::Snapshot;

use super::Kind;
use super::columns::{AGAIN, CAPTURE, CONTENT, ENTRY, LAST_TIME, PACKETS, SAME_AS, STREAM, of_json, of_key, of_word};
use super::layers::Layers;
use super::load::WantedCaptures;
use super::rows::CheckpointRows;
use super::tail::Tail;

/// Captures that end at the same microsecond, of which one is the newest.
const TIED: usize = 16;

/// The rows of a checkpoint.
#[derive(Clone, Debug, Default)]
pub(in crate::lake) struct Base {
    pub(super) layers: Arc<Layers>,
    /// Captures that the snapshot has itself.
    pub(super) loaded: HashSet<usize>,
    /// Captures that are files or objects.
    captures: u64,
    /// Whether some of them are not known by their content.
    pub(super) has_bare: bool,
    /// Time of the newest packet of all these.
    pub(in crate::lake) newest: Option<Timestamp>,
}

impl Snapshot {
    /// Reads of a lake what a run begins with: all of it, if it has no checkpoint. What is retained, and what is lost, is followed by
    /// numbers of captures that may be any, so a lake with such is read whole too.
    ///
    /// # Errors
    /// As [`Snapshot::read`].
    pub(crate) fn begin(lake: &Layout) -> Result<Self> {
        match Self::with_base(lake) {
            Ok(Some(held)) => Ok(held),
            // What is wrong shows there as well, or does not matter.
            Ok(None) | Err(_) => Self::read(lake),
        }
    }

    /// Reads the lake again after a commit of this process has made a checkpoint. Of what the checkpoint has now, some is loaded: captures
    /// that are `wanted`, and the files of those at these paths and with these numbers.
    ///
    /// # Errors
    /// As [`Snapshot::read`].
    pub(crate) fn begin_again(&mut self, lake: &Layout, wanted: &WantedCaptures) -> Result<()> {
        lake.look_again();
        self.let_go();
        *self = Self::begin(lake)?;
        self.load(wanted)?;
        let held = self.inputs.values().filter(|entry| wanted.has_entry(entry)).map(|entry| entry.id);
        self.load_files_of(&held.collect())
    }

    /// As [`Snapshot::begin`], but `None` of a lake that has to be read whole.
    ///
    /// # Errors
    /// If something of the lake cannot be read. What it is shows where the lake is read whole.
    pub(crate) fn with_base(lake: &Layout) -> Result<Option<Self>> {
        let mut paths = files(lake)?;
        let Some((place, mut first, checkpoint)) = last_checkpoint(&paths)? else { return Ok(None) };
        // What it says of the whole lake is in the checkpoint.
        first.base = false;
        let number = first.sequence;
        drop(paths.drain(..=place));
        let mut manifests = vec![first];
        for path in paths {
            let manifest = Manifest::read(&path)?;
            let is_next = manifest.sequence == number + manifests.len() as u64 && !manifest.base;
            if !is_next || number_of(&path) != Some(manifest.sequence) {
                return Ok(None);
            }
            manifests.push(manifest);
        }
        if !checkpoint.state.retained.is_empty() || manifests.iter().any(|manifest| !manifest.retained.is_empty()) {
            return Ok(None);
        }
        let mut layers = Layers::open(lake, &checkpoint.segments)?;
        let Tail { mut snapshot, removals } = Tail::of(Some(&checkpoint), &layers, manifests)?;
        layers.cover(removals);
        snapshot.checkpoint = Some((number, checkpoint));
        snapshot.list_files(&layers)?;
        snapshot.base = Some(snapshot.meet(layers)?);
        snapshot.run = lake.run().map(str::to_owned);
        snapshot.give_names(lake);
        Ok(if missing_at_the_end(lake, snapshot.sequence)?.is_none() { Some(snapshot) } else { None })
    }

    /// Whether most of its captures are in the files of a checkpoint.
    #[must_use]
    pub(crate) fn has_base(&self) -> bool {
        self.base.is_some()
    }

    /// The number of the commit that made the last checkpoint.
    #[must_use]
    pub(crate) fn checkpoint_at(&self) -> Option<u64> {
        self.checkpoint.as_ref().map(|(number, _)| *number)
    }

    /// How many captures that are files or objects there are in the files of the checkpoint alone.
    #[must_use]
    pub(crate) fn captures_in_base(&self) -> u64 {
        self.base.as_ref().map_or(0, |base| base.captures.saturating_sub(base.loaded.len() as u64))
    }

    /// Takes up names, sizes and dates of files, without the captures that they are of.
    fn list_files(&mut self, layers: &Layers) -> Result<()> {
        each(layers, Kind::Units, &[], &mut |rows, _| {
            if let Some(unit) = rows.key().filter(|unit| !self.units.contains_key(*unit)) {
                self.units.insert(unit.to_owned(), Vec::new());
            }
            Ok(())
        })?;
        each(layers, Kind::Parts, &[ENTRY], &mut |rows, entry| {
            let part: CommittedPart = rows.entry(entry)?;
            self.parts.entry(part.path.clone()).or_insert(part);
            Ok(())
        })?;
        each(layers, Kind::Partials, &[ENTRY], &mut |rows, entry| {
            let partial: CommittedPartial = rows.entry(entry)?;
            self.partials.entry(partial.path.clone()).or_insert(partial);
            Ok(())
        })?;
        each(layers, Kind::Tables, &[ENTRY], &mut |rows, entry| {
            let table: CommittedTable = rows.entry(entry)?;
            self.tables.entry(table.path.clone()).or_insert(table);
            Ok(())
        })?;
        each(layers, Kind::Refusals, &[ENTRY], &mut |rows, entry| {
            let refused: RefusedEntry = rows.entry(entry)?;
            let file = of_key(rows.key().unwrap_or_default(), rows.path())?;
            self.quarantine.entry(file).or_insert(refused);
            Ok(())
        })
    }

    /// Counts the captures of the base, and takes up those that were being written, what is known of streams, and the newest time.
    fn meet(&mut self, layers: Layers) -> Result<Base> {
        let mut base = Base { layers: Arc::new(layers), ..Base::default() };
        let mut open = Vec::new();
        for layer in 0..base.layers.len() {
            let Some(path) = base.layers.file(layer, Kind::Captures) else { continue };
            let mut rows =
                CheckpointRows::open(path, &[CAPTURE, SAME_AS, LAST_TIME, STREAM, AGAIN, CONTENT, PACKETS], None)?;
            let (mut last, mut latest): (Option<i64>, Vec<u64>) = (None, Vec::new());
            let (mut of_open, mut place) = (Vec::new(), 0);
            while rows.is_there() {
                if base.layers.counts(layer, rows.capture(0).unwrap_or(0), rows.capture(1)) {
                    base.has_bare |= rows.int(5).is_none() && rows.int(6) > Some(0);
                    base.captures += u64::from(rows.text(3).is_none());
                    if rows.int(2).is_some_and(|time| last.is_none_or(|last| time >= last)) {
                        if rows.int(2) > last {
                            latest.clear();
                        }
                        last = rows.int(2);
                        latest.push(place);
                        latest.truncate(TIED);
                    }
                    self.streams.extend(rows.text(3).map(str::to_owned));
                    if rows.text(4).and_then(of_word) == Some(LookAgain::Open) {
                        of_open.push(place);
                    }
                }
                place += 1;
                rows.step()?;
            }
            each_entry(path, &latest, &mut |entry| {
                base.newest = base.newest.max(entry.found.latest);
                Ok(())
            })?;
            each_entry(path, &of_open, &mut |entry| {
                open.push(entry);
                Ok(())
            })?;
        }
        for entry in open {
            base.loaded.insert(entry.id);
            self.add_input(Arc::new(entry));
        }
        Ok(base)
    }
}

/// Does something with the entries in some rows of a file of captures.
pub(super) fn each_entry(path: &Path, places: &[u64], take: &mut dyn FnMut(InputEntry) -> Result<()>) -> Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    let mut rows = CheckpointRows::open(path, &[ENTRY], Some(places))?;
    while let Some(entry) = rows.key() {
        take(of_json(entry, path)?)?;
        rows.step()?;
    }
    Ok(())
}

/// Does something with each row of a kind that counts. The number is the place of the first of these columns.
pub(super) fn each(
    layers: &Layers,
    kind: Kind,
    columns: &[&str],
    take: &mut dyn FnMut(&CheckpointRows, usize) -> Result<(), Error>,
) -> Result<()> {
    let mut merged = layers.merged(kind, columns)?;
    let first = kind.own_columns().len();
    while let Some(rows) = merged.next()? {
        take(rows, first)?;
    }
    Ok(())
}
