//! `--delta`, `--retain`: the lake as a Delta table.

use std::time::Duration;

use clap::Args as ClapArgs;
use clap::builder::BoolishValueParser;

use crate::config::Settings;

use super::args::Micros;
use super::parse::duration_or_none;

/// How long removed parts stay.
#[derive(Debug, ClapArgs)]
pub(super) struct RetainArg {
    /// Leave parts that a commit removes in their places for this long, such as 7d, for readers of earlier versions of the Delta table.
    /// Readers of files then count rows twice: only for lakes that are read by the log alone. The lake keeps the setting; 0 ends it
    /// [default: as in the lake; 0 in a new one]
    #[arg(long, value_name = "TIME", env = "PARCAP_RETAIN", value_parser = duration_or_none)]
    retain: Option<Micros>,
}

impl RetainArg {
    pub(super) fn duration(&self) -> Option<Duration> {
        // Whole milliseconds, which manifests have, and never none for some.
        self.retain.map(|micros| Duration::from_millis(micros.0.unsigned_abs().div_ceil(1000)))
    }
}

/// Whether and how a lake is a Delta table.
#[derive(Debug, ClapArgs)]
pub(super) struct TableArgs {
    /// Write a Delta log, so that the new lake is a Delta table; a lake that has one keeps it without this
    #[arg(long, env = "PARCAP_DELTA", value_parser = BoolishValueParser::new())]
    delta: bool,
    #[command(flatten)]
    retain: RetainArg,
}

impl TableArgs {
    /// Settings with these.
    pub(super) fn of(&self, settings: Settings) -> Settings {
        let retain = self.retain.duration();
        let retain_ms = retain.map(|retain| u64::try_from(retain.as_millis()).unwrap_or(u64::MAX));
        Settings { delta: self.delta, retain_ms, ..settings }
    }
}
