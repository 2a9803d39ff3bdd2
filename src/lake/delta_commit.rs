//! The part of a commit that is of the Delta log: what the manifest keeps for it, the text of its version, and what it may
//! not undo.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::clock::now_ms;
use crate::config::Settings;
use crate::error::Result;
use crate::path_text;

use super::delta::{
    Advanced, Content, DeltaEntry, DeltaPart, Found, LogState, LogStore, LogWriter, Mended, Wanted, advance,
    application, commit_text, differences, has_commit, look, may_be_due, mend, metadata_of, statistics_of,
    write_checkpoint,
};
use super::delta_log::DeltaLog;
use super::layout::Layout;
use super::manifest::Manifest;
use super::record::CommittedPart;
use super::snapshot::Snapshot;

/// The step of a decided commit that writes its version of the log. Its text is staged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DeltaStep {
    /// The number of the commit.
    commit: u64,
    /// The version that it is to be. If others have written it, what they wrote decides.
    version: u64,
    writer: LogWriter,
    /// Where its text is staged, below the lake.
    #[serde(with = "path_text")]
    text: PathBuf,
}

impl DeltaStep {
    /// Makes the step of a commit ready, if the log can go on with it; otherwise notes why it cannot. `before` is the number of the
    /// last commit, and `held` has its parts with their sizes.
    ///
    /// # Errors
    /// If the log cannot be read, or the text cannot be staged.
    pub(super) fn prepare(
        lake: &Layout,
        manifest: &Manifest,
        entry: &DeltaEntry,
        before: u64,
        held: &BTreeMap<PathBuf, u64>,
    ) -> Result<Option<Self>> {
        let log = DeltaLog::of(lake)?;
        let writer = writer_of(entry, &manifest.settings)?;
        match look(&log, &writer, before)? {
            Found::Next { version, first } => {
                let text = log.ready(&commit_text(manifest, entry, &writer.metadata, held, first)?)?;
                Ok(Some(Self { commit: manifest.sequence, version, writer, text }))
            }
            Found::NotOurs(why) => {
                lake.note_delta_lack(why);
                Ok(None)
            }
        }
    }

    /// Writes the version, unless it is there. Notes it if another writer has made that impossible.
    ///
    /// # Errors
    /// If the log cannot be read or written.
    pub(super) fn carry_out(&self, lake: &Layout) -> Result<()> {
        self.write(&DeltaLog::of(lake)?)?.into_iter().for_each(|why| lake.note_delta_lack(why));
        Ok(())
    }

    /// Writes the version into a log, unless it is there. Returns why it cannot be written, if another writer has made that
    /// impossible.
    ///
    /// # Errors
    /// If the log cannot be read or written.
    pub(super) fn write(&self, log: &impl LogStore<Ready = PathBuf>) -> Result<Option<String>> {
        Ok(match advance(log, &self.writer, self.commit, self.version, &self.text)? {
            Advanced::At(_) => None,
            Advanced::NotOurs(why) => Some(why),
        })
    }

    /// Where its text is staged, below the lake.
    pub(super) fn text(&self) -> &PathBuf {
        &self.text
    }

    /// Whether readers of the log know the commit already. Then it can only be finished. What cannot be told counts as known.
    pub(super) fn is_known(&self, lake: &Layout) -> bool {
        DeltaLog::of(lake).and_then(|log| has_commit(&log, &self.writer, self.commit, self.version)).unwrap_or(true)
    }
}

fn writer_of(entry: &DeltaEntry, settings: &Settings) -> Result<LogWriter> {
    let metadata = metadata_of(&entry.id, settings, entry.time)?;
    Ok(LogWriter { application: application(&entry.id), metadata })
}

/// What a commit says of its table: of a new table, or of that with this identity.
pub(super) fn new_entry(id: Option<&str>) -> DeltaEntry {
    DeltaEntry { id: id.map_or_else(random_guid, str::to_owned), time: now_ms() }
}

