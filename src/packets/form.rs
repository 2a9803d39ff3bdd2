//! Whether a Parquet file has today's form, or one that earlier versions wrote and that not every reader knows.
//!
//! The rule is one for parts and summary tables: a file is of an earlier form if it has something that parcap would not
//! write today. That is decided by its footer alone, not by who wrote it, so that a file written anew is never of one.

use std::path::Path;

use parquet::basic::{ColumnOrder, Encoding};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::error::{Error, Result};
use crate::storage::open_regular;

use super::part_reader::unreadable;

/// The encodings of values and levels that parcap writes. BYTE_STREAM_SPLIT, which doubles had, is not among them: Spark
/// before 4.3 and fastparquet cannot read it.
const ENCODINGS: [Encoding; 4] =
    [Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY, Encoding::DELTA_BINARY_PACKED];

/// Whether a file has a form that parcap does not write any more.
///
/// # Errors
/// If it cannot be read, or is no Parquet file.
pub fn is_of_earlier_form(path: &Path) -> Result<bool> {
    let file = open_regular(path).map_err(Error::io("open", path))?;
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).map_err(unreadable(path))?;
    Ok(has_other_encodings(&metadata) || has_other_column_orders(&metadata))
}

fn has_other_encodings(metadata: &ParquetMetaData) -> bool {
    let columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    columns.into_iter().flat_map(|column| column.encodings()).any(|encoding| !ENCODINGS.contains(&encoding))
}

/// Whether bounds of a column are by another order than that of its type, which doubles had: polars before 1.43 refuses
/// such a file, and pyarrow does not use the bounds.
fn has_other_column_orders(metadata: &ParquetMetaData) -> bool {
    let orders = metadata.file_metadata().column_orders();
    orders.is_none_or(|orders| orders.iter().any(|order| !matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(_))))
}
