//! The manifest: what the lake holds, and which rows came from where. One JSON file a commit, readable by a person; the
//! lake is what they add up to.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::columns::SCHEMA_VERSION;
use crate::config::Settings;
use crate::discover::{Input, path_text};
use crate::error::{Error, Result};
use crate::partition::Day;
use crate::write::RowRange;

use super::entry::{CaptureEntry, UnitRow};
use super::layout::Lake;

/// What one commit added.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of parcap that wrote it.
    pub parcap: String,
    /// The version of the packets table.
    pub schema_version: u32,
    /// Its number, from 1 on.
    pub sequence: u64,
    /// What shaped rows, parts and summaries.
    pub settings: Settings,
    /// Records framed and rows written in this commit; they are equal.
    pub records: u64,
    /// See `records`.
    pub rows: u64,
    /// The captures.
    pub inputs: Vec<InputEntry>,
    /// The units, with their parts.
    pub units: Vec<UnitEntry>,
    /// What was refused, with the reason; it will be tried again.
    pub refused: Vec<RefusedEntry>,
}

/// A capture in the manifest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InputEntry {
    /// The capture, as it was.
    #[serde(flatten)]
    pub input: Input,
    /// `whole`, `odd`, `damaged` or `refused`.
    pub status: String,
    /// What was found in it.
    pub found: CaptureEntry,
}

impl InputEntry {
    /// An entry of what gave no rows.
    #[must_use]
    pub fn of_refused(refused: &RefusedEntry) -> Self {
        let found = CaptureEntry { refused: Some(refused.reason.clone()), ..CaptureEntry::default() };
        let input = Input::unread(&refused.path);
        Self { input, status: found.status().to_owned(), found }
    }
}

/// A unit in the manifest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnitEntry {
    /// Its identity, of which its part names are made.
    pub id: String,
    /// Its captures, by their place in the manifest's `inputs`, with the chunks that belong to it.
    pub captures: Vec<UnitCaptureEntry>,
    /// Its parts.
    pub parts: Vec<CommittedPart>,
    /// Its partial summary, below the lake; none if summaries were off.
    pub partial: Option<CommittedPartial>,
}

/// A capture's share of a unit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnitCaptureEntry {
    /// Place in the manifest's `inputs`.
    pub input: usize,
    /// The chunks; none for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<Range<u64>>,
}

/// A part in its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommittedPart {
    /// Below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// XXH3 of its bytes.
    pub checksum: String,
    /// Which rows came from which capture, by its place in the unit.
    pub ranges: Vec<RowRange>,
}

/// A partial summary in its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommittedPartial {
    /// Below the lake.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// The dates to which it contributes.
    pub days: Vec<Day>,
}

/// Something that was to be an input and is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedEntry {
    /// As it was named, or met.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Why.
    pub reason: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Manifest {
    /// The manifest of a commit of these units.
    #[must_use]
    pub fn new(sequence: u64, settings: Settings, rows: &[UnitRow], refused: Vec<RefusedEntry>) -> Self {
        let mut inputs: Vec<InputEntry> = Vec::new();
        let mut places: HashMap<PathBuf, usize> = HashMap::new();
        let mut units = Vec::new();
        for row in rows {
            let mut captures = Vec::new();
            for (capture, found) in row.unit.captures.iter().zip(&row.captures) {
                let place = *places.entry(capture.input.absolute.clone()).or_insert(inputs.len());
                match inputs.get_mut(place) {
                    Some(entry) => entry.found += found.clone(),
                    None => inputs.push(InputEntry {
                        input: capture.input.clone(),
                        status: String::new(),
                        found: found.clone(),
                    }),
                }
                captures.push(UnitCaptureEntry { input: place, chunks: capture.chunks.clone() });
            }
            let parts = row.parts.iter().map(|part| CommittedPart {
                path: part.path.clone(),
                rows: part.rows,
                bytes: part.bytes,
                checksum: part.checksum.clone(),
                ranges: part.ranges.clone(),
            });
            let partial = row.partial.as_ref();
            units.push(UnitEntry {
                id: row.unit.id.clone(),
                captures,
                parts: parts.collect(),
                partial: partial
                    .map(|partial| CommittedPartial { path: partial.path.clone(), days: partial.days.clone() }),
            });
        }
        for entry in &mut inputs {
            // What only chunks need to know of each other has served its purpose.
            (entry.found.entry, entry.found.exit) = (None, None);
            entry.status = entry.found.status().to_owned();
        }
        Self {
            parcap: env!("CARGO_PKG_VERSION").to_owned(),
            schema_version: SCHEMA_VERSION,
            sequence,
            settings,
            records: rows.iter().map(UnitRow::records).sum(),
            rows: rows.iter().map(UnitRow::rows).sum(),
            inputs,
            units,
            refused,
        }
    }

    /// The file name of the manifest of a commit.
    #[must_use]
    pub fn file_name(sequence: u64) -> String {
        format!("{sequence:010}.json")
    }
}

