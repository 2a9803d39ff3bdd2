//! Reports how a run went: to the user, to collectors of logs, and to a monitoring system.

use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::metrics;
use crate::convert::now;
use crate::error::{Error, Result};
use crate::outcome::Report;
use crate::path_text::printable;
use crate::storage::{open_regular, write_out};
use crate::text::{plural_of, time};

use super::args::{Command, ConvertArgs};
use super::console::Console;
use super::exit_code::ExitCode;
use super::hints::{hint, message};
use super::json::line;
use super::lost::MEND_DELTA;
use super::messages::{away_in_words, complaints};
use super::render::show;
use super::select_args::LogFormat;

/// Reports how a conversion went, wherever that is wanted. Returns the exit status of the process.
pub(super) fn tell(console: &Console, args: &ConvertArgs, report: &Report, result: Result<()>) -> ExitCode {
    let told = &args.nightly.told;
    let json = told.log_format == LogFormat::Json;
    let done = result.is_ok().then_some(report);
    let too_many = matches!(result, Err(Error::TooManyDamaged { .. }));
    let mut code: ExitCode = match &result {
        Ok(()) => report.outcome().into(),
        Err(error) => error.into(),
    };
    let shown = match result {
        Ok(()) if json => {
            log_report(console, report);
            show(console, report, &args.shown().without_talk())
        }
        Ok(()) => show(console, report, &args.shown()),
        Err(error) => {
            // The captures that were too many, although nothing of them was committed.
            let complaints = if too_many { complaints(report) } else { String::new() };
            let stands = (report.commits > 0).then(|| what_stands(report));
            if json {
                stands.iter().for_each(|text| log(console, "info", json!({ "event": "note", "message": text })));
                complaints
                    .lines()
                    .for_each(|line| log(console, "error", json!({ "event": "damaged", "message": line })));
            } else {
                stands.iter().for_each(|text| console.talk(&format!("note: {text}\n")));
                console.talk(&complaints);
            }
            Err(error)
        }
    };
    let measured = match &told.metrics_file {
        Some(path) if !args.shown().dry_run => write_metrics(path, done, code),
        _ => Ok(()),
    };
    for failed in [shown, measured].into_iter().filter_map(Result::err) {
        // The commit stays. But a user who watches the metrics must know that there are none.
        code = ExitCode::from(&failed);
        if json {
            log_error(console, &failed);
        } else {
            console.complain(&failed.into());
        }
    }
    if json {
        log_run(console, done, code);
    }
    code
}

/// What a run that failed has committed.
fn what_stands(report: &Report) -> String {
    let commits = plural_of(report.commits, "commit", "commits");
    let captures = plural_of(report.committed, "capture", "captures");
    format!("{commits} of this run, with {captures}, stay in the lake; the next run goes on with those that are left")
}

/// Prints a note before a run begins.
pub(super) fn note(console: &Console, command: &Command, note: &str) {
    match command {
        Command::Convert(args) if args.nightly.told.log_format == LogFormat::Json => {
            log(console, "info", json!({ "event": "note", "message": note }));
        }
        _ => console.talk(&format!("note: {note}\n")),
    }
}

pub(super) fn log(console: &Console, level: &str, fields: Value) {
    let mut document = json!({ "time": time(now() * 1_000_000), "level": level });
    if let (Some(document), Value::Object(fields)) = (document.as_object_mut(), fields) {
        document.extend(fields);
    }
    console.talk(&line(&document).unwrap_or_default());
}

/// One line for each input that was damaged or refused, and for each note.
fn log_report(console: &Console, report: &Report) {
    for damaged in &report.damaged {
        log(
            console,
            "warning",
            json!({ "event": "damaged", "path": printable(&damaged.path), "message": damaged.message }),
        );
    }
    for refused in &report.refused {
        let fields = json!({
            "event": "refused", "path": printable(&refused.path), "message": refused.reason, "hint": refused.hint,
        });
        log(console, "error", fields);
    }
    for lost in &report.lost.files {
        let fields = json!({
            "event": "lost", "path": printable(&lost.path), "message": lost.problem, "rows": lost.rows,
        });
        log(console, "error", fields);
    }
    for held_back in &report.lost.held_back {
        let fields = json!({
            "event": "held_back", "path": printable(&held_back.path), "lost": printable(&held_back.lost),
        });
        log(console, "warning", fields);
    }
    if let Some(why) = &report.lost.delta_lacks {
        log(console, "warning", json!({ "event": "delta", "message": why, "hint": MEND_DELTA }));
    }
    for (message, hint) in away_in_words(report) {
        log(console, "error", json!({ "event": "away", "message": message, "hint": hint }));
    }
    for changing in &report.changing {
        let mut fields = json!({ "event": "changing", "path": printable(&changing.path) });
        if let (Some(fields), Ok(Value::Object(how))) = (fields.as_object_mut(), serde_json::to_value(changing.how)) {
            fields.extend(how);
        }
        log(console, "warning", fields);
    }
    for note in &report.notes {
        log(console, "info", json!({ "event": "note", "message": note }));
    }
}

pub(super) fn log_error(console: &Console, error: &Error) {
    log(console, "error", json!({ "event": "failed", "message": message(error), "hint": hint(error) }));
}

/// The one line of a run.
fn log_run(console: &Console, report: Option<&Report>, code: ExitCode) {
    let mut fields = json!({ "event": "run", "exit_status": code.number() });
    if let (Some(fields), Some(report)) = (fields.as_object_mut(), report) {
        fields.insert("lake".to_owned(), printable(&report.lake).into());
        fields.extend(report.figures().into_iter().map(|(name, value)| (name.to_owned(), value.into())));
    }
    log(console, if code == ExitCode::Success { "info" } else { "error" }, fields);
}

/// Writes the metrics as a whole: a collector that reads meanwhile gets the ones before.
fn write_metrics(path: &Path, report: Option<&Report>, code: ExitCode) -> Result<()> {
    // What is not a file says nothing about the run before.
    let before = open_regular(path).and_then(io::read_to_string).unwrap_or_default();
    write_out(path, metrics(report, code, now(), &before).as_bytes())
}
