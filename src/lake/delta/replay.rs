//! What a log says: its last checkpoint, and the versions since, one after the other (protocol, "Action Reconciliation").

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::error::Result;

use super::action::{AddedFile, AppTransaction, LineRead, LogAction, TableMetadata, TableProtocol, read_lines};
use super::checkpoint::checkpoint_lines;
use super::location::decoded;
use super::store::{LogFile, LogStore, checkpoint_name, version_name};
use super::table::table_of;

/// What is wanted of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lake) enum Content {
    /// All of it.
    All,
    /// What the table is and how far applications have come, and not its files.
    WithoutFiles,
}

/// A file of the table, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LiveFile {
    pub(super) size: i64,
    pub(super) partition_values: BTreeMap<String, Option<String>>,
    pub(super) stats: Option<String>,
    /// Whether another writer took some of its rows out.
    pub(super) lacks_rows: bool,
}

impl LiveFile {
    fn of(file: AddedFile) -> Self {
        let AddedFile { size, partition_values, stats, deletion_vector, .. } = file;
        Self { size, partition_values, stats, lacks_rows: deletion_vector.is_some() }
    }
}

/// The state that a log leads to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::lake) struct LogState {
    /// The newest version; `None` if there is none.
    pub(super) version: Option<u64>,
    /// The newest checkpoint that could be read.
    pub(super) checkpoint: Option<u64>,
    pub(super) protocol: Option<TableProtocol>,
    pub(super) metadata: Option<TableMetadata>,
    pub(super) transactions: BTreeMap<String, AppTransaction>,
    /// The table's files, by their paths below the lake.
    pub(super) live: BTreeMap<PathBuf, LiveFile>,
    /// What keeps readers from it: versions that are missing, lines that are no actions. What the log says is then not known.
    pub(super) damage: Vec<String>,
}

impl LogState {
    /// Reads a log, up to a version if one is given.
    ///
    /// # Memory
    /// One file of the log, and what is known of each file of the table.
    /// # Errors
    /// If the log cannot be listed, or one of its files cannot be read. What is wrong with its content is in the result.
    pub(in crate::lake) fn read(store: &impl LogStore, content: Content, last: Option<u64>) -> Result<Self> {
        let files: Vec<_> = store.names("")?.iter().map(|name| LogFile::of(name)).collect();
        let is_wanted = |version: &u64| last.is_none_or(|last| *version <= last);
        let versions: BTreeSet<u64> = files.iter().filter_map(version_of).filter(is_wanted).collect();
        let mut state = Self { version: versions.last().copied(), ..Self::default() };
        state.read_checkpoint(store, &files, content, &is_wanted)?;
        let mut next = state.checkpoint.map_or(0, |version| version.saturating_add(1));
        for version in versions.range(next..) {
            if *version != next && !versions.is_empty() {
                state.damage.push(lacks(next, *version));
            }
            next = version.saturating_add(1);
            let text = store.read(&version_name(*version))?;
            for line in read_lines(&text) {
                state.take(line, content, &version_name(*version));
            }
        }
        state.version = state.version.max(state.checkpoint);
        Ok(state)
    }

