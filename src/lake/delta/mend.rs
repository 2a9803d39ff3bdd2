//! Makes the log say what the manifests say, whatever it says now: for lakes that had none, and after other writers.

use std::path::PathBuf;

use crate::error::Result;
use crate::lake::manifest::Action;
use crate::lake::record::CommittedPart;
use crate::lake::snapshot::Snapshot;
use crate::text::plural_of;

use super::action::{LogAction, TableProtocol};
use super::checkpoint::write_checkpoint;
use super::commit::{file_of, head, removed, text_of};
use super::replay::{Content, LiveFile, LogState};
use super::step::LogWriter;
use super::store::{LogStore, version_name};
use super::table::{DeltaEntry, partition_values};

/// What a log should say.
pub(in crate::lake) struct Wanted<'a> {
    pub(in crate::lake) writer: &'a LogWriter,
    /// The lake.
    pub(in crate::lake) held: &'a Snapshot,
}

/// What was done to a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// The version that was written; `None` if nothing was to be done.
    pub version: Option<u64>,
    /// Files that it adds.
    pub added: u64,
    /// Files that it removes.
    pub removed: u64,
    /// What was wrong with a log that was there.
    pub found: Vec<String>,
}

/// What differs between a log and the lake, in words; nothing if they agree.
pub(in crate::lake) fn differences(state: &LogState, wanted: &Wanted<'_>) -> Vec<String> {
    let mut found = state.damage.clone();
    if state.is_empty() {
        found.push("is not there".to_owned());
        return found;
    }
    match &state.protocol {
        Some(protocol) if *protocol != TableProtocol::OURS => found.push(format!(
            "asks for readers of version {} and writers of version {}, instead of 1 and 2",
            protocol.min_reader_version, protocol.min_writer_version
        )),
        Some(_) => {}
        None => found.push("does not say what readers must know".to_owned()),
    }
    if !agrees(state, wanted) {
        found.push("does not say of the columns and properties what the lake says".to_owned());
    }
    let columns = &wanted.writer.metadata.partition_columns;
    let held = &wanted.held.parts;
    let name = |paths: &[&PathBuf], before: &str, after: &str| {
        let first = paths.first().map(|path| crate::path_text::printable(path));
        let files = plural_of(paths.len() as u64, "file", "files");
        first.map(|first| format!("{before} {files} of packets{after}, first {first}"))
    };
    let unheld: Vec<_> = state.live.keys().filter(|path| !held.contains_key(*path)).collect();
    let lacking: Vec<_> = held.keys().filter(|path| !state.live.contains_key(*path)).collect();
    let others =
        held.values().filter(|part| state.live.get(&part.path).is_some_and(|file| !is_the_same(file, part, columns)));
    let others: Vec<_> = others.map(|part| &part.path).collect();
    found.extend(name(&unheld, "names", " that the lake does not have"));
    found.extend(name(&lacking, "lacks", " that the lake has"));
    found.extend(name(&others, "says something else of", ""));
    match transaction(state, wanted) {
        Some(commit) if commit == wanted.held.sequence => {}
        Some(commit) => {
            found
                .push(format!("is at commit {commit} of the lake, and the lake is at commit {}", wanted.held.sequence));
        }
        None => found.push("does not say at which commit of the lake it is".to_owned()),
    }
    found
}

/// Writes what lacks, as one version, and a checkpoint where what is there cannot be read. Does nothing if nothing lacks.
///
/// # Errors
/// If the log cannot be read or written.
pub(in crate::lake) fn mend(store: &impl LogStore, wanted: &Wanted<'_>, entry: &DeltaEntry) -> Result<Mended> {
    loop {
        let state = LogState::read(store, Content::All, None)?;
        let mut found = differences(&state, wanted);
        if found.is_empty() {
            return Ok(Mended::default());
        }
        if state.is_empty() {
            found.clear();
        }
        let is_damaged = !state.damage.is_empty();
        let (actions, added, removed) = actions(&state, wanted, entry, is_damaged);
        let version = state.next();
        let text = store.ready(&text_of(&actions)?)?;
        // Somebody else may have written meanwhile. Then the question is asked again.
        if store.create(&version_name(version), &text)? {
            // With versions missing, readers need a place to begin after them.
            write_checkpoint(store, wanted.held, version, is_damaged)?;
            return Ok(Mended { version: Some(version), added, removed, found });
        }
    }
}

/// The actions that make the log say what it should, and how many files they add and remove. After damage they say everything.
fn actions(state: &LogState, wanted: &Wanted<'_>, entry: &DeltaEntry, everything: bool) -> (Vec<LogAction>, u64, u64) {
    let columns = &wanted.writer.metadata.partition_columns;
    let mut actions = head(Action::Delta, wanted.held.sequence, entry);
    if everything || state.protocol.as_ref() != Some(&TableProtocol::OURS) {
        actions.push(LogAction::Protocol(TableProtocol::OURS));
    }
    if everything || !agrees(state, wanted) {
        actions.push(LogAction::MetaData(wanted.writer.metadata.clone()));
    }
    let held = &wanted.held.parts;
    let removes = state.live.iter().filter(|(path, _)| !held.contains_key(*path));
    let removes = removes.map(|(path, file)| removed(path, u64::try_from(file.size).ok(), columns, entry.time, true));
    let removes: Vec<_> = removes.collect();
    let is_there = |part: &CommittedPart| {
        !everything && state.live.get(&part.path).is_some_and(|file| is_the_same(file, part, columns))
    };
    let adds = held.values().filter(|part| !is_there(part));
    let adds: Vec<_> = adds.map(|part| LogAction::Add(file_of(part, columns, entry.time, true))).collect();
    let counts = (adds.len() as u64, removes.len() as u64);
    actions.extend(removes);
    actions.extend(adds);
    (actions, counts.0, counts.1)
}

fn agrees(state: &LogState, wanted: &Wanted<'_>) -> bool {
    state.metadata.as_ref().is_some_and(|metadata| wanted.writer.metadata.agrees_with(metadata))
}

/// The number of the lake's commit that the log has last.
fn transaction(state: &LogState, wanted: &Wanted<'_>) -> Option<u64> {
    u64::try_from(state.transactions.get(&wanted.writer.application)?.version).ok()
}

/// Whether the log says of a file what the lake says of its part. Statistics of others are believed by readers as well.
fn is_the_same(file: &LiveFile, part: &CommittedPart, columns: &[String]) -> bool {
    let stats = part.delta.as_ref().map(|delta| &delta.stats);
    !file.lacks_rows
        && u64::try_from(file.size) == Ok(part.bytes)
        && file.partition_values == partition_values(&part.path, columns)
        && stats.is_none_or(|stats| file.stats.as_ref() == Some(stats))
}
