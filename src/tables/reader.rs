//! Reads a table in pieces: some of its columns, and perhaps some of its rows.

use std::ops::Range;
use std::path::{Path, PathBuf};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};

use crate::error::{Error, Result};
use crate::packets::unreadable;
use crate::storage::open_regular;

use super::table::Table;

/// Rows that are usually in memory at a time.
pub const PIECE: usize = 4096;

/// A table that is read in pieces. The file stays open, so it may be removed meanwhile.
pub struct TableReader {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
}

impl TableReader {
    /// Opens a table to read the columns of these names, as far as it has them: only some rows, which are in order, or all, and `piece`
    /// of them at a time, usually [`PIECE`].
    ///
    /// # Errors
    /// If the file cannot be opened, or is no Parquet file.
    pub fn open(path: &Path, columns: &[&str], rows: Option<&[u64]>, piece: usize) -> Result<Self> {
        let file = open_regular(path).map_err(Error::io("open", path))?.into_std();
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(unreadable(path))?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let mut builder = builder.with_projection(mask).with_batch_size(piece);
        if let Some(rows) = rows {
            builder = builder.with_row_selection(selection(rows));
        }
        Ok(Self { path: path.to_path_buf(), reader: builder.build().map_err(unreadable(path))? })
    }

    /// The next rows; `None` at the end.
    ///
    /// # Memory
    /// Some thousand rows, and a page of each column.
    /// # Errors
    /// If the file cannot be read, or is damaged.
    pub fn next_piece(&mut self) -> Result<Option<Table>> {
        match self.reader.next() {
            None => Ok(None),
            Some(batch) => {
                let batch = batch.map_err(|error| unreadable(&self.path)(error.into()))?;
                Ok(Some(Table::from_batch(&batch)?))
            }
        }
    }
}

/// The rows as stretches that are read and stepped over.
fn selection(rows: &[u64]) -> RowSelection {
    let mut stretches: Vec<Range<u64>> = Vec::new();
    for row in rows {
        match stretches.last_mut() {
            Some(last) if last.end == *row => last.end += 1,
            _ => stretches.push(*row..row + 1),
        }
    }
    let length = |from: u64, to: u64| usize::try_from(to - from).unwrap_or(usize::MAX);
    let mut selectors = Vec::with_capacity(2 * stretches.len());
    let mut row = 0;
    for Range { start, end } in stretches {
        selectors.push(RowSelector::skip(length(row, start)));
        selectors.push(RowSelector::select(length(start, end)));
        row = end;
    }
    selectors.into()
}
