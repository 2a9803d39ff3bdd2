//! What was forgotten.

use std::path::PathBuf;

use serde::Serialize;

use crate::path_text;

use super::lost::Lost;

/// What was forgotten.
#[derive(Debug, Default, Serialize)]
pub struct ForgetReport {
    /// The date before which the newest packet of each is, if they were removed for their age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Captures that were removed.
    pub captures: Vec<Forgotten>,
    /// Files that are no longer known to be refused, or removed for their age. The next run looks at them again.
    pub refused: u64,
    /// Rows that were removed.
    pub rows: u64,
    /// What the lake has lost, and the captures that could not be removed because of it.
    #[serde(flatten)]
    pub lost: Lost,
    /// Other notes for the user.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// A capture that was removed.
#[derive(Debug, Serialize)]
pub struct Forgotten {
    /// The path as it was given when it was converted.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// The absolute path.
    #[serde(with = "path_text")]
    pub absolute: PathBuf,
    /// Its rows.
    pub rows: u64,
}
