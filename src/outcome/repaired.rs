//! What a repair mended, and what is gone.

use std::path::PathBuf;

use serde::Serialize;

use crate::path_text;

use super::lost::LostFile;

/// What was mended, and what is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// Why everything was taken from the parts: manifests that were missing or could not be read.
    pub manifests: Vec<String>,
    /// Parts that no manifest named, and that count again.
    #[serde(with = "path_text::list")]
    pub taken_up: Vec<PathBuf>,
    /// Parts that are lost, with their rows.
    pub lost: Vec<LostFile>,
    /// Where damaged parts were put: readers do not see them there.
    #[serde(with = "path_text::list")]
    pub set_aside: Vec<PathBuf>,
    /// Captures that have lost rows. The next conversion reads them again if they still exist.
    pub incomplete: Vec<PartlyLost>,
    /// Captures of which nothing tells whether all their rows exist: older parts do not say it.
    #[serde(with = "path_text::list")]
    pub unproved: Vec<PathBuf>,
    /// Partial summaries that were counted again.
    pub partials: u64,
    /// Captures whose DNS messages are no longer in any summary: the rows do not have their content.
    #[serde(with = "path_text::list")]
    pub without_messages: Vec<PathBuf>,
    /// Captures whose tunnels are no longer in any summary. Where the rows do not say which packets were in one, it may be that
    /// none was. Left out of JSON if there are none.
    #[serde(with = "path_text::list", skip_serializing_if = "Vec::is_empty")]
    pub without_tunnels: Vec<PathBuf>,
    /// Captures whose flows have no TCP flags any more, and no state: rows have the flags only in a column `tcp_flags`. Left out of JSON
    /// if there are none.
    #[serde(with = "path_text::list", skip_serializing_if = "Vec::is_empty")]
    pub without_flags: Vec<PathBuf>,
    /// What was wrong with the checkpoint, or with manifests up to it: one of both tells all, and was written again whole. Left out of
    /// JSON if nothing was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checkpoint: Vec<String>,
    /// What was wrong with the Delta log, and is mended. Left out of JSON if nothing was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delta_log: Vec<String>,
    /// Summary tables that were made again.
    pub tables: u64,
    /// Files that no manifest names and that do not count, each with the reason.
    pub left_out: Vec<LostFile>,
    /// Other notes for the user.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// A capture that has lost rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartlyLost {
    /// The path as it was given.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// How many lost rows are known of.
    pub rows: u64,
}

impl Repaired {
    /// Whether there was nothing to mend.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self { left_out: self.left_out.clone(), ..Self::default() }
    }

    /// Whether something is gone that was in the lake.
    #[must_use]
    pub fn is_loss(&self) -> bool {
        !(self.lost.is_empty()
            && self.incomplete.is_empty()
            && self.unproved.is_empty()
            && self.without_messages.is_empty()
            && self.without_tunnels.is_empty()
            && self.without_flags.is_empty())
    }
}
