//! `parcap plan`, `convert-unit`, `commit`: the JSON documents that go from one to the next, one a line.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args as ClapArgs, ValueEnum};

use crate::cancel::Cancel;
use crate::cli::json;
use crate::commands;
use crate::commands::{CommitOptions, Incomplete, Plan};
use crate::error::Error;
use crate::outcome::Report;
use crate::plan::Unit;
use crate::select::SelectOptions;
use crate::storage::{EntryKind, Location, local};
use crate::text::plural_of;

use super::args::{Micros, SettingsArgs, StrictArg};
use super::console::Console;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::fetches_arg::FetchesArg;
use super::given_rows::{GivenRows, LineKind};
use super::hints::{message, put_in_words};
use super::json::line;
use super::kept;
use super::messages::complaints;
use super::parse::duration;
use super::ptr::PtrArgs;
use super::render::show;
use super::scratch_arg::ScratchArg;
use super::select_args::{PortionsArg, RulesArgs, WaitArg};
use super::shown_args::ShownArgs;

pub(super) const EXAMPLES: &str = "\
Examples:
  parcap plan captures/ --out lake | parcap convert-unit --out lake | parcap commit lake
  parcap plan captures/ --out lake > plan.jsonl
  parallel --pipe -N1 parcap convert-unit --out lake < plan.jsonl > rows.jsonl
  parcap commit lake --plan plan.jsonl < rows.jsonl

The first line says what the units do not: what has another name now, what was refused, what is
left out. `convert-unit` passes it on, so it may be given away with the other lines.";

pub(super) const UNIT_EXIT: &str = "\
Exit status:
  0    each unit has its row; also one with captures that are damaged or unreadable, which `commit` names
  1    a unit could not be converted; it has no row, and stderr says why. The others have theirs. Try it again
  2    wrong usage
  130, 143  stopped by SIGINT, SIGTERM";

pub(super) const COMMIT_EXIT: &str = "\
Exit status:
  0    committed, or the lake holds all of it already
  1    not committed, or not all of a large plan: units are missing, the lake has changed since the plan was made, a
       staged file is not as it was written, or the lake cannot be written
  2    wrong usage
  3    committed, but some input was damaged, refused, unreadable or left out; each is named
  75   another run holds the lake; try later
  130, 143  stopped by SIGINT, SIGTERM";

