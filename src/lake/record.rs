//! The entries of a manifest: captures, units, parts, partial summaries and tables.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::advice::Advice;
use crate::aggregate::{Aggregator, Owners};
use crate::day::Day;
use crate::discover::{Candidate, Compression, Input};
use crate::error::Result;
use crate::packets::RowRange;
use crate::path_text;
use crate::plan::{CaptureEntry, Status};
use crate::storage::objects::ObjectVersion;

use super::check::checked;
use super::delta::DeltaPart;
use super::layout::Layout;

/// A capture in the manifest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InputEntry {
    /// Its number in the lake, from 1 on. No number is given twice.
    #[serde(default)]
    pub id: usize,
    /// The capture, as it was when it was read.
    #[serde(flatten)]
    pub input: Input,
    /// Its state, in one word.
    pub status: Status,
    /// For a duplicate that was left out: the capture with the same content whose rows stand for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<usize>,
    /// Its rows that were lost with a part. It is converted again if it still exists; `found` counts the rows that are
    /// left.
    #[serde(default, skip_serializing_if = "is_none")]
    pub lost_rows: u64,
    /// Whether it is known only from its rows, because the manifest was lost. `found` then lacks what rows do not tell.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_rows: bool,
    /// What was found in it.
    pub found: CaptureEntry,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
pub(super) fn is_none(count: &u64) -> bool {
    *count == 0
}

impl InputEntry {
    /// An entry of a capture that was read.
    #[must_use]
    pub fn of(input: Input, found: CaptureEntry) -> Self {
        Self { id: 0, input, status: found.status(), same_as: None, lost_rows: 0, from_rows: false, found }
    }

    /// An entry of an input that gave no rows.
    #[must_use]
    pub fn of_refused(refused: &RefusedEntry) -> Self {
        let found = CaptureEntry { refused: Some(refused.reason.clone()), ..CaptureEntry::default() };
        Self::of(Input::unread(&refused.path), found)
    }

    /// Whether it was being written when it was read. It will grow, and a cut at its end is no damage.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status == Status::Open
    }

    /// Whether it is damaged, and was not being written.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.found.damage.is_some() && !self.is_open()
    }

    /// Notes that some of its rows are lost.
    pub fn lose(&mut self, rows: u64) {
        self.lost_rows += rows;
        self.status = Status::Incomplete;
    }

    /// The date of its row in the tables of captures: that of its earliest packet. As for rows without a time, it is 1970-01-01
    /// if no packet has one, and so for a duplicate, whose packets were not read.
    #[must_use]
    pub fn day(&self) -> Day {
        self.found.earliest.map_or(Day::EPOCH, |earliest| Day::of_seconds(earliest.seconds()))
    }

    /// Marks it as being written.
    pub fn mark_open(&mut self) {
        self.status = Status::Open;
    }

    /// An entry of a capture that was left out, because the lake has the rows of another one with the same content.
    #[must_use]
    pub fn of_duplicate(input: Input, same_as: usize) -> Self {
        let found =
            CaptureEntry { format: input.format, compression: Some(input.compression), ..CaptureEntry::default() };
        Self { status: Status::Duplicate, same_as: Some(same_as), ..Self::of(input, found) }
    }
}

/// A unit in the manifest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnitEntry {
    /// Its identity, which its part names are made of.
    pub id: String,
    /// Its captures, with the chunks that belong to it.
    pub captures: Vec<UnitCaptureEntry>,
}

/// A capture's share of a unit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnitCaptureEntry {
    /// The capture's number in the lake.
    pub input: usize,
    /// The chunks; `None` for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<Range<u64>>,
}

/// A part in its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommittedPart {
    /// Its path below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// The identity that its name is made of.
    pub unit: String,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// XXH3 of its bytes.
    pub checksum: String,
    /// Which rows came from which capture, in order. Captures are given by their number in the lake.
    pub ranges: Vec<RowRange>,
    /// What a Delta log says of it besides; `None` in lakes without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<DeltaPart>,
}

/// A partial summary in its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommittedPartial {
    /// Its path below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// The identity that its name is made of.
    pub unit: String,
    /// Its bytes.
    pub bytes: u64,
    /// XXH3 of its bytes.
    pub checksum: String,
    /// The dates that it contributes to.
    pub days: Vec<Day>,
    /// The captures whose rows are summed up in it, in the order in which its keys number them.
    pub inputs: Vec<usize>,
}

impl CommittedPartial {
    /// Adds its sums to others, after a check that the file is as it was written. `place` is its path below the lake if
    /// it is staged.
    ///
    /// # Errors
    /// If it cannot be read; [`Error::FileDiffers`](crate::error::Error::FileDiffers) if it differs.
    pub fn append_to(
        &self,
        aggregator: &mut Aggregator,
        lake: &Layout,
        place: Option<&Path>,
        owners: Owners,
    ) -> Result<()> {
        let path = match place {
            Some(staged) => lake.fetch_staged(staged)?,
            None => lake.fetch(&self.path)?,
        };
        checked(&path, self.bytes, &self.checksum)?;
        aggregator.append_file(&path, owners)
    }
}

/// A summary table of one date, or of all captures, in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommittedTable {
    /// Its path below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// XXH3 of its bytes.
    pub checksum: String,
}

/// A path that was to be an input and is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedEntry {
    /// The path as it was given, or found.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Why.
    pub reason: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Advice>,
    /// The file as it was, if its content is the reason: it is not opened again before it changes. `None` for other
    /// reasons, e.g. a file that may not be read or a path that does not exist: those are tried again each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<FileStamp>,
    /// Whether it is a sound capture that was removed for its age.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

impl RefusedEntry {
    /// The record of a capture that was refused when it was read.
    #[must_use]
    pub fn of(entry: &InputEntry) -> Option<Self> {
        let reason = entry.found.refused.clone()?;
        let seen = entry.found.refused_for_good.then(|| FileStamp::of_input(&entry.input));
        Some(Self { path: entry.input.path.clone(), reason, hint: None, seen, retired: false })
    }
}

/// A file as it was. If it is still the same, it is not opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// The absolute path.
    #[serde(with = "path_text")]
    pub absolute: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since the Unix epoch.
    pub modified: i64,
    /// Which object it was, of those that had its key. Nothing of a file.
    #[serde(flatten)]
    pub version: ObjectVersion,
}

impl FileStamp {
    /// A file as the walk found it.
    #[must_use]
    pub fn of(candidate: &Candidate) -> Self {
        Self {
            absolute: candidate.absolute.clone(),
            size: candidate.size,
            modified: candidate.modified,
            version: candidate.version.clone(),
        }
    }

    /// A capture as it was converted.
    #[must_use]
    pub fn of_input(input: &Input) -> Self {
        Self {
            absolute: input.absolute.clone(),
            size: input.size,
            modified: input.modified,
            version: input.object_version(),
        }
    }
}

/// A capture of the lake that was found under another name, or with another time of modification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relocated {
    /// Its number in the lake.
    pub input: usize,
    /// The path as it was given, or found.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// The file as it is now.
    pub seen: FileStamp,
    /// The absolute path with its links, if it has any.
    #[serde(default, with = "path_text::optional", skip_serializing_if = "Option::is_none")]
    pub reached: Option<PathBuf>,
    /// How it is compressed now, if it was compressed in another way before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed: Option<Recompressed>,
}

/// The same capture as another file, which is compressed or decompressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recompressed {
    /// The fingerprint of the file.
    pub fingerprint: String,
    /// How its bytes are compressed.
    pub compression: Compression,
}
