//! A file that is uploaded and that nobody sees yet.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::path_text;

/// A file of a lake that is uploaded, in an upload that is held open. Any process may complete it, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldUpload {
    /// Where the file belongs, below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// The store's identity of the upload; empty on Azure, where blocks have none.
    pub upload: String,
    /// The store's identities of the pieces, in order.
    pub pieces: Vec<String>,
    /// Bytes of the file.
    pub bytes: u64,
    /// Its checksum.
    pub checksum: String,
    /// When it was begun, in milliseconds since the Unix epoch, by the clock of the machine that did. `None` if an earlier version did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
}
