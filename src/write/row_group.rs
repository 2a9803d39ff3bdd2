//! Collected rows become an encoded row group, away from any file, so that many are encoded at once.

use std::io::sink;
use std::sync::Arc;

use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::TypePtr;

use crate::columns::{Rows, Span, schema};
use crate::config::Settings;

use super::properties::properties;

/// Rows that are turned into Arrow arrays at a time: bounds the memory, and is as fast as all at once.
const BATCH_ROWS: usize = 16 << 10;
/// Bytes of rows that are turned into Arrow arrays at a time: fewer rows, where they carry long names.
const BATCH_BYTES: usize = 4 << 20;
/// Bytes of memory that the metadata of a column take, statistics and page indexes included, until its part is closed.
const METADATA: u64 = 1 << 10;

/// Encodes row groups; one serves a whole run.
pub struct Encoder {
    factory: ArrowRowGroupWriterFactory,
    pub(super) schema: TypePtr,
    pub(super) properties: WriterPropertiesPtr,
    settings: Settings,
}

/// An encoded row group: compressed pages in memory, and where its rows came from.
pub struct EncodedRowGroup {
    pub(super) columns: Vec<ArrowColumnChunk>,
    /// How many rows it has.
    pub rows: u64,
    /// Bytes of its pages.
    pub bytes: u64,
    /// Where its rows came from, in their order.
    pub spans: Vec<Span>,
}

impl EncodedRowGroup {
    /// Bytes of memory that it takes, about.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.bytes + self.columns.len() as u64 * METADATA
    }
}

impl Encoder {
    /// An encoder for the schema and properties of the settings.
    ///
    /// # Errors
    /// If the schema has no Parquet form, which is a bug.
    pub fn new(settings: &Settings) -> Result<Self, ParquetError> {
        let arrow_schema = schema(settings.timestamp_unit);
        let properties = properties(settings);
        // The Arrow schema is not stored in the file: readers see the Parquet types, and these alone.
        let parquet_schema = ArrowSchemaConverter::new().convert(&arrow_schema)?;
        let schema = parquet_schema.root_schema_ptr();
        let writer = SerializedFileWriter::new(sink(), Arc::clone(&schema), Arc::clone(&properties))?;
        let factory = ArrowRowGroupWriterFactory::new(&writer, arrow_schema);
        Ok(Self { factory, schema, properties, settings: settings.clone() })
    }

    /// The settings it encodes by.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Encodes rows as one row group.
    ///
    /// # Memory
    /// One batch of Arrow arrays, and the encoded pages.
    /// # Errors
    /// If the encoder fails, which is a bug here or there and not in the input.
    pub fn encode(&self, rows: &Rows) -> Result<EncodedRowGroup, ParquetError> {
        let mut writers = self.factory.create_column_writers(0)?;
        // 192 bytes a row at most where names are not long; see `Router`.
        let batch_rows = (BATCH_BYTES / (rows.bytes() / rows.len().max(1)).max(1)).clamp(256, BATCH_ROWS);
        let mut start = 0;
        while start < rows.len() {
            let end = rows.len().min(start + batch_rows);
            let batch = rows.batch(start..end)?;
            let fields = batch.schema();
            for ((field, array), writer) in fields.fields().iter().zip(batch.columns()).zip(&mut writers) {
                for leaf in compute_leaves(field, array)? {
                    writer.write(&leaf)?;
                }
            }
            start = end;
        }
        let columns = writers.into_iter().map(|writer| writer.close()).collect::<Result<Vec<_>, _>>()?;
        let bytes = columns.iter().map(|column| column.close().bytes_written).sum();
        Ok(EncodedRowGroup { columns, rows: rows.len() as u64, bytes, spans: rows.spans().to_vec() })
    }
}
