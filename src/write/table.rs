//! Summary tables to and from Parquet.

use std::fs::File;
use std::io;
use std::path::Path;

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
pub fn write_table(path: &Path, table: Table) -> Result<u64> {
    write_tables(path, table.without_rows(), std::iter::once(table))
}

/// Writes a table that comes in pieces; `empty` is one without rows, for its columns.
///
/// # Memory
/// One piece, and the encoded pages.
/// # Errors
/// If the file exists, or cannot be written or synced.
pub fn write_tables(path: &Path, empty: Table, pieces: impl Iterator<Item = Table>) -> Result<u64> {
    let file = File::create_new(path).map_err(Error::io("create", path))?;
    let properties = WriterProperties::builder()
        .set_created_by(format!("parcap {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default()))
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let schema = empty.to_batch()?.schema();
    let mut writer = ArrowWriter::try_new_with_options(file, schema, options).map_err(failed(path))?;
    for piece in pieces {
        writer.write(&piece.to_batch()?).map_err(failed(path))?;
    }
    // Writes the footer.
    let file = writer.into_inner().map_err(failed(path))?;
    file.sync_all().map_err(Error::io("sync", path))?;
    Ok(file.metadata().map_err(Error::io("read", path))?.len())
}

/// Reads a table that [`write_table`] wrote, some thousand rows at a time.
///
/// # Errors
/// If the file cannot be read, or is no such table.
pub fn read_table(path: &Path, mut each: impl FnMut(&Table)) -> Result<()> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let unreadable = |error: parquet::errors::ParquetError| Error::Io {
        action: "read",
        path: path.to_path_buf(),
        source: io::Error::other(error),
    };
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.build()).map_err(unreadable)?;
    for batch in reader {
        each(&Table::from_batch(&batch?)?);
    }
    Ok(())
}
