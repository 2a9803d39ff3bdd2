//! What goes to stdout and stderr at the end of a run.

use clap::builder::BoolishValueParser;
use clap::{Args as ClapArgs, ValueEnum};

use super::render::Shown;

/// What goes to stdout and stderr at the end.
#[derive(Debug, ClapArgs)]
pub(super) struct ShownArgs {
    /// What goes to stdout: tables to read, or one JSON document with everything
    #[arg(long, value_enum, env = "PARCAP_FORMAT", default_value_t = OutputFormat::Table)]
    format: OutputFormat,
    /// Rows of each summary table that are shown, 0 for no tables; all of them are in the lake
    #[arg(long, value_name = "N", env = "PARCAP_TOP", default_value_t = 10)]
    pub(super) top: usize,
    /// Say nothing on stderr but what went wrong; with `--top 0` nothing at all is printed if all went well
    #[arg(long, short, env = "PARCAP_QUIET", value_parser = BoolishValueParser::new())]
    pub(super) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    Table,
    Json,
}

impl ShownArgs {
    pub(super) fn shown(&self) -> Shown {
        Shown {
            json: self.format == OutputFormat::Json,
            quiet: self.quiet,
            tables: self.top > 0,
            dry_run: false,
            silent: false,
        }
    }
}
