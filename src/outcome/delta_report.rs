//! What was done to the Delta log of a lake.

use serde::Serialize;

use crate::outcome::RunOutcome;

use super::lost::Lost;

/// What was done to the Delta log of a lake.
#[derive(Debug, Default, Serialize)]
pub struct DeltaReport {
    /// Whether the lake has a Delta log now.
    pub on: bool,
    /// The version that was written; `None` if the log said what the lake holds already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_version: Option<u64>,
    /// Files that this version adds.
    pub added: u64,
    /// Files that it removes.
    pub removed: u64,
    /// Whether a log was removed.
    pub given_up: bool,
    /// What was wrong with the log that was there.
    pub found: Vec<String>,
    /// Parts of the lake.
    pub parts: u64,
    /// Their rows.
    pub rows: u64,
    /// What the lake has lost. Readers of the log fail on these files.
    #[serde(flatten)]
    pub lost: Lost,
    /// Other notes for the user.
    #[serde(skip)]
    pub notes: Vec<String>,
}

impl DeltaReport {
    /// How it went: incomplete if files of the table are lost.
    #[must_use]
    pub fn outcome(&self) -> RunOutcome {
        if self.lost.is_empty() { RunOutcome::Complete } else { RunOutcome::Incomplete }
    }
}
