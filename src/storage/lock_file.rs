//! A file that one process at a time holds.

use std::fs::{File, Permissions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::error::{Error, Result};

use super::system::open;

/// A lock file that is held until this is dropped, or the process ends in any way.
#[derive(Debug)]
pub(crate) struct LockFile {
    file: File,
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
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(Error::io("lock", path)(source)),
        }
    }
}

impl Drop for LockFile {
    /// Closing the file is not enough. A process that another thread has forked a moment ago has it open too, until it
    /// executes its program, and a lock is held until the last of them closes it (flock(2)).
    fn drop(&mut self) {
        let _ = self.file.unlock();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Regression: a lake was busy for a moment after its run, if another thread had forked a process.
    #[test]
    fn a_lock_is_free_at_once_even_if_a_child_has_the_file_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = LockFile::try_take(&path).unwrap().unwrap();
        let of_a_child = lock.file.try_clone().unwrap();
        assert!(LockFile::try_take(&path).unwrap().is_none());
        drop(lock);
        assert!(LockFile::try_take(&path).unwrap().is_some());
        drop(of_a_child);
    }
}
