//! The objects of a lake, by their paths below it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::storage::objects::{ObjectAddress, ObjectFacts, ObjectVersion, PutIf, Store};

use super::decide::PATIENCE;

/// Bytes that are asked for in one request.
const PIECE: u64 = 8 << 20;
/// How often a body that ended early is asked for again.
const ATTEMPTS: u32 = 5;

/// The objects of a lake.
#[derive(Clone, Debug)]
pub(in crate::lake) struct Objects {
    pub(super) store: Store,
    address: ObjectAddress,
    prefix: String,
    /// How long to wait before a question is asked again.
    pub(super) patience: Duration,
}

impl Objects {
    /// The objects below an address.
    pub(super) fn new(store: Store, address: ObjectAddress) -> Self {
        let prefix = address.folder();
        Self { store, address, prefix, patience: PATIENCE }
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

    /// The objects below a folder of the lake, which may be the lake itself.
    pub(super) fn list(&self, folder: &Path) -> Result<BTreeMap<PathBuf, ObjectFacts>> {
        let mut prefix = self.key(folder);
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        let mut found = BTreeMap::new();
        let listed = self.store.list(&prefix, &mut |facts| {
            // A marker of a folder is none of a lake's files.
            if let Some(path) = facts.key.strip_prefix(&self.prefix).filter(|path| !path.is_empty()) {
                found.insert(PathBuf::from(path), facts);
            }
            Ok(())
        });
        listed.map_err(self.failed("list", folder))?;
        Ok(found)
    }

    pub(super) fn facts(&self, path: &Path) -> Result<Option<ObjectFacts>> {
        self.store.facts(&self.key(path)).map_err(self.failed("read", path))
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

    /// Reads the object that `facts` are of, piece by piece.
    pub(super) fn read_into(
        &self,
        path: &Path,
        facts: &ObjectFacts,
        each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<()> {
        let (mut at, mut failures) = (0, 0);
        while at < facts.size {
            let end = facts.size.min(at + PIECE);
            let mut body = self.store.body(&facts.key, &facts.version, at..end);
            let mut error = None;
            while let Some(piece) = body.next() {
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
        self.store.put(&self.key(path), bytes, PutIf::Always).map_err(self.failed("write", path))
    }

    pub(super) fn remove(&self, path: &Path) -> Result<()> {
        self.store.remove(&self.key(path)).map_err(self.failed("remove", path))
    }
}

/// Whether an object was replaced or removed after it had been asked about.
pub(super) fn is_another(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StaleNetworkFileHandle | io::ErrorKind::NotFound)
}
