//! The lake that captures are selected for: what it holds, and what it has lost.

use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::lake::{Layout, Losses, Snapshot};
use crate::outcome::Report;

use super::hold_back::hold_back;
use super::selection::{SelectOptions, Selection, select};

/// A lake, as a conversion or a plan finds it.
pub(crate) struct Target {
    /// What it holds.
    pub(crate) snapshot: Snapshot,
    losses: Losses,
}

impl Target {
    /// Reads a lake, whose settings must be those of the run.
    ///
    /// # Errors
    /// If its manifests cannot be read, it was made with other settings, the names in TLS are a source and no column, or it has a file that no manifest names.
    pub(crate) fn read(lake: &Layout, settings: &Settings) -> Result<Self> {
        let snapshot = Snapshot::read(lake)?;
        snapshot.agrees_with(settings, lake.root())?;
        if settings.names.has_sni() && !settings.columns.has_server_names() {
            return Err(Error::NoServerNames { lake: lake.root().to_path_buf() });
        }
        let losses = Losses::find(lake, &snapshot)?;
        Ok(Self { snapshot, losses })
    }

    /// Selects from what was given. What is not to be converted is noted in the report, and so is what the lake has lost.
    ///
    /// # Errors
    /// If a signal has arrived.
    pub(crate) fn select(
        &self,
        named: &[PathBuf],
        rules: &SelectOptions,
        cancel: &Cancel,
        report: &mut Report,
    ) -> Result<Selection> {
        report.lost.add(&self.losses, &self.snapshot);
        report.newest_packet_timestamp_seconds = self.snapshot.newest_packet();
        select(named, &self.snapshot, rules, cancel, report)
    }

    /// Leaves out of a selection what cannot be replaced because a file of the lake is lost. Returns what the lake holds.
    ///
    /// # Errors
    /// If the run is cancelled.
    pub(crate) fn hold_back(
        self,
        lake: &Layout,
        selection: &mut Selection,
        how: (usize, &Cancel),
        report: &mut Report,
    ) -> Result<Snapshot> {
        hold_back(lake, &self.snapshot, selection, self.losses, how, &mut report.lost)?;
        Ok(self.snapshot)
    }
}
