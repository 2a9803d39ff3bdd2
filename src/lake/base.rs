//! A lake as one manifest.

use super::manifest::Manifest;
use super::record::{UnitCaptureEntry, UnitEntry};
use super::snapshot::Snapshot;

impl Snapshot {
    /// The whole lake as one manifest that needs none before it.
    #[must_use]
    pub fn into_base(self, mut manifest: Manifest) -> Manifest {
        manifest.base = true;
        manifest.plan.clone_from(&self.plan);
        manifest.retired = self.retired_names();
        manifest.retained = self.retained.into_values().collect();
        manifest.inputs = self.inputs.into_values().collect();
        let units = self.units.into_iter().map(|(id, inputs)| UnitEntry {
            id,
            captures: inputs.into_iter().map(|input| UnitCaptureEntry { input, chunks: None }).collect(),
        });
        manifest.units = units.collect();
        manifest.units.sort_by(|a, b| a.id.cmp(&b.id));
        manifest.parts = self.parts.into_values().collect();
        manifest.partials = self.partials.into_values().collect();
        manifest.tables = self.tables.into_values().collect();
        manifest.names = manifest.names.or(self.names);
        manifest.refused = self.quarantine.into_values().chain(self.refused).collect();
        manifest
    }
}
