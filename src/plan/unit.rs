//! The unit of work: self-contained, serialisable, and the same bytes wherever it runs.

use std::io;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::discover::Input;
use crate::hash::ContentHash;
use crate::packets::SCHEMA_VERSION;

/// Hexadecimal digits of an identity.
const IDENTITY: usize = 16;

/// Captures, or consecutive chunks of one, that become parts together.
///
/// Chunk `k` of a capture is the records whose first byte lies in `[k*C, (k+1)*C)` of the decompressed file, where `C` is
/// the chunk size of the settings. This definition decides the rows, whichever way a boundary is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// A hash of the content, the ranges and the settings. Part names are made of it. Empty for standard input, whose
    /// content is not known before it is read.
    pub id: String,
    /// The captures, in order.
    pub captures: Vec<UnitCapture>,
    /// The settings that shape rows and parts.
    pub settings: Settings,
    /// The plan that it belongs to, if another process planned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Whether the first line of the plan says more than that the captures are new. Then the unit must be committed
    /// together with that line: otherwise rows would be in the lake twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_with_plan: bool,
}

/// A capture's share of a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitCapture {
    /// The capture.
    pub input: Input,
    /// The chunks of it that belong to the unit; `None` for all of it, read in one go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<Range<u64>>,
    /// Records before these chunks, if they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames_before: Option<u64>,
}

/// The work that one worker does without a break: a chunk of a capture, or several small captures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Places in [`Unit::captures`].
    pub captures: Range<usize>,
    /// The chunk, if there is one. Then `captures` has one element.
    pub chunk: Option<u64>,
}

impl Unit {
    /// A unit with the identity that follows from its contents. `copy` tells units apart that would otherwise be equal:
    /// captures with the same bytes under several names.
    #[must_use]
    pub fn new(captures: Vec<UnitCapture>, settings: Settings, copy: u64) -> Self {
        let known = |capture: &UnitCapture| Some((capture.input.fingerprint.clone()?, capture.chunks.clone()));
        let known: Option<Vec<_>> = captures.iter().map(known).collect();
        let id = known.map_or_else(String::new, |known| identity(known.into_iter(), &settings, copy));
        Self { id, captures, settings, plan: None, only_with_plan: false }
    }

    /// The identity of a unit of standard input, once its content is known.
    #[must_use]
    pub fn id_of_stream(fingerprint: &str, settings: &Settings) -> String {
        identity(std::iter::once((fingerprint, None)), settings, 0)
    }

    /// The tasks of the unit, in the order in which their rows are written.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        let mut tasks = Vec::new();
        let mut start = 0;
        let mut bytes = 0u64;
        for (place, capture) in self.captures.iter().enumerate() {
            if let Some(chunks) = &capture.chunks {
                tasks.extend(chunks.clone().map(|chunk| Task { captures: place..place + 1, chunk: Some(chunk) }));
                start = place + 1;
                continue;
            }
            bytes = bytes.saturating_add(capture.input.size);
            if bytes >= self.settings.chunk_size || place + 1 == self.captures.len() {
                tasks.push(Task { captures: start..place + 1, chunk: None });
                (start, bytes) = (place + 1, 0);
            }
        }
        tasks
    }

    /// Bytes of its captures, as they are in their files. Of a capture that is cut into chunks, those of its chunks.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let of = |capture: &UnitCapture| match &capture.chunks {
            None => capture.input.size,
            Some(chunks) => {
                let start = chunks.start * self.settings.chunk_size;
                (chunks.end * self.settings.chunk_size).min(capture.input.size).saturating_sub(start)
            }
        };
        self.captures.iter().map(of).sum()
    }

    /// A short description for messages: the first input's name, and how many more there are.
    #[must_use]
    pub fn name(&self) -> String {
        let first = self.captures.first().map_or_else(String::new, |capture| capture.input.name());
        match self.captures.len() {
            0 | 1 => first,
            count => format!("{first} and {} more", count - 1),
        }
    }
}

fn identity(
    captures: impl Iterator<Item = (impl AsRef<str>, Option<Range<u64>>)>,
    settings: &Settings,
    copy: u64,
) -> String {
    let mut hash = ContentHash::default();
    hash.field(identity_of(settings).as_bytes());
    hash.field(&copy.to_le_bytes());
    for (fingerprint, chunks) in captures {
        hash.field(fingerprint.as_ref().as_bytes());
        let chunks = chunks.map_or_else(String::new, |chunks| format!("{}-{}", chunks.start, chunks.end));
        hash.field(chunks.as_bytes());
    }
    short(&hash)
}

/// Whether a text is an identity of units, plans or derived files. Names of files are made of it.
#[must_use]
pub fn is_identity(text: &str) -> bool {
    text.len() == IDENTITY && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The identity of a file that is made of files of the lake: from how it is made, and of which files.
#[must_use]
pub fn derived_identity<'a>(how: &str, of: impl Iterator<Item = &'a str>) -> String {
    let mut hash = ContentHash::default();
    hash.field(how.as_bytes());
    of.for_each(|field| hash.field(field.as_bytes()));
    short(&hash)
}

/// The identity of a document: of its JSON, which is never whole in memory.
///
/// # Errors
/// If it has no JSON.
pub fn identity_of_document(document: &impl Serialize) -> serde_json::Result<String> {
    struct Hashing(ContentHash);

    impl io::Write for Hashing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut hashing = Hashing(ContentHash::default());
    serde_json::to_writer(&mut hashing, document)?;
    Ok(short(&hashing.0))
}

fn short(hash: &ContentHash) -> String {
    let mut hex = hash.hex();
    hex.truncate(IDENTITY);
    hex
}

/// A text that differs where parts may differ, for the identity of units. The settings of summaries are not in it.
fn identity_of(settings: &Settings) -> String {
    format!(
        "schema {SCHEMA_VERSION}; {} {} {} {:?} {:?} {:?} {:?}{}{}{}",
        settings.chunk_size,
        settings.target_file_size,
        settings.row_group_rows,
        settings.compression,
        settings.timestamp_unit,
        settings.length,
        settings.partition_by,
        if settings.salvage { " salvage" } else { "" },
        if settings.decapsulate.is_empty() { "" } else { " decapsulate " },
        settings.decapsulate,
    )
}
