//! `verify`, `compact`, `forget`: commands on a lake that read no capture.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap::builder::BoolishValueParser;
use indicatif::{DecimalBytes, HumanCount};

use crate::cancel::Cancel;
use crate::commands::{RewriteRequest, VerifyRequest, compact_lake, forget, forget_before, verify};
use crate::config::CHECKPOINT_AFTER;
use crate::convert::now;
use crate::day::Day;
use crate::lake::DELTA_LOG;
use crate::outcome::{CompactReport, ForgetReport, Lost, Verified};
use crate::path_text::printable;
use crate::text::plural_of;

use super::args::{Micros, Size};
use super::console::Console;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::json::line;
use super::lost;
use super::parse::{date, duration, size};
use super::repaired::{losses, mended};
use super::scratch_arg::ScratchArg;
use super::select_args::WaitArg;
use super::shown_args::OutputFormat;
use super::table_args::RetainArg;

/// What these commands share.
#[derive(Debug, ClapArgs)]
struct LakeArgs {
    /// The lake
    lake: PathBuf,
    /// Worker threads [default: one a core]
    #[arg(long, short, value_name = "N", env = "PARCAP_JOBS", default_value_t = 0, hide_default_value = true)]
    jobs: usize,
    #[command(flatten)]
    wait: WaitArg,
    #[command(flatten)]
    scratch: ScratchArg,
    /// What goes to stdout: text to read, or one JSON document with everything
    #[arg(long, value_enum, env = "PARCAP_FORMAT", default_value_t = OutputFormat::Table)]
    format: OutputFormat,
}

