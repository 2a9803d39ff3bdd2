//! The log against the Delta protocol, worked out by hand, and on a store in memory.

mod files;
mod logs;
mod mended;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde_json::Value;

use crate::config::Settings;
use crate::error::{Error, Result};
use crate::lake::manifest::{Action, Manifest};
use crate::lake::record::CommittedPart;
use crate::lake::snapshot::Snapshot;

use super::step::LogWriter;
use super::store::LogStore;
use super::table::{DeltaEntry, DeltaPart, application, metadata_of};

/// The log of a lake in memory.
#[derive(Default)]
struct MemoryLog(RefCell<BTreeMap<String, Vec<u8>>>);

impl LogStore for MemoryLog {
    type Ready = Vec<u8>;

    fn names(&self, from: &str) -> Result<Vec<String>> {
        Ok(self.0.borrow().keys().filter(|name| name.as_str() >= from).cloned().collect())
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        let found = self.0.borrow().get(name).cloned();
        if found.as_deref() == Some(SECRET) {
            return Err(Error::io("read", name)(io::ErrorKind::PermissionDenied.into()));
        }
        found.ok_or_else(|| Error::io("read", name)(io::ErrorKind::NotFound.into()))
    }

    fn ready(&self, text: &[u8]) -> Result<Vec<u8>> {
        Ok(text.to_vec())
    }

    fn create(&self, name: &str, text: &Vec<u8>) -> Result<bool> {
        let is_new = !self.0.borrow().contains_key(name);
        if is_new {
            self.0.borrow_mut().insert(name.to_owned(), text.clone());
        }
        Ok(is_new)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.0.borrow_mut().insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}

impl MemoryLog {
    /// What another writer does.
    fn foreign(&self, version: u64, lines: &str) {
        self.0.borrow_mut().insert(format!("{version:020}.json"), lines.as_bytes().to_vec());
    }

    fn remove(&self, name: &str) {
        self.0.borrow_mut().remove(name).unwrap();
    }

    /// The lines of a version, as JSON.
    fn lines(&self, version: u64) -> Vec<Value> {
        let text = self.read(&format!("{version:020}.json")).unwrap();
        let text = String::from_utf8(text).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The text of a version that this user may not read.
const SECRET: &[u8] = b"secret";

const ID: &str = "a363f825-0de9-47ae-abdb-b1f9a708692f";

fn entry(time: i64) -> DeltaEntry {
    DeltaEntry { id: ID.to_owned(), time }
}

fn writer(settings: &Settings) -> LogWriter {
    LogWriter { application: application(ID), metadata: metadata_of(ID, settings, 1).unwrap() }
}

fn part(path: &str, bytes: u64) -> CommittedPart {
    CommittedPart {
        path: PathBuf::from(path),
        unit: String::new(),
        rows: 3,
        bytes,
        checksum: String::new(),
        ranges: Vec::new(),
        delta: Some(DeltaPart { modified: 7, stats: "{\"numRecords\":3}".to_owned() }),
    }
}

fn manifest(sequence: u64, parts: &[CommittedPart], removed: &[&str]) -> Manifest {
    let settings = Settings { delta: true, ..Settings::default() };
    let mut manifest = Manifest::new(sequence, Action::Convert, settings);
    manifest.delta = Some(entry(1000 + i64::try_from(sequence).unwrap()));
    manifest.parts = parts.to_vec();
    manifest.removed.parts = removed.iter().map(PathBuf::from).collect();
    manifest
}

/// The sizes of a lake's parts.
fn sizes(held: &Snapshot) -> BTreeMap<PathBuf, u64> {
    held.parts.iter().map(|(path, part)| (path.clone(), part.bytes)).collect()
}

/// Adds a commit to a lake.
fn after(held: &Snapshot, manifest: &Manifest) -> Snapshot {
    let mut after = held.clone();
    after.add(manifest.clone());
    after
}
