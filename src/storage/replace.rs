//! Files that a run writes besides the lake: pages, plots, captures, metrics for a monitoring system.
//!
//! A reader sees all of the old file or all of the new one, never a part. What is not a regular file is written into, and
//! stays: a report to `/dev/null` must not replace the device.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;
use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, Result};
use crate::storage::{scratch_root, true_name};

/// Bytes that are written at once.
const BUFFER: usize = 128 << 10;
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
    let written = OutFile::at(path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.put()));
    written.map_err(Error::io("write", path))
}

/// A file that is written piece by piece, as [`write_out`] writes one as a whole. Nothing is at its name before
/// [`OutFile::finish`].
#[derive(Debug)]
pub struct OutFile {
    name: PathBuf,
    to: Destination,
    /// The reader of a stream is gone: it has what it wanted.
    gone: bool,
}

#[derive(Debug)]
enum Destination {
    /// A file beside the place where it goes, and the file that it replaces.
    Draft(Box<BufWriter<NamedTempFile>>, PathBuf, Option<Box<fs::Metadata>>),
    Stdout(BufWriter<io::Stdout>),
    /// A FIFO or a device.
    Stream(BufWriter<File>),
}

impl OutFile {
    /// Begins a file.
    ///
    /// # Errors
    /// As [`write_out`].
    pub fn create(path: &Path) -> Result<Self> {
        Self::at(path).map_err(Error::io("write", path))
    }

    /// Standard output.
    #[must_use]
    pub fn stdout() -> Self {
        let to = Destination::Stdout(BufWriter::with_capacity(BUFFER, io::stdout()));
        Self { name: PathBuf::from("stdout"), to, gone: false }
    }

    fn at(path: &Path) -> io::Result<Self> {
        let to = match path.metadata() {
            Ok(metadata) if is_stdout(&metadata) => return Ok(Self::stdout()),
            Ok(metadata) if metadata.is_file() => draft(true_name(path), Some(Box::new(metadata)))?,
            Ok(metadata) => match metadata.file_type() {
                kind if kind.is_fifo() || kind.is_char_device() => {
                    Destination::Stream(BufWriter::with_capacity(BUFFER, open(path, ATTEMPTS)?))
                }
                kind if kind.is_dir() => return Err(Errno::ISDIR.into()),
                _ => return Err(io::Error::other("it is neither a file, a FIFO nor a character device")),
            },
            // A link that leads nowhere says where to write the file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => draft(true_name(path), None)?,
            Err(error) => return Err(error),
        };
        Ok(Self { name: path.to_path_buf(), to, gone: false })
    }

    /// Puts what was written in its place.
    ///
    /// # Errors
    /// As [`write_out`].
    pub fn finish(self) -> Result<()> {
        let name = self.name.clone();
        self.put().map_err(Error::io("write", name))
    }

    fn put(mut self) -> io::Result<()> {
        self.flush()?;
        let Destination::Draft(draft, path, old) = self.to else { return Ok(()) };
        let draft = draft.into_inner().map_err(io::IntoInnerError::into_error)?;
        if let Some(old) = old {
            keep_owner(draft.as_file(), &old)?;
        }
        // Or a file that a power failure left empty could have replaced a whole one.
        draft.as_file().sync_all()?;
        draft.persist(path).map(drop).map_err(|failed| failed.error)
    }

    /// A folder for what is needed while the file is written: that of the file.
    pub(crate) fn folder(&self) -> PathBuf {
        match &self.to {
            Destination::Draft(_, path, _) => folder_of(path).to_path_buf(),
            Destination::Stdout(_) | Destination::Stream(_) => scratch_root(),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.to {
            Destination::Draft(draft, ..) => draft,
            Destination::Stdout(stdout) => stdout,
            Destination::Stream(stream) => stream,
        }
    }

    /// That the reader is gone is no error: it has what it wanted.
    fn or_gone<T>(&mut self, written: io::Result<T>, if_gone: T) -> io::Result<T> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(if_gone)
            }
            written => written,
        }
    }
}

impl Write for OutFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gone {
            return Ok(bytes.len());
        }
        let written = self.writer().write(bytes);
        self.or_gone(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.gone {
            return Ok(());
        }
        let flushed = self.writer().flush();
        self.or_gone(flushed, ())
    }
}

/// Whether a name leads to the same file as standard output (`/dev/stdout`, `/dev/fd/1`). Then the bytes go there, after
/// what was printed before.
fn is_stdout(metadata: &fs::Metadata) -> bool {
    let stdout = Path::new("/dev/fd/1").metadata();
    stdout.is_ok_and(|stdout| (stdout.dev(), stdout.ino()) == (metadata.dev(), metadata.ino()))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new file beside the place of `old`, or beside the place where no file is.
fn draft(path: PathBuf, old: Option<Box<fs::Metadata>>) -> io::Result<Destination> {
    // A name that nobody can have put there before. It does not end in `.prom`, which collectors of metrics read.
    let mode = if old.is_some() { 0o600 } else { MODE };
    let create = |path: &Path| OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let draft = Builder::new().prefix(".parcap-").suffix(".tmp").make_in(folder_of(&path), create)?;
    Ok(Destination::Draft(Box::new(BufWriter::with_capacity(BUFFER, draft)), path, old))
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
