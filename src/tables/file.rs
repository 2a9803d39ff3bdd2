//! Summary tables to and from Parquet.

use std::io;
use std::path::{Path, PathBuf};

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::config::{ROW_GROUP_ROWS, ZSTD_LEVEL};
use crate::error::{Error, Result};
use crate::packets::{failed, unreadable};
use crate::storage::{HashedFile, UnsyncedFiles, open_regular};

use super::table::Table;

/// Bytes of a row group of a table, about, if its rows are long.
const ROW_GROUP_BYTES: usize = 16 << 20;

/// Writes a table as a new Parquet file, synced.
///
/// # Errors
/// If the file exists, or cannot be written or synced.
pub fn write_table(path: &Path, table: &Table) -> Result<TableFile> {
    let mut writer = TableWriter::create(path, table)?;
    writer.write(table)?;
    writer.close()
}

/// A table that is written, synced and closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFile {
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// XXH3 of its bytes.
    pub checksum: String,
}

/// Writes a table that comes in pieces.
pub struct TableWriter {
    path: PathBuf,
    writer: ArrowWriter<HashedFile>,
    rows: u64,
}

impl TableWriter {
    /// Creates the file; the columns are those of `like`.
    ///
    /// # Errors
    /// If the file exists, or cannot be created.
    pub fn create(path: &Path, like: &Table) -> Result<Self> {
        let file = HashedFile::create(path).map_err(Error::io("create", path))?;
        let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(failed(path))?;
        let properties = WriterProperties::builder()
            .set_created_by(format!("parcap {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            // Keys occur once, and sums hardly repeat.
            .set_dictionary_enabled(false)
            .build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let schema = like.without_rows().to_batch()?.schema();
        let writer = ArrowWriter::try_new_with_options(file, schema, options).map_err(failed(path))?;
        Ok(Self { path: path.to_path_buf(), writer, rows: 0 })
    }

    /// Appends rows.
    ///
    /// # Memory
    /// The encoded pages of a row group: 16 MiB, and those of one piece.
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&mut self, piece: &Table) -> Result<()> {
        if piece.rows() == 0 {
            return Ok(());
        }
        self.rows += piece.rows() as u64;
        self.writer.write(&piece.to_batch()?).map_err(failed(&self.path))?;
        if self.writer.in_progress_size() < ROW_GROUP_BYTES {
            return Ok(());
        }
        self.writer.flush().map_err(failed(&self.path))
    }

    /// Writes the footer, and syncs the file.
    ///
    /// # Errors
    /// If it cannot be written or synced.
    pub fn close(self) -> Result<TableFile> {
        let file = self.writer.into_inner().map_err(failed(&self.path))?;
        let (bytes, checksum) = file.finish().map_err(Error::io("sync", &self.path))?;
        Ok(TableFile { rows: self.rows, bytes, checksum })
    }

    /// As [`TableWriter::close`], but the file is synced with others later.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn close_unsynced(self, unsynced: &mut UnsyncedFiles) -> Result<TableFile> {
        let file = self.writer.into_inner().map_err(failed(&self.path))?;
        let (bytes, checksum) = file.finish_unsynced();
        unsynced.add(self.path);
        Ok(TableFile { rows: self.rows, bytes, checksum })
    }
}

/// Copies a table that [`write_table`] wrote into a new Parquet file, synced.
///
/// # Memory
/// As [`TableWriter::write`], and some pages of each column.
/// # Errors
/// If the file cannot be read or is no such table; if the new file exists or cannot be written.
pub fn copy_table(from: &Path, to: &Path) -> Result<TableFile> {
    let file = open_regular(from).map_err(Error::io("open", from))?.into_std();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(unreadable(from))?;
    let no_rows = Table::of_schema(builder.schema())?;
    let mut writer = TableWriter::create(to, &no_rows)?;
    for batch in builder.build().map_err(unreadable(from))? {
        writer.write(&Table::from_batch(&batch?)?)?;
    }
    writer.close()
}

/// Reads a table that [`write_table`] wrote, some thousand rows at a time.
///
/// # Errors
/// If the file cannot be read, or is no such table.
pub fn read_table(path: &Path, mut each: impl FnMut(&Table)) -> Result<()> {
    let file = open_regular(path).map_err(Error::io("open", path))?.into_std();
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
