//! What a command reads and prints: standard input and output of the process, or texts of a caller.

use std::cell::RefCell;
use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::observer::Observer;

use super::call::CallFailure;
use super::failure::Failure;

/// Where a command reads its lines, and where its results and messages go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Console<'a> {
    /// The process's streams.
    Process,
    /// Texts of a caller. Nothing is drawn or printed.
    Call(&'a CallTexts),
}

/// What a caller gives to a command, and gets from it.
#[derive(Debug)]
pub(super) struct CallTexts {
    /// The lines that stdin would have.
    pub(super) input: Vec<String>,
    /// What stdout would have got.
    pub(super) results: RefCell<String>,
    /// What stderr would have got.
    pub(super) messages: RefCell<String>,
    /// What ended the command early.
    pub(super) failure: RefCell<Option<CallFailure>>,
    /// Follows how far a conversion is.
    pub(super) observer: Arc<dyn Observer>,
}

impl CallTexts {
    pub(super) fn new(input: Vec<String>, observer: Arc<dyn Observer>) -> Self {
        let (results, messages) = (RefCell::default(), RefCell::default());
        Self { input, results, messages, failure: RefCell::default(), observer }
    }
}

impl Console<'_> {
    /// Writes results to stdout. A reader that is gone has what it wanted.
    pub(super) fn print(&self, text: &str) -> Result<()> {
        if let Self::Call(texts) = self {
            texts.results.borrow_mut().push_str(text);
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::io("write", "stdout")(error)),
            _ => Ok(()),
        }
    }

    /// Writes messages to stderr. It is no failure if nobody reads them.
    pub(super) fn talk(&self, text: &str) {
        match self {
            Self::Call(texts) => texts.messages.borrow_mut().push_str(text),
            Self::Process => drop(io::stderr().lock().write_all(text.as_bytes())),
        }
    }

    /// Writes what clap found wrong, or its help.
    pub(super) fn explain(&self, error: &clap::Error) {
        match self {
            Self::Call(texts) if error.use_stderr() => drop(texts.failure.replace(Some(error.into()))),
            // Help and version are no errors, and go to stdout.
            Self::Call(texts) => texts.results.borrow_mut().push_str(&error.render().to_string()),
            Self::Process => drop(error.print()),
        }
    }

    /// Prints what stopped a run, and what to do about it.
    pub(super) fn complain(&self, failed: &Failure) {
        if let Self::Call(texts) = self {
            texts.failure.replace(Some(failed.into()));
            return;
        }
        let mut text = format!("error: {}\n", failed.message());
        if let Some(hint) = failed.hint() {
            text.push_str(&format!("hint: {hint}\n"));
        }
        self.talk(&text);
    }

    /// The lines of stdin, each with its number from 1 on.
    pub(super) fn lines(&self) -> Box<dyn Iterator<Item = Result<(usize, String)>> + '_> {
        match self {
            Self::Call(texts) => {
                Box::new(texts.input.iter().cloned().zip(1..).map(|(line, number)| Ok((number, line))))
            }
            Self::Process => {
                let lines = io::stdin().lock().lines().zip(1..);
                Box::new(lines.map(|(line, number)| Ok((number, line.map_err(Error::io("read", "stdin"))?))))
            }
        }
    }

    /// The observer of a caller.
    pub(super) fn observer(&self) -> Option<Arc<dyn Observer>> {
        match self {
            Self::Call(texts) => Some(Arc::clone(&texts.observer)),
            Self::Process => None,
        }
    }
}
