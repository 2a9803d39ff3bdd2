//! Places where captures should be but none are.

use std::path::PathBuf;

use serde::Serialize;

use crate::path_text;

/// A place without captures where there should be some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Away {
    /// The folder, or the path that was given.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// How many captures of it are in the lake.
    pub captures: u64,
}
