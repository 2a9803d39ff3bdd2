//! Staged files of plans that were never committed.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::error::{Error, Result};
use crate::lake;
use crate::lake::Layout;
use crate::storage::{EntryKind, local};

/// Removes the folders of plans in which nothing has been written for `age`, and the folder of all plans once it is
/// empty. A process that converts a unit writes into its folder again and again, so the folder of a running plan is
/// younger.
///
/// # Errors
/// If a folder cannot be read or removed.
pub(super) fn sweep(lake: &Layout, age: Option<Duration>) -> Result<()> {
    let before = age.and_then(|age| SystemTime::now().checked_sub(age)?.duration_since(SystemTime::UNIX_EPOCH).ok());
    let before = before.and_then(|before| i64::try_from(before.as_nanos()).ok());
    if let Some(old) = lake.old_folders_in_bucket(&Layout::units(), before)? {
        return old.iter().try_for_each(|folder| lake.remove_below(folder));
    }
    let units = lake.resolve(&Layout::units());
    let entries = match local::list(&units) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(Error::io("read", &units))?,
    };
    for entry in entries {
        let entry = entry.map_err(Error::io("read", &units))?;
        let path = entry.path();
        if !entry.kind().is_ok_and(|kind| kind == EntryKind::Folder) {
            continue;
        }
        if before.is_some_and(|before| newest(&path).is_some_and(|newest| newest < before)) {
            lake::sweep(&path)?;
        }
    }
    // Units of other plans may wait there.
    let _ = local::remove_folder(&units);
    Ok(())
}

/// When something was last written into a folder or below it, in nanoseconds since the Unix epoch. `None` if that cannot be
/// told; such a folder is left alone.
fn newest(path: &Path) -> Option<i64> {
    let found = local::facts_of_name(path).ok()?;
    let mut newest = found.modified;
    if found.is_folder() {
        for entry in local::list(path).ok()? {
            newest = newest.max(self::newest(&entry.ok()?.path())?);
        }
    }
    Some(newest)
}
