//! Goes through all captures of a lake by what the columns of a checkpoint say of them. Of a million captures few entries matter, and
//! to parse all takes seconds.

use std::borrow::Cow;
use std::path::Path;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::capture::Timestamp;
use crate::error::Result;
use crate::lake::held_capture::LookAgain;
use crate::lake::record::InputEntry;
use crate::lake::snapshot::Snapshot;

use super::Kind;
use super::base::{Base, each_entry};
use super::columns::{
    AGAIN, CAPTURE, ENTRY, FIRST_TIME, KEY, LAST_TIME, MODIFIED, SAME_AS, again, of_json, of_key, of_word,
};
use super::rows::CheckpointRows;

/// What is known of a capture without its whole entry.
#[derive(Clone, Debug)]
pub(crate) struct CaptureBrief<'a> {
    /// Its number in the lake.
    pub(crate) id: usize,
    /// Its absolute path.
    pub(crate) absolute: Cow<'a, Path>,
    /// The number of the capture whose rows stand for those of this one.
    pub(crate) same_as: Option<usize>,
    /// Time of modification of its file, in nanoseconds since the Unix epoch.
    pub(crate) modified: i64,
    /// Time of its earliest packet, in microseconds since the Unix epoch.
    pub(crate) first: Option<i64>,
    /// Time of its latest packet, in microseconds since the Unix epoch.
    pub(crate) last: Option<i64>,
    /// Why a run may look at it again. A sound capture, and one that was being written, is not damaged.
    pub(crate) again: Option<LookAgain>,
    /// What was found in it, if that was asked for.
    pub(crate) found: Option<FoundBrief>,
}

/// Of what was found in a capture, a few numbers.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct FoundBrief {
    /// Rows written.
    pub(crate) rows: u64,
    /// Sum of the rows' `length`.
    pub(crate) length: i64,
    /// Whether a record announces more bytes on the wire than a packet can have.
    #[serde(default, rename = "implausible", deserialize_with = "is_there")]
    pub(crate) has_implausible: bool,
    /// Time of the first record that has one.
    #[serde(default)]
    pub(crate) first: Option<Timestamp>,
    /// Time of the last record that has one.
    #[serde(default)]
    pub(crate) last: Option<Timestamp>,
}

/// The entry of a capture, as far as [`FoundBrief`] goes: the rest is stepped over.
#[derive(Deserialize)]
struct EntryBrief {
    found: FoundBrief,
}

fn is_there<'de, D: Deserializer<'de>>(value: D) -> std::result::Result<bool, D::Error> {
    Ok(Option::<IgnoredAny>::deserialize(value)?.is_some())
}

/// What looks at the captures of a lake.
pub(crate) trait CaptureVisitor {
    /// Whether a brief says what was found. The text of each entry is read then, and not made an entry of.
    fn asks_what_was_found(&self) -> bool;

    /// Meets a capture. Whether its entry is wanted.
    ///
    /// # Errors
    /// Those of the visitor.
    fn meet(&mut self, brief: &CaptureBrief<'_>) -> Result<bool>;

    /// Takes the entry of a capture that it wanted, some time after it met it.
    ///
    /// # Errors
    /// Those of the visitor.
    fn take(&mut self, entry: &InputEntry) -> Result<()>;
}

impl<'a> CaptureBrief<'a> {
    fn of(entry: &'a InputEntry) -> Self {
        let found = &entry.found;
        Self {
            id: entry.id,
            absolute: Cow::Borrowed(&entry.input.absolute),
            same_as: entry.same_as,
            modified: entry.input.modified,
            first: found.earliest.map(Timestamp::micros),
            last: found.latest.map(Timestamp::micros),
            again: again(entry),
            found: Some(FoundBrief {
                rows: found.rows,
                length: found.length,
                has_implausible: found.implausible.is_some(),
                first: found.first,
                last: found.last,
            }),
        }
    }

    /// The columns of a row, in the order in which they are read.
    const COLUMNS: [&'static str; 8] = [KEY, CAPTURE, SAME_AS, MODIFIED, FIRST_TIME, LAST_TIME, AGAIN, ENTRY];

    fn of_row(rows: &'a CheckpointRows, with_found: bool) -> Result<Self> {
        let key = rows.key().unwrap_or_default();
        let found = || of_json::<EntryBrief>(rows.text(7).unwrap_or_default(), rows.path()).map(|entry| entry.found);
        Ok(Self {
            id: rows.capture(1).unwrap_or(0),
            absolute: path_of(key, rows.path())?,
            same_as: rows.capture(2),
            modified: rows.int(3).unwrap_or(0),
            first: rows.int(4),
            last: rows.int(5),
            again: rows.text(6).and_then(of_word),
            found: with_found.then(found).transpose()?,
        })
    }
}

/// The path that a key is. Most are as they are, and nothing is copied.
fn path_of<'a>(key: &'a str, at: &Path) -> Result<Cow<'a, Path>> {
    if key.starts_with('{') { of_key(key, at).map(Cow::<Path>::Owned) } else { Ok(Cow::Borrowed(Path::new(key))) }
}

impl Snapshot {
    /// Shows each capture to a visitor, in no order: first what is known of it without its entry, and its entry if it is wanted.
    ///
    /// # Memory
    /// That of one capture at a time, and a number for each capture of a segment that is wanted.
    /// # Errors
    /// If the checkpoint cannot be read, and those of the visitor.
    pub(crate) fn visit_captures(&self, visitor: &mut impl CaptureVisitor) -> Result<()> {
        for entry in self.inputs.values() {
            if visitor.meet(&CaptureBrief::of(entry))? {
                visitor.take(entry)?;
            }
        }
        self.base.as_ref().map_or(Ok(()), |base| base.visit(visitor))
    }
}

impl Base {
    fn visit(&self, visitor: &mut impl CaptureVisitor) -> Result<()> {
        let with_found = visitor.asks_what_was_found();
        let columns = CaptureBrief::COLUMNS;
        let columns = if with_found { &columns[..] } else { columns.split_last().map_or(&[][..], |(_, rest)| rest) };
        for layer in 0..self.layers.len() {
            let Some(path) = self.layers.file(layer, Kind::Captures) else { continue };
            let mut rows = CheckpointRows::open(path, columns, None)?;
            let (mut wanted, mut place) = (Vec::new(), 0);
            while rows.is_there() {
                let number = rows.capture(1).unwrap_or(0);
                let is_here = !self.loaded.contains(&number) && self.layers.counts(layer, number, rows.capture(2));
                if is_here && visitor.meet(&CaptureBrief::of_row(&rows, with_found)?)? {
                    wanted.push(place);
                }
                place += 1;
                rows.step()?;
            }
            each_entry(path, &wanted, &mut |entry| visitor.take(&entry))?;
        }
        Ok(())
    }
}
