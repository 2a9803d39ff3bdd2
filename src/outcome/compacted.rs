//! What was compacted.

use serde::Serialize;

use crate::lake::Compacted;

use super::lost::Lost;

/// What was compacted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CompactReport {
    /// Files that were replaced, and files that replaced them.
    #[serde(flatten)]
    pub done: Compacted,
    /// What the lake has lost. The files of these partitions and dates stay as they are.
    #[serde(flatten)]
    pub lost: Lost,
    /// How long it took.
    pub seconds: f64,
    /// Other notes for the user.
    #[serde(skip)]
    pub notes: Vec<String>,
}
