//! The actions of a log: one a line in a version, one a row in a checkpoint (protocol, "Actions").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::lake) enum LogAction {
    /// Who wrote the version, and why ("Commit Provenance Information").
    CommitInfo(CommitInfo),
    /// What readers and writers must know ("Protocol Evolution").
    Protocol(TableProtocol),
    /// What the table is ("Change Metadata").
    MetaData(TableMetadata),
    /// How far an application has come ("Transaction Identifiers").
    Txn(AppTransaction),
    /// A file of the table ("Add File").
    Add(AddedFile),
    /// A file that is none any more ("Remove File").
    Remove(RemovedFile),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::lake) struct CommitInfo {
    /// Milliseconds since the Unix epoch.
    pub(super) timestamp: i64,
    pub(super) operation: String,
    pub(super) operation_parameters: BTreeMap<String, String>,
    pub(super) engine_info: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::lake) struct TableProtocol {
    pub(super) min_reader_version: i32,
    pub(super) min_writer_version: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reader_features: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) writer_features: Option<Vec<String>>,
}

impl TableProtocol {
    /// What parcap writes: no feature that a reader could lack.
    pub(super) const OURS: Self =
        Self { min_reader_version: 1, min_writer_version: 2, reader_features: None, writer_features: None };
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::lake) struct TableMetadata {
    /// A GUID.
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) format: FileFormat,
    /// The schema, as JSON in a text.
    pub(super) schema_string: String,
    pub(super) partition_columns: Vec<String>,
    #[serde(default)]
    pub(super) configuration: BTreeMap<String, Option<String>>,
    /// Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) created_time: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::lake) struct FileFormat {
    pub(super) provider: String,
    #[serde(default)]
    pub(super) options: BTreeMap<String, Option<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::lake) struct AppTransaction {
    pub(super) app_id: String,
    pub(super) version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_updated: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::lake) struct AddedFile {
    /// Below the table's root, percent-encoded ([`super::location`]).
    pub(super) path: String,
    #[serde(default)]
    pub(super) partition_values: BTreeMap<String, Option<String>>,
    pub(super) size: i64,
    /// Milliseconds since the Unix epoch.
    pub(super) modification_time: i64,
    pub(super) data_change: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stats: Option<String>,
    /// Of another writer: rows of the file that do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deletion_vector: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::lake) struct RemovedFile {
    pub(super) path: String,
    /// Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deletion_timestamp: Option<i64>,
    pub(super) data_change: bool,
    /// Whether the two fields that follow are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) extended_file_metadata: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) partition_values: Option<BTreeMap<String, Option<String>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<i64>,
}

/// What a line of a log that anybody may have written is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LineRead {
    Action(Box<LogAction>),
    /// Provenance, which changes nothing.
    Provenance,
    /// An action that parcap does not know, by its name.
    Unknown(String),
}

/// The lines of a version. `Err` with what is wrong with the first line that is no action, counted from 1.
pub(super) fn read_lines(text: &[u8]) -> impl Iterator<Item = Result<LineRead, String>> {
    let lines = text.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    lines.map(|(number, line)| read_line(line).map_err(|problem| format!("line {}: {problem}", number + 1)))
}

fn read_line(line: &[u8]) -> Result<LineRead, String> {
    let fields: Map<String, Value> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let mut actions = fields.into_iter().filter(|(_, value)| !value.is_null());
    let Some((name, value)) = actions.next() else { return Err("has no action".to_owned()) };
    if actions.next().is_some() {
        return Err("has two actions".to_owned());
    }
    match name.as_str() {
        // Other writers have other fields in it.
        "commitInfo" => Ok(LineRead::Provenance),
        "protocol" | "metaData" | "txn" | "add" | "remove" => {
            let action = serde_json::from_value(Value::Object([(name, value)].into_iter().collect()));
            action.map(|action| LineRead::Action(Box::new(action))).map_err(|error| error.to_string())
        }
        _ => Ok(LineRead::Unknown(name)),
    }
}
