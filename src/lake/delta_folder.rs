//! The Delta log of a lake on a file system: a folder in the lake's root, whose files are made by links and renames.

use std::io;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::storage::local;

use super::delta::{LOG, LogStore};
use super::layout::Layout;

/// The folder of the log.
pub(super) struct DeltaFolder<'a> {
    lake: &'a Layout,
}

impl<'a> DeltaFolder<'a> {
    /// The log of a lake, whether it is there or not.
    pub(super) fn of(lake: &'a Layout) -> Self {
        Self { lake }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.lake.resolve(&PathBuf::from(LOG).join(name))
    }

    /// Whether there is something of this name.
    pub(super) fn is_there(&self) -> bool {
        local::name_exists(&self.lake.resolve(LOG.as_ref()))
    }

    /// Where a commit stages its version, below the lake.
    pub(super) fn staged() -> PathBuf {
        Layout::staging().join("delta.json")
    }

    /// Removes the whole log: it is gone at once, and then its files go.
    ///
    /// # Errors
    /// If it cannot be moved or removed.
    pub(super) fn remove(&self) -> Result<()> {
        let from = self.lake.resolve(LOG.as_ref());
        let to = self.lake.make_room(&Layout::staging().join(LOG))?;
        match local::rename(&from, &to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            // A link, or a mount: what it leads to is emptied.
            Err(_) => return local::remove_tree(&from).map_err(Error::io("remove", &from)),
        }
        self.lake.sync_folder(self.lake.root())?;
        local::remove_tree(&to).map_err(Error::io("remove", &to))
    }
}

impl LogStore for DeltaFolder<'_> {
    /// A file that is synced, below the lake.
    type Ready = PathBuf;

    fn names(&self, from: &str) -> Result<Vec<String>> {
        let folder = self.lake.resolve(LOG.as_ref());
        let entries = match local::list(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(Error::io("read", &folder))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            // A name that is no text is no name of a log.
            let name = entry.map_err(Error::io("read", &folder))?.name().into_string();
            names.extend(name.ok().filter(|name| name.as_str() >= from));
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.place(name);
        local::read(&path).map_err(Error::io("read", &path))
    }

    fn ready(&self, text: &[u8]) -> Result<PathBuf> {
        let staged = Self::staged();
        // The folder is there before the moment in which the version is to appear.
        self.lake.make_folder(LOG.as_ref())?;
        self.lake.sync_folder(self.lake.root())?;
        let path = self.lake.make_room(&staged)?;
        // The one of a commit before is a version of the log by now, under another name: nothing may be written into it.
        match local::remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io("remove", &path)(error)),
            _ => local::write_synced(&path, text)?,
        }
        Ok(staged)
    }

    /// A link is made whole, or not at all, and never over another file.
    fn create(&self, name: &str, text: &PathBuf) -> Result<bool> {
        let place = self.place(name);
        match local::link(&self.lake.resolve(text), &place) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(Error::io("link", &place)(error)),
            Ok(()) => self.lake.sync_folder(&self.lake.resolve(LOG.as_ref())).map(|()| true),
        }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let staged = self.lake.make_room(&Layout::staging().join("delta.put"))?;
        local::write_synced(&staged, bytes)?;
        let place = self.place(name);
        local::rename(&staged, &place).map_err(Error::io("rename", &place))?;
        self.lake.sync_folder(&self.lake.resolve(LOG.as_ref()))
    }
}
