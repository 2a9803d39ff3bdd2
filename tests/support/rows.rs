//! Reading a lake back: with the parquet crate, never with parcap's own code, and as text, so that rows of any tables compare.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray as _, RecordBatch, StringArray};
use arrow::datatypes::{
    DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::files;

/// A row of any table: each value as text, `None` for null.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    /// The folders between the table and the file: `date=2020-05-23`.
    pub(crate) partition: String,
    names: Arc<[String]>,
    values: Vec<Option<String>>,
}

impl Row {
    pub(crate) fn get(&self, column: &str) -> Option<&str> {
        let place = self.names.iter().position(|name| name == column);
        self.values[place.unwrap_or_else(|| panic!("no column {column} in {:?}", self.names))].as_deref()
    }

    pub(crate) fn int(&self, column: &str) -> Option<i64> {
        self.get(column).map(|text| text.parse().unwrap())
    }

    pub(crate) fn float(&self, column: &str) -> Option<f64> {
        self.get(column).map(|text| text.parse().unwrap())
    }
}

/// The names of the summary tables.
pub(crate) fn summary_names() -> impl Iterator<Item = &'static str> {
    parcap::summary::SUMMARIES.iter().map(|summary| summary.name)
}

/// The sum of a column.
pub(crate) fn sum<'a>(rows: impl IntoIterator<Item = &'a Row>, column: &str) -> i64 {
    rows.into_iter().map(|row| row.int(column).unwrap()).sum()
}

/// All rows of a Parquet file.
pub(crate) fn rows_of(path: &Path, partition: &str) -> Vec<Row> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    reader.flat_map(|batch| rows_in(&batch.unwrap(), partition)).collect()
}

/// The rows of a batch.
pub(crate) fn rows_in(batch: &RecordBatch, partition: &str) -> Vec<Row> {
    let names: Arc<[String]> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    let columns: Vec<_> = batch.columns().iter().map(|column| texts(column)).collect();
    let row = |row: usize| Row {
        partition: partition.to_owned(),
        names: Arc::clone(&names),
        values: columns.iter().map(|column| column[row].clone()).collect(),
    };
    (0..batch.num_rows()).map(row).collect()
}

fn texts(array: &dyn Array) -> Vec<Option<String>> {
    fn each<T: ToString>(values: impl Iterator<Item = Option<T>>) -> Vec<Option<String>> {
        values.map(|value| value.map(|value| value.to_string())).collect()
    }
    match array.data_type() {
        DataType::Utf8 => each(array.as_string::<i32>().iter()),
        DataType::Utf8View => each(array.as_string_view().iter()),
        DataType::Dictionary(_, values) if **values == DataType::Utf8 => {
            let dictionary = array.as_dictionary::<Int32Type>();
            each(dictionary.downcast_dict::<StringArray>().unwrap().into_iter())
        }
        DataType::Boolean => each(array.as_boolean().iter()),
        DataType::Int32 => each(array.as_primitive::<Int32Type>().iter()),
        DataType::Int64 => each(array.as_primitive::<Int64Type>().iter()),
        // Rust shows the shortest decimal that reads back as the same double.
        DataType::Float64 => each(array.as_primitive::<Float64Type>().iter()),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == "UTC" => {
            each(array.as_primitive::<TimestampMicrosecondType>().iter())
        }
        DataType::Timestamp(TimeUnit::Nanosecond, Some(zone)) if &**zone == "UTC" => {
            each(array.as_primitive::<TimestampNanosecondType>().iter())
        }
        other => panic!("no table of parcap has columns of type {other}"),
    }
}

/// The manifests of a lake, in order.
pub(crate) fn manifests(lake: &Path) -> Vec<serde_json::Value> {
    let folder = lake.join("_parcap/manifest");
    files(&folder).iter().map(|name| serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()).collect()
}

