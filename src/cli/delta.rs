//! `delta`: the log that makes a lake a Delta table.

use clap::Args as ClapArgs;
use clap::builder::BoolishValueParser;
use indicatif::HumanCount;

use crate::cancel::Cancel;
use crate::commands::{DeltaRequest, delta};
use crate::outcome::DeltaReport;
use crate::text::plural_of;

use super::console::Console;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::json::line;
use super::lost;
use super::scratch_arg::ScratchArg;
use super::select_args::WaitArg;
use super::shown_args::OutputFormat;

pub(super) const DELTA_EXIT: &str = "\
Exit status:
  0   the log says what the lake holds; or there is none, with `--off`
  1   it could not be written
  2   wrong usage; also for a lake with times in nanoseconds
  3   the log says what the lake holds, and the lake has lost files, each named
  75  a run holds the lake; try later, or `--wait`";

#[derive(Debug, ClapArgs)]
pub(super) struct DeltaArgs {
    /// The lake
    lake: std::path::PathBuf,
    /// Give the log up: remove it, and write none from now on. The packets stay as they are
    #[arg(long, env = "PARCAP_OFF", value_parser = BoolishValueParser::new())]
    off: bool,
    #[command(flatten)]
    wait: WaitArg,
    #[command(flatten)]
    scratch: ScratchArg,
    /// What goes to stdout: text to read, or one JSON document with everything
    #[arg(long, value_enum, env = "PARCAP_FORMAT", default_value_t = OutputFormat::Table)]
    format: OutputFormat,
}

/// Begins, mends or gives up the log, and prints what was done.
pub(super) fn run_delta(console: &Console, args: &DeltaArgs, cancel: &Cancel) -> Result<ExitCode, Failure> {
    args.scratch.set();
    let request =
        DeltaRequest { lake: args.lake.clone(), off: args.off, wait: args.wait.duration(), cancel: cancel.clone() };
    let report = delta(&request)?;
    if args.format == OutputFormat::Json {
        console.print(&line(&report)?)?;
    } else {
        console.print(&in_words(&report))?;
    }
    report.found.iter().for_each(|found| console.talk(&format!("note: the log that was there {}\n", of_log(found))));
    report.notes.iter().for_each(|note| console.talk(&format!("note: {note}\n")));
    console.talk(&lost::words(&report.lost));
    Ok(report.outcome().into())
}

/// A finding as the end of a sentence about the log.
fn of_log(found: &str) -> String {
    let is_damage = !["is ", "asks ", "does ", "names ", "lacks ", "says "].iter().any(|verb| found.starts_with(verb));
    if is_damage { format!("was damaged: {found}") } else { found.to_owned() }
}

fn in_words(report: &DeltaReport) -> String {
    let DeltaReport { added, removed, parts, rows, .. } = report;
    if report.given_up {
        return "the Delta log is removed, and no run writes one from now on\n".to_owned();
    }
    if !report.on {
        return "there is no Delta log\n".to_owned();
    }
    let holds = format!("{} rows in {}", HumanCount(*rows), plural_of(*parts, "file", "files"));
    match report.log_version {
        None => format!("nothing to do: the Delta log says what the lake holds, {holds}\n"),
        Some(version) => {
            let added = plural_of(*added, "file", "files");
            format!("version {version} of the Delta log adds {added} and removes {removed}; the table has {holds}\n")
        }
    }
}
