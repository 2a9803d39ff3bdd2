//! The Delta log of a lake, in its folder or its bucket.

use std::path::PathBuf;

use crate::error::Result;

use super::bucket::DeltaBucket;
use super::delta::LogStore;
use super::delta_folder::DeltaFolder;
use super::layout::Layout;

/// The log of a lake, whether it is there or not.
pub(super) enum DeltaLog<'a> {
    Folder(DeltaFolder<'a>),
    Bucket(DeltaBucket<'a>),
}

impl<'a> DeltaLog<'a> {
    /// The log of a lake.
    ///
    /// # Errors
    /// If the bucket cannot be connected to.
    pub(super) fn of(lake: &'a Layout) -> Result<Self> {
        Ok(match lake.bucket() {
            None => Self::Folder(DeltaFolder::of(lake)),
            Some(bucket) => Self::Bucket(DeltaBucket::of(bucket.objects()?, bucket.run())),
        })
    }

    /// Whether there is something of the log.
    ///
    /// # Errors
    /// If the bucket cannot be asked.
    pub(super) fn is_there(&self) -> Result<bool> {
        match self {
            Self::Folder(log) => Ok(log.is_there()),
            Self::Bucket(log) => log.is_there(),
        }
    }

    /// Removes the log.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub(super) fn remove(&self) -> Result<()> {
        match self {
            Self::Folder(log) => log.remove(),
            Self::Bucket(log) => log.remove(),
        }
    }
}

impl LogStore for DeltaLog<'_> {
    /// Where it is staged, below the lake.
    type Ready = PathBuf;

    fn names(&self, from: &str) -> Result<Vec<String>> {
        match self {
            Self::Folder(log) => log.names(from),
            Self::Bucket(log) => log.names(from),
        }
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        match self {
            Self::Folder(log) => log.read(name),
            Self::Bucket(log) => log.read(name),
        }
    }

    fn ready(&self, text: &[u8]) -> Result<PathBuf> {
        match self {
            Self::Folder(log) => log.ready(text),
            Self::Bucket(log) => log.ready(text),
        }
    }

    fn create(&self, name: &str, text: &PathBuf) -> Result<bool> {
        match self {
            Self::Folder(log) => log.create(name, text),
            Self::Bucket(log) => log.create(name, text),
        }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Folder(log) => log.put(name, bytes),
            Self::Bucket(log) => log.put(name, bytes),
        }
    }
}
