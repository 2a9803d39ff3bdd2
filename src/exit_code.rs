//! What a run tells the shell and, through it, cron.

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
