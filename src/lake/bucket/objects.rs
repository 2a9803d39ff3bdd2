//! The objects of a lake, by their paths below it.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::storage::objects::{ObjectAddress, ObjectFacts, ObjectVersion, PutIf, Store};

use super::decide::PATIENCE;
use super::delta::KnownLog;

/// Bytes that are asked for in one request.
const PIECE: u64 = 8 << 20;
/// How often a body that ended early is asked for again.
pub(super) const ATTEMPTS: u32 = 7;

/// The objects of a lake.
#[derive(Clone, Debug)]
pub(in crate::lake) struct Objects {
    pub(super) store: Store,
    address: ObjectAddress,
    prefix: String,
    /// How long to wait before a question is asked again.
    pub(super) patience: Duration,
    /// Why the Delta log lacks a commit that was carried out, if it does.
    pub(super) delta_lacks: Arc<Mutex<Option<String>>>,
    /// What this process knows of the Delta log.
    pub(super) log: Arc<Mutex<KnownLog>>,
}

impl Objects {
    /// The objects below an address.
    pub(super) fn new(store: Store, address: ObjectAddress) -> Self {
        let prefix = address.folder();
        Self { store, address, prefix, patience: PATIENCE, delta_lacks: Arc::default(), log: Arc::default() }
    }

    /// The key of a path below the lake.
    pub(super) fn key(&self, path: &Path) -> String {
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        format!("{}{}", self.prefix, parts.join("/"))
    }

    /// The URL of a path below the lake, as a path, for messages.
    pub(super) fn url(&self, path: &Path) -> PathBuf {
        self.address.root.object(&self.key(path)).path()
    }

    /// An error about a path below the lake.
    pub(super) fn failed(&self, action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
        Error::io(action, self.url(path))
    }

    /// Makes a request that may be made twice, until it is answered. The client of the store tries some requests again by itself, but
    /// not where an answer ends early, and not those that may have changed something.
    pub(super) fn steadily<T>(&self, mut request: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let mut attempt = 1;
        loop {
            match request() {
                Err(error) if is_passing(&error) && attempt < ATTEMPTS => self.pause(attempt),
                answered => return answered,
            }
            attempt += 1;
        }
    }

    /// Waits before another attempt: shortly at first, for most faults are of the moment, and each time twice as long, up to ten times
    /// the patience.
    pub(super) fn pause(&self, attempt: u32) {
        let longest = self.patience * 10;
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        thread::sleep((self.patience / 8).saturating_mul(doubled).min(longest));
    }

    /// The objects below a folder of the lake, which may be the lake itself.
    pub(super) fn list(&self, folder: &Path) -> Result<BTreeMap<PathBuf, ObjectFacts>> {
        let mut prefix = self.key(folder);
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        let mut found = BTreeMap::new();
        let list = || {
            found.clear();
            self.store.list(&prefix, &mut |facts| {
                // A marker of a folder is none of a lake's files.
                if let Some(path) = facts.key.strip_prefix(&self.prefix).filter(|path| !path.is_empty()) {
                    found.insert(PathBuf::from(path), facts);
                }
                Ok(())
            })
        };
        self.steadily(list).map_err(self.failed("list", folder))?;
        Ok(found)
    }

    pub(super) fn facts(&self, path: &Path) -> Result<Option<ObjectFacts>> {
        let key = self.key(path);
        self.steadily(|| self.store.facts(&key)).map_err(self.failed("read", path))
    }

    /// Reads an object as a whole, and says which one it was. `None` if there is none.
    pub(super) fn read(&self, path: &Path) -> Result<Option<(Vec<u8>, ObjectVersion)>> {
        let mut attempt = 1;
        loop {
            let Some(facts) = self.facts(path)? else { return Ok(None) };
            let mut bytes = Vec::new();
            match self.read_into(path, &facts, &mut |piece| {
                bytes.extend_from_slice(piece);
                Ok(())
            }) {
                Ok(()) => return Ok(Some((bytes, facts.version))),
                Err(Error::Io { source, .. }) if is_another(&source) && attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// As [`Objects::read`], of an object that was listed. Only if it is another one now is it asked about.
    pub(super) fn read_listed(&self, path: &Path, facts: &ObjectFacts) -> Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        let read = self.read_into(path, facts, &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        });
        match read {
            Ok(()) => Ok(Some(bytes)),
            Err(Error::Io { source, .. }) if is_another(&source) => Ok(self.read(path)?.map(|(bytes, _)| bytes)),
            Err(error) => Err(error),
        }
    }

    /// Reads the object that `facts` are of, piece by piece.
    pub(super) fn read_into(
        &self,
        path: &Path,
        facts: &ObjectFacts,
        each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<()> {
        self.read_range_into(path, facts, 0..facts.size, each)
    }

    /// Reads a range of the object that `facts` are of.
    pub(super) fn read_range(&self, path: &Path, facts: &ObjectFacts, range: Range<u64>) -> Result<Bytes> {
        let mut bytes = Vec::new();
        self.read_range_into(path, facts, range, &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(Bytes::from(bytes))
    }

    fn read_range_into(
        &self,
        path: &Path,
        facts: &ObjectFacts,
        range: Range<u64>,
        each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<()> {
        let (mut at, mut failures) = (range.start, 0);
        while at < range.end {
            let end = range.end.min(at + PIECE);
            let body = self.store.body(&facts.key, &facts.version, at..end);
            let mut error = None;
            for piece in body {
                match piece {
                    Ok(piece) => {
                        each(&piece).map_err(self.failed("read", path))?;
                        at += piece.len() as u64;
                    }
                    Err(failed) => error = Some(failed),
                }
            }
            if at < end {
                failures += 1;
                let error = error.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
                let is_final = is_another(&error) || error.kind() == io::ErrorKind::PermissionDenied;
                if is_final || failures == ATTEMPTS {
                    return Err(self.failed("read", path)(error));
                }
            }
        }
        Ok(())
    }

    /// Writes an object, whatever is there.
    pub(super) fn write(&self, path: &Path, bytes: Bytes) -> Result<ObjectVersion> {
        let key = self.key(path);
        let put = || self.store.put(&key, bytes.clone(), PutIf::Always);
        self.steadily(put).map_err(self.failed("write", path))
    }

    pub(super) fn remove(&self, path: &Path) -> Result<()> {
        let key = self.key(path);
        self.steadily(|| self.store.remove(&key)).map_err(self.failed("remove", path))
    }
}

/// Whether a request that failed may succeed later. The other kinds are answers.
pub(super) fn is_passing(error: &io::Error) -> bool {
    !is_another(error)
        && !matches!(
            error.kind(),
            io::ErrorKind::AlreadyExists
                | io::ErrorKind::PermissionDenied
                | io::ErrorKind::Unsupported
                | io::ErrorKind::InvalidFilename
        )
}

/// Whether an object was replaced or removed after it had been asked about.
pub(super) fn is_another(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StaleNetworkFileHandle | io::ErrorKind::NotFound)
}
