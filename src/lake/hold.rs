//! Takes a lake for a run: no other run changes it, and what a dead run began is finished or undone.

use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Result;

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
