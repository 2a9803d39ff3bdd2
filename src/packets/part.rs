//! One part file: row groups of one partition, a footer, and its description.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;
use serde::{Deserialize, Serialize};

use crate::bug::bug;
use crate::discover::{Compression, Format, Input};
use crate::error::{Error, Result};
use crate::path_text;
use crate::storage::{ReopenableFile, UnsyncedFiles};

use super::row_group::{EncodedRowGroup, Encoder};
use super::schema::SCHEMA_VERSION;

/// The most row groups of a part: readers number them with 16 bits.
const MAX_ROW_GROUPS: usize = 30_000;
/// Bytes of memory that a row group takes until its part ends, without its Bloom filters: its part of the footer, with statistics
/// and page indexes.
const FOOTER: u64 = 20 << 10;

/// Which rows of a part came from which input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowRange {
    /// The input: its place in its unit; in a manifest, its number in the lake.
    pub input: usize,
    /// First row in the part.
    pub first_row: u64,
    /// How many.
    pub rows: u64,
    /// Offset of the first row's record in the decompressed capture.
    pub first_offset: u64,
    /// Offset of the last row's record in the decompressed capture.
    pub last_offset: u64,
}

/// What a part says of a capture that has rows in it. It identifies the capture if the lake's manifest is lost. It
/// follows from names and contents alone, as a part's bytes do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The path of the capture, as it was given or found.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Bytes of the file.
    pub size: u64,
    /// Fingerprint of the content. `None` for standard input before its end.
    pub fingerprint: Option<String>,
    /// How the bytes are compressed.
    pub compression: Compression,
    /// The format of the decompressed bytes.
    pub format: Option<Format>,
    /// The chunks of the capture that the part's unit has; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<Range<u64>>,
    /// Its place among the captures of all parts that have the name of the same unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<usize>,
    /// Rows that these chunks gave, in all parts. `None` if that was not known when the part ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

impl Origin {
    /// The origin for an input.
    #[must_use]
    pub fn of(input: &Input, chunks: Option<Range<u64>>, rows: Option<u64>) -> Self {
        Self {
            path: input.path.clone(),
            size: input.size,
            fingerprint: input.fingerprint.clone(),
            compression: input.compression,
            format: input.format,
            chunks,
            place: None,
            rows,
        }
    }

    /// As [`Input::name`].
    #[must_use]
    pub fn name(&self) -> String {
        Input::unread(&self.path).name()
    }
}

/// A part that is written, synced and closed, and not yet in its place.
#[derive(Clone, Debug)]
pub struct PartFile {
    /// Where it is staged.
    pub staged: PathBuf,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// XXH3 of its bytes.
    pub checksum: String,
    /// Where its rows came from, in their order.
    pub ranges: Vec<RowRange>,
}

/// Writes a part, row group by row group.
pub struct PartWriter {
    staged: PathBuf,
    writer: SerializedFileWriter<ReopenableFile>,
    rows: u64,
    bytes: u64,
    row_groups: usize,
    /// Bytes of Bloom filters, which are written at the end.
    filters: u64,
    ranges: Vec<RowRange>,
    /// The settings that shaped its rows, as JSON.
    settings: String,
    /// What its columns mean, as JSON.
    columns: Arc<str>,
}

