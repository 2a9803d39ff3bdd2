//! Checkpoints: what a log has led to, as one Parquet file, so that readers need not read all versions (protocol,
//! "Checkpoints"). Its rows are the actions as JSON has them, through the same names.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_json::{LineDelimitedWriter, ReaderBuilder};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use serde_json::json;

use crate::bug::bug;
use crate::error::{Error, Result};
use crate::lake::snapshot::Snapshot;

use super::action::LogAction;
use super::commit::{file_of, text_of};
use super::replay::{Content, LogState};
use super::store::{LAST_CHECKPOINT, LogFile, LogStore, checkpoint_name};

/// Versions between two checkpoints.
const INTERVAL: u64 = 10;
/// Files whose actions are in memory at once.
const PIECE: usize = 1024;
/// Rows of a row group. What has been encoded of one is in memory.
const ROW_GROUP: usize = 10_000;

/// Whether a checkpoint may be due of the last version among the files of a log, by their names.
pub(in crate::lake) fn may_be_due(names: &[String]) -> bool {
    let files: Vec<_> = names.iter().map(|name| LogFile::of(name)).collect();
    let version =
        files.iter().filter_map(|file| if let LogFile::Version(version) = file { Some(*version) } else { None });
    let written = files.iter().filter_map(|file| match file {
        LogFile::Checkpoint(version) | LogFile::Piece(version, ..) => Some(*version),
        _ => None,
    });
    version.max().unwrap_or(0).saturating_sub(written.max().unwrap_or(0)) >= INTERVAL
}

/// Writes a checkpoint of a version that has just been written, if none was for a while. `held` is the lake as of that version.
/// Returns whether there is a new one.
///
/// Files that were removed are not in it: they are gone from the disk as well, so nothing could be cleaned up by them.
///
/// # Memory
/// The checkpoint, some 200 bytes for each part; the actions of [`PIECE`] parts.
/// # Errors
/// If the log cannot be read, or the checkpoint cannot be written.
pub(in crate::lake) fn write_checkpoint(
    store: &impl LogStore,
    held: &Snapshot,
    version: u64,
    always: bool,
) -> Result<bool> {
    let state = LogState::read(store, Content::WithoutFiles, Some(version))?;
    let is_due = state.checkpoint.map_or(version, |last| version.saturating_sub(last)) >= INTERVAL;
    if !always && (!is_due || !state.damage.is_empty()) {
        return Ok(false);
    }
    let (bytes, last) = checkpoint(&state, held, version)?;
    store.put(&checkpoint_name(version), &bytes)?;
    store.put(LAST_CHECKPOINT, last.as_bytes())?;
    Ok(true)
}

/// The checkpoint of a version, and what points to it. The table is what the log says, and its files are the lake's parts.
pub(super) fn checkpoint(state: &LogState, held: &Snapshot, version: u64) -> Result<(Vec<u8>, String)> {
    let metadata = state.metadata.clone().ok_or_else(|| bug!())?;
    let columns = metadata.partition_columns.clone();
    let time = held.delta.as_ref().map_or(0, |entry| entry.time);
    let mut head = vec![LogAction::MetaData(metadata)];
    head.extend(state.protocol.clone().map(LogAction::Protocol));
    head.extend(state.transactions.values().cloned().map(LogAction::Txn));
    let actions = head.len() + held.parts.len();
    let failed = |source| Error::Parquet { path: checkpoint_name(version).into(), source };
    let mut rows = CheckpointWriter::new().map_err(failed)?;
    rows.write(&text_of(&head)?).map_err(failed)?;
    let mut parts = held.parts.values();
    loop {
        let piece = parts.by_ref().take(PIECE).map(|part| LogAction::Add(file_of(part, &columns, time, false)));
        let piece: Vec<_> = piece.collect();
        if piece.is_empty() {
            break;
        }
        rows.write(&text_of(&piece)?).map_err(failed)?;
    }
    let bytes = rows.finish().map_err(failed)?;
    let last = json!({
        "version": version,
        "size": actions,
        "sizeInBytes": bytes.len(),
        "numOfAddFiles": held.parts.len(),
    });
    Ok((bytes, last.to_string()))
}

