//! Turns the command line into `Settings` and requests. This is the only place that does, and the only door for clap.

mod args;
mod call;
mod checked;
mod config_file;
mod console;
mod delta;
mod dry_run;
mod exit_code;
mod extract;
mod failure;
mod fetches_arg;
mod filter_args;
mod flow_args;
mod given_rows;
mod help;
mod hints;
mod inspect_args;
mod json;
mod kept;
mod lake;
mod left_out;
mod log;
mod lost;
mod messages;
mod metrics;
mod parse;
mod planned;
mod progress;
mod ptr;
mod render;
mod repaired;
mod report;
mod reverse;
mod scratch_arg;
mod select_args;
mod shown_args;
mod signals;
mod summarize;
mod table_args;
mod times;
mod tunnel_args;

use std::ffi::OsString;

use clap::FromArgMatches as _;

use crate::cancel::Cancel;
use crate::commands;
use crate::error::Error;
use crate::outcome::Report;

use args::{Args, Command};
use console::Console;
use failure::Failure;
use inspect_args::InspectFormat;
use json::line;

/// What the `parcap` command does: runs a command line, prints the result, and returns the exit status. From then on SIGINT and
/// SIGTERM end the run in order. They end the process if that takes too long.
#[must_use]
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    run_on(&Console::Process, args, &signals::end_by_signals()).number()
}

/// Parses the command line, runs the command, and reports how it went.
fn run_on(console: &Console, args: impl IntoIterator<Item = OsString>, cancel: &Cancel) -> ExitCode {
    let run = parsed(console, args).and_then(|command| {
        dispatch(console, command, cancel).map_err(|failure| {
            console.complain(&failure);
            failure.exit_code()
        })
    });
    run.unwrap_or_else(|code| code)
}

/// Parses a command line. If it cannot be, or asks for help only, says so and returns the exit status.
fn parsed(console: &Console, args: impl IntoIterator<Item = OsString>) -> Result<Command, ExitCode> {
    let args: Vec<OsString> = args.into_iter().collect();
    let matches = config_file::matches(&args).and_then(|matches| checked::refuse_urls(&matches).map(|()| matches));
    let matches = matches.map_err(|error| {
        console.explain(&error);
        if let Some(hint) = help::instead(&error, &args) {
            console.talk(&format!("hint: {hint}\n"));
        }
        if error.use_stderr() { ExitCode::Usage } else { ExitCode::Success }
    })?;
    let jobs = checked::too_many_jobs(&matches);
    let parsed = Args::from_arg_matches(&matches).map_err(|error| {
        console.explain(&error);
        ExitCode::Usage
    })?;
    jobs.into_iter().for_each(|note| log::note(console, &parsed.command, &note));
    Ok(parsed.command)
}

fn dispatch(console: &Console, command: Command, cancel: &Cancel) -> Result<ExitCode, Failure> {
    match command {
        Command::Convert(args) => {
            let mut report = Report::default();
            let mut request = args.request(cancel)?;
            if let Some(observer) = console.observer() {
                request.observer = observer;
            }
            let result = commands::convert_into(&request, &mut report);
            hints::put_in_words(&mut report.refused);
            Ok(log::tell(console, &args, &report, result))
        }
        Command::Summarize(args) => summarize::run(console, &args, cancel),
        Command::Report(args) => report::run(console, &args, cancel),
        Command::Extract(args) => extract::run(console, &args, cancel),
        Command::Verify(args) => lake::run_verify(console, &args, cancel),
        Command::Compact(args) => lake::run_compact(console, &args, cancel),
        Command::Forget(args) => lake::run_forget(console, &args, cancel),
        Command::Delta(args) => delta::run_delta(console, &args, cancel),
        Command::Plan(args) => planned::run_plan(console, &args, cancel),
        Command::ConvertUnit(args) => planned::run_convert_unit(console, &args, cancel),
        Command::Commit(args) => planned::run_commit(console, &args, cancel),
        Command::Inspect(args) => {
            let mut inspected = commands::inspect(&args.inputs, args.salvage, args.jobs, cancel)?;
            hints::put_in_words(&mut inspected.refused);
            console.talk(&complaints(&inspected.report()));
            match args.format {
                InspectFormat::Json => console.print(&line(&inspected)?)?,
                InspectFormat::Text => {
                    inspected.captures.iter().try_for_each(|capture| console.print(&capture.text()))?
                }
                InspectFormat::Table if !inspected.away.is_empty() => {}
                InspectFormat::Table => {
                    console.print(&inspected.table())?;
                    // Not on stdout, where each line is a capture.
                    inspected.legend().for_each(|line| console.talk(&format!("note: {line}\n")));
                }
            }
            Ok(inspected.outcome().into())
        }
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut help::command(), "parcap", &mut script);
            console.print(&String::from_utf8_lossy(&script))?;
            Ok(ExitCode::Success)
        }
        Command::Man => {
            let mut pages = Vec::new();
            render::man_pages(&mut pages).map_err(Error::io("write", "the man page"))?;
            console.print(&String::from_utf8_lossy(&pages))?;
            Ok(ExitCode::Success)
        }
    }
}

pub use call::{CallFailure, CallResult, FailureKind, call, summary_tables};
pub use exit_code::ExitCode;
pub use messages::complaints;
pub use metrics::metrics;
pub use reverse::names_of;
