//! Statistics of a part as a log has them (protocol, "Per-file Statistics"): JSON in a text.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::day::Day;
use crate::packets::{BoundValue, ColumnBounds};

/// The fields that readers know. Maps, so that the order of names is always the same.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileStatistics<'a> {
    num_records: u64,
    min_values: BTreeMap<&'a str, Value>,
    max_values: BTreeMap<&'a str, Value>,
    null_count: BTreeMap<&'a str, u64>,
    /// Left out if the bounds are values of rows, as readers assume.
    #[serde(skip_serializing_if = "Option::is_none")]
    tight_bounds: Option<bool>,
}

/// The statistics of a part with this number of rows.
///
/// Times are written in milliseconds, so the least is rounded down and the greatest up: between them are all values, whatever a reader
/// compares. Where a column has a value and no bounds, the rows alone are told, for delta-rs 1.6 finds no row by a column that
/// has values and no bounds.
pub(in crate::lake) fn statistics_of(rows: u64, columns: &[ColumnBounds]) -> String {
    // Names and numbers cannot fail to be written.
    let text = all_of(rows, columns).and_then(|statistics| serde_json::to_string(&statistics).ok());
    text.unwrap_or_else(|| format!("{{\"numRecords\":{rows}}}"))
}

/// The statistics with all columns. `None` if one lacks something.
fn all_of(rows: u64, columns: &[ColumnBounds]) -> Option<FileStatistics<'_>> {
    let mut all = FileStatistics {
        num_records: rows,
        min_values: BTreeMap::new(),
        max_values: BTreeMap::new(),
        null_count: BTreeMap::new(),
        tight_bounds: None,
    };
    for column in columns {
        let (name, nulls) = (column.name.as_str(), column.nulls?);
        all.null_count.insert(name, nulls);
        if nulls == rows {
            continue;
        }
        let (least, greatest) = column.bounds.as_ref()?;
        all.min_values.insert(name, value(least, i64::div_euclid)?);
        all.max_values.insert(name, value(greatest, div_up)?);
        if !column.are_values {
            all.tight_bounds = Some(false);
        }
    }
    (!columns.is_empty()).then_some(all)
}

/// A quotient rounded up.
fn div_up(value: i64, by: i64) -> i64 {
    value.div_euclid(by) + i64::from(value.rem_euclid(by) != 0)
}

/// A value as JSON. `None` for a double that is no number.
fn value(bound: &BoundValue, to_millis: fn(i64, i64) -> i64) -> Option<Value> {
    match bound {
        BoundValue::Flag(flag) => Some((*flag).into()),
        BoundValue::Instant(micros) => {
            let rounded = instant(to_millis(*micros, 1000).saturating_mul(1000), 3);
            // The millisecond after the last one of the year 9999 is no time that readers read.
            rounded.or_else(|| instant(*micros, 6)).map(Value::from)
        }
        BoundValue::Integer(number) => Some((*number).into()),
        BoundValue::Double(number) => serde_json::Number::from_f64(*number).map(Value::Number),
        BoundValue::Text(text) => Some(text.as_str().into()),
    }
}

/// An instant as ISO 8601 in UTC, with this number of digits after the second. `None` outside the years 1 to 9999.
fn instant(micros: i64, digits: usize) -> Option<String> {
    const DAY: i64 = 86_400_000_000;
    let day = Day(i32::try_from(micros.div_euclid(DAY)).ok()?);
    let of_day = micros.rem_euclid(DAY);
    let (hours, minutes) = (of_day / 3_600_000_000, of_day / 60_000_000 % 60);
    let (seconds, micros) = (of_day / 1_000_000 % 60, of_day % 1_000_000);
    let fraction = format!("{micros:06}");
    let fraction = fraction.get(..digits)?;
    (Day::FIRST..=Day::LAST)
        .contains(&day)
        .then(|| format!("{}T{hours:02}:{minutes:02}:{seconds:02}.{fraction}Z", day.text()))
}
