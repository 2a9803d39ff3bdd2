//! The columns of the files of a checkpoint.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::capture::{DamageKind, Timestamp};
use crate::error::{Error, Result};
use crate::lake::record::{CommittedPart, CommittedPartial, CommittedTable, InputEntry, RefusedEntry};
use crate::path_text;
use crate::tables::{Table, TableColumn};

/// What the rows of all files but one are sorted by, with `/` before any other byte: the absolute path of a capture or of a file
/// that was refused, a path below the lake, or the identity of a unit.
pub(super) const KEY: &str = "path";
/// The number of a capture in the lake.
pub(super) const CAPTURE: &str = "capture";
/// The number of the capture whose rows stand for those of one that was left out.
pub(super) const SAME_AS: &str = "same_as";
/// The entry as the manifest has it, in JSON, without its captures.
pub(super) const ENTRY: &str = "entry";
/// The captures of a unit, a part or a partial summary as the manifest has them, in JSON.
pub(super) const CAPTURES: &str = "captures";
/// The lowest number of these captures.
pub(super) const FIRST: &str = "first_capture";
/// The highest.
pub(super) const LAST: &str = "last_capture";
/// What kind of thing was removed.
pub(super) const REMOVED: &str = "removed";

/// Makes JSON of an entry.
pub(super) fn to_json(value: &impl Serialize, at: &Path) -> Result<String> {
    serde_json::to_string(value).map_err(|source| not_one(at, source))
}

/// Makes an entry of its JSON.
pub(super) fn of_json<T: DeserializeOwned>(text: &str, at: &Path) -> Result<T> {
    serde_json::from_str(text).map_err(|source| not_one(at, source))
}

/// The path that a key is.
pub(super) fn of_key(text: &str, at: &Path) -> Result<PathBuf> {
    path_text::of_text(text).map_err(|source| not_one(at, source))
}

fn not_one(at: &Path, source: serde_json::Error) -> Error {
    Error::Json { name: path_text::printable(at), what: "entry of a checkpoint", source }
}

/// Rows of captures, in the order of their paths.
pub(super) fn captures(entries: &[Arc<InputEntry>], at: &Path) -> Result<Table> {
    let texts = |pick: &dyn Fn(&InputEntry) -> Option<String>| {
        TableColumn::Text(entries.iter().map(|entry| pick(entry)).collect())
    };
    let ints = |pick: &dyn Fn(&InputEntry) -> Option<u64>| {
        let number = |entry: &Arc<InputEntry>| pick(entry).and_then(|number| i64::try_from(number).ok());
        TableColumn::Int(entries.iter().map(number).collect())
    };
    let times = |pick: &dyn Fn(&InputEntry) -> Option<Timestamp>| {
        TableColumn::Time(entries.iter().map(|entry| pick(entry).map(Timestamp::micros)).collect())
    };
    let json = entries.iter().map(|entry| to_json(entry, at).map(Some)).collect::<Result<_>>()?;
    Ok(Table::new([
        (KEY, texts(&|entry| Some(path_text::to_text(&entry.input.absolute)))),
        (CAPTURE, ints(&|entry| Some(entry.id as u64))),
        (SAME_AS, ints(&|entry| entry.same_as.map(|same_as| same_as as u64))),
        ("bytes", ints(&|entry| Some(entry.input.size))),
        ("modified_ns", TableColumn::Int(entries.iter().map(|entry| Some(entry.input.modified)).collect())),
        ("etag", texts(&|entry| entry.input.etag.clone())),
        ("status", texts(&|entry| Some(entry.status.name().to_owned()))),
        ("damage", texts(&|entry| entry.found.damage.as_ref().map(|damage| damage_name(damage.kind).to_owned()))),
        ("lost_rows", ints(&|entry| (entry.lost_rows > 0).then_some(entry.lost_rows))),
        ("packets", ints(&|entry| Some(entry.found.records))),
        ("first_time", times(&|entry| entry.found.earliest)),
        ("last_time", times(&|entry| entry.found.latest)),
        ("fingerprint", texts(&|entry| entry.input.fingerprint.clone())),
        ("head", texts(&|entry| entry.input.head.clone())),
        (ENTRY, TableColumn::Text(json)),
    ]))
}

/// Damage in one word: whether what could not be read may be readable next time.
pub(super) fn damage_name(kind: DamageKind) -> &'static str {
    if kind == DamageKind::Unreadable { "unreadable" } else { "damaged" }
}

/// A row of a list: its key, the captures it is about as JSON with their lowest and highest number, and the entry as JSON.
pub(super) struct Listed<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) span: Option<(usize, usize)>,
    pub(super) captures: Option<String>,
    pub(super) entry: Option<String>,
}

/// Rows of a list, in the order of their keys.
pub(super) fn list(rows: Vec<Listed<'_>>) -> Table {
    let end = |pick: fn((usize, usize)) -> usize| {
        let number = |row: &Listed<'_>| row.span.map(pick).and_then(|number| i64::try_from(number).ok());
        TableColumn::Int(rows.iter().map(number).collect())
    };
    let (first, last) = (end(|span| span.0), end(|span| span.1));
    let (mut keys, mut captures, mut entries) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        keys.push(Some(row.key.into_owned()));
        captures.push(row.captures);
        entries.push(row.entry);
    }
    Table::new([
        (KEY, TableColumn::Text(keys)),
        (FIRST, first),
        (LAST, last),
        (CAPTURES, TableColumn::Text(captures)),
        (ENTRY, TableColumn::Text(entries)),
    ])
}

/// The lowest and the highest number of captures. A capture that gave nothing has number 0.
fn span(captures: impl Iterator<Item = usize>) -> Option<(usize, usize)> {
    captures.filter(|capture| *capture > 0).fold(None, |span, capture| match span {
        None => Some((capture, capture)),
        Some((first, last)) => Some((capture.min(first), capture.max(last))),
    })
}

pub(super) fn of_unit<'a>(id: &'a str, captures: &[usize], at: &Path) -> Result<Listed<'a>> {
    let span = span(captures.iter().copied());
    Ok(Listed { key: id.into(), span, captures: Some(to_json(&captures, at)?), entry: None })
}

pub(super) fn of_part(part: &CommittedPart, at: &Path) -> Result<Listed<'static>> {
    let bare = CommittedPart { ranges: Vec::new(), ..part.clone() };
    Ok(Listed {
        key: path_text::to_text(&part.path).into(),
        span: span(part.ranges.iter().map(|range| range.input)),
        captures: Some(to_json(&part.ranges, at)?),
        entry: Some(to_json(&bare, at)?),
    })
}

pub(super) fn of_partial(partial: &CommittedPartial, at: &Path) -> Result<Listed<'static>> {
    let bare = CommittedPartial { inputs: Vec::new(), ..partial.clone() };
    Ok(Listed {
        key: path_text::to_text(&partial.path).into(),
        span: span(partial.inputs.iter().copied()),
        captures: Some(to_json(&partial.inputs, at)?),
        entry: Some(to_json(&bare, at)?),
    })
}

pub(super) fn of_table(table: &CommittedTable, at: &Path) -> Result<Listed<'static>> {
    let key = path_text::to_text(&table.path).into();
    Ok(Listed { key, span: None, captures: None, entry: Some(to_json(table, at)?) })
}

pub(super) fn of_refusal(file: &Path, refused: &RefusedEntry, at: &Path) -> Result<Listed<'static>> {
    let key = path_text::to_text(file).into();
    Ok(Listed { key, span: None, captures: None, entry: Some(to_json(refused, at)?) })
}
