//! One run per lake at a time.

use std::fs::{File, Permissions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::storage::open;

use super::layout::Layout;

/// How often a waiting run checks whether the other one has ended.
const PATIENCE: Duration = Duration::from_millis(100);

/// Holds a lake until this is dropped, or the process ends in any way: a killed run leaves no stale lock.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a lake. Waits up to `wait` for another run to end, unless `go_on` returns an error.
    ///
    /// # Errors
    /// [`Error::LakeBusy`] if another run holds it; an I/O error if the lock file cannot be made; the error of `go_on`.
    pub fn take(lake: &Layout, wait: Duration, go_on: impl Fn() -> Result<()>) -> Result<Self> {
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

    fn try_take(lake: &Layout) -> Result<Self> {
        let path = lake.lock();
        let mut options = File::options();
        // A new lock file is for writing only.
        options.create(true).write(true).truncate(false).mode(0o222);
        let file = open(&path, &mut options).map_err(Error::io("open", &path))?;
        only_for_writers(&file);
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::LakeBusy { lake: lake.root().to_path_buf() }),
            Err(TryLockError::Error(source)) => Err(Error::io("lock", &path)(source)),
        }
    }
}

/// A user who may only read a lake must not be able to hold it: a file that is open for reading can be locked too. So
/// only users who may write the lock file may read it; the umask and the folder have decided who they are. For a lock
/// file of another user this cannot be set, and need not be: that user did, or will.
fn only_for_writers(file: &File) {
    let Ok(mode) = file.metadata().map(|metadata| metadata.permissions().mode()) else { return };
    let wanted = (mode & !0o444) | ((mode & 0o222) << 1);
    if wanted != mode {
        let _ = file.set_permissions(Permissions::from_mode(wanted & 0o7777));
    }
}
