//! Summary tables to and from Parquet.

use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use crate::config::ROW_GROUP_ROWS;
use crate::error::{Error, Result};
use crate::packets::{EncodedColumn, PlainColumns, PlainScratch, PlainValues, failed, unreadable};
use crate::storage::{HashedFile, UnsyncedFiles, open_regular};

use super::table::{Table, TableColumn};

/// Bytes of a row group of a table before compression, about, if its rows are long.
const ROW_GROUP_BYTES: usize = 16 << 20;

/// Writes a table as a new Parquet file, synced.
///
/// # Errors
/// If the file exists, or cannot be written or synced.
pub fn write_table(path: &Path, table: &Table) -> Result<TableFile> {
    let mut writer = TableWriter::create(path, table, &PageMaker::new(path)?)?;
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

/// Makes the pages of any number of tables that one thread writes: a compressor, and memory.
#[derive(Clone)]
pub struct PageMaker(Rc<RefCell<PlainScratch>>);

impl PageMaker {
    /// A new one, for tables at or below a path.
    ///
    /// # Errors
    /// If there is no compressor, which names the path.
    pub fn new(path: &Path) -> Result<Self> {
        Ok(Self(Rc::new(RefCell::new(PlainScratch::new().map_err(failed(path))?))))
    }
}

/// Writes a table that comes in pieces.
pub struct TableWriter {
    path: PathBuf,
    pages: PageMaker,
    writer: SerializedFileWriter<HashedFile>,
    /// The rows of the row group that is being made.
    group: PlainColumns,
    in_group: usize,
    rows: u64,
}

impl TableWriter {
    /// Creates the file; the columns are those of `like`.
    ///
    /// # Errors
    /// If the file exists, or cannot be created.
    pub fn create(path: &Path, like: &Table, pages: &PageMaker) -> Result<Self> {
        let file = HashedFile::create(path).map_err(Error::io("create", path))?;
        let properties = WriterProperties::builder().set_created_by(format!("parcap {}", env!("CARGO_PKG_VERSION")));
        let schema = ArrowSchemaConverter::new().convert(&like.without_rows().to_batch()?.schema());
        let schema = schema.map_err(failed(path))?;
        let writer = SerializedFileWriter::new(file, schema.root_schema_ptr(), Arc::new(properties.build()));
        let writer = writer.map_err(failed(path))?;
        let group = PlainColumns::new(writer.schema_descr(), &pages.0.borrow()).map_err(failed(path))?;
        Ok(Self { path: path.to_path_buf(), pages: pages.clone(), writer, group, in_group: 0, rows: 0 })
    }

    /// Appends rows.
    ///
    /// # Memory
    /// The encoded pages of a row group: 16 MiB before compression, and those of one piece.
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&mut self, piece: &Table) -> Result<()> {
        let rows = piece.rows();
        let mut start = 0;
        while start < rows {
            let end = rows.min(start + (ROW_GROUP_ROWS - self.in_group));
            self.push(piece, start..end).map_err(failed(&self.path))?;
            self.in_group += end - start;
            self.rows += (end - start) as u64;
            start = end;
            if self.in_group >= ROW_GROUP_ROWS || self.group.bytes() >= ROW_GROUP_BYTES {
                self.flush().map_err(failed(&self.path))?;
            }
        }
        Ok(())
    }

    fn push(&mut self, piece: &Table, rows: Range<usize>) -> std::result::Result<(), ParquetError> {
        let scratch = &mut *self.pages.0.borrow_mut();
        for (place, (_, column)) in piece.columns.iter().enumerate() {
            let text;
            let values = match column {
                TableColumn::Text(values) => {
                    text = |row| values.get(row);
                    PlainValues::Texts(&text)
                }
                TableColumn::Int(values) | TableColumn::Time(values) => PlainValues::Integers(values),
                TableColumn::Float(values) => PlainValues::Doubles(values),
                TableColumn::Flag(values) => PlainValues::Flags(values),
            };
            self.group.push(place, values, rows.clone(), scratch)?;
        }
        Ok(())
    }

    /// Ends the row group, and begins the next one.
    fn flush(&mut self) -> std::result::Result<(), ParquetError> {
        let next = PlainColumns::new(self.writer.schema_descr(), &self.pages.0.borrow())?;
        self.in_group = 0;
        let columns = std::mem::replace(&mut self.group, next).close()?;
        append(&mut self.writer, columns)
    }

    /// The file, after all rows.
    fn into_file(self) -> Result<(PathBuf, HashedFile)> {
        let Self { path, mut writer, group, in_group, .. } = self;
        let end = || {
            if in_group > 0 {
                append(&mut writer, group.close()?)?;
            }
            writer.into_inner()
        };
        let file = end().map_err(failed(&path))?;
        Ok((path, file))
    }

    /// Writes the footer, and syncs the file.
    ///
    /// # Errors
    /// If it cannot be written or synced.
    pub fn close(self) -> Result<TableFile> {
        let rows = self.rows;
        let (path, file) = self.into_file()?;
        let (bytes, checksum) = file.finish().map_err(Error::io("sync", &path))?;
        Ok(TableFile { rows, bytes, checksum })
    }

    /// As [`TableWriter::close`], but the file is synced with others later.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn close_unsynced(self, unsynced: &mut UnsyncedFiles) -> Result<TableFile> {
        let rows = self.rows;
        let (path, file) = self.into_file()?;
        let (bytes, checksum) = file.finish_unsynced();
        unsynced.add(path);
        Ok(TableFile { rows, bytes, checksum })
    }
}

/// Appends a row group.
fn append(
    writer: &mut SerializedFileWriter<HashedFile>,
    columns: Vec<EncodedColumn>,
) -> std::result::Result<(), ParquetError> {
    let mut row_group = writer.next_row_group()?;
    for column in columns {
        row_group.append_column(&column.pages, column.close)?;
    }
    row_group.close().map(drop)
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
    let mut writer = TableWriter::create(to, &no_rows, &PageMaker::new(to)?)?;
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
    let unreadable =
        |error: ParquetError| Error::Io { action: "read", path: path.to_path_buf(), source: io::Error::other(error) };
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.build()).map_err(unreadable)?;
    for batch in reader {
        each(&Table::from_batch(&batch?)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
