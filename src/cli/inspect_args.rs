//! `parcap inspect`, as clap reads it.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args as ClapArgs, ValueEnum};

#[derive(Debug, ClapArgs)]
pub(super) struct InspectArgs {
    /// Captures: files, directories (walked), quoted patterns, `-` for standard input, or FIFOs such as `<(…)`
    #[arg(required = true, value_name = "CAPTURE")]
    pub(super) inputs: Vec<PathBuf>,
    /// Worker threads [default: one a core]
    #[arg(long, short, value_name = "N", env = "PARCAP_JOBS", default_value_t = 0, hide_default_value = true)]
    pub(super) jobs: usize,
    /// Look after damage for more packets, as `parcap convert --salvage` does
    #[arg(long, env = "PARCAP_SALVAGE", value_parser = BoolishValueParser::new())]
    pub(super) salvage: bool,
    /// What goes to stdout: everything as text, a table with a line for each capture, or everything as one JSON document
    #[arg(long, value_enum, env = "PARCAP_FORMAT", default_value_t = InspectFormat::Text)]
    pub(super) format: InspectFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum InspectFormat {
    Text,
    Table,
    Json,
}
