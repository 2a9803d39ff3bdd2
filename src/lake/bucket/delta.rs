//! The Delta log of a lake in a bucket.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};

use bytes::Bytes;

use crate::error::Result;
use crate::lake::delta::{LOG, LogStore};
use crate::lake::layout::Layout;
use crate::storage::objects::PutIf;

use super::many::at_once;
use super::objects::{ATTEMPTS, Objects};
use super::open::Listed;

/// What a process knows of a log: it need not ask for it.
#[derive(Debug, Default)]
pub(super) struct KnownLog {
    /// Its files, as they were listed last.
    listed: Listed,
    /// The text that this process has staged last, and where.
    staged: Option<(PathBuf, Bytes)>,
}

/// The log, whether it is there or not.
pub(in crate::lake) struct DeltaBucket<'a> {
    objects: &'a Objects,
    /// Tells the run that stages a version from all others.
    run: &'a str,
}

impl<'a> DeltaBucket<'a> {
    pub(in crate::lake) fn of(objects: &'a Objects, run: &'a str) -> Self {
        Self { objects, run }
    }

    /// Whether there is something of the log.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::lake) fn is_there(&self) -> Result<bool> {
        Ok(!self.objects.list(Path::new(LOG))?.is_empty())
    }

    fn known(&self) -> MutexGuard<'_, KnownLog> {
        self.objects.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the log. A reader of what is left of it while that happens fails, and does not see an earlier table: checkpoints go
    /// first, and then versions, the earliest first.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::lake) fn remove(&self) -> Result<()> {
        let files: Vec<PathBuf> = self.objects.list(Path::new(LOG))?.into_keys().collect();
        let is_version = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "json");
        let (versions, others): (Vec<_>, Vec<_>) = files.iter().partition(is_version);
        at_once(&others, |path| self.objects.remove(path))?;
        versions.iter().try_for_each(|path| self.objects.remove(path))
    }
}

fn place(name: &str) -> PathBuf {
    Path::new(LOG).join(name)
}

impl LogStore for DeltaBucket<'_> {
    /// An object in the lake's own folder.
    type Ready = PathBuf;

    fn names(&self, from: &str) -> Result<Vec<String>> {
        let listed = self.objects.list(Path::new(LOG))?;
        let names = listed.keys().filter_map(|path| path.strip_prefix(LOG).ok()?.to_str().map(str::to_owned));
        let names = names.filter(|name| name.as_str() >= from).collect();
        self.known().listed = listed;
        Ok(names)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = place(name);
        let listed = self.known().listed.get(&path).cloned();
        let found = match listed {
            Some(facts) => self.objects.read_listed(&path, &facts)?,
            None => self.objects.read(&path)?.map(|(bytes, _)| bytes),
        };
        found.ok_or_else(|| self.objects.failed("read", &path)(io::ErrorKind::NotFound.into()))
    }

    fn ready(&self, text: &[u8]) -> Result<PathBuf> {
        let staged = Layout::own("delta").join(format!("{}.json", self.run));
        let text = Bytes::copy_from_slice(text);
        self.objects.write(&staged, text.clone())?;
        self.known().staged = Some((staged.clone(), text));
        Ok(staged)
    }

    /// That there is one of this name may be this run's own doing, whose answer was lost. The caller reads it.
    fn create(&self, name: &str, text: &PathBuf) -> Result<bool> {
        let path = place(name);
        let key = self.objects.key(&path);
        let own = self.known().staged.clone().filter(|(staged, _)| staged == text);
        let bytes = match own {
            Some((_, bytes)) => bytes,
            None => match self.objects.read(text)? {
                Some((bytes, _)) => Bytes::from(bytes),
                // The step is done, and its text has been removed.
                None => return Ok(false),
            },
        };
        let mut attempt = 1;
        loop {
            match self.objects.store.put(&key, bytes.clone(), PutIf::New) {
                Ok(_) => return Ok(true),
                Err(_) if self.objects.facts(&path)?.is_some() => return Ok(false),
                Err(error) if attempt == ATTEMPTS || error.kind() == io::ErrorKind::PermissionDenied => {
                    return Err(self.objects.failed("write", &path)(error));
                }
                Err(_) => self.objects.pause(attempt),
            }
            attempt += 1;
        }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.objects.write(&place(name), Bytes::copy_from_slice(bytes)).map(drop)
    }
}