/// What a lake holds: its manifests, added up.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    /// Number of the last commit; 0 for a new lake.
    pub sequence: u64,
    /// The settings of the last commit.
    pub settings: Option<Settings>,
    /// Captures by absolute path.
    pub inputs: BTreeMap<PathBuf, InputEntry>,
    /// Identities of the units.
    pub units: HashSet<String>,
    /// What was read from standard input is known by.
    pub streams: HashSet<String>,
    /// Partial summaries.
    pub partials: Vec<CommittedPartial>,
    /// What the last commit refused.
    pub refused: Vec<RefusedEntry>,
}

impl Holdings {
    /// Reads the manifests of a lake; a lake that does not exist holds nothing.
    ///
    /// # Errors
    /// If a manifest cannot be read, or is none.
    pub fn read(lake: &Lake) -> Result<Self> {
        let mut held = Self::default();
        for path in manifest_files(&lake.manifest())? {
            let text = fs::read(&path).map_err(Error::io("read", &path))?;
            let manifest = serde_json::from_slice(&text).map_err(|source| Error::Json {
                name: path_text::printable(&path),
                what: "manifest",
                source,
            })?;
            held.add(manifest);
        }
        Ok(held)
    }

    /// Whether new parts and tables fit those that the lake has.
    ///
    /// # Errors
    /// [`Error::SettingsDiffer`] with the first option that differs.
    pub fn agrees_with(&self, settings: &Settings, lake: &Path) -> Result<()> {
        let Some(held) = &self.settings else {
            return Ok(());
        };
        for (option, same) in [
            ("--partition-by", held.partition_by == settings.partition_by),
            ("--timestamp-unit", held.timestamp_unit == settings.timestamp_unit),
            ("--length", held.length == settings.length),
            ("--window", held.window == settings.window),
            ("--no-summary", held.summaries == settings.summaries),
        ] {
            if !same {
                return Err(Error::SettingsDiffer { lake: lake.to_path_buf(), option });
            }
        }
        Ok(())
    }

    /// Adds what a commit added.
    pub fn add(&mut self, manifest: Manifest) {
        self.sequence = self.sequence.max(manifest.sequence);
        self.settings = Some(manifest.settings);
        self.refused = manifest.refused;
        for entry in manifest.inputs {
            // What gave no rows is tried again.
            if let Some(reason) = entry.found.refused {
                self.refused.push(RefusedEntry { path: entry.input.path, reason, hint: None });
                continue;
            }
            if entry.input.is_stdin() {
                self.streams.extend(entry.input.fingerprint.clone());
            }
            self.inputs.insert(entry.input.absolute.clone(), entry);
        }
        for unit in manifest.units {
            self.partials.extend(unit.partial);
            self.units.insert(unit.id);
        }
    }
}

fn manifest_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", folder)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io("read", folder))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
