//! `parcap report`, as clap reads it.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap::builder::BoolishValueParser;

use crate::cancel::Cancel;
use crate::commands::{PageRequest, page};
use crate::config::Names;
use crate::day::Day;
use crate::report::NameOptions;

use super::args::{LengthArg, Micros};
use super::console::Console;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::messages::complaints;
use super::parse::{date, dates, micros};
use super::ptr::PtrArgs;
use super::scratch_arg::ScratchArg;
use super::tunnel_args::TunnelArgs;

/// How a reader of the page asks for other sources of names.
const NAME_OPTIONS: NameOptions = NameOptions {
    dns: "--names dns",
    hosts: "--names dns,hosts:FILE",
    ptr: "--names dns,ptr",
    private: "--ptr-private",
};

/// Default number of rows of each table.
const TOP: usize = 25;

const EXAMPLES: &str = "\
Examples:
  parcap report lake --out report.html
  parcap report lake --from 2024-03-11 --to 2024-03-11 --out day.html --svg plots
  parcap report capture.pcap --out capture.html --title 'What the client saw'

The page loads nothing from anywhere, so it can be sent as it is; --svg writes its plots as files.";

#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReportArgs {
    /// A lake; or captures: files, directories (walked), quoted patterns, `-` for standard input
    #[arg(required = true, value_name = "LAKE|CAPTURE")]
    inputs: Vec<PathBuf>,
    /// The page's file
    #[arg(long, short, value_name = "FILE", env = "PARCAP_REPORT")]
    out: PathBuf,
    /// What stands above the page [default: the lake's or the captures' path]
    #[arg(long, value_name = "TEXT", env = "PARCAP_TITLE")]
    title: Option<String>,
    /// Write the single plots as SVG files into a directory, which is made if it does not exist
    #[arg(long, value_name = "DIR", env = "PARCAP_SVG")]
    svg: Option<PathBuf>,
    /// First date (UTC); a whole one, times of day are for `parcap summarize`
    #[arg(long, value_name = "DATE", env = "PARCAP_FROM", value_parser = date)]
    from: Option<Day>,
    /// Last date (UTC), a whole one
    #[arg(long, value_name = "DATE", env = "PARCAP_TO", value_parser = date)]
    to: Option<Day>,
    /// Where names of addresses come from, as in `parcap convert` [default: dns; in a lake what it was made with]
    #[arg(long, value_name = "SOURCES", env = "PARCAP_NAMES")]
    names: Option<Names>,
    #[command(flatten)]
    ptr: PtrArgs,
    /// Length of a window of the traffic over time, 1ms to 1d [default: 1s; in a lake what it was made with]
    #[arg(long, value_name = "TIME", env = "PARCAP_WINDOW", value_parser = micros)]
    window: Option<Micros>,
    /// What is summed up of captures: bytes on the wire, or captured bytes
    #[arg(long, value_enum, value_name = "KIND", env = "PARCAP_LENGTH", default_value_t = LengthArg::Wire)]
    length: LengthArg,
    #[command(flatten)]
    tunnels: TunnelArgs,
    /// Go on after damage in captures, as `parcap convert --salvage` does
    #[arg(long, env = "PARCAP_SALVAGE", value_parser = BoolishValueParser::new())]
    salvage: bool,
    /// Rows of each table, the largest first
    #[arg(long, value_name = "N", env = "PARCAP_TOP", default_value_t = TOP)]
    top: usize,
    /// Worker threads, for captures [default: one a core]
    #[arg(long, short, value_name = "N", env = "PARCAP_JOBS", default_value_t = 0, hide_default_value = true)]
    jobs: usize,
    #[command(flatten)]
    scratch: ScratchArg,
}

pub(super) fn run(console: &Console, args: &ReportArgs, cancel: &Cancel) -> Result<ExitCode, Failure> {
    args.scratch.set();
    let report = page(&PageRequest {
        named: args.inputs.clone(),
        title: args.title.clone(),
        out: args.out.clone(),
        svg: args.svg.clone(),
        days: dates(args.from, args.to)?,
        names: args.names.clone(),
        ptr: args.ptr.options(),
        name_options: NAME_OPTIONS,
        window: args.window.map(|window| window.0),
        length: args.length.kind(),
        decapsulate: args.tunnels.decapsulation()?,
        salvage: args.salvage,
        top: args.top,
        jobs: args.jobs,
        cancel: cancel.clone(),
    })?;
    console.talk(&complaints(&report));
    Ok(report.outcome().into())
}
