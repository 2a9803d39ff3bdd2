//! Sweeps what runs have staged.

use std::io;
use std::path::Path;

use crate::error::{Error, Result};
use crate::lake::layout::Layout;
use crate::storage::local;

use super::beside::Linked;

/// Removes what runs have staged, at the end of a run or the beginning of the next. Not while a commit is decided and not
/// carried out: then the staged files are part of it.
///
/// # Errors
/// If it cannot be removed.
pub fn sweep_staging(lake: &Layout) -> Result<()> {
    if let Some(bucket) = lake.bucket() {
        bucket.abandon_open();
    }
    // If this cannot be told, a commit counts as decided.
    match local::facts_of_name(&lake.pending()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Linked::sweep(lake)?;
            let draft = lake.pending_draft();
            match local::remove(&draft) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &draft)(error));
                }
                _ => {}
            }
            sweep(&lake.resolve(&Layout::staging()))
        }
        _ => Ok(()),
    }
}

/// Removes a folder of staged files, if it exists.
///
/// # Errors
/// If it cannot be removed.
pub fn sweep(folder: &Path) -> Result<()> {
    match local::remove_tree(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", folder)(error)),
        _ => Ok(()),
    }
}
