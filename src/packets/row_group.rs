//! Collected rows become an encoded row group. No file is needed, several can be encoded at once.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::schema::types::{SchemaDescPtr, TypePtr};

use crate::bug::bug;
use crate::config::{Settings, TARGET_FILE_SIZE};
use crate::error::Error;
use crate::packets::encode::EncodedColumn;

use super::column_storage::Storage;
use super::encode::{Scratch, encode, encode_counts, failed, filter_bytes};
use super::properties::{compression, properties};
use super::rows::{Rows, Span};
use super::schema::{Column, TableColumns};
use super::sets::FRAME;

/// Bytes of memory that the metadata of a column take, statistics and page indexes included, until its part is closed.
const METADATA: u64 = 1 << 10;

/// Encodes row groups. A run has one encoder.
pub struct Encoder {
    pub(super) schema: TypePtr,
    pub(super) properties: WriterPropertiesPtr,
    /// The columns of the table.
    pub(super) table: TableColumns,
    columns: SchemaDescPtr,
    compression: Compression,
    settings: Settings,
    /// The settings as text for the footers of parts, without the size that parts should have, the Delta log and the counts of DNS
    /// clients. They shape no rows. A part that is written again in a run with another size, or since there is a log, stays the same.
    pub(super) settings_text: String,
    /// What its columns mean, as JSON, for the footers of parts.
    pub(super) columns_text: Arc<str>,
    /// Memory of encodings that are done: one for each that ran at the same time.
    spare: Mutex<Vec<Scratch>>,
}

/// An encoded row group: compressed pages in memory, and where its rows came from.
pub struct EncodedRowGroup {
    pub(super) columns: Vec<EncodedColumn>,
    /// How many rows it has.
    pub rows: u64,
    /// Bytes of its pages, without those of Bloom filters.
    pub bytes: u64,
    /// Where its rows came from, in their order.
    pub spans: Vec<Span>,
    /// The numbers of its records from a place on of which nobody knows yet how many are before it.
    unnumbered: Option<Vec<i64>>,
}

impl EncodedRowGroup {
    /// Bytes of its Bloom filters.
    pub(super) fn filter_bytes(&self) -> u64 {
        self.columns.iter().filter_map(|column| column.close.bloom_filter.as_ref()).map(filter_bytes).sum()
    }

    /// Bytes of memory that it takes, about.
    #[must_use]
    pub fn memory(&self) -> u64 {
        let unnumbered = self.unnumbered.as_deref().map_or(0, size_of_val) as u64;
        self.bytes + self.filter_bytes() + self.columns.len() as u64 * METADATA + unnumbered
    }
}

impl Encoder {
    /// As [`Encoder::new`], for the lake in a folder.
    ///
    /// # Errors
    /// If the settings ask for what the encoder does not have, such as a column of a later version.
    pub fn of_lake(settings: &Settings, root: &Path) -> Result<Self, Error> {
        Self::new(settings).map_err(|source| Error::Parquet { path: root.to_path_buf(), source })
    }

    /// An encoder for the schema and properties of the settings.
    ///
    /// # Errors
    /// If there is no such column, or the schema has no Parquet form, which is a bug.
    pub fn new(settings: &Settings) -> Result<Self, ParquetError> {
        let table = TableColumns::with(&settings.columns).map_err(|name| {
            ParquetError::General(format!("there is no column {name}; a later version of parcap may know it"))
        })?;
        let arrow_schema = table.schema(settings.timestamp_unit);
        // The Arrow schema is not stored in the file: readers see the Parquet types, and these alone.
        let meanings: serde_json::Map<String, serde_json::Value> =
            table.iter().map(|column| (column.name.to_owned(), column.meaning.into())).collect();
        let parquet_schema = ArrowSchemaConverter::new().convert(&arrow_schema)?;
        Ok(Self {
            schema: parquet_schema.root_schema_ptr(),
            properties: properties(),
            columns: parquet_schema.into(),
            table,
            compression: compression(settings.compression)?,
            settings: settings.clone(),
            settings_text: serde_json::to_string(&Settings {
                target_file_size: TARGET_FILE_SIZE,
                dns_clients: false,
                delta: false,
                ..settings.clone()
            })
            .map_err(|error| ParquetError::External(error.into()))?,
            columns_text: serde_json::Value::from(meanings).to_string().into(),
            spare: Mutex::default(),
        })
    }

    /// The settings it encodes by.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The columns of the table.
    #[must_use]
    pub fn table(&self) -> &TableColumns {
        &self.table
    }

    /// Encodes rows as one row group.
    ///
    /// # Memory
    /// A page, and the encoded pages; for each address of the rows and each port eight bytes.
    /// # Errors
    /// If the encoder fails, which is a bug here or there and not in the input.
    pub fn encode(&self, rows: &Rows) -> Result<EncodedRowGroup, ParquetError> {
        let mut scratch = self.take_scratch()?;
        let columns = encode(rows, &self.columns, self.compression, &mut scratch)?;
        self.give_scratch(scratch);
        let bytes = columns.iter().map(|column| column.close.bytes_written).sum();
        Ok(EncodedRowGroup { columns, rows: rows.len() as u64, bytes, spans: rows.spans().to_vec(), unnumbered: None })
    }

    fn frames(&self) -> Option<(usize, &'static Column)> {
        self.table.iter().enumerate().find(|(_, column)| column.name == FRAME)
    }

    /// Whether the table has the numbers of records.
    #[must_use]
    pub fn numbers_frames(&self) -> bool {
        self.frames().is_some()
    }

    /// As [`Encoder::encode`], where rows have been numbered from some place in their capture on. [`Encoder::number_frames`] is
    /// to follow.
    ///
    /// # Memory
    /// Eight bytes a row more.
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn encode_unnumbered(&self, rows: &Rows) -> Result<EncodedRowGroup, ParquetError> {
        let mut group = self.encode(rows)?;
        if let Some(Storage::Counter(field)) = self.frames().map(|(_, column)| column.storage) {
            group.unnumbered = Some(field.values(rows, &(0..rows.len())).map_err(failed)?);
        }
        Ok(group)
    }

    /// Numbers the records of a row group that was encoded by [`Encoder::encode_unnumbered`]: `before` are before that place.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn number_frames(&self, group: &mut EncodedRowGroup, before: u64) -> Result<(), ParquetError> {
        let Some(mut numbers) = group.unnumbered.take().filter(|_| before > 0) else { return Ok(()) };
        numbers.iter_mut().for_each(|number| *number = number.saturating_add_unsigned(before));
        let (at, _) = self.frames().ok_or_else(|| failed(bug!()))?;
        let mut scratch = self.take_scratch()?;
        let column = encode_counts(&numbers, self.columns.column(at), self.compression, &mut scratch)?;
        self.give_scratch(scratch);
        let old = group.columns.get_mut(at).ok_or_else(|| failed(bug!()))?;
        group.bytes = group.bytes - old.close.bytes_written + column.close.bytes_written;
        *old = column;
        Ok(())
    }

    fn take_scratch(&self) -> Result<Scratch, ParquetError> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.map_or_else(|| Scratch::new(self.settings.compression), Ok)
    }

    fn give_scratch(&self, scratch: Scratch) {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
    }
}
