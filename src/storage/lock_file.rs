//! A file that one process at a time holds.

use std::fs::{File, Permissions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::error::{Error, Result};

use super::system::open;

/// A lock file that is held until this is dropped, or the process ends in any way.
#[derive(Debug)]
pub(crate) struct LockFile {
    _file: File,
}

impl LockFile {
    /// Takes the lock, and makes its file if it does not exist. `None` if another process holds it.
    ///
    /// # Errors
    /// If the file cannot be opened or locked.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>> {
        let mut options = File::options();
        // A new lock file is for writing only.
        options.create(true).write(true).truncate(false).mode(0o222);
        let file = open(path, &mut options).map_err(Error::io("open", path))?;
        only_for_writers(&file);
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(Error::io("lock", path)(source)),
        }
    }
}

/// A user who may only read a folder must not be able to hold its lock: a file that is open for reading can be locked too.
/// So only users who may write the lock file may read it; the umask and the folder have decided who they are. For a lock
/// file of another user this cannot be set, and need not be: that user did, or will.
fn only_for_writers(file: &File) {
    let Ok(mode) = file.metadata().map(|metadata| metadata.permissions().mode()) else { return };
    let wanted = (mode & !0o444) | ((mode & 0o222) << 1);
    if wanted != mode {
        let _ = file.set_permissions(Permissions::from_mode(wanted & 0o7777));
    }
}
