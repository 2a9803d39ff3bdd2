//! The manifest: the content of the lake, and which rows came from where. Each commit writes one JSON file, which people
//! can read. The lake is the sum of its manifests.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bug::bug;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::hash::{ContentHash, checksum};
use crate::packets::SCHEMA_VERSION;
use crate::path_text;
use crate::storage::{HashedFile, LocalFile, local, open_own};

use super::delta::DeltaEntry;
use super::layout::{Layout, PACKETS, SUMMARIES, is_below};
use super::record::{CommittedPart, CommittedPartial, CommittedTable, InputEntry, RefusedEntry, Relocated, UnitEntry};

/// The version of the manifest itself.
const MANIFEST_VERSION: u32 = 2;

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 18;

/// The beginning of a manifest's last lines, before the checksum of all that precedes them.
const CHECKSUM: &str = "\"checksum\": \"";
/// What follows the checksum.
const AFTER_CHECKSUM: &str = "\"\n}\n";

/// What kind of run made a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Captures were converted, and perhaps replaced.
    #[default]
    Convert,
    /// Small files became larger ones. The lake has the same rows.
    Compact,
    /// Captures were removed.
    Forget,
    /// Lost files were made again from what was left.
    Repair,
    /// A Delta log was begun, mended or given up. The lake has the same rows.
    Delta,
}

/// What one commit changed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the manifest's own format.
    #[serde(default)]
    pub version: u32,
    /// The version of parcap that wrote it.
    pub parcap: String,
    /// The version of the packets table.
    pub schema_version: u32,
    /// Its number, from 1 on.
    pub sequence: u64,
    /// The kind of run that made it.
    #[serde(default)]
    pub action: Action,
    /// Whether it describes the whole lake, so that earlier manifests do not count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub base: bool,
    /// The settings that shape rows, parts and summaries.
    pub settings: Settings,
    /// What the Delta log says of the commit, in lakes with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<DeltaEntry>,
    /// Records framed and rows written by converting; they are equal.
    pub records: u64,
    /// See `records`.
    pub rows: u64,
    /// What was removed before anything was added.
    #[serde(default)]
    pub removed: Removed,
    /// Captures that were added.
    pub inputs: Vec<Arc<InputEntry>>,
    /// Captures that have another name or time of modification now.
    #[serde(default)]
    pub met_again: Vec<Relocated>,
    /// Units that were converted.
    pub units: Vec<UnitEntry>,
    /// Parts that were added.
    #[serde(default)]
    pub parts: Vec<CommittedPart>,
    /// Partial summaries that were added.
    #[serde(default)]
    pub partials: Vec<CommittedPartial>,
    /// Summary tables that were written.
    #[serde(default)]
    pub tables: Vec<CommittedTable>,
    /// The answers of reverse lookups, if they were written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<CommittedTable>,
    /// Inputs that were refused, with the reason.
    pub refused: Vec<RefusedEntry>,
}

/// What a commit removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Removed {
    /// Captures, by their numbers in the lake.
    pub inputs: Vec<usize>,
    /// Parts, below the lake.
    #[serde(with = "path_text::list")]
    pub parts: Vec<PathBuf>,
    /// Partial summaries, below the lake.
    #[serde(with = "path_text::list")]
    pub partials: Vec<PathBuf>,
    /// Summary tables, below the lake.
    #[serde(with = "path_text::list")]
    pub tables: Vec<PathBuf>,
    /// Refusals that no longer hold, by the absolute path of the file.
    #[serde(with = "path_text::list")]
    pub refused: Vec<PathBuf>,
}

impl Manifest {
    /// The manifest of a commit that changes nothing yet.
    #[must_use]
    pub fn new(sequence: u64, action: Action, settings: Settings) -> Self {
        Self {
            version: MANIFEST_VERSION,
            parcap: env!("CARGO_PKG_VERSION").to_owned(),
            schema_version: SCHEMA_VERSION,
            sequence,
            action,
            settings,
            ..Self::default()
        }
    }

