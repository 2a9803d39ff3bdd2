//! Where captures should be, and none is.

use std::path::PathBuf;

use serde::Serialize;

use crate::path_text;

/// A place without captures, where there should be some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Away {
    /// The folder, or what was named.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Captures of it that the lake holds.
    pub captures: u64,
}
