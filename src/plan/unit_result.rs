//! What the manifest says about captures and parts. Entries of one capture add up, in the order of its chunks.

use std::ops::AddAssign;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::capture::{CaptureReader, ContentHashes, Damage, DamageKind, Gaps, Position, Timestamp};
use crate::day::Day;
use crate::discover::{Compression, Format};
use crate::packets::RowRange;
use crate::path_text;
use crate::storage::objects::HeldUpload;

use super::named_counts::NamedCounts;
use super::status::Status;
use super::unit::Unit;

/// What reading a capture, or some chunks of it, found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureEntry {
    /// The format of the decompressed bytes, once known.
    pub format: Option<Format>,
    /// How the bytes are compressed.
    pub compression: Option<Compression>,
    /// Packet records framed.
    pub records: u64,
    /// Rows written.
    pub rows: u64,
    /// Sum of the rows' `length`.
    pub length: i64,
    /// Records of each link type, by the name of the type.
    pub link_types: NamedCounts,
    /// Earliest time of a record.
    pub earliest: Option<Timestamp>,
    /// Latest time of a record.
    pub latest: Option<Timestamp>,
    /// Time of the first record that has one.
    pub first: Option<Timestamp>,
    /// Time of the last record that has one.
    pub last: Option<Timestamp>,
    /// Named counts of what is odd. Odd is not wrong.
    pub odd: NamedCounts,
    /// Of the headers that `odd` counts as cut: the headers of packets that the snapshot length cut.
    #[serde(default, skip_serializing_if = "NamedCounts::is_empty")]
    pub snapped: NamedCounts,
    /// The record that announces the most bytes on the wire, if that is more than a packet can have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implausible: Option<Box<Implausible>>,
    /// Where and why reading stopped before the end; with salvage, the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<Damage>,
    /// What salvage stepped over. `damage` is then the first fault, and records after it were converted as well.
    #[serde(default, skip_serializing_if = "Gaps::is_empty")]
    pub gaps: Gaps,
    /// Where these chunks began, and what was assumed there. `None` for a capture that was read from its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Position>,
    /// Where they ended. The next chunk must begin there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Position>,
    /// What identifies its records, whatever the file is called. `None` for standard input, and where bytes were stepped
    /// over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentHashes>,
    /// Why the capture gave no rows at all, if it was refused when it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Whether its bytes are the reason. Then the refusal stands until they change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused_for_good: bool,
    /// What is known about standard input once it has been read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamEntry>,
}

/// A record that announces more bytes on the wire than a packet can have: one flipped bit can be most of a lake's volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Implausible {
    /// The number of its packet, from 1.
    pub frame: u64,
    /// Bytes on the wire, as announced.
    pub orig_len: u32,
    /// Bytes captured, as announced.
    pub cap_len: u32,
    /// The time of the record, if it has one.
    pub time: Option<Timestamp>,
}

/// What is known about a stream once it has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamEntry {
    /// A hash of all its bytes.
    pub fingerprint: String,
    /// How many bytes it had.
    pub bytes: u64,
    /// Whether a signal ended it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
    /// Whether its last packet was incomplete then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

impl StreamEntry {
    /// What a reader knows about its stream at the end. `None` if it reads a file.
    #[must_use]
    pub fn of(reader: &CaptureReader) -> Option<Self> {
        let fingerprint = reader.fingerprint()?;
        Some(Self { fingerprint, bytes: reader.bytes_read(), ended: reader.is_ended(), cut: reader.is_cut_short() })
    }
}

/// The count of records that are earlier than the timed record before them.
pub const BACKWARDS: &str = "time_backwards";
/// The count of records with fewer captured bytes than bytes on the wire.
pub const CUT_BY_SNAP_LEN: &str = "cut_by_snap_len";
/// The count of captures that begin after the records of others in the same file.
pub const APPENDED: &str = "appended_captures";
/// The count of records that are [`Implausible`].
pub const IMPLAUSIBLE: &str = "implausible_wire_length";

impl CaptureEntry {
    /// An empty entry, to which the chunks of a capture are added.
    #[must_use]
    pub fn nothing() -> Self {
        Self { content: Some(ContentHashes::default()), ..Self::default() }
    }

    /// Adds to a named count.
    pub fn count_odd(&mut self, name: &str, count: u64) {
        if count > 0 {
            self.odd.add(name, count);
        }
    }

    /// Notes how reading ended, and what was salvaged before that. The first fault of all is the damage.
    pub fn note_damage(&mut self, end: Option<Damage>, gaps: Gaps) {
        self.damage = gaps.first.first().map(|gap| gap.damage.clone()).or(end);
        self.gaps = gaps;
    }

    /// Whether it was read up to zeros that reach to its end.
    #[must_use]
    pub fn ends_in_zeros(&self) -> bool {
        self.damage.as_ref().is_some_and(|damage| damage.kind == DamageKind::ZeroTail)
    }

