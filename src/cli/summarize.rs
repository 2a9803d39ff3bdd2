//! `parcap summarize`, as clap reads it, and what it prints.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args as ClapArgs, ValueEnum};

use crate::cancel::Cancel;
use crate::commands::{SummarizeRequest, Summarized, summarize};
use crate::config::Names;
use crate::error::Error;
use crate::summary::{LeftOut, PatternLimits, Preview, SUMMARIES, Summary, Units};
use crate::tables::csv;

use super::args::{LengthArg, Micros};
use super::console::Console;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::filter_args::FilterArgs;
use super::flow_args::TimeoutArg;
use super::hints::because;
use super::json::line;
use super::left_out::with_the_way_out;
use super::messages::complaints;
use super::parse::{micros, top};
use super::ptr::PtrArgs;
use super::render::show_table;
use super::scratch_arg::ScratchArg;
use super::times::{Bound, bound, range};
use super::tunnel_args::TunnelArgs;

/// Default number of rows of each table.
const TOP: usize = 10;

const EXAMPLES: &str = "\
Examples:
  parcap summarize lake                                     the summaries of a lake
  parcap summarize lake --from 2024-03-01 --to 2024-03-31 --protocol UDP
  parcap summarize lake --from 2024-03-11T09:15Z --to 2024-03-11T09:20Z --table send_rates
  parcap summarize capture.pcap --net 192.0.2.0/24          of a capture, without a lake
  parcap summarize lake --format csv --table volume_by_ip >volume.csv
  parcap summarize capture.pcap --align first --window 100ms --format csv --table send_rates

Over a lake no packet is read: sums, filters and names come from what each conversion counted.
Tables that were not counted by what a filter asks are left out, and named: send rates and ports
by address, DNS messages by address or protocol, and by time of day all but the send rates (with
bounds at multiples of their windows) and the captures. If such a table was asked for by
`--table`, that is an error. Over captures packets are filtered one by one, so that only the
table of captures has to be left out, and that of DNS names with `--protocol`. Packets without a
time count in dates, and not in times of day.";

#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct SummarizeArgs {
    /// A lake; or captures: files, directories (walked), quoted patterns, `-` for standard input
    #[arg(required = true, value_name = "LAKE|CAPTURE")]
    inputs: Vec<PathBuf>,
    /// What goes to stdout: tables to read, one JSON document, or one table as CSV
    #[arg(long, value_enum, env = "PARCAP_FORMAT", default_value_t = SummaryFormat::Table)]
    format: SummaryFormat,
    /// Tables to show [default: all]
    #[arg(long = "table", value_name = "NAME", env = "PARCAP_TABLE", value_delimiter = ',',
          value_parser = clap::builder::PossibleValuesParser::new(SUMMARIES.map(|summary| summary.name)), hide_possible_values = true)]
    tables: Vec<String>,
    /// Rows of each table, the largest first, 0 for no tables; `all` for CSV [default: 10; all for CSV]
    #[arg(long, value_name = "N", env = "PARCAP_TOP", value_parser = top)]
    top: Option<TopRows>,
    /// Show all digits of bytes, instead of units for people
    #[arg(long, env = "PARCAP_EXACT", value_parser = BoolishValueParser::new())]
    exact: bool,
    /// First date (UTC) that is summed up; or a time such as 2024-03-11T09:15:00Z, from which on packets count
    #[arg(long, value_name = "DATE|TIME", env = "PARCAP_FROM", value_parser = bound)]
    from: Option<Bound>,
    /// Last date (UTC) that is summed up; or a time, up to which packets count, and not at it
    #[arg(long, value_name = "DATE|TIME", env = "PARCAP_TO", value_parser = bound)]
    to: Option<Bound>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Length of a window of the send rates, 1ms to 1d [default: 1s; in a lake what it was made with]
    #[arg(long, value_name = "TIME", env = "PARCAP_WINDOW", value_parser = micros)]
    window: Option<Micros>,
    #[command(flatten)]
    flow_timeout: TimeoutArg,
    /// Where windows begin: at multiples of their length since the Unix epoch, or with the first packet (of captures);
    /// then also those without packets are there
    #[arg(long, value_enum, value_name = "WHERE", env = "PARCAP_ALIGN", default_value_t = Align::Epoch)]
    align: Align,
    /// Where names of addresses come from, as in `parcap convert` [default: dns; in a lake what it was made with]
    #[arg(long, value_name = "SOURCES", env = "PARCAP_NAMES")]
    names: Option<Names>,
    #[command(flatten)]
    ptr: PtrArgs,
    /// What is summed up of captures: bytes on the wire, or captured bytes
    #[arg(long, value_enum, value_name = "KIND", env = "PARCAP_LENGTH", default_value_t = LengthArg::Wire)]
    length: LengthArg,
    #[command(flatten)]
    tunnels: TunnelArgs,
    /// Go on after damage in captures, as `parcap convert --salvage` does
    #[arg(long, env = "PARCAP_SALVAGE", value_parser = BoolishValueParser::new())]
    salvage: bool,
    /// Worker threads, for captures [default: one a core]
    #[arg(long, short, value_name = "N", env = "PARCAP_JOBS", default_value_t = 0, hide_default_value = true)]
    jobs: usize,
    #[command(flatten)]
    scratch: ScratchArg,
}

