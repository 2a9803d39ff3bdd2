//! The columns of the files of a checkpoint.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::capture::{ContentHashes, DamageKind, Timestamp};
use crate::error::{Error, Result};
use crate::hash::ContentHash;
use crate::lake::held_capture::LookAgain;
use crate::lake::record::{CommittedPart, CommittedPartial, CommittedTable, InputEntry, RefusedEntry};
use crate::path_text;
use crate::tables::{Table, TableColumn, TextValues};

/// What the rows of all files but one are sorted by, with `/` before any other byte: the absolute path of a capture or of a file
/// that was refused, a path below the lake, or the identity of a unit.
pub(super) const KEY: &str = "path";
/// The number of a capture in the lake.
pub(super) const CAPTURE: &str = "capture";
/// The number of the capture whose rows stand for those of one that was left out.
pub(super) const SAME_AS: &str = "same_as";
/// Bytes of the file.
pub(super) const BYTES: &str = "bytes";
/// Its time of modification, in nanoseconds since the Unix epoch.
pub(super) const MODIFIED: &str = "modified_ns";
/// The ETag of an object.
pub(super) const ETAG: &str = "etag";
/// What was made of it, in one word.
pub(super) const STATUS: &str = "status";
/// Why a run may look at it again although it is unchanged: one of a few words.
pub(super) const AGAIN: &str = "again";
/// The fingerprint of a stream.
pub(super) const STREAM: &str = "stream";
/// Packets of the capture.
pub(super) const PACKETS: &str = "packets";
/// Time of its earliest packet.
pub(super) const FIRST_TIME: &str = "first_time";
/// Time of its last packet.
pub(super) const LAST_TIME: &str = "last_time";
/// The fingerprint of the file, as [`content_key`].
pub(super) const FINGERPRINT: &str = "fingerprint_key";
/// The hash of the bytes up to the end of the first record, as [`content_key`].
pub(super) const HEAD: &str = "head_key";
/// Where the content ends that the capture is known by; `None` of one that an earlier version converted.
pub(super) const CONTENT: &str = "content_end";
/// The entry as the manifest has it, in JSON, without its captures.
pub(super) const ENTRY: &str = "entry";
/// The captures of a unit, a part or a partial summary as the manifest has them, in JSON.
pub(super) const CAPTURES: &str = "captures";
/// Rows with [`CAPTURES`] that are in memory at a time: each may have thousands of captures.
pub(super) const LONG_ROWS: usize = 64;
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

/// CheckpointRows of captures, in the order of their paths.
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
    let keys = |pick: &dyn Fn(&InputEntry) -> Option<&str>| {
        TableColumn::Int(entries.iter().map(|entry| pick(entry).map(content_key)).collect())
    };
    let json = entries.iter().map(|entry| to_json(entry, at).map(Some)).collect::<Result<TextValues>>()?;
    Ok(Table::new([
        (KEY, texts(&|entry| Some(path_text::to_text(&entry.input.absolute)))),
        (CAPTURE, ints(&|entry| Some(entry.id as u64))),
        (SAME_AS, ints(&|entry| entry.same_as.map(|same_as| same_as as u64))),
        (BYTES, ints(&|entry| Some(entry.input.size))),
        (MODIFIED, TableColumn::Int(entries.iter().map(|entry| Some(entry.input.modified)).collect())),
        (ETAG, texts(&|entry| entry.input.etag.clone())),
        (STATUS, texts(&|entry| Some(entry.status.name().to_owned()))),
        (AGAIN, texts(&|entry| again(entry).and_then(word).map(str::to_owned))),
        (STREAM, texts(&|entry| entry.input.fingerprint.clone().filter(|_| entry.input.is_stdin()))),
        (PACKETS, ints(&|entry| Some(entry.found.records))),
        (FIRST_TIME, times(&|entry| entry.found.earliest)),
        (LAST_TIME, times(&|entry| entry.found.latest)),
        (FINGERPRINT, keys(&|entry| entry.input.fingerprint.as_deref())),
        (HEAD, keys(&|entry| entry.input.head.as_deref())),
        (CONTENT, ints(&|entry| entry.found.content.as_ref().map(ContentHashes::end))),
        (ENTRY, TableColumn::Text(json)),
    ]))
}