    /// Whether the lake's content stays the same with it, except for refusals.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        !self.base
            && self.removed == Removed::default()
            && self.inputs.is_empty()
            && self.met_again.is_empty()
            && self.units.is_empty()
            && self.parts.is_empty()
            && self.partials.is_empty()
            && self.tables.is_empty()
            && self.names.is_none()
    }

    /// The file name of the manifest of a commit.
    #[must_use]
    pub fn file_name(sequence: u64) -> String {
        format!("{sequence:010}.json")
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// If it cannot be read, has another version, differs from the text that was written, or names files in places where
    /// they do not belong. Manifests of earlier versions have no checksum, and are taken as they are.
    pub fn read(path: &Path) -> Result<Self> {
        let file = open_own(path).map_err(Error::io("read", path))?;
        let (expected, length) = expected_checksum(&file).map_err(Error::io("read", path))?;
        let not_one = |source| Error::Json { name: path_text::printable(path), what: "manifest", source };
        let mut hashed = Hashed { file, left: length, hash: ContentHash::default() };
        // For a large archive, the text is larger than the parsed manifest.
        let manifest: Self = serde_json::from_reader(BufReader::with_capacity(BUFFER, &mut hashed)).map_err(not_one)?;
        if manifest.version != MANIFEST_VERSION {
            return Err(Error::ManifestVersion {
                path: path.to_path_buf(),
                found: manifest.version,
                expected: MANIFEST_VERSION,
            });
        }
        let found = checksum(&hashed.hash);
        match expected {
            Some(expected) if expected != found => {
                let path = path.to_path_buf();
                return Err(Error::FileDiffers { path, what: "checksum of the manifest", expected, found });
            }
            _ => {}
        }
        match manifest.strange() {
            Some(named) => Err(Error::Outside { path: path.to_path_buf(), named: path_text::printable(named) }),
            None => Ok(manifest),
        }
    }

    /// The first path that is not where such a file belongs: parcap would read the file, and remove it one day.
    fn strange(&self) -> Option<&Path> {
        let Removed { parts, partials, tables, .. } = &self.removed;
        let parts = self.parts.iter().map(|part| &part.path).chain(parts).filter(|path| !is_below(path, PACKETS));
        let tables = self.tables.iter().map(|table| &table.path).chain(tables);
        let tables = tables.filter(|path| !is_below(path, SUMMARIES));
        let folder = Layout::partial_folder();
        let partials = self.partials.iter().map(|partial| &partial.path).chain(partials);
        let mut all = parts.chain(tables).chain(partials.filter(|path| !is_below(path, &folder)));
        all.next().map(PathBuf::as_path)
    }

    /// Writes it as a new file, synced. Each capture, part and so on has its own line, for people and for `grep`.
    ///
    /// # Errors
    /// If the file exists, or cannot be written or synced.
    pub fn write(&self, path: &Path) -> Result<()> {
        let file = HashedFile::create(path).map_err(Error::io("create", path))?;
        let mut out = BufWriter::new(file);
        let text = |out: &mut BufWriter<HashedFile>| {
            self.write_lines(out)?;
            out.flush()?;
            let sum = out.get_ref().checksum();
            write!(out, "{CHECKSUM}{sum}{AFTER_CHECKSUM}")
        };
        text(&mut out).map_err(Error::io("write", path))?;
        let file = out.into_inner().map_err(|error| Error::io("write", path)(error.into_error()))?;
        file.finish().map(drop).map_err(Error::io("sync", path))
    }

    fn write_lines(&self, out: &mut impl Write) -> io::Result<()> {
        let mut head = vec![
            ("parcap", serde_json::to_string(&self.parcap)?),
            ("schema_version", serde_json::to_string(&self.schema_version)?),
            ("sequence", serde_json::to_string(&self.sequence)?),
            ("action", serde_json::to_string(&self.action)?),
            ("settings", serde_json::to_string(&self.settings)?),
            ("records", serde_json::to_string(&self.records)?),
            ("rows", serde_json::to_string(&self.rows)?),
            ("removed", serde_json::to_string(&self.removed)?),
        ];
        if let Some(delta) = &self.delta {
            head.push(("delta", serde_json::to_string(delta)?));
        }
        if self.base {
            head.push(("base", serde_json::to_string(&self.base)?));
        }
        out.write_all(b"{\n")?;
        for (name, value) in head {
            writeln!(out, "\"{name}\": {value},")?;
        }
        write_list(out, "inputs", &self.inputs)?;
        write_list(out, "met_again", &self.met_again)?;
        write_list(out, "units", &self.units)?;
        write_list(out, "parts", &self.parts)?;
        write_list(out, "partials", &self.partials)?;
        write_list(out, "tables", &self.tables)?;
        if let Some(names) = &self.names {
            writeln!(out, "\"names\": {},", serde_json::to_string(names)?)?;
        }
        write_list(out, "refused", &self.refused)?;
        writeln!(out, "\"version\": {MANIFEST_VERSION},")
    }
}

/// The checksum that a manifest has for itself, and the length of the text that it covers. Without a checksum, the length
/// of all.
fn expected_checksum(file: &LocalFile) -> io::Result<(Option<String>, u64)> {
    let size = file.facts()?.size;
    let digits = checksum(&ContentHash::default()).len();
    let mut tail = vec![0; CHECKSUM.len() + digits + AFTER_CHECKSUM.len()];
    let Some(length) = size.checked_sub(tail.len() as u64) else { return Ok((None, size)) };
    file.read_exact_at(&mut tail, length)?;
    let text = std::str::from_utf8(&tail).ok();
    let sum = text.and_then(|text| text.strip_prefix(CHECKSUM)?.strip_suffix(AFTER_CHECKSUM));
    Ok(sum.map_or((None, size), |sum| (Some(sum.to_owned()), length)))
}

/// A file whose first bytes are hashed as they are read.
struct Hashed {
    file: LocalFile,
    left: u64,
    hash: ContentHash,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        let hashed = usize::try_from(self.left).unwrap_or(usize::MAX).min(read);
        self.hash.update(buffer.get(..hashed).ok_or_else(|| io::Error::other(bug!()))?);
        self.left -= hashed as u64;
        Ok(read)
    }
}

/// A list, one line for each element.
fn write_list<T: Serialize>(out: &mut impl Write, name: &str, list: &[T]) -> io::Result<()> {
    write!(out, "\"{name}\": [")?;
    for (place, element) in list.iter().enumerate() {
        out.write_all(if place == 0 { b"\n " } else { b",\n " })?;
        serde_json::to_writer(&mut *out, element)?;
    }
    out.write_all(if list.is_empty() { b"],\n" } else { b"\n],\n" })
}

/// The number of the newest manifest, by its name; 0 if there is none.
pub(super) fn newest(folder: &Path) -> Result<u64> {
    Ok(files(folder)?.iter().filter_map(|path| number_of(path)).max().unwrap_or(0))
}

/// The number of the commit that a manifest should belong to, by its name.
pub(super) fn number_of(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.parse().ok()
}

/// The manifests of a lake, in order. None if there is no lake.
///
/// # Errors
/// If the folder cannot be read.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match local::list(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", folder)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension().is_some_and(|extension| extension == "json") && !is_hidden {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