/// How many rows of a table to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TopRows {
    All,
    Rows(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SummaryFormat {
    Table,
    Json,
    Csv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Align {
    Epoch,
    First,
}

impl SummarizeArgs {
    /// What is summed up, with up to `top` rows of each table.
    fn request(&self, top: Option<usize>, cancel: &Cancel) -> Result<SummarizeRequest, Failure> {
        self.scratch.set();
        let (days, times) = range(self.from, self.to)?;
        Ok(SummarizeRequest {
            named: self.inputs.clone(),
            tables: self.tables.clone(),
            days,
            filter: self.filter.filter(times),
            names: self.names.clone(),
            ptr: self.ptr.options(),
            window: self.window.map(|window| window.0),
            flow_timeout: self.flow_timeout.micros(),
            from_first: self.align == Align::First,
            length: self.length.kind(),
            decapsulate: self.tunnels.decapsulation()?,
            salvage: self.salvage,
            for_page: false,
            limits: PatternLimits::default(),
            top,
            jobs: self.jobs,
            cancel: cancel.clone(),
        })
    }

    fn wants(&self, table: &str) -> bool {
        self.tables.is_empty() || self.tables.iter().any(|wanted| wanted == table)
    }
}

/// Sums up, and returns all rows of the tables that are wanted.
pub(super) fn tables(console: &Console, args: &SummarizeArgs, cancel: &Cancel) -> Result<Vec<Preview>, Failure> {
    let top = match args.top {
        Some(TopRows::Rows(rows)) => rows,
        Some(TopRows::All) | None => usize::MAX,
    };
    let request = args.request(Some(top), cancel)?;
    let summarized = summarize(&request).map_err(|error| with_the_way_out(error, &request))?;
    console.talk(&complaints(&summarized.report));
    Ok(summarized.listed()?.into_iter().filter(|listed| args.wants(listed.name)).collect())
}

/// Sums up, and shows the result.
pub(super) fn run(console: &Console, args: &SummarizeArgs, cancel: &Cancel) -> Result<ExitCode, Failure> {
    let csv = args.format == SummaryFormat::Csv;
    let top = match (args.top, csv) {
        (Some(TopRows::All) | None, true) => None,
        (Some(TopRows::Rows(rows)), _) => Some(rows),
        (None, false) => Some(TOP),
        (Some(TopRows::All), false) => {
            return usage("`--top all` is for one table as CSV", "add `--format csv` and `--table NAME`");
        }
    };
    let table = match (args.tables.as_slice(), csv) {
        ([table], true) => Summary::of(table),
        (_, true) => return usage("CSV holds one table", "add `--table volume_by_ip`, or the name of another one"),
        _ => None,
    };
    let request = args.request(top, cancel)?;
    let summarized = summarize(&request).map_err(|error| with_the_way_out(error, &request))?;
    console.talk(&complaints(&summarized.report));
    let code = summarized.report.outcome().into();
    let left_out = summarized.left_out.iter().filter(|left_out| args.wants(left_out.name));
    let left_out: Vec<_> = left_out
        .map(|LeftOut { name, why }| {
            console.talk(&format!("note: {name} is left out: {}\n", because(*why)));
            *name
        })
        .collect();
    let nothing = summarized.report.inputs == 0 && code != ExitCode::Success;
    match table {
        // The captures that cannot be read have been named.
        _ if nothing && args.format == SummaryFormat::Table => {}
        Some(table) if top.is_none() => all(console, summarized, table)?,
        _ => {
            let tables: Vec<_> = summarized.listed()?.into_iter().filter(|listed| args.wants(listed.name)).collect();
            show(console, args, &tables, &left_out)?;
        }
    }
    Ok(code)
}

fn usage<T>(problem: &str, hint: &str) -> Result<T, Failure> {
    Err(Failure::usage(problem, hint))
}

fn all(console: &Console, summarized: Summarized, table: &Summary) -> Result<(), Error> {
    let mut header = true;
    summarized.all(table, |piece| console.print(&csv(&piece, std::mem::take(&mut header))))
}

fn show(console: &Console, args: &SummarizeArgs, tables: &[Preview], left_out: &[&str]) -> Result<(), Error> {
    match args.format {
        SummaryFormat::Json => console.print(&line(&serde_json::json!({ "tables": tables, "left_out": left_out }))?),
        SummaryFormat::Csv => tables.iter().try_for_each(|listed| console.print(&csv(&listed.first, true))),
        // Not even the heads of the tables.
        SummaryFormat::Table if args.top == Some(TopRows::Rows(0)) => Ok(()),
        SummaryFormat::Table => {
            let units = if args.exact { Units::Exact } else { Units::Human };
            tables.iter().try_for_each(|listed| show_table(console, listed, units))
        }
    }
}
