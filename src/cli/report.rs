//! `parcap report`, as clap reads it.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::config::Names;
use crate::error::Result;
use crate::exit_code::ExitCode;
use crate::partition::Day;
use crate::run::{PageRequest, page};
use crate::unit::Cancel;

use super::parse::{date, dates};

/// Rows of each table, unless it is said.
const TOP: usize = 25;

pub(super) const EXAMPLES: &str = "\
Examples:
  parcap report lake --out report.html
  parcap report lake --from 2024-03-11 --to 2024-03-11 --out day.html --svg plots

The page loads nothing from anywhere, so it can be sent as it is; --svg writes its plots as files.";

#[derive(Debug, ClapArgs)]
pub(super) struct ReportArgs {
    /// The lake
    lake: PathBuf,
    /// The page's file
    #[arg(long, short, value_name = "FILE", env = "PARCAP_REPORT")]
    out: PathBuf,
    /// Write the single plots as SVG files into a directory, which is made if it does not exist
    #[arg(long, value_name = "DIR", env = "PARCAP_SVG")]
    svg: Option<PathBuf>,
    /// First date (UTC); a whole one, times of day are for `parcap summarize`
    #[arg(long, value_name = "DATE", env = "PARCAP_FROM", value_parser = date)]
    from: Option<Day>,
    /// Last date (UTC), a whole one
    #[arg(long, value_name = "DATE", env = "PARCAP_TO", value_parser = date)]
    to: Option<Day>,
    /// Where names of addresses come from, as in `parcap convert` [default: what the lake was made with]
    #[arg(long, value_name = "SOURCES", env = "PARCAP_NAMES")]
    names: Option<Names>,
    /// Rows of each table, the largest first
    #[arg(long, value_name = "N", env = "PARCAP_TOP", default_value_t = TOP)]
    top: usize,
}

pub(super) fn run(args: &ReportArgs, cancel: &Cancel) -> Result<ExitCode> {
    page(&PageRequest {
        lake: args.lake.clone(),
        out: args.out.clone(),
        svg: args.svg.clone(),
        days: dates(args.from, args.to)?,
        names: args.names.clone(),
        top: args.top,
        cancel: cancel.clone(),
    })?;
    Ok(ExitCode::Success)
}
