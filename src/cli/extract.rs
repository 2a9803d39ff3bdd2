//! `parcap extract`, as clap reads it, and what it says. What it writes may go to stdout, so all that it says goes to stderr.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::builder::{BoolishValueParser, RangedU64ValueParser};
use clap::{Args as ClapArgs, ValueEnum};
use indicatif::{DecimalBytes, HumanCount};
use serde_json::json;

use crate::cancel::Cancel;
use crate::commands::{ExtractRequest, extract};
use crate::extract::{ExtractFormat, Extracted, MissingPackets, MissingWhy, PacketFilter, PacketOrder};
use crate::path_text::printable;
use crate::storage::Location;
use crate::text::{plural, plural_of};

use super::console::Console;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::filter_args::FilterArgs;
use super::log::{log, log_error};
use super::scratch_arg::ScratchArg;
use super::select_args::LogFormat;
use super::times::{Bound, bound, range};

const EXAMPLES: &str = "\
Examples:
  parcap extract lake --net 10.1.0.0/16 --port 443 --from 2024-03-11T09:00Z --out x.pcapng
  parcap extract lake --protocol ICMP --out - | tshark -r -
  duckdb -c \"COPY (FROM 'lake/packets/**/*.parquet' WHERE tcp_flags & 4 > 0) TO '/dev/stdout' (FORMAT parquet)\" |
    parcap extract lake --rows - --out resets.pcapng

The lake must have been made with `--columns capture`. Packets are read from the original captures
and written as they are there, with the interface and resolution of each. A comment on each
interface names its capture.

Exit status:
  0  all packets were written
  1  something failed, and nothing was written
  2  wrong usage; the lake does not say where packets are, or they do not fit into a pcap
  3  written, but some packets are left out: a capture has changed, or is not where it was; each
     is named with the reason";

#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExtractArgs {
    /// The lake
    lake: PathBuf,
    /// The capture that is written; `-` for standard output
    #[arg(long, short, value_name = "FILE", env = "PARCAP_EXTRACT")]
    out: PathBuf,
    /// Packets that a query found: a table, as Parquet or CSV, with the columns `capture` and `offset` or `frame`; `-` for
    /// standard input
    #[arg(long, value_name = "FILE", env = "PARCAP_ROWS",
          conflicts_with_all = ["from", "to", "protocol", "net", "port"])]
    rows: Option<PathBuf>,
    /// First date (UTC); or a time such as 2024-03-11T09:15:00Z, from which on packets are taken
    #[arg(long, value_name = "DATE|TIME", env = "PARCAP_FROM", value_parser = bound)]
    from: Option<Bound>,
    /// Last date (UTC); or a time, up to which packets are taken, and not at it
    #[arg(long, value_name = "DATE|TIME", env = "PARCAP_TO", value_parser = bound)]
    to: Option<Bound>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Only packets from or to a port; several with commas between
    #[arg(long, value_name = "PORT", env = "PARCAP_PORT", value_delimiter = ',',
          value_parser = RangedU64ValueParser::<u16>::new().range(0..=65_535))]
    port: Vec<u16>,
    /// Order of the packets: by time, or that of the rows
    #[arg(long, value_enum, value_name = "ORDER", env = "PARCAP_ORDER", default_value_t = OrderArg::Time)]
    order: OrderArg,
    /// What is written; a pcap holds one link type, and times to the nanosecond
    #[arg(long, value_enum, env = "PARCAP_EXTRACT_FORMAT", default_value_t = CaptureFormat::Pcapng)]
    format: CaptureFormat,
    /// What goes to stderr: text for people, or one JSON document a line
    #[arg(long, value_enum, value_name = "FORMAT", env = "PARCAP_LOG_FORMAT", default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// Say nothing on stderr but what went wrong
    #[arg(long, short, env = "PARCAP_QUIET", value_parser = BoolishValueParser::new())]
    quiet: bool,
    #[command(flatten)]
    scratch: ScratchArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OrderArg {
    Time,
    Rows,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CaptureFormat {
    Pcapng,
    Pcap,
}

impl ExtractArgs {
    fn request(&self, cancel: &Cancel) -> Result<ExtractRequest, Failure> {
        self.scratch.set();
        let (days, times) = range(self.from, self.to)?;
        Ok(ExtractRequest {
            lake: self.lake.clone(),
            filter: PacketFilter { days, of: self.filter.filter(times), ports: self.port.clone() },
            rows: self.rows.clone(),
            out: self.out.clone(),
            order: match self.order {
                OrderArg::Time => PacketOrder::Time,
                OrderArg::Rows => PacketOrder::Rows,
            },
            format: match self.format {
                CaptureFormat::Pcapng => ExtractFormat::Pcapng,
                CaptureFormat::Pcap => ExtractFormat::Pcap,
            },
            room: None,
            cancel: cancel.clone(),
        })
    }
}

/// Extracts packets, and says what was left out.
pub(super) fn run(console: &Console, args: &ExtractArgs, cancel: &Cancel) -> Result<ExitCode, Failure> {
    let is_stdin = |path: &PathBuf| Location::of(path).is_stdin();
    if matches!(console, Console::Call(_)) && (is_stdin(&args.out) || args.rows.as_ref().is_some_and(is_stdin)) {
        return Err(Failure::usage("a function has no standard input and output", "give the paths of files"));
    }
    let extracted = match extract(&args.request(cancel)?) {
        Err(error) if args.log_format == LogFormat::Json && matches!(console, Console::Process) => {
            log_error(console, &error);
            return Ok((&error).into());
        }
        extracted => extracted?,
    };
    let code = extracted.outcome().into();
    match args.log_format {
        LogFormat::Json => log_all(console, args, &extracted, code),
        LogFormat::Text => {
            console.talk(&complaints(&extracted));
            if !args.quiet {
                console.talk(&closing(&extracted));
            }
        }
    }
    Ok(code)
}

/// What to do about packets that are left out, if anything.
fn hint(why: &MissingWhy) -> Option<&'static str> {
    Some(match why {
        MissingWhy::Changed => "`parcap convert` takes what is there now into the lake",
        MissingWhy::Gone => "`parcap convert` where it is now tells the lake its new place",
        MissingWhy::Ambiguous(_) => "with a column `datetime` or `time`, the rows say which of them they mean",
        MissingWhy::NoCapture => "give the paths that the column `capture` of the lake has",
        MissingWhy::Unnamed => "give the columns `capture` and `offset` or `frame` as the lake has them",
        MissingWhy::Unreadable(_)
        | MissingWhy::Stream
        | MissingWhy::NoRow
        | MissingWhy::TooLong
        | MissingWhy::MoreCaptures => return None,
    })
}

