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
    #[serde(skip_serializing_if = "Option::is_none")]
    min_values: Option<BTreeMap<&'a str, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_values: Option<BTreeMap<&'a str, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    null_count: Option<BTreeMap<&'a str, u64>>,
}

/// The statistics of a part with this number of rows. Without columns, the rows alone are told.
///
/// A column has its least and greatest value only if both can be written. Times are written in milliseconds, so the least is
/// rounded down and the greatest up: between them are all values, whatever a reader compares.
pub(in crate::lake) fn statistics_of(rows: u64, columns: &[ColumnBounds]) -> String {
    let bounds = columns.iter().filter_map(|column| {
        let (least, greatest) = column.bounds.as_ref()?;
        Some((column.name.as_str(), value(least, i64::div_euclid)?, value(greatest, div_up)?))
    });
    let (mut min_values, mut max_values) = (BTreeMap::new(), BTreeMap::new());
    for (name, least, greatest) in bounds {
        min_values.insert(name, least);
        max_values.insert(name, greatest);
    }
    let null_count = columns.iter().filter_map(|column| Some((column.name.as_str(), column.nulls?)));
    let has_columns = !columns.is_empty();
    let statistics = FileStatistics {
        num_records: rows,
        min_values: has_columns.then_some(min_values),
        max_values: has_columns.then_some(max_values),
        null_count: has_columns.then(|| null_count.collect()),
    };
    // Names and numbers cannot fail to be written.
    serde_json::to_string(&statistics).unwrap_or_else(|_| format!("{{\"numRecords\":{rows}}}"))
}

/// A quotient rounded up.
fn div_up(value: i64, by: i64) -> i64 {
    value.div_euclid(by) + i64::from(value.rem_euclid(by) != 0)
}

/// A value as JSON, where there is such a value.
fn value(bound: &BoundValue, to_millis: fn(i64, i64) -> i64) -> Option<Value> {
    match bound {
        BoundValue::Instant(micros) => instant(to_millis(*micros, 1000)).map(Value::from),
        BoundValue::Integer(number) => Some((*number).into()),
        BoundValue::Double(number) => serde_json::Number::from_f64(*number).map(Value::Number),
        BoundValue::Text(text) => Some(text.as_str().into()),
    }
}

/// An instant as ISO 8601 in UTC, in milliseconds since the Unix epoch. `None` outside the years 1 to 9999, as which rounding
/// up can lead.
fn instant(millis: i64) -> Option<String> {
    const DAY: i64 = 86_400_000;
    let day = Day(i32::try_from(millis.div_euclid(DAY)).ok()?);
    let of_day = millis.rem_euclid(DAY);
    let (hours, minutes) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (seconds, millis) = (of_day / 1000 % 60, of_day % 1000);
    (Day::FIRST..=Day::LAST)
        .contains(&day)
        .then(|| format!("{}T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z", day.text()))
}
