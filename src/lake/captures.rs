//! The table of captures, from the manifest.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::capture::Timestamp;
use crate::path_text;
use crate::summary::Preview;
use crate::tables::{Table, TableColumn};

use super::record::InputEntry;

/// The folder of the tables of captures, below that of the summaries, and what their files are called.
pub const CAPTURES: &str = "captures";

/// A row of the table of captures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureRow {
    /// The path as it was named.
    pub(super) name: String,
    /// The absolute path; `None` for standard input.
    absolute: Option<String>,
    format: Option<String>,
    compression: Option<String>,
    link_types: Option<String>,
    file_bytes: Option<i64>,
    packets: Option<i64>,
    bytes: Option<i64>,
    /// Microseconds since the Unix epoch, as `last_time`.
    first_time: Option<i64>,
    last_time: Option<i64>,
    status: String,
    damage: Option<String>,
    damage_offset: Option<i64>,
    gap_bytes: Option<i64>,
}

impl CaptureRow {
    /// What the table says of a capture.
    #[must_use]
    pub fn of(entry: &InputEntry) -> Self {
        // Of a size that the column cannot hold, which no file system gives, nothing is said.
        let int = |value: u64| i64::try_from(value).ok();
        let InputEntry { input, found, .. } = entry;
        let link_types: Vec<_> = found.link_types.iter().map(|(name, _)| name).collect();
        let damage = found.damage.as_ref();
        Self {
            name: input.name(),
            absolute: (!input.is_stdin()).then(|| path_text::printable(&input.absolute)),
            format: found.format.map(|format| format.to_string()),
            compression: found.compression.map(|compression| compression.to_string()),
            link_types: (!link_types.is_empty()).then(|| link_types.join(", ")),
            file_bytes: int(input.size),
            packets: int(found.records),
            bytes: Some(found.length).filter(|length| *length >= 0),
            first_time: found.earliest.map(Timestamp::micros),
            last_time: found.latest.map(Timestamp::micros),
            status: entry.status.name().to_owned(),
            damage: found.refused.clone().or_else(|| damage.map(ToString::to_string)),
            damage_offset: damage.and_then(|damage| int(damage.offset)),
            gap_bytes: if found.gaps.is_empty() { None } else { int(found.gaps.bytes) },
        }
    }
}

/// Rows as a table. A capture is shown by its name, or by its absolute path if another one that is shown with it has the same
/// name: the same name may be given in two working directories, and those are two captures.
pub(super) fn table_of(rows: Vec<CaptureRow>, is_shared: impl Fn(&str) -> bool) -> Table {
    let shown = |row: &CaptureRow| match &row.absolute {
        Some(absolute) if is_shared(&row.name) => absolute.clone(),
        _ => row.name.clone(),
    };
    let names = rows.iter().map(|row| Some(shown(row))).collect();
    let texts = |pick: &dyn Fn(&CaptureRow) -> Option<String>| TableColumn::Text(rows.iter().map(pick).collect());
    let ints = |pick: &dyn Fn(&CaptureRow) -> Option<i64>| TableColumn::Int(rows.iter().map(pick).collect());
    let times = |pick: &dyn Fn(&CaptureRow) -> Option<i64>| TableColumn::Time(rows.iter().map(pick).collect());
    Table::new([
        ("capture", TableColumn::Text(names)),
        ("format", texts(&|row| row.format.clone())),
        ("compression", texts(&|row| row.compression.clone())),
        ("link_types", texts(&|row| row.link_types.clone())),
        ("file_bytes", ints(&|row| row.file_bytes)),
        ("packets", ints(&|row| row.packets)),
        ("bytes", ints(&|row| row.bytes)),
        ("first_time", times(&|row| row.first_time)),
        ("last_time", times(&|row| row.last_time)),
        ("status", texts(&|row| Some(row.status.clone()))),
        ("damage", texts(&|row| row.damage.clone())),
        ("damage_offset", ints(&|row| row.damage_offset)),
        ("gap_bytes", ints(&|row| row.gap_bytes)),
    ])
}

/// Rows as a table that has no others.
#[must_use]
pub fn table_among(rows: Vec<CaptureRow>) -> Table {
    let mut named: HashMap<String, u32> = HashMap::new();
    rows.iter().for_each(|row| *named.entry(row.name.clone()).or_default() += 1);
    table_of(rows, |name| named.get(name).is_some_and(|count| *count > 1))
}

/// The first rows of the table of captures.
#[must_use]
pub fn listed_captures<'a>(inputs: impl ExactSizeIterator<Item = &'a InputEntry>, top: usize) -> Preview {
    Preview {
        name: CAPTURES,
        rows: inputs.len() as u64,
        first: table_among(inputs.take(top).map(CaptureRow::of).collect()),
    }
}