fn message(missing: &MissingPackets) -> String {
    let MissingPackets { capture, packets, why } = missing;
    let before = if capture.is_empty() { String::new() } else { format!("{capture}: ") };
    let are = plural(*packets, "is", "are");
    format!("{before}{why}; {} {are} left out", plural_of(*packets, "packet", "packets"))
}

/// A line for each capture of which packets are left out, and what to do about it.
fn complaints(extracted: &Extracted) -> String {
    let mut text = String::new();
    for missing in &extracted.missing {
        let _ = writeln!(text, "error: {}", message(missing));
        if let Some(hint) = hint(&missing.why) {
            let _ = writeln!(text, "hint: {hint}");
        }
    }
    text
}

fn closing(extracted: &Extracted) -> String {
    let Extracted { packets, bytes, captures, .. } = extracted;
    format!(
        "extracted {} of {} from {} {}\n",
        plural_of(*packets, "packet", "packets"),
        DecimalBytes(*bytes),
        HumanCount(*captures),
        plural(*captures, "capture", "captures")
    )
}

fn log_all(console: &Console, args: &ExtractArgs, extracted: &Extracted, code: ExitCode) {
    for missing in &extracted.missing {
        let fields = json!({
            "event": "left_out", "capture": missing.capture, "packets": missing.packets, "why": missing.why.name(),
            "message": message(missing), "hint": hint(&missing.why),
        });
        log(console, "error", fields);
    }
    let fields = json!({
        "event": "extracted", "exit_status": code.number(), "lake": printable(&args.lake), "out": printable(&args.out),
        "packets": extracted.packets, "bytes": extracted.bytes, "captures": extracted.captures,
        "left_out": extracted.missing.iter().map(|missing| missing.packets).sum::<u64>(),
    });
    log(console, if code == ExitCode::Success { "info" } else { "error" }, fields);
}