    /// Whether another capture gave the same packets, as far as can be told without comparing each.
    #[must_use]
    pub fn gives_the_same(&self, other: &Self) -> bool {
        if other.link_types.is_empty() {
            // The other entry was made from its rows, which tell no more.
            return self.records > 0 && self.told_by_rows() == other.told_by_rows();
        }
        let facts = |entry: &Self| {
            (entry.records, entry.rows, entry.length, entry.earliest, entry.latest, entry.first, entry.last)
        };
        self.records > 0
            && self.format == other.format
            && facts(self) == facts(other)
            && self.link_types == other.link_types
            && self.odd == other.odd
    }

    /// The counts that rows tell.
    fn told_by_rows(&self) -> (u64, i64, [Option<i64>; 2]) {
        (self.rows, self.length, [self.earliest, self.latest].map(|time| time.map(Timestamp::micros)))
    }

    /// What is odd, without what a snapshot length explains: the user who captured chose that.
    #[must_use]
    pub fn unusual(&self) -> NamedCounts {
        let mut counts = NamedCounts::default();
        for (name, count) in self.odd.iter().filter(|(name, _)| *name != CUT_BY_SNAP_LEN) {
            match count.saturating_sub(self.snapped.get(name).unwrap_or_default()) {
                0 => {}
                left => counts.add(name, left),
            }
        }
        counts
    }

    /// The state of the capture, in one word.
    #[must_use]
    pub fn status(&self) -> Status {
        if self.refused.is_some() {
            Status::Refused
        } else if self.damage.is_some() {
            Status::Damaged
        } else if self.unusual().is_empty() && self.format != Some(Format::Empty) {
            Status::Whole
        } else {
            Status::Odd
        }
    }
}

impl AddAssign for CaptureEntry {
    /// Adds the next chunks. Numbers that another process gave add up: see
    /// [`first_beyond_sums`](super::sound::first_beyond_sums).
    fn add_assign(&mut self, next: Self) {
        self.format = self.format.or(next.format);
        self.compression = self.compression.or(next.compression);
        if let Some(mut damage) = next.damage {
            damage.frame = damage.frame.saturating_add(self.records);
            self.damage.get_or_insert(damage);
        }
        self.gaps.append(next.gaps, self.records);
        if let Some(mut more) = next.implausible {
            more.frame = more.frame.saturating_add(self.records);
            if self.implausible.as_ref().is_none_or(|held| held.orig_len < more.orig_len) {
                self.implausible = Some(more);
            }
        }
        self.content = ContentHashes::joined(self.content.take(), next.content);
        self.records += next.records;
        self.rows += next.rows;
        self.length += next.length;
        self.link_types.add_all(&next.link_types);
        self.odd.add_all(&next.odd);
        self.snapped.add_all(&next.snapped);
        if let (Some(last), Some(first)) = (self.last, next.first) {
            self.count_odd(BACKWARDS, u64::from(first < last));
        }
        self.earliest = [self.earliest, next.earliest].into_iter().flatten().min();
        self.latest = [self.latest, next.latest].into_iter().flatten().max();
        self.first = self.first.or(next.first);
        self.last = next.last.or(self.last);
        self.entry = self.entry.take().or(next.entry);
        self.exit = next.exit.or(self.exit.take());
        self.refused = self.refused.take().or(next.refused);
        self.refused_for_good |= next.refused_for_good;
        self.stream = self.stream.take().or(next.stream);
    }
}

/// A part: where it is, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartEntry {
    /// Where it is staged, below the lake.
    #[serde(with = "path_text")]
    pub staged: PathBuf,
    /// Where it belongs, below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// XXH3 of its bytes.
    pub checksum: String,
    /// Where its rows came from, in order. Inputs are given by their place in the unit.
    pub ranges: Vec<RowRange>,
    /// Of a lake in a bucket: the part is uploaded, and no longer where it was staged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldUpload>,
    /// Of a part that is uploaded: its statistics, as a Delta log has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<String>,
}

/// What converting a unit gave, to be added to the manifest. Nothing of it is visible yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitResult {
    /// The unit, with its final identity.
    pub unit: Unit,
    /// What was found in each of its captures, by the captures' place.
    pub captures: Vec<CaptureEntry>,
    /// The parts that were staged.
    pub parts: Vec<PartEntry>,
    /// The partial summary that was staged, unless summaries are off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<PartialEntry>,
}

/// A unit's partial summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialEntry {
    /// Where it is staged, below the lake.
    #[serde(with = "path_text")]
    pub staged: PathBuf,
    /// Where it belongs, below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// XXH3 of its bytes.
    pub checksum: String,
    /// The dates that it contributes to.
    pub days: Vec<Day>,
}

impl UnitResult {
    /// Packet records framed in all captures.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.captures.iter().map(|capture| capture.records).sum()
    }

    /// Rows in all parts.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.rows).sum()
    }
}