#[derive(Debug, ClapArgs)]
pub(super) struct PlanArgs {
    /// Captures: files, directories (walked) or quoted patterns
    #[arg(required = true, value_name = "INPUT", value_parser = clap::builder::ValueParser::new(not_stdin))]
    inputs: Vec<PathBuf>,
    /// The lake for which to plan
    #[arg(long, short, value_name = "LAKE", env = "PARCAP_OUT")]
    out: PathBuf,
    /// Keep the plan in the lake, so that its units can be converted by their places (`convert-unit --of`), and committed by
    /// the name of the plan
    #[arg(long, env = "PARCAP_KEEP", value_parser = BoolishValueParser::new())]
    keep: bool,
    /// Captures that are opened at a time, at most 32 [default: four a core, and 32 on a network file system]
    #[arg(long, short, value_name = "N", env = "PARCAP_JOBS", default_value_t = 0, hide_default_value = true)]
    jobs: usize,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    scratch: ScratchArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ConvertUnitArgs {
    /// The lake in which to stage the parts
    #[arg(long, short, value_name = "LAKE", env = "PARCAP_OUT")]
    out: PathBuf,
    /// Worker threads
    #[arg(long, short, value_name = "N", env = "PARCAP_JOBS", default_value_t = 1)]
    jobs: usize,
    #[command(flatten)]
    fetches: FetchesArg,
    /// Convert units of this plan, which the lake keeps (`plan --keep`), instead of those on standard input. Rows stay in the
    /// lake too; what has one is not converted again
    #[arg(long, value_name = "PLAN", env = "PARCAP_OF", requires = "unit", value_parser = kept::identity)]
    of: Option<String>,
    /// The places of these units in the plan, from 0 on; several with commas between
    #[arg(long, value_name = "N", env = "PARCAP_UNIT", value_delimiter = ',', requires = "of")]
    unit: Vec<usize>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CommitArgs {
    /// The lake
    lake: PathBuf,
    /// The file with what `parcap plan` has printed, if its first line does not come with the rows; or the name of a plan that
    /// the lake keeps, with all rows that are there
    #[arg(long, value_name = "FILE|PLAN", env = "PARCAP_PLAN")]
    plan: Option<PathBuf>,
    /// What to do if units of the plan are missing: commit nothing, or leave out the captures that are not whole, name them,
    /// and commit the others (exit status 3)
    #[arg(long, value_enum, value_name = "HOW", env = "PARCAP_INCOMPLETE", default_value_t = IncompleteArg::Refuse)]
    incomplete: IncompleteArg,
    /// Also remove what plans have staged that never came back, if nothing of it was written for so long, such as 7d
    #[arg(long, value_name = "TIME", env = "PARCAP_ABANDON", value_parser = duration)]
    abandon: Option<Micros>,
    /// Worker threads, for chunks that have to be converted again [default: one a core]
    #[arg(long, short, value_name = "N", env = "PARCAP_JOBS", default_value_t = 0, hide_default_value = true)]
    jobs: usize,
    #[command(flatten)]
    strict: StrictArg,
    #[command(flatten)]
    portions: PortionsArg,
    #[command(flatten)]
    wait: WaitArg,
    #[command(flatten)]
    scratch: ScratchArg,
    #[command(flatten)]
    pub(super) shown: ShownArgs,
    #[command(flatten)]
    ptr: PtrArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum IncompleteArg {
    Refuse,
    LeaveOut,
}

fn not_stdin(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if Location::of(&path).is_stdin() {
        return Err("standard input cannot be converted elsewhere; use `parcap convert -`".to_owned());
    }
    if local::facts(&path).is_ok_and(|found| found.kind == EntryKind::Fifo) {
        return Err("a FIFO is read once, and cannot be converted elsewhere; use `parcap convert`".to_owned());
    }
    Ok(path)
}

/// Prints the plan: its first line, and a line for each unit.
pub(super) fn run_plan(console: &Console, args: &PlanArgs, cancel: &Cancel) -> Result<ExitCode, Failure> {
    args.scratch.set();
    let rules = SelectOptions { jobs: args.jobs, ..args.rules.rules() };
    let planned = commands::plan(&args.inputs, &args.out, &args.settings.settings()?, &rules, cancel)?;
    if args.keep {
        kept::keep(&args.out, &planned)?;
    }
    planned.plan.iter().try_for_each(|plan| console.print(&line(plan)?))?;
    planned.units.iter().try_for_each(|unit| console.print(&line(&unit?)?))?;
    console.talk(&complaints(&planned.report));
    Ok(planned.report.outcome().into())
}

/// Converts the units from standard input, one after another, and prints the row of each. Passes the first line of a plan
/// on.
pub(super) fn run_convert_unit(
    console: &Console,
    args: &ConvertUnitArgs,
    cancel: &Cancel,
) -> Result<ExitCode, Failure> {
    args.fetches.set();
    let mut code = ExitCode::Success;
    let mut tell = |converted: Result<String, Error>| match converted {
        Ok(text) => console.print(&text),
        Err(error @ Error::Interrupted { .. }) => Err(error),
        // The other units may succeed, and a unit that has its row need not be converted again.
        Err(error) => {
            console.complain(&error.into());
            code = ExitCode::Failure;
            Ok(())
        }
    };
    if let Some(plan) = &args.of {
        for place in &args.unit {
            tell(kept::convert(&args.out, plan, *place, args.jobs, cancel))?;
        }
        return Ok(code);
    }
    for numbered in console.lines() {
        let (number, text) = numbered?;
        let name = format!("stdin, line {number}");
        let converted = match LineKind::of(&text) {
            LineKind::Nothing => continue,
            LineKind::Plan => json::read::<Plan>("plan", &name, &text).map(|_| text + "\n"),
            LineKind::Unit | LineKind::Row => json::read::<Unit>("unit", &name, &text)
                .and_then(|unit| commands::convert_unit(&unit, &args.out, args.jobs, cancel.clone()))
                .and_then(|row| line(&row)),
        };
        tell(converted)?;
    }
    Ok(code)
}

/// Commits the rows from standard input.
pub(super) fn run_commit(console: &Console, args: &CommitArgs, cancel: &Cancel) -> Result<ExitCode, Failure> {
    args.scratch.set();
    let GivenRows { plan, rows, unreadable } = match args.plan.as_deref().and_then(kept::identity_of) {
        Some(plan) => kept::given(&args.lake, plan)?,
        None => GivenRows::read(console, args.plan.as_deref())?,
    };
    let (jobs, strict, top) = (args.jobs, args.strict.strict, args.shown.top);
    let options = CommitOptions {
        plan,
        incomplete: match args.incomplete {
            IncompleteArg::Refuse => Incomplete::Refuse,
            IncompleteArg::LeaveOut => Incomplete::LeaveOut,
        },
        abandon: args.abandon.map(Micros::duration),
        jobs,
        ptr: args.ptr.options(),
        strict,
        top,
        commit_every: args.portions.commit_every.0,
        batch: commands::BATCH,
        checkpoint_after: crate::config::CHECKPOINT_AFTER,
        wait: args.wait.duration(),
        cancel: cancel.clone(),
    };
    // A process was killed while it printed this row. Its unit is missing, if that can be told.
    let may_be_missing = options.plan.is_some() && options.incomplete == Incomplete::LeaveOut;
    for error in unreadable {
        if !may_be_missing {
            return Err(error.into());
        }
        console.talk(&format!("warning: {}; passed over\n", message(&error)));
    }
    let mut report = Report::default();
    if let Err(error) = commands::commit_results(&args.lake, rows, &options, &mut report) {
        if report.commits > 0 {
            let commits = plural_of(report.commits, "commit", "commits");
            let captures = plural_of(report.committed, "capture", "captures");
            console.talk(&format!(
                "note: {commits} of the plan, with {captures}, stay in the lake; the same command goes on after them\n"
            ));
        }
        return Err(error.into());
    }
    put_in_words(&mut report.refused);
    show(console, &report, &args.shown.shown())?;
    Ok(report.outcome().into())
}
