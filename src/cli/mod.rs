//! Turns the command line into `Settings` and requests. This is the only place that does, and the only door for clap.

mod args;
mod checked;
mod config_file;
mod dry_run;
mod exit_code;
mod failure;
mod help;
mod hints;
mod json;
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
mod select_args;
mod signals;
mod summarize;
mod times;

use std::ffi::OsString;
use std::io::{self, Write as _};

use clap::FromArgMatches as _;

use crate::cancel::Cancel;
use crate::commands;
use crate::error::Error;
use crate::outcome::Report;

use args::{Args, Command, InspectFormat};
use failure::Failure;
use json::line;
use render::complain;

/// What the `parcap` command does: runs a command line, prints the result, and returns the exit status. From then on SIGINT and
/// SIGTERM end the run in order. They end the process if that takes too long.
#[must_use]
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    run_until(args, &signals::end_by_signals()).number()
}

/// Parses the command line, runs the command, and reports how it went.
fn run_until(args: impl IntoIterator<Item = OsString>, cancel: &Cancel) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let parsed = config_file::matches(&args);
    let matches = match parsed.and_then(|matches| checked::refuse_urls(&matches).map(|()| matches)) {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version are not errors, and go to stdout.
            let _ = error.print();
            if let Some(hint) = help::instead(&error, &args) {
                talk(&format!("hint: {hint}\n"));
            }
            return if error.use_stderr() { ExitCode::Usage } else { ExitCode::Success };
        }
    };
    let jobs = checked::too_many_jobs(&matches);
    let result = Args::from_arg_matches(&matches)
        .map_err(|error| {
            let _ = error.print();
            ExitCode::Usage
        })
        .and_then(|args| {
            jobs.into_iter().for_each(|note| log::note(&args.command, &note));
            dispatch(args.command, cancel).map_err(|failure| {
                complain(&failure);
                failure.exit_code()
            })
        });
    result.unwrap_or_else(|code| code)
}

fn dispatch(command: Command, cancel: &Cancel) -> Result<ExitCode, Failure> {
    match command {
        Command::Convert(args) => {
            let mut report = Report::default();
            let result = commands::convert_into(&args.request(cancel), &mut report);
            hints::put_in_words(&mut report.refused);
            Ok(log::tell(&args, &report, result))
        }
        Command::Summarize(args) => summarize::run(&args, cancel),
        Command::Report(args) => report::run(&args, cancel),
        Command::Verify(args) => lake::run_verify(&args, cancel),
        Command::Compact(args) => lake::run_compact(&args, cancel),
        Command::Forget(args) => lake::run_forget(&args, cancel),
        Command::Plan(args) => planned::run_plan(&args, cancel),
        Command::ConvertUnit(args) => planned::run_convert_unit(&args, cancel),
        Command::Commit(args) => planned::run_commit(&args, cancel),
        Command::Inspect(args) => {
            let mut inspected = commands::inspect(&args.inputs, args.salvage, args.jobs, cancel)?;
            hints::put_in_words(&mut inspected.refused);
            talk(&complaints(&inspected.report()));
            match args.format {
                InspectFormat::Json => print(&line(&inspected)?)?,
                InspectFormat::Text => inspected.captures.iter().try_for_each(|capture| print(&capture.text()))?,
                InspectFormat::Table if !inspected.away.is_empty() => {}
                InspectFormat::Table => {
                    print(&inspected.table())?;
                    // Not on stdout, where each line is a capture.
                    inspected.legend().for_each(|line| talk(&format!("note: {line}\n")));
                }
            }
            Ok(inspected.outcome().into())
        }
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut help::command(), "parcap", &mut script);
            print(&String::from_utf8_lossy(&script))?;
            Ok(ExitCode::Success)
        }
        Command::Man => {
            let mut pages = Vec::new();
            render::man_pages(&mut pages).map_err(Error::io("write", "the man page"))?;
            print(&String::from_utf8_lossy(&pages))?;
            Ok(ExitCode::Success)
        }
    }
}

/// Writes results to stdout. A reader that is gone has what it wanted.
fn print(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::io("write", "stdout")(error)),
        _ => Ok(()),
    }
}

/// Writes messages to stderr. It is no failure if nobody reads them.
fn talk(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

pub use exit_code::ExitCode;
pub use messages::complaints;
pub use metrics::metrics;
