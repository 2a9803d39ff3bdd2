//! Whether a Parquet file has the form that is written today, or one of earlier versions that not every reader knows.
//!
//! The rule is the same for parts and summary tables: a file is of an earlier form if it has something that parcap would
//! not write today. The footer alone decides that, not the version that wrote it. So a file that is written again is
//! never of an earlier form.

use std::path::Path;

use parquet::basic::{ColumnOrder, Encoding};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::error::{Error, Result};
use crate::storage::open_regular;

use super::part_reader::unreadable;

/// The encodings of values and levels that parcap writes. BYTE_STREAM_SPLIT is not among them, although doubles once had
/// it: Spark before 4.3 and fastparquet cannot read it.
const ENCODINGS: [Encoding; 4] =
    [Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY, Encoding::DELTA_BINARY_PACKED];

/// Whether a file has a form that parcap no longer writes.
///
/// # Errors
/// If it cannot be read, or is no Parquet file.
pub fn is_of_earlier_form(path: &Path) -> Result<bool> {
    let file = open_regular(path).map_err(Error::io("open", path))?.into_std();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).map_err(unreadable(path))?;
    Ok(has_other_encodings(&metadata) || has_other_column_orders(&metadata))
}

fn has_other_encodings(metadata: &ParquetMetaData) -> bool {
    let columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    columns.into_iter().flat_map(|column| column.encodings()).any(|encoding| !ENCODINGS.contains(&encoding))
}

/// Whether the bounds of a column follow another order than that of its type. Doubles once had such bounds: polars before
/// 1.43 refuses such a file, and pyarrow does not use the bounds.
fn has_other_column_orders(metadata: &ParquetMetaData) -> bool {
    let orders = metadata.file_metadata().column_orders();
    orders.is_none_or(|orders| orders.iter().any(|order| !matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(_))))
}
