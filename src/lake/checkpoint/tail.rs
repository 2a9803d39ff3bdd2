//! The manifests since a checkpoint, added up: what a lake holds besides the checkpoint's rows, and which of these count no more.

use std::collections::HashSet;

use crate::error::Result;
use crate::lake::manifest::Manifest;
use crate::lake::snapshot::Snapshot;
use crate::path_text;

use super::layers::Layers;
use super::removals::Removals;
use super::{Checkpoint, Kind, LakeState};

/// The manifests since a checkpoint.
pub(super) struct Tail {
    /// Their sum. Of the rows of the checkpoint it has those that they change.
    pub(super) snapshot: Snapshot,
    /// What they have removed from the checkpoint.
    pub(super) removals: Removals,
}

impl Tail {
    /// Adds manifests to what the lake has once, as of the checkpoint.
    ///
    /// # Memory
    /// As the manifests, and the captures that they have met again.
    pub(super) fn of(from: Option<&Checkpoint>, layers: &Layers, manifests: Vec<Manifest>) -> Result<Self> {
        let mut snapshot = Snapshot::default();
        if let Some(checkpoint) = from {
            snapshot.take_up_state(checkpoint);
        }
        let mut removals = Removals::default();
        // What is retained follows captures that were replaced, by their paths.
        let is_followed =
            !snapshot.retained.is_empty() || manifests.iter().any(|manifest| !manifest.retained.is_empty());
        let met = manifests.iter().flat_map(|manifest| manifest.met_again.iter().map(|met| met.input));
        let replaced = manifests.iter().flat_map(|manifest| manifest.removed.inputs.iter().copied());
        let changed: HashSet<usize> = met.chain(replaced.filter(|_| is_followed)).collect();
        for entry in layers.captures(&changed)? {
            removals.moved.insert(entry.id);
            snapshot.take_up_again(entry);
        }
        let mut paths: HashSet<String> = HashSet::new();
        for manifest in manifests {
            if !manifest.void {
                removals.add(&manifest.removed);
                paths.extend(manifest.inputs.iter().map(|entry| path_text::to_text(&entry.input.absolute)));
                paths.extend(manifest.met_again.iter().map(|met| path_text::to_text(&met.seen.absolute)));
            }
            snapshot.add(manifest);
        }
        // A file that is a capture now is refused no more.
        let mut refusals = layers.merged(Kind::Refusals, &[])?;
        while let Some(rows) = refusals.next()? {
            if let Some(key) = rows.key().filter(|key| paths.contains(*key)) {
                removals.add_key(Kind::Refusals, key.to_owned());
            }
        }
        Ok(Self { snapshot, removals })
    }
}

impl LakeState {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let retired = snapshot.retired_names();
        Self {
            last_input: snapshot.next_input() - 1,
            last_change: snapshot.last_change,
            settings: snapshot.settings.clone(),
            delta: snapshot.delta.clone(),
            names: snapshot.names.clone(),
            retired,
            retained: snapshot.retained.values().cloned().collect(),
        }
    }
}
