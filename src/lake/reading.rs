//! Reading a lake without holding it, while runs commit to it.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};

use super::layout::Layout;

/// How often a lake is read that changes while it is read.
const ATTEMPTS: u32 = 20;
/// How long to wait for a commit to end. Each attempt waits longer.
const PATIENCE: Duration = Duration::from_millis(10);

/// What changes when a commit happens.
#[derive(PartialEq, Eq)]
struct Glimpse {
    manifests: Vec<PathBuf>,
    pending: bool,
}

impl Glimpse {
    fn of(lake: &Layout) -> Result<Self> {
        lake.look_again();
        Ok(Self { manifests: lake.manifest_files()?, pending: lake.is_pending()? })
    }
}

/// Reads a lake without a lock. If reading fails and a commit happened meanwhile, it is read again, a limited number of
/// times. A file that is lost is still missing when nothing changes. `is_wrong` tells which results a commit may have
/// caused.
///
/// # Errors
/// The last error of `read`; the error of `go_on`, which is called in between.
pub fn steadily<T>(
    lake: &Layout,
    go_on: impl Fn() -> Result<()>,
    is_wrong: impl Fn(&T) -> bool,
    mut read: impl FnMut() -> Result<T>,
) -> Result<T> {
    let mut attempt = 1;
    loop {
        let before = Glimpse::of(lake)?;
        let result = read();
        let wrong = match &result {
            Err(Error::Interrupted { .. }) => false,
            Err(_) => true,
            Ok(found) => is_wrong(found),
        };
        if !wrong || attempt == ATTEMPTS {
            return result;
        }
        let after = Glimpse::of(lake)?;
        if after == before && !after.pending {
            return result;
        }
        go_on()?;
        thread::sleep(PATIENCE * attempt);
        attempt += 1;
    }
}