/// A GUID of random bits (RFC 9562, version 4).
fn random_guid() -> String {
    let random = || RandomState::new().build_hasher().finish();
    let (high, low) = (random() & !0xf000 | 0x4000, random() >> 2 | 1 << 63);
    let (first, second, third) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
    format!("{first:08x}-{second:04x}-{third:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
}

/// Gives parts what the log says of them, from their footers, where they lack it. `place` says where a part is now, below the
/// lake. A part whose footer cannot be read has its rows alone, and nothing is kept of that.
pub(super) fn describe<'a>(
    lake: &Layout,
    parts: impl Iterator<Item = &'a mut CommittedPart>,
    place: &dyn Fn(&Path) -> PathBuf,
    time: i64,
) {
    let parts: Vec<_> = parts.filter(|part| part.delta.is_none()).collect();
    let places: Vec<_> = parts.iter().map(|part| place(&part.path)).collect();
    for (part, columns) in parts.into_iter().zip(lake.bounds_of(&places)) {
        part.delta = columns.map(|columns| DeltaPart { modified: time, stats: statistics_of(part.rows, &columns) });
    }
}

/// Writes a checkpoint of the log if one is due. What fails is not said: the next commit tries again, and readers do without.
pub(super) fn checkpoint(lake: &Layout, held: &Snapshot) {
    let Some(entry) = &held.delta else { return };
    let Some(settings) = &held.settings else { return };
    let Ok(log) = DeltaLog::of(lake) else { return };
    let Ok(writer) = writer_of(entry, settings) else { return };
    if !log.names("").is_ok_and(|names| may_be_due(&names)) {
        return;
    }
    // Only if the log is that of the lake, and nothing came after it.
    if let Ok(Found::Next { version, first: false }) = look(&log, &writer, held.last_change) {
        let _ = write_checkpoint(&log, held, version - 1, false);
    }
}

/// Looks whether the Delta log has the lake's last commit, and notes it if not: for runs that have nothing to commit.
///
/// # Errors
/// If the log cannot be read.
pub fn look_at_delta(lake: &Layout, held: &Snapshot) -> Result<()> {
    let (Some(entry), Some(settings)) = (&held.delta, &held.settings) else { return Ok(()) };
    if let Found::NotOurs(why) = look(&DeltaLog::of(lake)?, &writer_of(entry, settings)?, held.last_change)? {
        lake.note_delta_lack(why);
    }
    Ok(())
}

/// What differs between the Delta log and the lake, in words. A lake without one should have none.
///
/// # Errors
/// If the log cannot be read.
pub fn delta_differences(lake: &Layout, held: &Snapshot) -> Result<Vec<String>> {
    let log = DeltaLog::of(lake)?;
    let (Some(entry), Some(settings)) = (&held.delta, &held.settings) else {
        let stale = "is there, and commits of this lake do not write it: readers of it get what the lake was once";
        return Ok(log.is_there()?.then(|| stale.to_owned()).into_iter().collect());
    };
    let writer = writer_of(entry, settings)?;
    let state = LogState::read(&log, Content::All, None)?;
    Ok(differences(&state, &Wanted { writer: &writer, held }))
}

/// Makes the Delta log say what the lake holds. Does nothing if it does.
///
/// # Errors
/// If the log cannot be read or written.
pub fn mend_delta(lake: &Layout, held: &Snapshot) -> Result<Mended> {
    let (Some(entry), Some(settings)) = (&held.delta, &held.settings) else { return Ok(Mended::default()) };
    let writer = writer_of(entry, settings)?;
    // The clock of a version that belongs to no commit is that of its writing.
    mend(&DeltaLog::of(lake)?, &Wanted { writer: &writer, held }, &new_entry(Some(&entry.id)))
}

/// The identity of the table whose log is in a lake, if parcap wrote it.
///
/// # Errors
/// If the log cannot be read.
pub fn id_in_log(lake: &Layout) -> Result<Option<String>> {
    let state = LogState::read(&DeltaLog::of(lake)?, Content::WithoutFiles, None)?;
    Ok(state.lake_id().map(str::to_owned))
}

/// Whether there is a Delta log, by any writer.
///
/// # Errors
/// If the bucket cannot be asked.
pub fn has_delta_log(lake: &Layout) -> Result<bool> {
    DeltaLog::of(lake)?.is_there()
}

/// Removes the Delta log. Readers of it find no table any more, at once.
///
/// # Errors
/// If it cannot be removed.
pub fn remove_delta_log(lake: &Layout) -> Result<()> {
    DeltaLog::of(lake)?.remove()
}