/// A number by which a text is looked for: XXH3 of it. All captures are looked at for each that is new, so texts would cost too much.
pub(crate) fn content_key(text: &str) -> i64 {
    let mut hash = ContentHash::default();
    hash.update(text.as_bytes());
    hash.key()
}

/// Why a run may look at a capture again although it is unchanged; `None` where none does.
pub(in crate::lake) fn again(entry: &InputEntry) -> Option<LookAgain> {
    let damage = entry.found.damage.as_ref();
    if entry.is_open() {
        Some(LookAgain::Open)
    } else if entry.lost_rows > 0 {
        Some(LookAgain::Incomplete)
    } else if damage.is_some_and(|damage| damage.kind == DamageKind::Unreadable) {
        Some(LookAgain::Unreadable)
    } else {
        damage.map(|_| LookAgain::Damaged)
    }
}

/// The words for that.
const WORDS: [(LookAgain, &str); 4] = [
    (LookAgain::Open, "open"),
    (LookAgain::Incomplete, "incomplete"),
    (LookAgain::Unreadable, "unreadable"),
    (LookAgain::Damaged, "damaged"),
];

fn word(again: LookAgain) -> Option<&'static str> {
    WORDS.iter().find(|(held, _)| *held == again).map(|(_, word)| *word)
}

/// What a word says.
pub(super) fn of_word(word: &str) -> Option<LookAgain> {
    WORDS.iter().find(|(_, held)| *held == word).map(|(again, _)| *again)
}

/// A row of a list: its key, the captures it is about as JSON with their lowest and highest number, and the entry as JSON.
pub(super) struct ListRow<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) span: Option<(usize, usize)>,
    pub(super) captures: Option<String>,
    pub(super) entry: Option<String>,
}

/// CheckpointRows of a list, in the order of their keys.
pub(super) fn list(rows: Vec<ListRow<'_>>) -> Table {
    let end = |pick: fn((usize, usize)) -> usize| {
        let number = |row: &ListRow<'_>| row.span.map(pick).and_then(|number| i64::try_from(number).ok());
        TableColumn::Int(rows.iter().map(number).collect())
    };
    let (first, last) = (end(|span| span.0), end(|span| span.1));
    let (mut keys, mut captures, mut entries) = (TextValues::new(), TextValues::new(), TextValues::new());
    for row in rows {
        keys.push(Some(&row.key));
        captures.push(row.captures.as_deref());
        entries.push(row.entry.as_deref());
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

pub(super) fn of_unit<'a>(id: &'a str, captures: &[usize], at: &Path) -> Result<ListRow<'a>> {
    let span = span(captures.iter().copied());
    Ok(ListRow { key: id.into(), span, captures: Some(to_json(&captures, at)?), entry: None })
}

pub(super) fn of_part(part: &CommittedPart, at: &Path) -> Result<ListRow<'static>> {
    let bare = CommittedPart { ranges: Vec::new(), ..part.clone() };
    Ok(ListRow {
        key: path_text::to_text(&part.path).into(),
        span: span(part.ranges.iter().map(|range| range.input)),
        captures: Some(to_json(&part.ranges, at)?),
        entry: Some(to_json(&bare, at)?),
    })
}

pub(super) fn of_partial(partial: &CommittedPartial, at: &Path) -> Result<ListRow<'static>> {
    let bare = CommittedPartial { inputs: Vec::new(), ..partial.clone() };
    Ok(ListRow {
        key: path_text::to_text(&partial.path).into(),
        span: span(partial.inputs.iter().copied()),
        captures: Some(to_json(&partial.inputs, at)?),
        entry: Some(to_json(&bare, at)?),
    })
}

pub(super) fn of_table(table: &CommittedTable, at: &Path) -> Result<ListRow<'static>> {
    let key = path_text::to_text(&table.path).into();
    Ok(ListRow { key, span: None, captures: None, entry: Some(to_json(table, at)?) })
}

pub(super) fn of_refusal(file: &Path, refused: &RefusedEntry, at: &Path) -> Result<ListRow<'static>> {
    let key = path_text::to_text(file).into();
    Ok(ListRow { key, span: None, captures: None, entry: Some(to_json(refused, at)?) })
}
