//! Options of runs that are repeated, e.g. nightly.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args as ClapArgs, ValueEnum};

use crate::commands::COMMIT_EVERY;
use crate::config::CHECKPOINT_AFTER;
use crate::outcome::MaxDamaged;
use crate::select::SelectOptions;

use super::args::{Micros, Size};
use super::parse::{duration_or_none, max_damaged, size_or_none};

/// What becomes of captures that the lake holds already.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Night after night")]
pub(super) struct RulesArgs {
    /// Convert captures again that are as they were, in place of what the lake holds of them
    #[arg(long, env = "PARCAP_FORCE", value_parser = BoolishValueParser::new())]
    force: bool,
    /// Look again at captures that were damaged or refused, although they are as they were
    #[arg(long, env = "PARCAP_RETRY_DAMAGED", value_parser = BoolishValueParser::new())]
    retry_damaged: bool,
    /// Leave out a capture with the same content as another one
    #[arg(long, env = "PARCAP_DEDUPE", value_parser = BoolishValueParser::new())]
    dedupe: bool,
    /// Leave captures alone that were modified less than this ago, such as 10m
    #[arg(long, value_name = "TIME", env = "PARCAP_SETTLE", default_value_t = Micros(0), value_parser = duration_or_none)]
    settle: Micros,
    /// Take an archive without captures as it is, instead of for a disk that is missing (exit status 1)
    #[arg(long, env = "PARCAP_ALLOW_EMPTY", value_parser = BoolishValueParser::new())]
    allow_empty: bool,
}

impl RulesArgs {
    pub(super) fn rules(&self) -> SelectOptions {
        SelectOptions {
            force: self.force,
            retry_damaged: self.retry_damaged,
            dedupe: self.dedupe,
            settle: self.settle.duration(),
            allow_empty: self.allow_empty,
            ..SelectOptions::default()
        }
    }
}

/// How much a run commits at a time.
#[derive(Debug, ClapArgs)]
pub(super) struct PortionsArg {
    /// Commit what there is after each SIZE of captures, in whole captures, so that a run which ends early keeps it and the
    /// next one goes on from there; 0 for one commit at the end. Files and rows are the same either way
    #[arg(long, value_name = "SIZE", env = "PARCAP_COMMIT_EVERY", default_value_t = Size(COMMIT_EVERY), value_parser = size_or_none)]
    pub(super) commit_every: Size,
}

/// How a run behaves beside others, and whom it tells.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Night after night")]
pub(super) struct NightlyArgs {
    #[command(flatten)]
    pub(super) portions: PortionsArg,
    /// Make a checkpoint in the commit that finds SIZE of manifests since the last one
    #[arg(long, value_name = "SIZE", env = "PARCAP_CHECKPOINT_AFTER", hide = true, default_value_t = Size(CHECKPOINT_AFTER), value_parser = size_or_none)]
    pub(super) checkpoint_after: Size,
    /// Fail, and commit no more, if more captures than this are damaged or refused: a number, or a share such as 5%
    #[arg(long, value_name = "N|P%", env = "PARCAP_MAX_DAMAGED", value_parser = max_damaged)]
    pub(super) max_damaged: Option<MaxDamaged>,
    #[command(flatten)]
    pub(super) wait: WaitArg,
    #[command(flatten)]
    pub(super) told: ToldArgs,
}

/// What another run is worth.
#[derive(Debug, ClapArgs)]
pub(super) struct WaitArg {
    /// Wait so long for another run on the lake to end, such as 5m; else end at once with exit status 75
    #[arg(long, value_name = "TIME", env = "PARCAP_WAIT", default_value_t = Micros(0), value_parser = duration_or_none)]
    wait: Micros,
}

impl WaitArg {
    pub(super) fn duration(&self) -> Duration {
        self.wait.duration()
    }
}

/// Who is told how a run went.
#[derive(Debug, ClapArgs)]
pub(super) struct ToldArgs {
    /// What goes to stderr: text for people, or one JSON document a line for collectors of logs
    #[arg(long, value_enum, value_name = "FORMAT", env = "PARCAP_LOG_FORMAT", default_value_t = LogFormat::Text)]
    pub(super) log_format: LogFormat,
    /// Write figures of the run to this file, for Prometheus' textfile collector (`parcap.prom`)
    #[arg(long, value_name = "FILE", env = "PARCAP_METRICS_FILE")]
    pub(super) metrics_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}
