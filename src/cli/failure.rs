//! What ends a command early: an error of the library, or options that do not go together.

use crate::error::Error;

use super::exit_code::ExitCode;
use super::hints;

/// What ends a command early.
#[derive(Debug)]
pub(super) enum Failure {
    /// The run failed.
    Run(Error),
    /// What was typed does not go together.
    Usage {
        /// What does not.
        problem: String,
        /// What to type instead.
        hint: String,
    },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Run(error)
    }
}

impl Failure {
    /// Options that do not go together.
    pub(super) fn usage(problem: &str, hint: &str) -> Self {
        Self::Usage { problem: problem.to_owned(), hint: hint.to_owned() }
    }

    /// What happened.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Run(error) => hints::message(error),
            Self::Usage { problem, .. } => problem.clone(),
        }
    }

    /// What to do about it, if anything.
    pub(super) fn hint(&self) -> Option<&str> {
        match self {
            Self::Run(error) => hints::hint(error),
            Self::Usage { hint, .. } => Some(hint),
        }
    }

    /// The exit status that it ends the process with.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Run(error) => error.into(),
            Self::Usage { .. } => ExitCode::Usage,
        }
    }
}
