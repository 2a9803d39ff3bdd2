//! Files that a run writes besides the lake: pages, plots, metrics for a monitoring system.
//!
//! A reader sees all of the old file or all of the new one, never a part. What is not a regular file is written into, and
//! stays: a report to `/dev/null` must not replace the device.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;
use tempfile::Builder;

use crate::error::{Error, Result};
use crate::storage::true_name;

/// The permissions of a new file, before the umask.
const MODE: u32 = 0o666;
/// How often a FIFO without a reader is opened, and how long to wait in between: ten seconds in all.
const ATTEMPTS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// Writes a file as a whole or not at all. A file that is there is replaced by one with the same permissions and, where
/// that is allowed, the same owner. Of a link, the file that it leads to is replaced. A FIFO or a character device is
/// written into.
///
/// # Errors
/// If it cannot be written; if it is a folder, a socket or a block device; if the FIFO has no reader. The error names it.
pub fn write_out(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = match path.metadata() {
        Ok(metadata) if is_stdout(&metadata) => write(io::stdout().lock(), bytes),
        Ok(metadata) if metadata.is_file() => replace(&true_name(path), Some(&metadata), bytes),
        Ok(metadata) => match metadata.file_type() {
            kind if kind.is_fifo() || kind.is_char_device() => open(path, ATTEMPTS).and_then(|file| write(file, bytes)),
            kind if kind.is_dir() => Err(Errno::ISDIR.into()),
            _ => Err(io::Error::other("it is neither a file, a FIFO nor a character device")),
        },
        // A link that leads nowhere says where to write the file.
        Err(error) if error.kind() == io::ErrorKind::NotFound => replace(&true_name(path), None, bytes),
        Err(error) => Err(error),
    };
    written.map_err(Error::io("write", path))
}

/// Whether a name leads to the same file as standard output (`/dev/stdout`, `/dev/fd/1`). Then the bytes go there, after
/// what was printed before.
fn is_stdout(metadata: &fs::Metadata) -> bool {
    let stdout = Path::new("/dev/fd/1").metadata();
    stdout.is_ok_and(|stdout| (stdout.dev(), stdout.ino()) == (metadata.dev(), metadata.ino()))
}

/// Puts a new file in the place of `old`, or where no file is.
fn replace(path: &Path, old: Option<&fs::Metadata>, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A name that nobody can have put there before. It does not end in `.prom`, which collectors of metrics read.
    let mode = if old.is_some() { 0o600 } else { MODE };
    let create = |path: &Path| OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut draft = Builder::new().prefix(".parcap-").suffix(".tmp").make_in(folder, create)?;
    draft.as_file_mut().write_all(bytes)?;
    if let Some(old) = old {
        keep_owner(draft.as_file(), old)?;
    }
    // Or a file that a power failure left empty could have replaced a whole one.
    draft.as_file().sync_all()?;
    draft.persist(path).map(drop).map_err(|failed| failed.error)
}

/// Gives a new file the owner and the permissions of the old one. Where the group cannot be kept, the new group gets no
/// more than everybody has.
fn keep_owner(file: &File, old: &fs::Metadata) -> io::Result<()> {
    let now = file.metadata()?;
    let mut mode = old.mode() & 0o7777;
    if now.uid() != old.uid() && fchown(file, Some(old.uid()), None).is_err() {
        mode &= 0o777;
    }
    if now.gid() != old.gid() && fchown(file, None, Some(old.gid())).is_err() {
        mode = mode & 0o707 | (mode & 0o7) << 3 & mode;
    }
    file.set_permissions(Permissions::from_mode(mode))
}

/// Opens a FIFO or a device for writing, without waiting forever.
pub(crate) fn open(path: &Path, most: u32) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let unread = Some(Errno::NXIO.raw_os_error());
    let mut attempts = 0;
    loop {
        match OpenOptions::new().write(true).custom_flags(flags).open(path) {
            // The error of a FIFO that no process has open for reading (fifo(7)).
            Err(error) if error.raw_os_error() == unread && attempts < most => {
                attempts += 1;
                thread::sleep(PAUSE);
            }
            Err(error) if error.raw_os_error() == unread => {
                return Err(io::Error::other("it is a FIFO that nobody reads, or a device that is not there"));
            }
            opened => {
                let file = opened?;
                // There is a reader now. It may be slower than this writer, so writes wait from here on.
                fcntl_setfl(&file, OFlags::empty())?;
                return Ok(file);
            }
        }
    }
}

/// Writes all bytes. That the reader is gone is no error: it has what it wanted.
fn write(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
    match to.write_all(bytes).and_then(|()| to.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_fifo_that_nobody_reads_is_an_error_and_a_socket_is_no_place_for_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        assert!(open(&fifo, 2).unwrap_err().to_string().starts_with("it is a FIFO that nobody reads"));
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let error = write_out(&socket, b"page").unwrap_err().to_string();
        assert!(
            error.ends_with("socket: cannot write: it is neither a file, a FIFO nor a character device"),
            "{error}"
        );
        assert!(fifo.metadata().unwrap().file_type().is_fifo() && socket.metadata().unwrap().file_type().is_socket());
    }
}
