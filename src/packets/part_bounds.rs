//! The least and the greatest value of each column of a part, as its footer tells them: for a log of a table, whose readers
//! leave out files by them.

use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::LogicalType;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescriptor;

use crate::bug::bug;
use crate::error::{Error, Result};
use crate::storage::open_regular;

use super::part_reader::unreadable;

/// A value of a column, or a bound of its values.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum BoundValue {
    /// True or false.
    Flag(bool),
    /// Microseconds since the Unix epoch.
    Instant(i64),
    /// An integer of 32 or 64 bits.
    Integer(i64),
    /// A double; never NaN.
    Double(f64),
    /// A text.
    Text(String),
}

/// What a part's footer says of the values of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnBounds {
    /// The column.
    pub name: String,
    /// How many rows have no value; `None` if a row group does not say it.
    pub nulls: Option<u64>,
    /// A value that none is less than, and one that none is greater than. `None` if no row has a value, or a row group does not say
    /// them.
    pub bounds: Option<(BoundValue, BoundValue)>,
    /// Whether both are values of rows. Footers have the beginnings of long texts alone.
    pub are_values: bool,
}

/// Reads the bounds of all columns of a part, in the part's order. Only the footer is read.
///
/// # Errors
/// If it cannot be read, or is no Parquet file.
pub fn part_bounds(path: &Path) -> Result<Vec<ColumnBounds>> {
    let file = open_regular(path).map_err(Error::io("open", path))?.into_std();
    let loaded = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).map_err(unreadable(path))?;
    Ok(all_bounds(loaded.metadata()))
}

/// Bytes at the end of a part that are read first. Most footers are in them.
const TAIL: u64 = 64 << 10;

/// As [`part_bounds`], of a part of `size` bytes that is somewhere else: `read` gives ranges of it, by their ends. Its last bytes are read
/// once, and a longer footer once more (Parquet, "File format", "Metadata").
///
/// # Errors
/// That of `read`; if it is no Parquet file.
pub fn part_bounds_by(path: &Path, size: u64, read: impl Fn(Range<u64>) -> Result<Bytes>) -> Result<Vec<ColumnBounds>> {
    let mut wanted = TAIL.min(size);
    for is_last in [false, true] {
        let tail = read(size - wanted..size)?;
        let mut reader = ParquetMetaDataReader::new();
        match reader.try_parse_sized(&tail, size) {
            Err(ParquetError::NeedMoreData(needed)) if !is_last => wanted = (needed as u64).min(size),
            parsed => {
                parsed.map_err(unreadable(path))?;
                return Ok(all_bounds(&reader.finish().map_err(unreadable(path))?));
            }
        }
    }
    Err(bug!())
}

fn all_bounds(metadata: &ParquetMetaData) -> Vec<ColumnBounds> {
    let columns = metadata.file_metadata().schema_descr().columns();
    columns.iter().enumerate().map(|(at, column)| bounds_of(metadata, at, column)).collect()
}

/// A bound of a row group, and whether it is the value of a row: texts that are cut are bounds alone.
type GroupBound = (BoundValue, bool);

fn bounds_of(metadata: &ParquetMetaData, at: usize, column: &ColumnDescriptor) -> ColumnBounds {
    let mut nulls = Some(0_u64);
    let (mut all, mut are_known): (Option<(GroupBound, GroupBound)>, bool) = (None, true);
    for group in metadata.row_groups() {
        let statistics = group.columns().get(at).and_then(|chunk| chunk.statistics());
        let of_group = statistics.and_then(Statistics::null_count_opt);
        nulls = nulls.zip(of_group).map(|(sum, nulls)| sum.saturating_add(nulls));
        if of_group.is_some_and(|nulls| i64::try_from(nulls) == Ok(group.num_rows())) {
            continue;
        }
        let Some((least, greatest)) = statistics.and_then(|statistics| pair(statistics, column)) else {
            are_known = false;
            continue;
        };
        all = Some(match all {
            None => (least, greatest),
            // Of equal ones, the value of a row.
            Some((min, max)) => (
                if least.0 < min.0 || least.0 == min.0 && least.1 { least } else { min },
                if greatest.0 > max.0 || greatest.0 == max.0 && greatest.1 { greatest } else { max },
            ),
        });
    }
    let name = column.name().to_owned();
    match all.filter(|_| are_known) {
        None => ColumnBounds { name, nulls, bounds: None, are_values: true },
        Some(((least, is_least), (greatest, is_greatest))) => {
            ColumnBounds { name, nulls, bounds: Some((least, greatest)), are_values: is_least && is_greatest }
        }
    }
}

/// The least and the greatest bound of a row group.
fn pair(statistics: &Statistics, column: &ColumnDescriptor) -> Option<(GroupBound, GroupBound)> {
    let is_instant = matches!(column.logical_type_ref(), Some(LogicalType::Timestamp { .. }));
    let integer = |value: i64| (if is_instant { BoundValue::Instant(value) } else { BoundValue::Integer(value) }, true);
    let text = |value: &ByteArray| value.as_utf8().ok().map(|text| BoundValue::Text(text.to_owned()));
    match statistics {
        Statistics::Boolean(values) => {
            let flag = |value: &bool| (BoundValue::Flag(*value), true);
            values.min_opt().map(flag).zip(values.max_opt().map(flag))
        }
        Statistics::Int32(values) => {
            let integer = |value: &i32| (BoundValue::Integer((*value).into()), true);
            values.min_opt().map(integer).zip(values.max_opt().map(integer))
        }
        Statistics::Int64(values) => {
            values.min_opt().map(|value| integer(*value)).zip(values.max_opt().map(|value| integer(*value)))
        }
        Statistics::Double(values) => {
            let double = |value: &f64| value.is_finite().then_some((BoundValue::Double(*value), true));
            values.min_opt().and_then(double).zip(values.max_opt().and_then(double))
        }
        Statistics::ByteArray(values) => {
            let least = values.min_opt().and_then(text).map(|text| (text, values.min_is_exact()));
            least.zip(values.max_opt().and_then(text).map(|text| (text, values.max_is_exact())))
        }
        _ => None,
    }
}
