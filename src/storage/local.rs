//! The file system, which is all the storage that there is so far. Files and folders are asked about, listed, made, moved
//! and removed by their names here, and nowhere else. What is opened is a [`LocalFile`](super::LocalFile).
//!
//! These are functions and no type: a file system has no state of ours, and a path says which one is meant. Each gives the
//! error of the system, whose kind often decides what the caller does. The few that take several steps name the step.

use std::ffi::OsString;
use std::fs::{self, DirEntry, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

use super::facts::{EntryKind, Facts};
use super::system::is_unsupported;

/// What a path leads to. A link is followed.
pub(crate) fn facts(path: &Path) -> io::Result<Facts> {
    path.metadata().map(|metadata| Facts::of(&metadata))
}

/// What has this name. A link is one itself.
pub(crate) fn facts_of_name(path: &Path) -> io::Result<Facts> {
    path.symlink_metadata().map(|metadata| Facts::of(&metadata))
}

/// Whether a path leads to something.
pub(crate) fn exists(path: &Path) -> bool {
    path.exists()
}

/// Whether something has this name, even a link that leads nowhere.
pub(crate) fn name_exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

pub(crate) fn is_file(path: &Path) -> bool {
    path.is_file()
}

pub(crate) fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

pub(crate) fn is_link(path: &Path) -> bool {
    path.is_symlink()
}

/// The absolute path without links. All of it must exist; [`true_name`](super::true_name) goes as far as it does.
pub(crate) fn canonical(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}

/// Something in a folder.
pub(crate) struct Listed(DirEntry);

impl Listed {
    pub(crate) fn name(&self) -> OsString {
        self.0.file_name()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path()
    }

    /// A link is one itself.
    pub(crate) fn kind(&self) -> io::Result<EntryKind> {
        self.0.file_type().map(EntryKind::of)
    }
}

/// Lists a folder, in no order.
pub(crate) fn list(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<Listed>> + use<>> {
    Ok(fs::read_dir(folder)?.map(|entry| entry.map(Listed)))
}

/// Reads a file as a whole.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

/// Writes a file that need not survive a power failure.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)
}

/// Writes a file and makes its content durable, in place of an existing one. Its name is not durable yet.
///
/// # Errors
/// If it cannot be created, written or synced.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path).map_err(Error::io("create", path))?;
    file.write_all(bytes).map_err(Error::io("write", path))?;
    file.sync_all().map_err(Error::io("sync", path))
}

/// Copies a file and makes the content of the copy durable. Its name is not durable yet.
///
/// # Errors
/// If it cannot be written or synced.
pub(crate) fn copy_synced(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map_err(Error::io("write", to))?;
    let file = File::options().write(true).open(to).map_err(Error::io("open", to))?;
    file.sync_all().map_err(Error::io("sync", to))
}

/// Moves a file or folder, in place of an existing one.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Gives a file a second name.
pub(crate) fn link(file: &Path, name: &Path) -> io::Result<()> {
    fs::hard_link(file, name)
}

/// Removes a file.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Removes an empty folder.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    fs::remove_dir(path)
}

/// Removes a folder with all that is in it.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    fs::remove_dir_all(path)
}

/// Makes a folder in one that exists.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Makes a folder, and those above it that do not exist.
pub(crate) fn make_folders(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Gives a folder the owner, the group and the permissions of another one, as far as this user may. If the other one does
/// not exist, the folder stays as it is. Returns whether the group and the permissions are the same now.
pub(crate) fn make_alike(folder: &Path, model: &Path) -> io::Result<bool> {
    let Ok(model) = fs::metadata(model) else { return Ok(true) };
    let new = fs::metadata(folder)?;
    if (new.uid(), new.gid()) != (model.uid(), model.gid()) {
        // Only root may change the owner. The group is what matters.
        let _ = chown(folder, Some(model.uid()), Some(model.gid())).or_else(|_| chown(folder, None, Some(model.gid())));
    }
    let mode = model.mode() & 0o7777;
    if fs::metadata(folder)?.mode() & 0o7777 != mode {
        let _ = fs::set_permissions(folder, Permissions::from_mode(mode));
    }
    let new = fs::metadata(folder)?;
    Ok(new.gid() == model.gid() && new.mode() == model.mode())
}

/// Whether the names in a folder are durable.
#[derive(Debug)]
pub(crate) enum FolderSync {
    Done,
    /// The file system cannot do that for folders.
    Unsupported(io::Error),
}

/// Makes the names in a folder durable.
///
/// # Errors
/// If it cannot be opened or synced.
pub(crate) fn sync_folder(folder: &Path) -> Result<FolderSync> {
    let file = File::open(folder).map_err(Error::io("open", folder))?;
    match file.sync_all() {
        Err(error) if is_unsupported(&error) => Ok(FolderSync::Unsupported(error)),
        result => result.map(|()| FolderSync::Done).map_err(Error::io("sync", folder)),
    }
}
