//! The version of the log that a commit of the lake is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::lake::manifest::{Action, Manifest};
use crate::lake::record::CommittedPart;

use super::action::{AddedFile, AppTransaction, CommitInfo, LogAction, RemovedFile, TableMetadata, TableProtocol};
use super::location::encoded;
use super::statistics::statistics_of;
use super::table::{DeltaEntry, application, partition_values};

/// The text of the version that a commit is: an action a line. It follows from the manifest, the table and what was there, and
/// from nothing else.
///
/// `held` has the parts before the commit, with their sizes. `first` says whether the log begins with it.
///
/// # Errors
/// If an action cannot be written as JSON.
pub(in crate::lake) fn commit_text(
    manifest: &Manifest,
    entry: &DeltaEntry,
    metadata: &TableMetadata,
    held: &BTreeMap<PathBuf, u64>,
    first: bool,
) -> Result<Vec<u8>> {
    let data_change = manifest.action != Action::Compact;
    let mut actions = head(manifest.action, manifest.sequence, entry);
    if first {
        actions.extend([LogAction::Protocol(TableProtocol::OURS), LogAction::MetaData(metadata.clone())]);
    }
    let added: BTreeMap<&Path, &CommittedPart> =
        manifest.parts.iter().map(|part| (part.path.as_path(), part)).collect();
    let columns = &metadata.partition_columns;
    let is_gone = |path: &PathBuf| !added.contains_key(path.as_path()) && held.contains_key(path);
    let of_base = held.keys().filter(|path| manifest.base && is_gone(path));
    let named = manifest.removed.parts.iter().filter(|path| !manifest.base && is_gone(path));
    for path in of_base.chain(named) {
        let size = held.get(path).copied();
        actions.push(removed(path, size, columns, entry.time, data_change));
    }
    // A base names all parts. Those that were there with this size are the same: a name always has the same content.
    for part in added.values().filter(|part| !manifest.base || held.get(&part.path) != Some(&part.bytes)) {
        actions.push(LogAction::Add(file_of(part, columns, entry.time, data_change)));
    }
    text_of(&actions)
}

/// What each version of parcap's begins with: who wrote it, and which commit of the lake it is.
pub(super) fn head(action: Action, sequence: u64, entry: &DeltaEntry) -> Vec<LogAction> {
    let operation = match action {
        Action::Convert => "WRITE",
        Action::Compact => "OPTIMIZE",
        Action::Forget => "DELETE",
        Action::Repair => "REPAIR",
        Action::Delta => "CONVERT",
    };
    let info = CommitInfo {
        timestamp: entry.time,
        operation: operation.to_owned(),
        operation_parameters: [("commit".to_owned(), sequence.to_string())].into(),
        engine_info: concat!("parcap/", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    vec![LogAction::CommitInfo(info), LogAction::Txn(transaction(sequence, entry))]
}

/// How far the lake has come.
pub(super) fn transaction(sequence: u64, entry: &DeltaEntry) -> AppTransaction {
    let version = i64::try_from(sequence).unwrap_or(i64::MAX);
    AppTransaction { app_id: application(&entry.id), version, last_updated: Some(entry.time) }
}

/// A part as a file of the table. `time` stands for its own if the manifest has none.
pub(super) fn file_of(part: &CommittedPart, columns: &[String], time: i64, data_change: bool) -> AddedFile {
    AddedFile {
        path: encoded(&part.path),
        partition_values: partition_values(&part.path, columns),
        size: i64::try_from(part.bytes).unwrap_or(i64::MAX),
        modification_time: part.delta.as_ref().map_or(time, |delta| delta.modified),
        data_change,
        stats: Some(part.delta.as_ref().map_or_else(|| statistics_of(part.rows, &[]), |delta| delta.stats.clone())),
        deletion_vector: None,
    }
}

/// A file that is none of the table any more.
pub(super) fn removed(path: &Path, size: Option<u64>, columns: &[String], time: i64, data_change: bool) -> LogAction {
    LogAction::Remove(RemovedFile {
        path: encoded(path),
        deletion_timestamp: Some(time),
        data_change,
        extended_file_metadata: Some(size.is_some()),
        partition_values: size.map(|_| partition_values(path, columns)),
        size: size.map(|size| i64::try_from(size).unwrap_or(i64::MAX)),
    })
}

/// Actions as the text of a version.
pub(super) fn text_of(actions: &[LogAction]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for action in actions {
        let written = |source| Error::Json { name: "an action of the Delta log".to_owned(), what: "action", source };
        serde_json::to_writer(&mut text, action).map_err(written)?;
        text.push(b'\n');
    }
    Ok(text)
}
