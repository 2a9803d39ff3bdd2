//! Summary tables to and from Parquet.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::columns::Table;
use crate::config::ZSTD_LEVEL;
use crate::error::{Error, Result};

use super::part::failed;

/// Writes a table as a new Parquet file, synced; returns its bytes.
///
/// # Errors
/// If the file exists, or cannot be written or synced.
pub fn write_table(path: &Path, table: &Table) -> Result<u64> {
    let batch = table.to_batch()?;
    let file = File::create_new(path).map_err(Error::io("create", path))?;
    let properties = WriterProperties::builder()
        .set_created_by(format!("parcap {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default()))
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer =
        ArrowWriter::try_new_with_options(file, Arc::clone(&batch.schema()), options).map_err(failed(path))?;
    writer.write(&batch).map_err(failed(path))?;
    // Writes the footer.
    let file = writer.into_inner().map_err(failed(path))?;
    file.sync_all().map_err(Error::io("sync", path))?;
    Ok(file.metadata().map_err(Error::io("read", path))?.len())
}

/// Reads a table that [`write_table`] wrote.
///
/// # Errors
/// If the file cannot be read, or is no such table.
pub fn read_table(path: &Path) -> Result<Table> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let unreadable = |error: parquet::errors::ParquetError| Error::Io {
        action: "read",
        path: path.to_path_buf(),
        source: io::Error::other(error),
    };
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.build()).map_err(unreadable)?;
    let mut table = Table::default();
    for batch in reader {
        table.append_batch(&batch?)?;
    }
    Ok(table)
}