#[derive(Debug, ClapArgs)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    of: LakeArgs,
    /// Read every value of every part, and count the sums of the rows again
    #[arg(long, env = "PARCAP_DEEP", value_parser = BoolishValueParser::new())]
    deep: bool,
    /// First make again what is lost or damaged: manifests from what the parts say of themselves, sums from the rows, tables
    /// from the sums. A part that is lost is taken out of the lake, and its captures are converted again by the next run
    /// if they are still there. What is gone for good is named (exit status 3)
    #[arg(long, env = "PARCAP_REPAIR", value_parser = BoolishValueParser::new())]
    repair: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CompactArgs {
    #[command(flatten)]
    of: LakeArgs,
    /// Bytes that a part should have, about [default: as in the last conversion]
    #[arg(long, value_name = "SIZE", env = "PARCAP_TARGET_FILE_SIZE", value_parser = size)]
    target_file_size: Option<Size>,
    /// Also rewrite parts and summary tables of earlier versions, in whose form older readers cannot open them (Spark before
    /// 4.3, polars before 1.43, fastparquet); the rows stay the same, and files of today's form are left alone
    #[arg(long, env = "PARCAP_REWRITE", value_parser = BoolishValueParser::new())]
    rewrite: bool,
    #[command(flatten)]
    retain: RetainArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ForgetArgs {
    #[command(flatten)]
    of: LakeArgs,
    /// Captures, or folders that they were in, by the paths from which they were converted; they need not exist any more.
    /// `-` is what came through standard input. If the lake holds nothing of one of them, none is taken out (exit status 2)
    #[arg(required_unless_present_any = ["before", "older_than"], value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// Only captures whose newest packet is before this date (UTC), such as 2024-03-11; all of them, unless some are named.
    /// Those that are still in the archive are not converted again
    #[arg(long, value_name = "DATE", env = "PARCAP_BEFORE", value_parser = date, conflicts_with = "older_than")]
    before: Option<Day>,
    /// The same, with a date so long ago, such as 90d
    #[arg(long, value_name = "TIME", env = "PARCAP_OLDER_THAN", value_parser = duration)]
    older_than: Option<Micros>,
    /// Say what would be taken out, and write nothing
    #[arg(long, env = "PARCAP_DRY_RUN", value_parser = BoolishValueParser::new())]
    dry_run: bool,
}

impl LakeArgs {
    fn rewrite(&self, cancel: &Cancel) -> RewriteRequest {
        self.scratch.set();
        RewriteRequest {
            lake: self.lake.clone(),
            target_file_size: None,
            jobs: self.jobs,
            wait: self.wait.duration(),
            earlier_forms: false,
            retain: None,
            checkpoint_after: CHECKPOINT_AFTER,
            dry_run: false,
            cancel: cancel.clone(),
        }
    }
}

/// What to do about faults.
const MEND: &str =
    "hint: restore what is lost from a backup; else `--repair` makes it again from what is left (docs/operations.md)\n";
const MEND_LOG: &str = "`parcap delta LAKE` makes the Delta log say what the lake holds, and `--off` removes it";
const STILL: &str = "hint: move away what was put there, and look at docs/operations.md for the rest\n";

/// Verifies a lake, and prints what is wrong.
pub(super) fn run_verify(console: &Console, args: &VerifyArgs, cancel: &Cancel) -> Result<ExitCode, Failure> {
    args.of.scratch.set();
    let request = VerifyRequest {
        lake: args.of.lake.clone(),
        deep: args.deep,
        repair: args.repair,
        jobs: args.of.jobs,
        wait: args.of.wait.duration(),
        cancel: cancel.clone(),
    };
    let verified = verify(&request)?;
    if args.of.format == OutputFormat::Json {
        console.print(&line(&verified)?)?;
    } else {
        console.print(&text_of(&verified))?;
    }
    if let Some(repaired) = &verified.repaired {
        console.talk(&losses(repaired));
        note(console, &repaired.notes);
    }
    let (of_log, of_files): (Vec<_>, Vec<_>) =
        verified.faults.iter().partition(|fault| fault.path.starts_with(DELTA_LOG));
    if !of_files.is_empty() {
        console.talk(if args.repair { STILL } else { MEND });
    }
    if !of_log.is_empty() {
        console.talk(&format!("hint: {MEND_LOG}\n"));
    }
    Ok(verified.outcome().into())
}

fn text_of(verified: &Verified) -> String {
    let mut text = verified.repaired.as_ref().map(mended).unwrap_or_default();
    for fault in &verified.faults {
        text.push_str(&format!("{}: {}\n", printable(&fault.path), fault.problem));
    }
    let Verified { captures, parts, rows, bytes, partials, tables, faults, .. } = verified;
    let count = |count: &u64| HumanCount(*count).to_string();
    text.push_str(&format!(
        "{} captures, {} rows in {} parts of {}, {} partial summaries, {} tables: {}\n",
        count(captures),
        count(rows),
        count(parts),
        DecimalBytes(*bytes),
        count(partials),
        count(tables),
        match faults.len() {
            0 => "all as written".to_owned(),
            1 => "1 fault".to_owned(),
            faults => format!("{faults} faults"),
        }
    ));
    if verified.retained > 0 {
        let (files, bytes) = (plural_of(verified.retained, "part", "parts"), DecimalBytes(verified.retained_bytes));
        text.push_str(&format!("{files} of {bytes} that commits removed, for versions before\n"));
    }
    text
}

/// Compacts a lake, and prints what became of the files.
pub(super) fn run_compact(console: &Console, args: &CompactArgs, cancel: &Cancel) -> Result<ExitCode, Failure> {
    let target_file_size = args.target_file_size.map(|size| size.0);
    let (earlier_forms, retain) = (args.rewrite, args.retain.duration());
    let report = compact_lake(&RewriteRequest { target_file_size, earlier_forms, retain, ..args.of.rewrite(cancel) })?;
    if args.of.format == OutputFormat::Json {
        console.print(&line(&report)?)?;
    } else {
        console.print(&compacted(&report, args.rewrite))?;
    }
    note(console, &report.notes);
    Ok(told(console, &report.lost))
}

fn compacted(report: &CompactReport, rewrite: bool) -> String {
    let done = &report.done;
    if *done == Default::default() {
        let forms = if rewrite { ", and all files have today's form" } else { "" };
        return format!("nothing to compact{forms}\n");
    }
    let mut text = format!(
        "{} parts of {} became {} of {}, {} rows, {:.2} s\n",
        HumanCount(done.parts_before),
        DecimalBytes(done.bytes_before),
        HumanCount(done.parts_after),
        DecimalBytes(done.bytes_after),
        HumanCount(done.rows),
        report.seconds,
    );
    if done.earlier_parts + done.earlier_tables > 0 {
        let (parts, tables) = (HumanCount(done.earlier_parts), HumanCount(done.earlier_tables));
        text.push_str(&format!("{parts} parts and {tables} summary tables of an earlier form were rewritten\n"));
    }
    if done.partials_before > 0 {
        let (before, after) = (HumanCount(done.partials_before), HumanCount(done.partials_after));
        text.push_str(&format!("{before} partial summaries became {after}\n"));
    }
    if done.manifests > 0 {
        text.push_str(&format!("{} manifests became 1\n", HumanCount(done.manifests)));
    }
    if done.released > 0 {
        text.push_str(&format!("{} retained parts were removed\n", HumanCount(done.released)));
    }
    text
}

/// Removes captures from a lake, and prints which.
pub(super) fn run_forget(console: &Console, args: &ForgetArgs, cancel: &Cancel) -> Result<ExitCode, Failure> {
    let request = RewriteRequest { dry_run: args.dry_run, ..args.of.rewrite(cancel) };
    let ago = |age: Micros| Day::of_seconds(now() - age.0.div_euclid(1_000_000));
    let report = match args.before.or(args.older_than.map(ago)) {
        Some(before) => forget_before(&request, &args.captures, before)?,
        None => forget(&request, &args.captures)?,
    };
    if args.of.format == OutputFormat::Json {
        console.print(&line(&report)?)?;
    } else {
        console.print(&forgotten(&report, args.dry_run))?;
    }
    note(console, &report.notes);
    Ok(told(console, &report.lost))
}

/// Prints what the lake has lost. Returns the exit status that follows.
fn told(console: &Console, lost: &Lost) -> ExitCode {
    console.talk(&lost::words(lost));
    if lost.is_empty() { ExitCode::Success } else { ExitCode::Damaged }
}

fn note(console: &Console, notes: &[String]) {
    notes.iter().for_each(|note| console.talk(&format!("note: {note}\n")));
}

fn forgotten(report: &ForgetReport, dry_run: bool) -> String {
    let mut text = String::new();
    for capture in &report.captures {
        // A capture from standard input has no path.
        let path = if capture.absolute.is_absolute() { &capture.absolute } else { &capture.path };
        text.push_str(&format!("{}: {} rows\n", printable(path), HumanCount(capture.rows)));
    }
    let (captures, rows) = (HumanCount(report.captures.len() as u64), HumanCount(report.rows));
    let verb = if dry_run { "would forget" } else { "forgot" };
    let s = if report.captures.len() == 1 { "" } else { "s" };
    text.push_str(&format!("{verb} {captures} capture{s}, {rows} rows"));
    if report.refused > 0 {
        let files = if report.refused == 1 { "file was" } else { "files were" };
        text.push_str(&format!(", and that {} {files} refused or taken out before", HumanCount(report.refused)));
    }
    text.push('\n');
    text
}
