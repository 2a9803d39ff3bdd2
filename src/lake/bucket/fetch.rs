//! Files of a lake, to be read.

use std::io::{ErrorKind, Write as _};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use crate::error::{Error, Result};
use crate::packets::{ColumnBounds, part_bounds, part_bounds_by};
use crate::shown_path::COPIES;
use crate::storage::{HashedFile, local};

use super::many::at_once;
use super::open::Bucket;

/// A file of a lake that can be read at a local path. A copy of an object is removed when this is dropped; what has it open
/// can read on.
#[derive(Debug)]
pub struct Fetched {
    path: PathBuf,
    is_copy: bool,
}

impl Fetched {
    /// A file that is where it belongs.
    pub(in crate::lake) fn in_place(path: PathBuf) -> Self {
        Self { path, is_copy: false }
    }

    /// A copy, at this local path.
    pub(super) fn copy(path: PathBuf) -> Self {
        Self { path, is_copy: true }
    }
}

impl Deref for Fetched {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl AsRef<Path> for Fetched {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        if self.is_copy {
            let _ = local::remove(&self.path);
        }
    }
}

impl Bucket {
    /// Fetches an object of the lake.
    ///
    /// # Errors
    /// If it does not exist, or cannot be read.
    pub(in crate::lake) fn fetch(&self, path: &Path) -> Result<Fetched> {
        let objects = self.objects()?;
        // A partial summary that was listed is still what it was, or gone.
        let listed = self.listed_partials().and_then(|listed| listed.get(path).cloned());
        let facts = match listed {
            Some(facts) => facts,
            None => objects.facts(path)?.ok_or_else(|| objects.failed("read", path)(ErrorKind::NotFound.into()))?,
        };
        let number = self.copies.fetch_add(1, Ordering::Relaxed);
        let to = self.local(&Path::new(COPIES).join(number.to_string()).join(path))?;
        if let Some(folder) = to.parent() {
            local::make_folders(folder).map_err(Error::io("create", folder))?;
        }
        let copy = Fetched::copy(to);
        let mut file = HashedFile::create(&copy).map_err(Error::io("create", &copy))?;
        objects.read_into(path, &facts, &mut |piece| file.write_all(piece))?;
        Ok(copy)
    }

    /// What the footers of parts say of their columns, of staged ones and of others. `None` where that cannot be read. Of an object, the
    /// end is read.
    ///
    /// # Errors
    /// If the store cannot be connected to.
    pub(in crate::lake) fn bounds_of(&self, parts: &[PathBuf]) -> Result<Vec<Option<Vec<ColumnBounds>>>> {
        let objects = self.objects()?;
        let bounds = |path: &PathBuf| {
            let staged = self.local(path)?;
            if local::exists(&staged) {
                return part_bounds(&staged);
            }
            let missing = || objects.failed("read", path)(ErrorKind::NotFound.into());
            let facts = objects.facts(path)?.ok_or_else(missing)?;
            part_bounds_by(&objects.url(path), facts.size, |range| objects.read_range(path, &facts, range))
        };
        at_once(parts, |path| Ok(bounds(path).ok()))
    }

    /// A staged file, or else an object of the lake.
    pub(in crate::lake) fn fetch_or_staged(&self, path: &Path) -> Result<Fetched> {
        let staged = self.local(path)?;
        if local::exists(&staged) { Ok(Fetched::in_place(staged)) } else { self.fetch(path) }
    }
}
