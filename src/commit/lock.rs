//! One run per lake at a time.

use std::fs::{File, TryLockError};

use crate::error::{Error, Result};

use super::layout::Lake;

/// Holds a lake until it is dropped, or until the process ends in any way: a killed run leaves no stale lock.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a lake.
    ///
    /// # Errors
    /// [`Error::LakeBusy`] if another run holds it; an I/O error if the lock file cannot be made.
    pub fn take(lake: &Lake) -> Result<Self> {
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
