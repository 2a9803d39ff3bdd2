//! The lake that captures are selected for: what it holds, and what it has lost.

use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::lake::{Layout, Losses, Snapshot};
use crate::outcome::Report;

use super::hold_back::hold_back;
use super::selection::{SelectOptions, Selection};
use super::survey::ArchiveSurvey;

/// A lake, as a conversion or a plan finds it.
pub(crate) struct Target {
    /// What it holds.
    pub(crate) snapshot: Snapshot,
    /// What it has lost.
    pub(crate) losses: Losses,
    /// The settings of the run, as the lake keeps them.
    pub(crate) settings: Settings,
}

impl Target {
    /// Reads a lake, whose settings must be those of the run.
    ///
    /// # Errors
    /// If its manifests cannot be read, it was made with other settings, the names in TLS are a source and no column, or it has a file that no manifest names.
    pub(crate) fn read(lake: &Layout, settings: &Settings) -> Result<Self> {
        Self::of(lake, settings, Snapshot::read(lake)?)
    }

    /// As [`Target::read`], but what the checkpoint has stays in it, as long as it does not matter.
    ///
    /// # Errors
    /// As [`Target::read`].
    pub(crate) fn begin(lake: &Layout, settings: &Settings) -> Result<Self> {
        let target = Self::of(lake, settings, Snapshot::begin(lake)?)?;
        // Whose rows are lost is told of all captures.
        if target.losses == Losses::default() { Ok(target) } else { Self::read(lake, settings) }
    }

    fn of(lake: &Layout, settings: &Settings, snapshot: Snapshot) -> Result<Self> {
        snapshot.agrees_with(settings, lake.root())?;
        if settings.names.has_sni() && !settings.columns.has_server_names() {
            return Err(Error::NoServerNames { lake: lake.root().to_path_buf() });
        }
        let losses = Losses::find(lake, &snapshot)?;
        let settings = settings.clone().counted_in(snapshot.settings.as_ref());
        Ok(Self { snapshot, losses, settings })
    }

    /// Surveys what was given. What is not to be opened is noted in the report, and so is what the lake has lost.
    ///
    /// # Errors
    /// If a signal has arrived, or the lake cannot be read.
    pub(crate) fn survey(
        &self,
        named: &[PathBuf],
        rules: &SelectOptions,
        cancel: &Cancel,
        report: &mut Report,
    ) -> Result<ArchiveSurvey> {
        report.lost.add(&self.losses, &self.snapshot);
        report.newest_packet_timestamp_seconds = self.snapshot.newest_packet();
        ArchiveSurvey::of(named, &self.snapshot, rules, Some(cancel), report)
    }

    /// Leaves out of a selection what cannot be replaced because a file of the lake is lost.
    ///
    /// # Errors
    /// If the run is cancelled.
    pub(crate) fn hold_back(
        &self,
        lake: &Layout,
        selection: &mut Selection,
        how: (usize, &Cancel),
        report: &mut Report,
    ) -> Result<()> {
        hold_back(lake, &self.snapshot, selection, self.losses.clone(), how, &mut report.lost)
    }
}
