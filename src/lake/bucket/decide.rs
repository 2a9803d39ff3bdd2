//! Decides a commit: the manifest of its number is created, by one process of all.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::lake::layout::Layout;
use crate::lake::manifest::Manifest;
use crate::storage::objects::{ObjectFacts, ObjectVersion, PutIf};

use super::objects::Objects;

/// How often the store is asked who has won, and how long to wait in between: a minute and a quarter in all ([`Objects::pause`]). The
/// requests have their own, longer patience with a store that does not answer.
const ATTEMPTS: u32 = 20;
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// Who has created the manifest of a number.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// This run, and this is the object.
    Won(ObjectVersion),
    /// Another one.
    Lost,
}

/// Where the manifest of a commit is, below the lake.
pub(super) fn manifest_path(sequence: u64) -> PathBuf {
    Layout::manifests().join(Manifest::file_name(sequence))
}

impl Objects {
    /// Reads the manifest of a number. `None` if there is none.
    pub(super) fn manifest(&self, sequence: u64) -> Result<Option<(Manifest, ObjectVersion)>> {
        let path = manifest_path(sequence);
        let Some((text, version)) = self.read(&path)? else { return Ok(None) };
        Ok(Some((Manifest::of_bytes(&text, &self.url(&path))?, version)))
    }

    /// All manifests, by their numbers.
    pub(super) fn manifests(&self) -> Result<BTreeMap<u64, ObjectFacts>> {
        let listed = self.list(&Layout::manifests())?.into_iter();
        let manifests = listed.filter(|(path, _)| path.extension().is_some_and(|extension| extension == "json"));
        Ok(manifests.filter_map(|(path, facts)| Some((number_of(&path)?, facts))).collect())
    }

    /// Creates a manifest whose number is free, or finds out who has.
    ///
    /// An error of the request is a question, and no answer: an attempt may have been carried out although its answer was lost,
    /// and a store may speak of a conflict although nothing is there. So the store is asked what is there.
    ///
    /// # Errors
    /// If the store does not tell. The commit may then be decided: the next run finds out.
    pub(super) fn decide(&self, manifest: &Manifest) -> Result<Decision> {
        let path = manifest_path(manifest.sequence);
        let text = Bytes::from(manifest.to_bytes()?);
        let mut attempt = 1;
        loop {
            let failed = match self.store.put(&self.key(&path), text.clone(), PutIf::New) {
                Ok(version) => return Ok(Decision::Won(version)),
                Err(error) => error,
            };
            match self.manifest(manifest.sequence) {
                Ok(Some((found, version))) if found.run == manifest.run => return Ok(Decision::Won(version)),
                Ok(Some(_)) => return Ok(Decision::Lost),
                Ok(None) | Err(_) if attempt < ATTEMPTS && may_pass(&failed) => {}
                Ok(None) => return Err(self.failed("write", &path)(failed)),
                Err(error) => return Err(error),
            }
            self.pause(attempt);
            attempt += 1;
        }
    }

    /// Exchanges a manifest for another one of the same number, if it is still as it was read. Returns what there is
    /// now, which another process may have written.
    ///
    /// # Errors
    /// If the store does not tell. The next run goes on from what there is.
    pub(super) fn exchange(&self, manifest: Manifest, known: &ObjectVersion) -> Result<(Manifest, ObjectVersion)> {
        let path = manifest_path(manifest.sequence);
        let text = Bytes::from(manifest.to_bytes()?);
        let mut attempt = 1;
        loop {
            let failed = match self.store.put(&self.key(&path), text.clone(), PutIf::Known(known)) {
                Ok(version) => return Ok((manifest, version)),
                Err(error) => error,
            };
            match self.manifest(manifest.sequence) {
                // Nothing has happened to it: it is tried again.
                Ok(Some((_, version))) if version == *known => {}
                Ok(Some(now)) => return Ok(now),
                Ok(None) => return Err(missing(&self.url(&path))),
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(_) => {}
            }
            if attempt == ATTEMPTS || !may_pass(&failed) {
                return Err(self.failed("write", &path)(failed));
            }
            self.pause(attempt);
            attempt += 1;
        }
    }
}

/// Whether an attempt is worth another one, when what is there does not explain why it failed.
fn may_pass(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported)
}

fn number_of(path: &Path) -> Option<u64> {
    crate::lake::manifest::number_of(path)
}

/// A manifest that was there is gone: nobody of parcap removes one that is being carried out.
fn missing(path: &Path) -> Error {
    Error::io("read", path)(io::ErrorKind::NotFound.into())
}
