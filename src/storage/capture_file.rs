//! A capture that is open for reading: a file, or an object in a store.

use std::io::{self, Read, Seek as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::facts::{EntryKind, Facts, Inode};
use super::local;
use super::local_file::LocalFile;
use super::objects::{ObjectAddress, ObjectFacts, ObjectFile, ObjectReader, ObjectVersion, object_facts};
use super::open::open_regular;
use super::retry::RetryingReader;

/// A capture that is open for reading: a file, or an object in a store.
#[derive(Debug)]
pub(crate) enum CaptureFile {
    Local(LocalFile),
    Object(ObjectFile),
}

/// Tells a file or an object from every other one that has its name at another time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FileIdentity {
    Inode(Inode),
    Version(ObjectVersion),
}

/// What is known of a capture without opening it.
#[derive(Debug)]
pub(crate) struct CaptureFacts {
    /// Bytes.
    pub(crate) size: u64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) modified: i64,
    /// Whether it can be a capture: it is a regular file, or an object.
    pub(crate) is_file: bool,
    pub(crate) identity: FileIdentity,
}

/// What is known of what a path or a URL leads to.
pub(crate) fn capture_facts(path: &Path) -> io::Result<CaptureFacts> {
    let Some(address) = ObjectAddress::of(path) else {
        let Facts { size, modified, kind, inode } = local::facts(path)?;
        return Ok(CaptureFacts {
            size,
            modified,
            is_file: kind == EntryKind::File,
            identity: FileIdentity::Inode(inode),
        });
    };
    let ObjectFacts { size, modified, version, .. } = object_facts(&address)?.ok_or(io::ErrorKind::NotFound)?;
    Ok(CaptureFacts { size, modified, is_file: true, identity: FileIdentity::Version(version) })
}

/// Whether something has a name. What a store does not tell may be there.
pub(crate) fn may_exist(path: &Path) -> bool {
    match ObjectAddress::of(path) {
        Some(address) => !matches!(object_facts(&address), Ok(None)),
        None => local::name_exists(path),
    }
}

/// Reads a capture from its beginning, and again what failed.
#[derive(Debug)]
pub(crate) enum ForwardReader {
    Local(RetryingReader<LocalFile>),
    Object(ObjectReader, ReadFailure),
}

/// Where an error is kept that a store gave. What reads in between, like a decompressor, may say it in other words, and a transport that
/// fails is no fault of the bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadFailure(Arc<Mutex<Option<io::Error>>>);

impl ReadFailure {
    /// The error, if there was one.
    pub(crate) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, error: &io::Error) {
        let copy = io::Error::new(error.kind(), error.to_string());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(copy);
    }
}

impl CaptureFile {
    /// Opens a capture for reading. An object is the one of this version and size, and nothing is asked of its store yet.
    ///
    /// # Errors
    /// As [`open_regular`]; if there is no such store.
    pub(crate) fn open(path: &Path, version: &ObjectVersion, size: u64) -> io::Result<Self> {
        match Self::open_object(path, version, size) {
            Some(opened) => opened.map(Self::Object),
            None => open_regular(path).map(Self::Local),
        }
    }

    /// Opens the object of a URL. `None` for the path of a file.
    pub(crate) fn open_object(path: &Path, version: &ObjectVersion, size: u64) -> Option<io::Result<ObjectFile>> {
        ObjectAddress::of(path).map(|address| ObjectFile::open(address, version.clone(), size))
    }

    /// Opens what was found under a path.
    ///
    /// # Errors
    /// As [`CaptureFile::open`]; if another file has its name by now.
    pub(crate) fn open_found(path: &Path, found: &FileIdentity, size: u64) -> io::Result<Self> {
        let none = ObjectVersion::default();
        let version = if let FileIdentity::Version(version) = found { version } else { &none };
        let file = Self::open(path, version, size)?;
        if let Self::Local(opened) = &file
            && FileIdentity::Inode(opened.facts()?.inode) != *found
        {
            return Err(io::Error::other("another file took its place meanwhile"));
        }
        Ok(file)
    }

    /// Its first bytes, up to `most`.
    pub(crate) fn head(&self, most: usize) -> io::Result<Vec<u8>> {
        match self {
            Self::Local(file) => {
                let mut head = Vec::with_capacity(most);
                RetryingReader(file).take(most as u64).read_to_end(&mut head)?;
                Ok(head)
            }
            Self::Object(object) => {
                let head: Bytes = object.head()?;
                Ok(head.get(..most).unwrap_or(&head).to_vec())
            }
        }
    }

    /// Reads from its beginning, no further than it is asked to. For a file, this moves the place at which it stands.
    pub(crate) fn reader(&self) -> io::Result<ForwardReader> {
        match self {
            Self::Local(file) => {
                let mut again = file.share()?;
                again.rewind()?;
                Ok(ForwardReader::Local(RetryingReader(again)))
            }
            Self::Object(object) => Ok(ForwardReader::of_object(object.reader(0).glancing())),
        }
    }

    /// Reads at a place.
    #[inline]
    pub(crate) fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Self::Local(file) => file.read_at(buffer, at),
            Self::Object(object) => object.read_at(buffer, at),
        }
    }
}

impl ForwardReader {
    pub(crate) fn of_object(object: ObjectReader) -> Self {
        Self::Object(object, ReadFailure::default())
    }

    /// Where errors of a store are kept. `None` for a file, whose errors have the numbers of the system.
    pub(crate) fn failure(&self) -> Option<ReadFailure> {
        match self {
            Self::Local(_) => None,
            Self::Object(_, failure) => Some(failure.clone()),
        }
    }
}

impl Read for ForwardReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Local(file) => file.read(buffer),
            Self::Object(object, failure) => object.read(buffer).inspect_err(|error| failure.keep(error)),
        }
    }
}
