//! Whether the settings of a run fit those of a lake.

use std::path::Path;

use crate::config::{Settings, TimestampUnit};
use crate::error::{Error, NoDelta, Result};

use super::snapshot::Snapshot;

impl Snapshot {
    /// Checks that new parts and tables fit those of the lake.
    ///
    /// # Errors
    /// [`Error::SettingsDiffer`] with both values of the first setting that differs; [`Error::NoDeltaTable`] if a Delta log is asked
    /// for times that it cannot have, or parts are to be retained without one. A lake that has a Delta log keeps it, whether it is asked for or not. One that does not
    /// count DNS clients goes on without, also if units have counted them.
    pub fn agrees_with(&self, settings: &Settings, lake: &Path) -> Result<()> {
        if settings.delta {
            can_be_delta(settings, lake)?;
        } else if self.delta.is_none() && settings.retain_ms.is_some_and(|retain| retain > 0) {
            return Err(Error::NoDeltaTable(NoDelta::Retaining { lake: lake.to_path_buf() }));
        }
        let Some(held) = &self.settings else {
            return Ok(());
        };
        let asked = settings.clone().counted_in(Some(held));
        let asked = Settings { delta: settings.delta || held.delta, ..asked };
        let (held, asked) = (held.binding(), asked.binding());
        match held.into_iter().zip(asked).find(|(held, asked)| held != asked) {
            Some((held, asked)) => Err(Error::SettingsDiffer { lake: lake.to_path_buf(), held, asked }),
            None => Ok(()),
        }
    }
}

/// Checks that packets with these settings can be a Delta table.
///
/// # Errors
/// [`Error::NoDeltaTable`] if their times are in nanoseconds, of which Delta has no type.
pub fn can_be_delta(settings: &Settings, lake: &Path) -> Result<()> {
    match settings.timestamp_unit {
        TimestampUnit::Us => Ok(()),
        TimestampUnit::Ns => Err(Error::NoDeltaTable(NoDelta::Nanoseconds { lake: lake.to_path_buf() })),
    }
}
