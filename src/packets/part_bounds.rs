//! The least and the greatest value of each column of a part, as its footer tells them: for a log of a table, whose readers
//! leave out files by them.

use std::path::Path;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::LogicalType;
use parquet::data_type::ByteArray;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescriptor;

use crate::error::{Error, Result};
use crate::storage::open_regular;

use super::part_reader::unreadable;

/// A value of a column.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum BoundValue {
    /// Microseconds since the Unix epoch.
    Instant(i64),
    /// An integer of 32 or 64 bits.
    Integer(i64),
    /// A double; never NaN.
    Double(f64),
    /// A text, as a whole.
    Text(String),
}

/// What a part's footer says of the values of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnBounds {
    /// The column.
    pub name: String,
    /// How many rows have no value; `None` if a row group does not say it.
    pub nulls: Option<u64>,
    /// The least and the greatest value. `None` if no row has a value, if a row group does not say them, if one of them is
    /// not a value but a bound (texts are cut), and for columns that are true or false.
    pub bounds: Option<(BoundValue, BoundValue)>,
}

/// Reads the bounds of all columns of a part, in the part's order. Only the footer is read.
///
/// # Errors
/// If it cannot be read, or is no Parquet file.
pub fn part_bounds(path: &Path) -> Result<Vec<ColumnBounds>> {
    let file = open_regular(path).map_err(Error::io("open", path))?.into_std();
    let loaded = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).map_err(unreadable(path))?;
    let metadata = loaded.metadata();
    let columns = metadata.file_metadata().schema_descr().columns();
    Ok(columns.iter().enumerate().map(|(at, column)| bounds_of(metadata, at, column)).collect())
}

fn bounds_of(metadata: &ParquetMetaData, at: usize, column: &ColumnDescriptor) -> ColumnBounds {
    let mut all = ColumnBounds { name: column.name().to_owned(), nulls: Some(0), bounds: None };
    let mut are_known = true;
    for group in metadata.row_groups() {
        let statistics = group.columns().get(at).and_then(|chunk| chunk.statistics());
        let nulls = statistics.and_then(Statistics::null_count_opt);
        all.nulls = all.nulls.zip(nulls).map(|(sum, nulls)| sum.saturating_add(nulls));
        if nulls.is_some_and(|nulls| i64::try_from(nulls) == Ok(group.num_rows())) {
            continue;
        }
        match (statistics.and_then(|statistics| pair(statistics, column)), all.bounds.take()) {
            (Some((least, greatest)), Some((min, max))) => {
                let least = if least < min { least } else { min };
                all.bounds = Some((least, if greatest > max { greatest } else { max }));
            }
            (Some(bounds), None) => all.bounds = Some(bounds),
            (None, _) => are_known = false,
        }
    }
    all.bounds = all.bounds.filter(|_| are_known);
    all
}

/// The least and the greatest value of a row group, if both are values of rows.
fn pair(statistics: &Statistics, column: &ColumnDescriptor) -> Option<(BoundValue, BoundValue)> {
    let is_instant = matches!(column.logical_type_ref(), Some(LogicalType::Timestamp { .. }));
    let integer = |value: i64| if is_instant { BoundValue::Instant(value) } else { BoundValue::Integer(value) };
    let text = |value: &ByteArray| value.as_utf8().ok().map(|text| BoundValue::Text(text.to_owned()));
    match statistics {
        Statistics::Int32(values) => {
            let integer = |value: &i32| BoundValue::Integer((*value).into());
            values.min_opt().map(integer).zip(values.max_opt().map(integer))
        }
        Statistics::Int64(values) => {
            values.min_opt().map(|value| integer(*value)).zip(values.max_opt().map(|value| integer(*value)))
        }
        Statistics::Double(values) => {
            let double = |value: &f64| value.is_finite().then_some(BoundValue::Double(*value));
            values.min_opt().and_then(double).zip(values.max_opt().and_then(double))
        }
        Statistics::ByteArray(values) if values.min_is_exact() && values.max_is_exact() => {
            values.min_opt().and_then(text).zip(values.max_opt().and_then(text))
        }
        _ => None,
    }
}
