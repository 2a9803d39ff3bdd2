//! Checks that a commit can be carried out, before it is decided. So obstacles are found while the lake is still
//! unchanged.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::bug::bug;
use crate::error::{Error, Result};
use crate::lake::layout::Layout;
use crate::storage::{Mount, is_not_fixed, local, may_change};

/// The folders that a commit works in.
pub(super) struct Ground<'a> {
    lake: &'a Layout,
    /// Folders that were asked for, by their paths below the lake.
    folders: HashMap<PathBuf, Mount>,
    /// Folders that were made, below the lake, in that order.
    made: Vec<PathBuf>,
}

impl<'a> Ground<'a> {
    /// Nothing has been checked yet.
    pub(super) fn of(lake: &'a Layout) -> Self {
        Self { lake, folders: HashMap::new(), made: Vec::new() }
    }

    /// The mount of a folder of the lake. The folder is made if it does not exist, and names in it can be changed.
    /// # Errors
    /// [`Error::InTheWay`] if a file has its name; an I/O error if it cannot be made or changed.
    pub(super) fn folder(&mut self, below: &Path) -> Result<Mount> {
        if let Some(mount) = self.folders.get(below) {
            return Ok(*mount);
        }
        let path = self.lake.resolve(below);
        self.make(below)?;
        may_change(&path).map_err(Error::io("write", &path))?;
        let mount = Mount::of(&path).map_err(Error::io("read", &path))?;
        self.folders.insert(below.to_path_buf(), mount);
        Ok(mount)
    }

    fn make(&mut self, below: &Path) -> Result<()> {
        let mut ancestors: Vec<_> = below.ancestors().collect();
        ancestors.reverse();
        for folder in ancestors {
            let path = self.lake.resolve(folder);
            match local::facts(&path) {
                Ok(found) if found.is_folder() => continue,
                Ok(_) => return in_the_way(path, "is a file where a folder belongs"),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io("read", &path)(error)),
                Err(_) if local::is_link(&path) => return in_the_way(path, "is a link that leads nowhere"),
                Err(_) => {}
            }
            local::make_folder(&path).map_err(Error::io("create", &path))?;
            self.made.push(folder.to_path_buf());
        }
        Ok(())
    }

    /// The mount that a file will be on. The file can be put there, in place of an existing one.
    ///
    /// # Errors
    /// As [`Ground::folder`], and if a folder has its name.
    pub(super) fn place(&mut self, file: &Path) -> Result<Mount> {
        // A path that has no folder above it is the lake itself, which is one.
        let mount = self.folder(file.parent().unwrap_or(Path::new("")))?;
        let path = self.lake.resolve(file);
        match local::facts_of_name(&path) {
            Ok(found) if found.is_folder() => in_the_way(path, "is a folder where a file belongs"),
            Ok(_) => is_not_fixed(&path).map_err(Error::io("replace", &path)).map(|()| mount),
            Err(_) => Ok(mount),
        }
    }

    /// Checks that a file can be removed. One that does not exist can.
    ///
    /// # Errors
    /// If it is not a file, or the names in its folder cannot be changed.
    pub(super) fn removal(&mut self, file: &Path) -> Result<()> {
        let path = self.lake.resolve(file);
        match local::facts_of_name(&path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
            Err(error) => Err(Error::io("read", &path)(error)),
            Ok(found) if found.is_folder() => in_the_way(path, "is a folder where a file belongs"),
            Ok(_) => {
                is_not_fixed(&path).map_err(Error::io("remove", &path))?;
                // What has no folder above it is one itself.
                self.folder(file.parent().ok_or_else(|| bug!())?).map(drop)
            }
        }
    }

    /// Removes the folders that were made, if they are empty: the commit was not decided.
    pub(super) fn give_back(self) {
        for folder in self.made.iter().rev() {
            let _ = local::remove_folder(&self.lake.resolve(folder));
        }
    }
}

fn in_the_way<T>(path: PathBuf, problem: &'static str) -> Result<T> {
    Err(Error::InTheWay { path, problem })
}
