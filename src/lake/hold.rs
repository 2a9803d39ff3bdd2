//! Takes a lake for a run: no other run changes it, and what a dead run began is finished or undone.

use std::path::Path;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::{Error, Result};

use super::committer::recover;
use super::layout::Layout;
use super::lock::Lock;

/// Takes a lake's lock, and finishes or undoes what a dead run began.
///
/// # Errors
/// If another run holds it for longer than `wait`, if the run is cancelled, or if what was begun can be neither finished
/// nor undone.
pub fn hold(lake: &Layout, wait: Duration, cancel: &Cancel) -> Result<Lock> {
    let lock = Lock::take(lake, wait, || Ok(cancel.check()?))?;
    match lake.bucket() {
        None => recover(lake)?,
        Some(bucket) => bucket.recover()?.into_iter().for_each(|text| lake.note("undone", || text)),
    }
    Ok(lock)
}

/// Takes a lake that is to be there, with all its manifests. Otherwise as [`hold`].
///
/// # Errors
/// [`Error::NoLake`] if there is none; [`Error::Incomplete`] if manifests are missing; and as [`hold`].
pub fn hold_existing(path: &Path, wait: Duration, cancel: &Cancel) -> Result<(Layout, Lock)> {
    let lake = Layout::at(path);
    if !lake.is_there() {
        return Err(Error::NoLake { path: path.to_path_buf() });
    }
    lake.check_is_whole()?;
    let lock = hold(&lake, wait, cancel)?;
    Ok((lake, lock))
}
