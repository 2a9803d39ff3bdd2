//! The step of a commit that writes its version of the log.
//!
//! A version is a file that is made only if there is none. That there is one is a question: what came into the log since? The
//! commit itself, by a run that was killed: then it is done. Something harmless: then the next version is tried. Anything else
//! has made another table of it: the commit of the lake stands, and the log lacks it, which is said.
//!
//! A commit looks at the log before it is decided ([`look`]). So the step itself is one call, at the moment when the files of the
//! commit change places ([`advance`]).

use std::io;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

use super::action::TableMetadata;
use super::replay::{Content, LogState};
use super::since::{Since, since};
use super::store::{LogFile, LogStore, version_name};

/// Which lake writes to a log, and what its table is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::lake) struct LogWriter {
    /// Its name among the applications that write to the log.
    pub(in crate::lake) application: String,
    pub(in crate::lake) metadata: TableMetadata,
}

/// What a look at the log says of the next commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lake) enum Found {
    /// The log is that of the lake, and goes on with this version. The first one says what the table is.
    Next { version: u64, first: bool },
    /// It is not, and why: nothing can be added to it.
    NotOurs(String),
}

/// Looks whether the log is that of a lake at its last commit, which is `before` (0 if there was none).
///
/// # Errors
/// If the log cannot be read.
pub(in crate::lake) fn look(store: &impl LogStore, writer: &LogWriter, before: u64) -> Result<Found> {
    let names = store.names("")?;
    let mut versions: Vec<u64> = names.iter().filter_map(|name| version_of(name)).collect();
    versions.sort_unstable();
    let newest = versions.last().copied();
    let checkpoint = names.iter().filter_map(|name| checkpoint_of(name)).max();
    if newest.is_none() && checkpoint.is_none() {
        let first = Found::Next { version: 0, first: true };
        return Ok(if before == 0 { first } else { Found::NotOurs("its versions are not there".to_owned()) });
    }
    let next = newest.max(checkpoint).map_or(0, |newest| newest.saturating_add(1));
    let at = |found: u64| {
        if found == before {
            Found::Next { version: next, first: false }
        } else {
            Found::NotOurs(format!("it is at commit {found} of the lake, and the lake was at commit {before}"))
        }
    };
    // A checkpoint may be all that is left of the versions up to it.
    versions.retain(|_| newest >= checkpoint);
    for (version, after) in versions.iter().rev().zip((0..=next).rev()) {
        if version.saturating_add(1) != after {
            break;
        }
        match read_since(store, &version_name(*version), writer)? {
            Since::Ours(found) => return Ok(at(found)),
            Since::Foreign { what, .. } => return Ok(Found::NotOurs(foreign(*version, &what))),
            Since::Nothing => {}
        }
    }
    // Versions before a checkpoint may have been cleaned up.
    let state = LogState::read(store, Content::WithoutFiles, None)?;
    if let Some(damage) = state.damage.first() {
        return Ok(Found::NotOurs(format!("it is damaged: {damage}")));
    }
    let held = state.transactions.get(&writer.application).and_then(|txn| u64::try_from(txn.version).ok());
    Ok(held.map_or_else(|| Found::NotOurs("it was not written by parcap for this lake".to_owned()), at))
}

/// What became of the step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lake) enum Advanced {
    /// The log has the commit, as this version.
    At(u64),
    /// It has not, and why.
    NotOurs(String),
}

/// Writes the version of a commit, from `version` on. Does nothing if the log has it.
///
/// # Errors
/// If the log cannot be read or written.
pub(in crate::lake) fn advance<S: LogStore>(
    store: &S,
    writer: &LogWriter,
    commit: u64,
    mut version: u64,
    text: &S::Ready,
) -> Result<Advanced> {
    loop {
        let name = version_name(version);
        if store.create(&name, text)? {
            return Ok(Advanced::At(version));
        }
        match read_since(store, &name, writer)? {
            Since::Ours(found) if found == commit => return Ok(Advanced::At(version)),
            Since::Ours(found) => {
                let why =
                    format!("its version {version} is commit {found} of the lake, and commit {commit} is not in it");
                return Ok(Advanced::NotOurs(why));
            }
            Since::Foreign { what, .. } => return Ok(Advanced::NotOurs(foreign(version, &what))),
            Since::Nothing => version = version.saturating_add(1),
        }
    }
}

/// Whether the log has a commit, from `version` on.
///
/// # Errors
/// If the log cannot be read.
pub(in crate::lake) fn has_commit(
    store: &impl LogStore,
    writer: &LogWriter,
    commit: u64,
    version: u64,
) -> Result<bool> {
    for name in store.names(&version_name(version))?.iter().filter(|name| version_of(name).is_some()) {
        if read_since(store, name, writer)? == Since::Ours(commit) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a version is. One that this user may not read is another writer's: a file of theirs must keep no commit of the lake back.
fn read_since(store: &impl LogStore, name: &str, writer: &LogWriter) -> Result<Since> {
    match store.read(name) {
        Ok(text) => Ok(since(&text, writer)),
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => {
            Ok(Since::Foreign { touches: Vec::new(), what: format!("cannot be read ({source})") })
        }
        Err(error) => Err(error),
    }
}

fn foreign(version: u64, what: &str) -> String {
    format!("its version {version} is another writer's, which {what}")
}

fn checkpoint_of(name: &str) -> Option<u64> {
    match LogFile::of(name) {
        LogFile::Checkpoint(version) | LogFile::Piece(version, ..) => Some(version),
        _ => None,
    }
}

fn version_of(name: &str) -> Option<u64> {
    match LogFile::of(name) {
        LogFile::Version(version) => Some(version),
        _ => None,
    }
}
