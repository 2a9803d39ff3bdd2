//! Captures that change while they are read.

use std::path::PathBuf;

use serde::Serialize;

use crate::path_text;

/// A capture that had changed when it had been read.
#[derive(Debug, Serialize)]
pub struct ChangedMeanwhile {
    /// The capture.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// In which way.
    #[serde(flatten)]
    pub how: Changing,
}

/// How a capture changed while it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "lowercase")]
pub enum Changing {
    /// Not at all.
    No,
    /// It is being written: it grew, or a process has it open and its last packet is incomplete.
    Grows,
    /// It is shorter now.
    Shrank {
        /// Bytes when it was found.
        from: u64,
        /// Bytes when it had been read.
        to: u64,
    },
    /// Its content is different now.
    Rewritten,
    /// It no longer exists. What was read of it is in the lake.
    Gone,
    /// It is a stream that a signal ended. What came of it is in the lake.
    Ended {
        /// Whether its last packet was incomplete.
        cut: bool,
    },
}

impl Changing {
    /// Whether more of it will come.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Grows | Self::Ended { .. })
    }
}
