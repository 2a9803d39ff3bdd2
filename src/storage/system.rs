//! What the standard library does not offer of a file system: to exchange two folders, to find the mount of a folder, and
//! to ask whether something may be done in it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, OFlags, RenameFlags, accessat, renameat_with};
use rustix::io::Errno;

use super::attributes::{mount_of, not_fixed};
use super::local_file::LocalFile;

/// The mount of a folder. Files can be moved and linked within a mount, but not between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    device: u64,
    /// Two mounts may show the same device. Not every system tells them apart.
    id: Option<u64>,
}

impl Mount {
    /// The mount of a folder; a link is followed.
    pub(crate) fn of(folder: &Path) -> io::Result<Self> {
        Ok(Self { device: folder.metadata()?.dev(), id: mount_of(folder) })
    }
}

/// Whether names in a folder may be added and removed: by its permissions, its mount, and its attributes, which bind root
/// as well.
pub(crate) fn may_change(folder: &Path) -> io::Result<()> {
    accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::empty())?;
    not_fixed(folder, AtFlags::empty())
}

/// Whether a file may be renamed, replaced and removed, as far as its own attributes decide that (`chattr +i`).
pub(crate) fn is_not_fixed(path: &Path) -> io::Result<()> {
    not_fixed(path, AtFlags::SYMLINK_NOFOLLOW)
}

/// Opens one of the lake's own files for reading. It is an error if it is not a file, e.g. a FIFO that would block.
pub(crate) fn open_own(path: &Path) -> io::Result<LocalFile> {
    open(path, File::options().read(true)).map(LocalFile::from)
}

/// As [`open_own`], for what the options say.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = options.custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    Ok(file)
}

/// Exchanges two folders. Any reader sees both change at once.
pub(crate) fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

/// Has all that was written to the file system of a file or folder written back. Where the system cannot do that, it does nothing.
#[cfg(target_os = "linux")]
pub(super) fn write_back(path: &Path) -> io::Result<()> {
    match rustix::fs::syncfs(File::open(path)?).map_err(io::Error::from) {
        Err(error) if is_unsupported(&error) => Ok(()),
        result => result,
    }
}

/// Only Linux has it.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "it is fallible on Linux")]
pub(super) fn write_back(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether an error says that the file system does not have a call, or not for such files.
pub(crate) fn is_unsupported(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS | Errno::NOTTY))
}
