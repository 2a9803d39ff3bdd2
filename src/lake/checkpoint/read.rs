//! Reads a checkpoint: all of it, as the beginning of what a lake holds.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::lake::layout::Layout;
use crate::lake::record::{CommittedPart, CommittedPartial, CommittedTable, InputEntry, RefusedEntry};
use crate::lake::snapshot::Snapshot;

use super::columns::{CAPTURES, ENTRY, KEY, of_key};
use super::layers::Layers;
use super::rows::CheckpointRows;
use super::{Checkpoint, Kind};

impl Snapshot {
    /// What a lake held at its checkpoint.
    ///
    /// # Memory
    /// As what it holds.
    /// # Errors
    /// If a file of the checkpoint cannot be read.
    pub(in crate::lake) fn of_checkpoint(lake: &Layout, checkpoint: &Checkpoint) -> Result<Self> {
        let mut held = Self::default();
        let layers = Layers::open(lake, &checkpoint.segments)?;
        for layer in 0..layers.len() {
            held.take_off(&layers, layer)?;
            let each =
                |kind: Kind, columns: &[&str], take: &mut dyn FnMut(&CheckpointRows) -> Result<()>| -> Result<()> {
                    let Some(path) = layers.file(layer, kind) else { return Ok(()) };
                    let mut rows = CheckpointRows::open(path, columns, None)?;
                    while rows.key().is_some() {
                        take(&rows)?;
                        rows.step()?;
                    }
                    Ok(())
                };
            each(Kind::Captures, &[ENTRY], &mut |rows| {
                held.take_up(rows.entry::<InputEntry>(0)?);
                Ok(())
            })?;
            each(Kind::Units, &[KEY, CAPTURES], &mut |rows| {
                let captures: Vec<usize> = rows.entry(1)?;
                held.take_up_unit(rows.key().unwrap_or_default(), captures);
                Ok(())
            })?;
            each(Kind::Parts, &[ENTRY, CAPTURES], &mut |rows| {
                let mut part: CommittedPart = rows.entry(0)?;
                part.ranges = rows.entry(1)?;
                held.parts.insert(part.path.clone(), part);
                Ok(())
            })?;
            each(Kind::Partials, &[ENTRY, CAPTURES], &mut |rows| {
                let mut partial: CommittedPartial = rows.entry(0)?;
                partial.inputs = rows.entry(1)?;
                held.partials.insert(partial.path.clone(), partial);
                Ok(())
            })?;
            each(Kind::Tables, &[ENTRY], &mut |rows| {
                let table: CommittedTable = rows.entry(0)?;
                held.tables.insert(table.path.clone(), table);
                Ok(())
            })?;
            each(Kind::Refusals, &[KEY, ENTRY], &mut |rows| {
                let refused: RefusedEntry = rows.entry(1)?;
                held.quarantine.insert(of_key(rows.key().unwrap_or_default(), rows.path())?, refused);
                Ok(())
            })?;
        }
        held.take_up_state(checkpoint);
        Ok(held)
    }

    /// Takes off what a segment has removed.
    fn take_off(&mut self, layers: &Layers, layer: usize) -> Result<()> {
        let Some(removals) = layers.removals(layer).filter(|removals| !removals.is_empty()) else { return Ok(()) };
        self.remove_inputs(&removals.captures.iter().copied().collect::<Vec<_>>());
        self.set_down(&removals.moved);
        let at = Path::new(Kind::Removed.name());
        for key in removals.keys(Kind::Parts) {
            self.parts.remove(&of_key(key, at)?);
        }
        for key in removals.keys(Kind::Partials) {
            self.partials.remove(&of_key(key, at)?);
        }
        for key in removals.keys(Kind::Tables) {
            self.tables.remove(&of_key(key, at)?);
        }
        for key in removals.keys(Kind::Refusals) {
            self.quarantine.remove(&of_key(key, at)?);
        }
        Ok(())
    }

    /// Takes captures out whose rows come again.
    fn set_down(&mut self, moved: &HashSet<usize>) {
        for number in moved {
            if let Some(entry) = self.inputs.remove(number) {
                self.forget_path(&entry);
            }
        }
    }

    /// Takes over what a lake has once.
    pub(super) fn take_up_state(&mut self, checkpoint: &Checkpoint) {
        let state = &checkpoint.state;
        self.sequence = checkpoint.sequence;
        self.last_change = state.last_change;
        self.last_number(state.last_input);
        self.settings.clone_from(&state.settings);
        self.delta.clone_from(&state.delta);
        self.names.clone_from(&state.names);
        self.retired = state.retired.iter().map(|retired| (retired.path.clone(), retired.since)).collect();
        self.retained = state.retained.iter().map(|part| (part.path.clone(), part.clone())).collect();
    }

    /// Adds a capture that the checkpoint has.
    pub(super) fn take_up_again(&mut self, entry: Arc<InputEntry>) {
        self.add_input(entry);
    }
}