/// Rows of JSON on their way into a Parquet file.
struct CheckpointWriter {
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
}

impl CheckpointWriter {
    fn new() -> Result<Self, ParquetError> {
        let schema = schema();
        // Every reader of Parquet unpacks Snappy.
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties))?;
        Ok(Self { schema, writer })
    }

    fn write(&mut self, text: &[u8]) -> Result<(), ParquetError> {
        let rows = ReaderBuilder::new(Arc::clone(&self.schema)).with_batch_size(PIECE).build(text);
        for batch in rows? {
            self.writer.write(&batch?)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<u8>, ParquetError> {
        self.writer.into_inner()
    }
}

/// The columns of a checkpoint (protocol, "Checkpoint Schema"), as far as what parcap writes has values for them.
fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let long = |name: &str| Field::new(name, DataType::Int64, true);
    let flag = |name: &str| Field::new(name, DataType::Boolean, true);
    let number = |name: &str| Field::new(name, DataType::Int32, true);
    let texts = |name: &str| Field::new_list(name, Field::new("element", DataType::Utf8, true), true);
    let map = |name: &str| {
        let (key, value) = (Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true));
        Field::new_map(name, "key_value", key, value, false, true)
    };
    let action = |name: &str, fields: Vec<Field>| Field::new(name, DataType::Struct(fields.into()), true);
    Arc::new(Schema::new(vec![
        action("txn", vec![text("appId"), long("version"), long("lastUpdated")]),
        action(
            "add",
            vec![
                text("path"),
                map("partitionValues"),
                long("size"),
                long("modificationTime"),
                flag("dataChange"),
                text("stats"),
                map("tags"),
            ],
        ),
        action(
            "remove",
            vec![
                text("path"),
                long("deletionTimestamp"),
                flag("dataChange"),
                flag("extendedFileMetadata"),
                map("partitionValues"),
                long("size"),
            ],
        ),
        action(
            "metaData",
            vec![
                text("id"),
                text("name"),
                text("description"),
                action("format", vec![text("provider"), map("options")]),
                text("schemaString"),
                texts("partitionColumns"),
                map("configuration"),
                long("createdTime"),
            ],
        ),
        action(
            "protocol",
            vec![
                number("minReaderVersion"),
                number("minWriterVersion"),
                texts("readerFeatures"),
                texts("writerFeatures"),
            ],
        ),
    ]))
}

/// The actions that are read of a checkpoint; its other columns are of no use here.
const READ: [&str; 5] = ["txn", "add", "remove", "metaData", "protocol"];

/// The rows of a checkpoint as lines of JSON, whichever engine wrote it. `Err` with what is wrong with it.
pub(super) fn checkpoint_lines(bytes: Vec<u8>, content: Content) -> Result<Vec<u8>, String> {
    let problem = |error: &dyn std::fmt::Display| error.to_string();
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).map_err(|error| problem(&error))?;
    let is_wanted = |name: &str| match name {
        "add" | "remove" => content == Content::All,
        name => READ.contains(&name),
    };
    let roots = builder.parquet_schema().root_schema().get_fields().iter().enumerate();
    let roots: Vec<_> = roots.filter(|(_, field)| is_wanted(field.name())).map(|(at, _)| at).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let batches = builder.with_projection(mask).build().map_err(|error| problem(&error))?;
    let mut lines = LineDelimitedWriter::new(Vec::new());
    for batch in batches {
        lines.write(&batch.map_err(|error| problem(&error))?).map_err(|error| problem(&error))?;
    }
    lines.finish().map_err(|error| problem(&error))?;
    // Rows of columns that were left out.
    let lines = lines.into_inner();
    let kept = lines.split(|byte| *byte == b'\n').filter(|line| *line != b"{}").collect::<Vec<_>>();
    Ok(kept.join(&b'\n'))
}