/// The parts of a checkpoint, by the segments that the manifest of its commit names.
fn parts_of_checkpoint(lake: &Path, checkpoint: &serde_json::Value) -> BTreeMap<String, serde_json::Value> {
    let mut parts = BTreeMap::new();
    for segment in checkpoint["segments"].as_array().unwrap() {
        let files = segment["files"].as_array().unwrap().iter().map(|file| lake.join(file["path"].as_str().unwrap()));
        let files: Vec<_> = files.collect();
        let rows = |name: &str| -> Vec<Row> {
            files.iter().filter(|file| file.ends_with(name)).flat_map(|file| rows_of(file, "")).collect()
        };
        for removed in rows("removed.parquet").iter().filter(|row| row.get("removed") == Some("parts")) {
            parts.remove(removed.get("path").unwrap());
        }
        for row in rows("parts.parquet") {
            let mut part: serde_json::Value = serde_json::from_str(row.get("entry").unwrap()).unwrap();
            part["ranges"] = serde_json::from_str(row.get("captures").unwrap()).unwrap();
            parts.insert(row.get("path").unwrap().to_owned(), part);
        }
    }
    parts
}

/// The parts that a lake holds by its manifests, in the order of their captures.
pub(crate) fn parts(lake: &Path) -> Vec<serde_json::Value> {
    let mut parts: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    let mut next = 1;
    let mut manifests = manifests(lake);
    // In a bucket those before one that describes the whole lake stay for a while.
    let base = manifests.iter().rposition(|manifest| manifest["base"] == true);
    drop(manifests.drain(..base.unwrap_or(0)));
    // Segments that earlier ones name may have become one.
    let last = manifests.iter().rposition(|manifest| !manifest["checkpoint"].is_null());
    for (place, manifest) in manifests.into_iter().enumerate() {
        if manifest["base"] == true {
            parts.clear();
        }
        if Some(place) == last {
            let held = parts_of_checkpoint(lake, &manifest["checkpoint"]);
            // Manifests before it may be gone.
            assert!(next != manifest["sequence"] || held == parts, "the checkpoint of {}", manifest["sequence"]);
            parts = held;
        }
        next += i32::from(next == manifest["sequence"]);
        for path in manifest["removed"]["parts"].as_array().unwrap() {
            parts.remove(path.as_str().unwrap());
        }
        for part in manifest["parts"].as_array().unwrap() {
            parts.insert(part["path"].as_str().unwrap().to_owned(), part.clone());
        }
    }
    let mut parts: Vec<_> = parts.into_values().collect();
    let first = |part: &serde_json::Value, field: &str| part["ranges"][0][field].as_u64().unwrap();
    parts.sort_by_key(|part| (first(part, "input"), first(part, "first_offset"), part["path"].to_string()));
    parts
}

/// The packets table: by partition, and within a partition in the order in which parts were committed. What lies there
/// must be exactly what the manifests name.
pub(crate) fn packets(lake: &Path) -> Vec<Row> {
    let mut parts: Vec<_> = parts(lake)
        .into_iter()
        .map(|part| {
            let path = PathBuf::from(part["path"].as_str().unwrap());
            let path = path.strip_prefix("packets").unwrap().to_path_buf();
            let partition = path.parent().unwrap().to_str().unwrap().to_owned();
            (partition, path, part["rows"].as_u64().unwrap())
        })
        .collect();
    let mut named: Vec<_> = parts.iter().map(|(_, path, _)| path.clone()).collect();
    named.sort();
    assert_eq!(files(&lake.join("packets")), named, "the parts of {}", lake.display());
    parts.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    let mut rows = Vec::new();
    for (partition, path, count) in parts {
        let more = rows_of(&lake.join("packets").join(&path), &partition);
        assert_eq!(more.len() as u64, count, "{}", path.display());
        rows.extend(more);
    }
    rows
}

/// A summary table, by partition.
pub(crate) fn summary(lake: &Path, name: &str) -> Vec<Row> {
    let folder = lake.join("summaries").join(name);
    let read = |path: &PathBuf| rows_of(&folder.join(path), path.parent().unwrap().to_str().unwrap());
    files(&folder).iter().flat_map(read).collect()
}
