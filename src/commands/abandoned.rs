//! Staged files of plans that were never committed.

use std::path::Path;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use crate::error::{Error, Result};
use crate::lake;
use crate::lake::Layout;

/// Removes the folders of plans in which nothing has been written for `age`, and the folder of all plans once it is
/// empty. A process that converts a unit writes into its folder again and again, so the folder of a running plan is
/// younger.
///
/// # Errors
/// If a folder cannot be read or removed.
pub(super) fn sweep(lake: &Layout, age: Option<Duration>) -> Result<()> {
    let units = lake.resolve(&Layout::units());
    let entries = match fs::read_dir(&units) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(Error::io("read", &units))?,
    };
    let before = age.and_then(|age| SystemTime::now().checked_sub(age));
    for entry in entries {
        let entry = entry.map_err(Error::io("read", &units))?;
        let path = entry.path();
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if before.is_some_and(|before| newest(&path).is_some_and(|newest| newest < before)) {
            lake::sweep(&path)?;
        }
    }
    // Units of other plans may wait there.
    let _ = fs::remove_dir(&units);
    Ok(())
}

/// When something was last written into a folder or below it. `None` if that cannot be told; such a folder is left alone.
fn newest(path: &Path) -> Option<SystemTime> {
    let metadata = path.symlink_metadata().ok()?;
    let mut newest = metadata.modified().ok()?;
    if metadata.is_dir() {
        for entry in fs::read_dir(path).ok()? {
            newest = newest.max(self::newest(&entry.ok()?.path())?);
        }
    }
    Some(newest)
}
