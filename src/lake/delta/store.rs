//! Where the files of a log are, and what they are called (protocol, "Delta Log Entries", "Checkpoints").

use crate::error::Result;

/// The files of one log. A file system is one, an object store another.
pub(in crate::lake) trait LogStore {
    /// A text that is ready to become a version.
    type Ready;

    /// The names of the files from this name on, in order; none if there is no log.
    ///
    /// # Errors
    /// If the log cannot be listed.
    fn names(&self, from: &str) -> Result<Vec<String>>;

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read.
    fn read(&self, name: &str) -> Result<Vec<u8>>;

    /// Makes a text ready, so that [`LogStore::create`] is one call.
    ///
    /// # Errors
    /// If it cannot be written.
    fn ready(&self, text: &[u8]) -> Result<Self::Ready>;

    /// Makes a file of a text, whole and all at once, if there is none of this name. Returns whether it did.
    ///
    /// # Errors
    /// If that fails for another reason than that there is one.
    fn create(&self, name: &str, text: &Self::Ready) -> Result<bool>;

    /// Writes a file whole and all at once, in place of an existing one: a checkpoint, or what points to it.
    ///
    /// # Errors
    /// If it cannot be written.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<()>;
}

/// What names the last checkpoint.
pub(super) const LAST_CHECKPOINT: &str = "_last_checkpoint";

/// The name of a version.
pub(super) fn version_name(version: u64) -> String {
    format!("{version:020}.json")
}

/// The name of a checkpoint.
pub(super) fn checkpoint_name(version: u64) -> String {
    format!("{version:020}.checkpoint.parquet")
}

/// What a name of the log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LogFile {
    Version(u64),
    /// A checkpoint of one file.
    Checkpoint(u64),
    /// One file of a checkpoint that another engine wrote: which, of how many.
    Piece(u64, u64, u64),
    Other,
}

impl LogFile {
    pub(super) fn of(name: &str) -> Self {
        let pieces: Vec<&str> = name.split('.').collect();
        let number = |text: &str, digits: usize| {
            (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| text.parse().ok())
                .flatten()
        };
        match pieces.as_slice() {
            [version, "json"] => number(version, 20).map_or(Self::Other, Self::Version),
            [version, "checkpoint", "parquet"] => number(version, 20).map_or(Self::Other, Self::Checkpoint),
            [version, "checkpoint", piece, pieces, "parquet"] => {
                match (number(version, 20), number(piece, 10), number(pieces, 10)) {
                    (Some(version), Some(piece), Some(pieces)) => Self::Piece(version, piece, pieces),
                    _ => Self::Other,
                }
            }
            _ => Self::Other,
        }
    }
}
