//! What the tests share: running the binary, running a conversion in-process, reading a lake back.
//!
//! Rows are read with the parquet crate, never with parcap's own code, and as text, so that rows of any tables compare.

#![allow(dead_code, reason = "each test file uses its share")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test helper may stop at the first surprise"
)]

pub(crate) mod build;
pub(crate) mod losing;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::datatypes::{
    DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType,
};
use parcap::cancel::Cancel;
use parcap::commands::ConvertRequest;
use parcap::config::Settings;
use parcap::names::PtrOptions;
use parcap::observer::Unobserved;
use parcap::outcome::Report;
use parcap::select::SelectOptions;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The first line on stderr.
    pub(crate) fn complaint(&self) -> &str {
        self.stderr.lines().next().unwrap_or_default()
    }

    /// stdout, which must be one JSON document.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The binary, with nothing of the environment that steers it.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parcap"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PARCAP_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RAYON_NUM_THREADS").stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) fn run<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Ran {
    finish(command().args(args))
}

/// Runs the binary to its end, with these bytes on stdin.
pub(crate) fn run_with<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>, stdin: &[u8]) -> Ran {
    let mut child =
        command().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    ran(child.wait_with_output().unwrap())
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Ran {
    ran(command.output().unwrap())
}

fn ran(output: std::process::Output) -> Ran {
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// After this nothing happens any more: ends a test that would hang, and says nothing of how fast anything is.
const HANGS: Duration = Duration::from_secs(600);

/// Waits for something that is to happen.
pub(crate) fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < HANGS, "{what} does not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for a process to end by itself; one that hangs is ended.
pub(crate) fn ended(child: &mut Child) -> ExitStatus {
    let began = Instant::now();
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return status,
            None if began.elapsed() > HANGS => child.kill().unwrap(),
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// A folder that is removed at the end of the test; in memory where there is such a place, for a lake is synced often.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A request to convert captures, to be changed before it is run.
pub(crate) fn request<P: AsRef<Path>>(named: &[P], lake: &Path) -> ConvertRequest {
    ConvertRequest {
        named: named.iter().map(|path| path.as_ref().to_path_buf()).collect(),
        lake: lake.to_path_buf(),
        settings: Settings::default(),
        ptr: PtrOptions::default(),
        jobs: 2,
        rules: SelectOptions::default(),
        memory: None,
        strict: false,
        max_damaged: None,
        top: 10,
        dry_run: false,
        wait: Duration::ZERO,
        observer: Arc::new(Unobserved),
        cancel: Cancel::default(),
    }
}

/// Converts in-process; records must equal rows.
pub(crate) fn convert(request: &ConvertRequest) -> Report {
    let report = parcap::commands::convert(request).unwrap();
    assert_eq!(report.records, report.rows);
    report
}

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

/// The parts that a lake holds by its manifests, in the order of their captures.
pub(crate) fn parts(lake: &Path) -> Vec<serde_json::Value> {
    let mut parts: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    for manifest in manifests(lake) {
        if manifest["base"] == true {
            parts.clear();
        }
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

/// Every file below a folder, by its path below it, sorted; none if the folder is not there.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                walk(root, &path, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_path_buf());
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

/// A hash and the size of every file below a folder.
pub(crate) fn hashes(folder: &Path) -> BTreeMap<PathBuf, (usize, u64)> {
    let hash = |path: PathBuf| {
        let bytes = fs::read(folder.join(&path)).unwrap();
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        (path, (bytes.len(), hasher.finish()))
    };
    files(folder).into_iter().map(hash).collect()
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// How units that were converted apart are committed, to be changed before it is done.
pub(crate) fn commit_options() -> parcap::commands::CommitOptions {
    parcap::commands::CommitOptions {
        plan: None,
        incomplete: parcap::commands::Incomplete::Refuse,
        abandon: None,
        jobs: 2,
        strict: false,
        top: 10,
        wait: Duration::ZERO,
        ptr: PtrOptions::default(),
        cancel: Cancel::default(),
    }
}