impl PartWriter {
    /// Creates the file.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create(staged: &Path, encoder: &Encoder) -> Result<Self> {
        let file = ReopenableFile::create(staged).map_err(Error::io("create", staged))?;
        let writer = SerializedFileWriter::new(file, Arc::clone(&encoder.schema), Arc::clone(&encoder.properties))
            .map_err(failed(staged))?;
        let (staged, settings) = (staged.to_path_buf(), encoder.settings_text.clone());
        let columns = Arc::clone(&encoder.columns_text);
        Ok(Self { staged, writer, rows: 0, bytes: 0, row_groups: 0, filters: 0, ranges: Vec::new(), settings, columns })
    }

    /// Appends a row group.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn append(&mut self, group: EncodedRowGroup) -> Result<()> {
        self.filters += group.filter_bytes();
        let write = || -> Result<(), ParquetError> {
            let mut row_group = self.writer.next_row_group()?;
            for column in group.columns {
                row_group.append_column(&column.pages, column.close)?;
            }
            row_group.close()?;
            Ok(())
        };
        write().map_err(failed(&self.staged))?;
        for span in group.spans {
            match self.ranges.last_mut() {
                Some(range) if range.input == span.input => {
                    range.rows += span.rows;
                    range.last_offset = span.last_offset;
                }
                _ => self.ranges.push(RowRange {
                    input: span.input,
                    first_row: self.ranges.last().map_or(0, |range| range.first_row + range.rows),
                    rows: span.rows,
                    first_offset: span.first_offset,
                    last_offset: span.last_offset,
                }),
            }
        }
        self.rows += group.rows;
        self.bytes += group.bytes;
        self.row_groups += 1;
        Ok(())
    }

    /// Closes the file until the next row group comes; the part is not ended.
    ///
    /// # Errors
    /// If what is buffered cannot be written.
    pub fn park(&mut self) -> Result<()> {
        let parked = self.writer.flush().and_then(|()| self.writer.inner_mut().park());
        parked.map_err(Error::io("write", &self.staged))
    }

    /// Whether the part has reached its size, so that the next row group goes into another one.
    #[must_use]
    pub fn is_full(&self, target: u64) -> bool {
        self.bytes >= target || self.row_groups >= MAX_ROW_GROUPS
    }

    /// Where its rows came from so far.
    #[must_use]
    pub fn ranges(&self) -> &[RowRange] {
        &self.ranges
    }

    /// Bytes of memory that wait for its end: what is written after the row groups.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.row_groups as u64 * FOOTER + self.filters
    }

    /// Writes the footer, which names the inputs, syncs the file and closes it. With `later` it is noted there, to be synced with
    /// others.
    ///
    /// `origin` describes an input of the unit, by its place.
    ///
    /// # Errors
    /// If the file cannot be written or synced.
    pub(crate) fn close(
        mut self,
        origin: &dyn Fn(usize) -> Option<Origin>,
        later: Option<&mut UnsyncedFiles>,
    ) -> Result<PartFile> {
        for (key, value) in metadata(&self.ranges, origin, self.settings, &self.columns)? {
            self.writer.append_key_value_metadata(KeyValue::new(key, value));
        }
        // Writes the footer.
        let file = self.writer.into_inner().map_err(failed(&self.staged))?;
        let (bytes, checksum) = file.finish(later).map_err(Error::io("sync", &self.staged))?;
        Ok(PartFile { staged: self.staged, rows: self.rows, bytes, checksum, ranges: self.ranges })
    }
}

/// The key under which a part names its inputs.
pub(super) const INPUTS: &str = "parcap.inputs";
/// The key under which a part says what identifies its captures.
pub(super) const CAPTURES: &str = "parcap.captures";
/// The key under which a part says the settings that shaped its rows.
pub(super) const SETTINGS: &str = "parcap.settings";

/// What a part says of itself: its writer, schema and settings, and which records of which inputs it holds.
fn metadata(
    ranges: &[RowRange],
    origin: &dyn Fn(usize) -> Option<Origin>,
    settings: String,
    columns: &str,
) -> Result<[(String, String); 6]> {
    let mut captures: Vec<(usize, Origin)> = Vec::new();
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    for range in ranges {
        if !places.contains_key(&range.input)
            && let Some(origin) = origin(range.input)
        {
            places.insert(range.input, captures.len());
            captures.push((range.input, origin));
        }
    }
    let inputs: Vec<_> = ranges
        .iter()
        .map(|range| {
            let place = places.get(&range.input);
            serde_json::json!({
                "path": place.and_then(|place| captures.get(*place)).map(|(_, origin)| origin.name()),
                "capture": place,
                "first_row": range.first_row,
                "rows": range.rows,
                "first_offset": range.first_offset,
                "last_offset": range.last_offset,
            })
        })
        .collect();
    let captures = captures.iter().map(|(_, origin)| serde_json::to_value(origin)).collect::<Result<Vec<_>, _>>();
    let captures = captures.map_err(|_| bug!())?;
    Ok([
        ("parcap.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("parcap.schema_version".to_owned(), SCHEMA_VERSION.to_string()),
        (INPUTS.to_owned(), serde_json::Value::from(inputs).to_string()),
        (CAPTURES.to_owned(), serde_json::Value::from(captures).to_string()),
        (SETTINGS.to_owned(), settings),
        ("parcap.columns".to_owned(), columns.to_owned()),
    ])
}

/// Makes an [`Error`] of a Parquet error. An error of the file system is told apart, because the user can do something
/// about it.
pub(crate) fn failed(path: &Path) -> impl FnOnce(ParquetError) -> Error + use<> {
    let path = path.to_path_buf();
    move |error| match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(source) => Error::Io { action: "write", path, source: *source },
            Err(inner) => Error::Parquet { path, source: ParquetError::External(inner) },
        },
        source => Error::Parquet { path, source },
    }
}
