//! `parcap report`, as clap reads it.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap::builder::BoolishValueParser;

use crate::cancel::Cancel;
use crate::commands::{PageRequest, page};
use crate::config::Names;
use crate::report::{NameOptions, QueryWords};
use crate::summary::Filter;

use super::args::{LengthArg, Micros};
use super::console::Console;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::filter_args::FilterArgs;
use super::flow_args::FlowArgs;
use super::hints::because;
use super::left_out::options_of;
use super::messages::complaints;
use super::parse::micros;
use super::ptr::PtrArgs;
use super::scratch_arg::ScratchArg;
use super::times::{Bound, bound, range};
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
  parcap report capture.pcap --net 192.0.2.0/24 --protocol UDP --out part.html
  parcap report capture.pcap --out capture.html --title 'What the client saw'

The page loads nothing from anywhere, so it can be sent as it is; --svg writes its plots as files.
It begins with what stands out, by rules that docs/report.md lists. Of a lake, tables that were not
counted by what a filter asks are left out, and named, as in `parcap summarize`.";

/// Words of a command that is shown on the page. With more paths than this it is not shown.
const PATHS: usize = 8;

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
    /// First date (UTC); or a time such as 2024-03-11T09:15:00Z, from which on packets count
    #[arg(long, value_name = "DATE|TIME", env = "PARCAP_FROM", value_parser = bound)]
    from: Option<Bound>,
    /// Last date (UTC); or a time, up to which packets count, and not at it
    #[arg(long, value_name = "DATE|TIME", env = "PARCAP_TO", value_parser = bound)]
    to: Option<Bound>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Where names of addresses come from, as in `parcap convert` [default: dns; in a lake what it was made with]
    #[arg(long, value_name = "SOURCES", env = "PARCAP_NAMES")]
    names: Option<Names>,
    #[command(flatten)]
    ptr: PtrArgs,
    /// Length of a window of the traffic over time, 1ms to 1d [default: 1s; in a lake what it was made with]
    #[arg(long, value_name = "TIME", env = "PARCAP_WINDOW", value_parser = micros)]
    window: Option<Micros>,
    #[command(flatten)]
    flows: FlowArgs,
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
    let (days, times) = range(args.from, args.to)?;
    let filter = args.filter.filter(times);
    let report = page(&PageRequest {
        named: args.inputs.clone(),
        title: args.title.clone(),
        out: args.out.clone(),
        svg: args.svg.clone(),
        days,
        words: args.words(&filter),
        filter,
        because,
        names: args.names.clone(),
        ptr: args.ptr.options(),
        name_options: NAME_OPTIONS,
        window: args.window.map(|window| window.0),
        flow_timeout: args.flows.timeout(true)?,
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

impl ReportArgs {
    /// How a reader of the page asks for what it says.
    fn words(&self, filter: &Filter) -> QueryWords {
        let filter = options_of(filter);
        let names = self.inputs.iter().map(|path| word(&path.to_string_lossy()));
        let command = || format!("parcap summarize {}{filter}", names.collect::<Vec<_>>().join(" "));
        QueryWords {
            lake: None,
            summarize: (self.inputs.len() <= PATHS).then(command),
            table: " --table ",
            inspect: "parcap inspect ",
            word: Some(word),
            filter: filter.trim_start().to_owned(),
            flows: ["parcap convert … --flows", "parcap report … --flows"],
        }
    }
}

/// A text as one word for a shell.
fn word(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "_./:=@%+,-".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
