//! What a run tells the shell and, through it, cron.

use crate::error::Error;
use crate::outcome::RunOutcome;

/// The exit status of a run; the numbers are an interface and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// Everything was converted, or there was nothing to do.
    Success,
    /// The run failed, and has named what it did not commit.
    Failure,
    /// The command line could not be understood.
    Usage,
    /// The run is committed, but some input was damaged, refused or unreadable.
    Damaged,
    /// Another run holds the lake (`EX_TEMPFAIL` of sysexits.h: try later).
    Busy,
    /// A signal stopped the run: 128 and the signal's number, as a shell reports it.
    Signal(u8),
}

impl ExitCode {
    /// The number that the process ends with.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Damaged => 3,
            Self::Busy => 75,
            Self::Signal(signal) => signal.saturating_add(128),
        }
    }
}

impl From<RunOutcome> for ExitCode {
    fn from(outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Complete => Self::Success,
            RunOutcome::Incomplete => Self::Damaged,
            RunOutcome::Failed => Self::Failure,
        }
    }
}

impl From<&Error> for ExitCode {
    fn from(error: &Error) -> Self {
        match error {
            Error::LakeBusy { .. } | Error::Overtaken { .. } => Self::Busy,
            Error::LakeIsAFile { .. }
            | Error::SettingsDiffer { .. }
            | Error::LeftOut { .. }
            | Error::NotHeld { .. }
            | Error::NoLake { .. }
            | Error::NotAlone { .. }
            | Error::NoDeltaTable(_)
            | Error::NoSums { .. }
            | Error::NoServerNames { .. }
            | Error::WindowsAreAligned { .. }
            | Error::StreamInPlan
            | Error::NoSuchColumn { .. }
            | Error::NoChunks { .. }
            | Error::NoSuchCondition { .. }
            | Error::NoSuchValue { .. }
            | Error::TooLittleMemory { .. }
            | Error::TooManyWindows { .. }
            | Error::NotExtracted(_) => Self::Usage,
            Error::Interrupted { signal } => Self::Signal(*signal),
            _ => Self::Failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::bug::bug;

    use super::*;

    #[test]
    fn a_bug_ends_the_process_with_1() {
        assert_eq!(ExitCode::from(&bug!()).number(), 1);
    }
}
