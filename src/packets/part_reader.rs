//! Reads parts again: to write them without some of their rows or together with others, and to verify them.

use std::io;
use std::path::{Path, PathBuf};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use crate::config::TimestampUnit;
use crate::error::{Error, Result};
use crate::storage::open_regular;

use super::batch::Batch;
use super::restore::{restored_columns, restored_schema};
use super::schema::TableColumns;

/// Rows of a batch.
const BATCH_ROWS: usize = 16 << 10;

/// The rows of a part, batch by batch, as [`Rows::restore`](super::rows::Rows::restore) takes them.
pub struct PartReader {
    path: PathBuf,
    batches: ParquetRecordBatchReader,
}

impl PartReader {
    /// Opens a part.
    ///
    /// # Memory
    /// Some pages of each column, and one batch.
    /// # Errors
    /// If it cannot be read, or its columns are not those of the packets table.
    pub fn open(path: &Path, columns: &TableColumns, unit: TimestampUnit) -> Result<Self> {
        let schema = restored_schema(columns, unit);
        let options = ArrowReaderOptions::new().with_schema(schema).with_skip_arrow_metadata(true);
        let file = open_regular(path).map_err(Error::io("open", path))?.into_std();
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).map_err(unreadable(path))?;
        let columns = ProjectionMask::roots(builder.parquet_schema(), restored_columns(columns));
        let batches = builder.with_projection(columns).with_batch_size(BATCH_ROWS).build();
        Ok(Self { path: path.to_path_buf(), batches: batches.map_err(unreadable(path))? })
    }

    /// Opens a part to read every value of every column, which shows whether all can be read.
    ///
    /// # Errors
    /// If the part cannot be read.
    pub fn open_whole(path: &Path) -> Result<Self> {
        let file = open_regular(path).map_err(Error::io("open", path))?.into_std();
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(unreadable(path))?;
        let batches = builder.with_batch_size(BATCH_ROWS).build().map_err(unreadable(path))?;
        Ok(Self { path: path.to_path_buf(), batches })
    }

    /// The next batch.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn next_batch(&mut self) -> Result<Option<Batch>> {
        let batch = self.batches.next().transpose();
        batch.map_err(|error| unreadable(&self.path)(ParquetError::ArrowError(error.to_string())))
    }
}

/// What a part's footer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartFacts {
    /// Its rows.
    pub rows: u64,
    /// Whether its columns are those of the packets table.
    pub fits: bool,
}

/// Reads a Parquet file's footer. `table` has the columns and the time unit of the packets table that the file may be a part of, if
/// any.
///
/// # Errors
/// If it cannot be read, or is no Parquet file.
pub fn part_facts(path: &Path, table: Option<(&TableColumns, TimestampUnit)>) -> Result<PartFacts> {
    let file = open_regular(path).map_err(Error::io("open", path))?.into_std();
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).map_err(unreadable(path))?;
    let rows = u64::try_from(metadata.metadata().file_metadata().num_rows());
    let rows = rows.map_err(|error| unreadable(path)(ParquetError::External(Box::new(error))))?;
    let fits = table.is_none_or(|(columns, unit)| {
        let (found, wanted) = (metadata.schema().fields(), columns.schema(unit));
        let pairs = found.iter().zip(wanted.fields());
        found.len() == wanted.fields().len()
            && pairs.into_iter().all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type())
    });
    Ok(PartFacts { rows, fits })
}

pub(crate) fn unreadable(path: &Path) -> impl FnOnce(ParquetError) -> Error + use<> {
    let path = path.to_path_buf();
    move |error| {
        let source = match error {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(source) => *source,
                Err(inner) => io::Error::new(io::ErrorKind::InvalidData, inner),
            },
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        };
        Error::Io { action: "read", path, source }
    }
}
