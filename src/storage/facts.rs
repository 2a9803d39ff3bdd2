//! What the file system says of a name, without opening what it leads to.

use std::fs::{FileType, Metadata};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

/// What a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Folder,
    Link,
    Fifo,
    Socket,
    CharDevice,
    BlockDevice,
}

impl EntryKind {
    pub(super) fn of(file_type: FileType) -> Self {
        if file_type.is_file() {
            Self::File
        } else if file_type.is_dir() {
            Self::Folder
        } else if file_type.is_symlink() {
            Self::Link
        } else if file_type.is_fifo() {
            Self::Fifo
        } else if file_type.is_socket() {
            Self::Socket
        } else if file_type.is_char_device() {
            Self::CharDevice
        } else {
            Self::BlockDevice
        }
    }

    /// What a message calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Folder => "a directory",
            Self::Link => "a link",
            Self::Fifo => "a FIFO",
            Self::Socket => "a socket",
            Self::CharDevice | Self::BlockDevice => "a device",
        }
    }
}

/// Tells a file from every other one, whichever name leads to it: the device, and the number of its inode there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Inode {
    device: u64,
    number: u64,
}

impl Inode {
    /// The inode of what cannot be asked.
    pub(crate) const UNKNOWN: Self = Self { device: u64::MAX, number: u64::MAX };
}

/// What the file system says of a file or folder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// Bytes.
    pub(crate) size: u64,
    /// When it was last written to, in nanoseconds since the Unix epoch.
    pub(crate) modified: i64,
    pub(crate) kind: EntryKind,
    pub(crate) inode: Inode,
}

impl Facts {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified: metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec()),
            kind: EntryKind::of(metadata.file_type()),
            inode: Inode { device: metadata.dev(), number: metadata.ino() },
        }
    }

    pub(crate) fn is_folder(&self) -> bool {
        self.kind == EntryKind::Folder
    }
}
