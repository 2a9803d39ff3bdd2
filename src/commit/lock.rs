//! One run per lake at a time.

use std::fs::{File, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

use super::layout::Lake;

/// How often a run that waits looks whether the other one has ended.
const PATIENCE: Duration = Duration::from_millis(100);

/// Holds a lake until it is dropped, or until the process ends in any way: a killed run leaves no stale lock.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a lake; waits so long for another run to end, as long as `go_on` does not say otherwise.
    ///
    /// # Errors
    /// [`Error::LakeBusy`] if another run holds it; an I/O error if the lock file cannot be made; what `go_on` says.
    pub fn take(lake: &Lake, wait: Duration, go_on: impl Fn() -> Result<()>) -> Result<Self> {
        let started = Instant::now();
        loop {
            match Self::try_take(lake) {
                Err(Error::LakeBusy { .. }) if started.elapsed() < wait => {
                    go_on()?;
                    thread::sleep(PATIENCE.min(wait));
                }
                result => return result,
            }
        }
    }

    fn try_take(lake: &Lake) -> Result<Self> {
        let path = lake.lock();
        let file =
            File::options().create(true).write(true).truncate(false).open(&path).map_err(Error::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::LakeBusy { lake: lake.root().to_path_buf() }),
            Err(TryLockError::Error(source)) => Err(Error::io("lock", &path)(source)),
        }
    }
}
