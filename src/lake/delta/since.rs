//! What came into the log: versions that parcap wrote, and those of others.

use std::path::PathBuf;

use crate::text::plural_of;

use super::action::{LineRead, LogAction, TableProtocol, read_lines};
use super::location::decoded;
use super::step::LogWriter;

/// What one version of the log is, for a lake that goes on with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// A commit of this lake, by its number.
    Ours(u64),
    /// Somebody else's, and the table is not the lake any more: its files, its columns, or what it asks of writers.
    Foreign {
        /// The files that it adds or removes, by their paths below the lake.
        touches: Vec<PathBuf>,
        /// What it does, for a message.
        what: String,
    },
    /// Somebody else's, and nothing that matters: a note, a comment, a transaction of another application.
    Nothing,
}

/// What a version is.
pub(super) fn since(text: &[u8], writer: &LogWriter) -> Since {
    let (mut added, mut removed, mut touches, mut others) = (0_u64, 0_u64, Vec::new(), Vec::new());
    for line in read_lines(text) {
        let action = match line {
            Ok(LineRead::Action(action)) => *action,
            Ok(LineRead::Provenance) => continue,
            Ok(LineRead::Unknown(name)) => {
                others.push(format!("has an action `{name}`, which parcap does not know"));
                continue;
            }
            Err(problem) => {
                others.push(format!("cannot be read ({problem})"));
                break;
            }
        };
        match action {
            LogAction::Txn(txn) if txn.app_id == writer.application => {
                return Since::Ours(u64::try_from(txn.version).unwrap_or(0));
            }
            LogAction::Txn(_) | LogAction::CommitInfo(_) => {}
            LogAction::Protocol(protocol) if protocol == TableProtocol::OURS => {}
            LogAction::Protocol(TableProtocol { min_reader_version: reads, min_writer_version: writes, .. }) => {
                others.push(format!("asks for readers of version {reads} and writers of version {writes}"));
            }
            LogAction::MetaData(metadata) if writer.metadata.agrees_with(&metadata) => {}
            LogAction::MetaData(_) => others.push("changes the columns or the properties of the table".to_owned()),
            LogAction::Add(file) => {
                added += 1;
                touches.push(decoded(&file.path));
            }
            LogAction::Remove(file) => {
                removed += 1;
                touches.push(decoded(&file.path));
            }
        }
    }
    if added + removed > 0 {
        others.insert(0, format!("adds {} and removes {removed}", plural_of(added, "file", "files")));
    }
    if others.is_empty() { Since::Nothing } else { Since::Foreign { touches, what: others.join(", and ") } }
}
