//! Reading a lake without holding it, while runs commit to it.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};

use super::layout::Layout;

/// How often a lake is read that changes while it is read.
const ATTEMPTS: u32 = 20;
/// How long a commit is given to come to its end, more each time.
const PATIENCE: Duration = Duration::from_millis(10);

/// What shows that a commit went by.
#[derive(PartialEq, Eq)]
struct Glimpse {
    manifests: Vec<PathBuf>,
    pending: bool,
}

impl Glimpse {
    fn of(lake: &Layout) -> Result<Self> {
        Ok(Self { manifests: lake.manifest_files()?, pending: lake.pending().symlink_metadata().is_ok() })
    }
}

/// Reads a lake that nobody keeps from changing: if it fails and a commit went by meanwhile, it is read again, some times. A
/// file that is lost is not there when nothing changes either. `is_wrong` says what of a result may be for such a reason.
///
/// # Errors
/// What `read` says in the end; what `go_on` says, which is asked in between.
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
