//! A command as a function: the same arguments, and what the command would have printed as texts. For programs that have
//! the library and not the command.

use std::ffi::OsString;
use std::iter;
use std::sync::Arc;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::observer::{Observer, Unobserved};
use crate::summary::Preview;

use super::args::Command;
use super::console::{CallTexts, Console};
use super::failure::Failure;
use super::{parsed, run_on, summarize};

/// What a command said and did.
#[derive(Clone, Debug)]
pub struct CallResult {
    /// The exit status that the command would have had.
    pub status: u8,
    /// What it would have printed to stdout: with `--format json` one document.
    pub results: String,
    /// What it would have printed to stderr, except for what ended it early.
    pub messages: String,
    /// What ended it early.
    pub failure: Option<CallFailure>,
}

/// What ended a command early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFailure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Kinds of failures that a caller handles in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// The arguments are wrong, or do not go together.
    Usage,
    /// The lake was made with other settings.
    SettingsDiffer,
    /// Another run holds the lake.
    Busy,
    /// More captures are damaged than are allowed.
    Damaged,
    /// The operating system refused something.
    Io,
    /// The run was cancelled.
    Interrupted,
    /// Something else is wrong with the lake, or in here.
    Other,
}

/// Runs a command, such as `["convert", "captures", "--out", "lake", "--format", "json"]`. Nothing is printed or drawn, and no
/// handler of signals is set. `input` are the lines that stdin would have (`convert-unit`, `commit`); `observer` follows a
/// conversion.
///
/// ```
/// # use std::sync::Arc;
/// use parcap::{Cancel, Unobserved, cli};
///
/// let arguments = ["inspect", "data/captures/office-hour.pcap", "--format", "json"].map(Into::into);
/// let called = cli::call(arguments, Vec::new(), Arc::new(Unobserved), &Cancel::default());
/// assert_eq!(called.status, 0);
/// assert!(called.results.contains(r#""records":468"#));
///
/// let called = cli::call(["inspekt".into()], Vec::new(), Arc::new(Unobserved), &Cancel::default());
/// assert_eq!(called.failure.unwrap().kind, cli::FailureKind::Usage);
/// ```
#[must_use]
pub fn call(
    arguments: impl IntoIterator<Item = OsString>,
    input: Vec<String>,
    observer: Arc<dyn Observer>,
    cancel: &Cancel,
) -> CallResult {
    let texts = CallTexts::new(input, observer);
    let status = run_on(&Console::Call(&texts), command_line(arguments), cancel).number();
    let CallTexts { results, messages, failure, .. } = texts;
    CallResult { status, results: results.into_inner(), messages: messages.into_inner(), failure: failure.into_inner() }
}

/// The tables of `parcap summarize`, with all of their rows, and what it would have printed to stderr.
///
/// ```
/// # use parcap::{Cancel, cli};
/// let arguments = ["data/captures/office-hour.pcap", "--table", "protocols"].map(Into::into);
/// let (tables, _) = cli::summary_tables(arguments, &Cancel::default()).unwrap();
/// assert_eq!((tables.len(), tables[0].name), (1, "protocols"));
/// ```
///
/// # Errors
/// What ends the command early.
pub fn summary_tables(
    arguments: impl IntoIterator<Item = OsString>,
    cancel: &Cancel,
) -> Result<(Vec<Preview>, String), CallFailure> {
    let texts = CallTexts::new(Vec::new(), Arc::new(Unobserved));
    let console = Console::Call(&texts);
    let arguments = command_line(iter::once("summarize".into()).chain(arguments));
    let tables = match parsed(&console, arguments) {
        Ok(Command::Summarize(args)) => summarize::tables(&console, &args, cancel).map_err(|failure| (&failure).into()),
        // Help was asked for, or something is wrong.
        Ok(_) | Err(_) => Err(texts.failure.take().unwrap_or_else(CallFailure::no_tables)),
    }?;
    Ok((tables, texts.messages.into_inner()))
}

fn command_line(arguments: impl IntoIterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    iter::once("parcap".into()).chain(arguments)
}

impl CallFailure {
    fn no_tables() -> Self {
        let message = "these arguments ask for no tables".to_owned();
        Self { kind: FailureKind::Usage, message, hint: None }
    }
}

impl From<&Failure> for CallFailure {
    fn from(failure: &Failure) -> Self {
        let kind = match failure {
            Failure::Usage { .. } => FailureKind::Usage,
            Failure::Run(error) => match error {
                Error::SettingsDiffer { .. } => FailureKind::SettingsDiffer,
                Error::LakeBusy { .. } | Error::Overtaken { .. } => FailureKind::Busy,
                Error::TooManyDamaged { .. } => FailureKind::Damaged,
                Error::Io { .. } => FailureKind::Io,
                Error::Interrupted { .. } => FailureKind::Interrupted,
                _ if failure.exit_code() == super::ExitCode::Usage => FailureKind::Usage,
                _ => FailureKind::Other,
            },
        };
        Self { kind, message: failure.message(), hint: failure.hint().map(str::to_owned) }
    }
}

impl From<Error> for CallFailure {
    /// As the command says it.
    fn from(error: Error) -> Self {
        (&Failure::Run(error)).into()
    }
}

impl From<&clap::Error> for CallFailure {
    fn from(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end().to_owned();
        Self { kind: FailureKind::Usage, message: text, hint: None }
    }
}
