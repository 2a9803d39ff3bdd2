//! One run per lake at a time.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::storage::LockFile;

use super::bucket::Lease;
use super::layout::Layout;

/// How often a waiting run checks whether the other one has ended.
const PATIENCE: Duration = Duration::from_millis(100);

/// Holds a lake until this is dropped, or the process ends in any way: a killed run leaves no stale lock.
#[derive(Debug)]
pub struct Lock {
    _held: HeldBy,
}

#[derive(Debug)]
enum HeldBy {
    /// A file that is locked.
    File { _file: LockFile },
    /// An object that is renewed.
    Lease { _lease: Lease },
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

    /// As [`Lock::take`]. `None` if this user may not write into the lake: then runs are not kept away.
    ///
    /// # Errors
    /// As [`Lock::take`].
    pub fn take_if_permitted(lake: &Layout, wait: Duration, go_on: impl Fn() -> Result<()>) -> Result<Option<Self>> {
        match Self::take(lake, wait, go_on) {
            Ok(lock) => Ok(Some(lock)),
            Err(Error::Io { source, .. })
                if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn try_take(lake: &Layout) -> Result<Self> {
        let held = match lake.bucket() {
            None => LockFile::try_take(&lake.lock())?.map(|file| HeldBy::File { _file: file }),
            Some(bucket) => {
                let lease = Lease::try_take(bucket)?;
                // The lake may have been read before, and another run have held it since.
                bucket.look_again();
                lease.map(|lease| HeldBy::Lease { _lease: lease })
            }
        };
        match held {
            Some(held) => Ok(Self { _held: held }),
            None => Err(Error::LakeBusy { lake: lake.root().to_path_buf() }),
        }
    }
}
