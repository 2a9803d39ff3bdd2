//! Opens files that others can exchange: captures, and other files that are named and read as a whole.
//!
//! A name may become that of another file between the look at it and the opening. A FIFO blocks its reader until somebody
//! writes to it, and the run would hold the lake meanwhile. So nothing here blocks, and the kind of file is asked of the
//! open file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;

use super::facts::EntryKind;
use super::local_file::LocalFile;

/// How often a file is opened on which another machine has a lease, and how long to wait in between. The system takes the
/// lease back within 45 seconds (`/proc/sys/fs/lease-break-time`).
const LEASE_ATTEMPTS: u32 = 1000;
const LEASE_PAUSE: Duration = Duration::from_millis(50);

/// What was opened is not a regular file.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it is {0} and not a regular file")]
pub(crate) struct NotRegular(pub(crate) &'static str);

/// Opens a regular file for reading.
///
/// # Errors
/// If it cannot be opened. If it is a FIFO, a device, a socket or a folder by now; then it fails without waiting.
pub fn open_regular(path: &Path) -> io::Result<LocalFile> {
    let file = LocalFile::from(open_at_once(path)?);
    match file.facts()?.kind {
        EntryKind::File => Ok(file),
        other => Err(io::Error::other(NotRegular(other.name()))),
    }
}

/// Reads a small file as a whole. It may also be what comes through `<(…)`, or `/dev/null`. For callers that hold no lake
/// yet, because it may wait.
///
/// # Errors
/// If it cannot be opened or read, is not text, or has more than `most` bytes.
pub fn read_small(path: &Path, most: u64) -> io::Result<String> {
    // This waits for the writer of a FIFO: the FIFO was named on purpose.
    let file = if path.metadata()?.file_type().is_fifo() { File::open(path)? } else { open_at_once(path)? };
    let mut text = String::new();
    if file.take(most + 1).read_to_string(&mut text)? as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has over {most} bytes")));
    }
    Ok(text)
}

/// `O_NONBLOCK` opens a FIFO without waiting. It has no effect on a regular file, whose reads never wait (open(2)).
/// `O_NOCTTY` keeps a terminal from becoming that of the process. The standard library adds `O_CLOEXEC`.
pub(super) fn open_at_once(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let mut attempts = 0;
    loop {
        match OpenOptions::new().read(true).custom_flags(flags).open(path) {
            // Samba's leases: without the flag, open(2) itself would wait for their end.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && attempts < LEASE_ATTEMPTS => {
                attempts += 1;
                thread::sleep(LEASE_PAUSE);
            }
            // A socket cannot be opened at all.
            Err(error) => match path.metadata() {
                Ok(now) if now.file_type().is_socket() => {
                    return Err(io::Error::other(NotRegular(EntryKind::Socket.name())));
                }
                _ => return Err(error),
            },
            opened => return opened,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    #[test]
    fn what_is_no_regular_file_is_named_and_keeps_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        assert!(Command::new("mkfifo").arg(path("fifo")).status().unwrap().success());
        let _listener = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        std::os::unix::fs::symlink("/dev/null", path("device")).unwrap();
        for (name, kind) in
            [("fifo", "a FIFO"), ("socket", "a socket"), ("folder", "a directory"), ("device", "a device")]
        {
            let error = open_regular(&path(name)).unwrap_err();
            assert_eq!(error.to_string(), format!("it is {kind} and not a regular file"));
        }
    }
}