    /// Begins with the newest checkpoint that can be read.
    fn read_checkpoint(
        &mut self,
        store: &impl LogStore,
        files: &[LogFile],
        content: Content,
        is_wanted: &dyn Fn(&u64) -> bool,
    ) -> Result<()> {
        let mut checkpoints: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for file in files {
            match file {
                LogFile::Checkpoint(version) if is_wanted(version) => {
                    checkpoints.insert(*version, vec![checkpoint_name(*version)]);
                }
                // All pieces, or it is none.
                LogFile::Piece(version, 1, pieces) if is_wanted(version) && *pieces < 100_000 => {
                    let wanted: Vec<_> = (1..=*pieces).map(|piece| LogFile::Piece(*version, piece, *pieces)).collect();
                    if wanted.iter().all(|piece| files.contains(piece)) {
                        let name = |piece| format!("{version:020}.checkpoint.{piece:010}.{pieces:010}.parquet");
                        checkpoints.entry(*version).or_insert_with(|| (1..=*pieces).map(name).collect());
                    }
                }
                _ => {}
            }
        }
        for (version, names) in checkpoints.into_iter().rev() {
            let mut begun = Self { version: self.version, checkpoint: Some(version), ..Self::default() };
            for name in &names {
                match checkpoint_lines(store.read(name)?, content) {
                    Ok(text) => read_lines(&text).for_each(|line| begun.take(line, content, name)),
                    Err(problem) => begun.damage.push(format!("{name}: cannot be read ({problem})")),
                }
            }
            if begun.damage.is_empty() {
                *self = Self { damage: std::mem::take(&mut self.damage), ..begun };
                return Ok(());
            }
            // Readers begin with it all the same.
            self.damage.append(&mut begun.damage);
        }
        Ok(())
    }

    fn take(&mut self, line: Result<LineRead, String>, content: Content, name: &str) {
        match line {
            Ok(LineRead::Action(action)) => self.apply(*action, content),
            Ok(LineRead::Provenance | LineRead::Unknown(_)) => {}
            Err(problem) => self.damage.push(format!("{name}: {problem}")),
        }
    }

    fn apply(&mut self, action: LogAction, content: Content) {
        match action {
            LogAction::Protocol(protocol) => self.protocol = Some(protocol),
            LogAction::MetaData(metadata) => self.metadata = Some(metadata),
            LogAction::Txn(transaction) => {
                self.transactions.insert(transaction.app_id.clone(), transaction);
            }
            LogAction::Add(file) if content == Content::All => {
                self.live.insert(decoded(&file.path), LiveFile::of(file));
            }
            LogAction::Remove(file) => {
                self.live.remove(&decoded(&file.path));
            }
            LogAction::Add(_) | LogAction::CommitInfo(_) => {}
        }
    }

    /// Whether there is no log at all.
    pub(in crate::lake) fn is_empty(&self) -> bool {
        self.version.is_none() && self.damage.is_empty()
    }

    /// The identity of the table of a lake that has written the log. `None` if no lake has.
    pub(in crate::lake) fn lake_id(&self) -> Option<&str> {
        self.transactions.keys().find_map(|application| table_of(application))
    }

    /// The version that is to come.
    pub(super) fn next(&self) -> u64 {
        self.version.map_or(0, |version| version.saturating_add(1))
    }
}

/// The files that versions of the lake itself removed from the table, and that no version added again. What other writers removed
/// is not among them.
///
/// # Errors
/// If the log cannot be read.
pub(in crate::lake) fn removed_by_the_lake(store: &impl LogStore) -> Result<BTreeSet<PathBuf>> {
    let mut gone = BTreeSet::new();
    for name in store.names("")?.iter().filter(|name| version_of(&LogFile::of(name)).is_some()) {
        let text = store.read(name)?;
        let actions: Vec<LogAction> = read_lines(&text)
            .filter_map(|line| match line {
                Ok(LineRead::Action(action)) => Some(*action),
                _ => None,
            })
            .collect();
        let is_of_a_lake =
            |action: &LogAction| matches!(action, LogAction::Txn(txn) if table_of(&txn.app_id).is_some());
        let is_ours = actions.iter().any(is_of_a_lake);
        for action in actions {
            match action {
                LogAction::Remove(file) if is_ours => drop(gone.insert(decoded(&file.path))),
                LogAction::Add(file) => drop(gone.remove(&decoded(&file.path))),
                _ => {}
            }
        }
    }
    Ok(gone)
}

fn version_of(file: &LogFile) -> Option<u64> {
    match file {
        LogFile::Version(version) => Some(*version),
        _ => None,
    }
}

fn lacks(first: u64, next: u64) -> String {
    match next - first {
        1 => format!("version {first} is missing"),
        _ => format!("versions {first} to {} are missing", next - 1),
    }
}
