//! What the table is: its schema, its partitions, and what the manifests hold of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::error::{Error, Result};
use crate::packets::{ColumnType, TableColumns};

use super::action::{FileFormat, TableMetadata};
use super::location::decoded;

/// How long files that were removed stay, for a `VACUUM` of another engine. It would also remove the summary tables, which no
/// version names, so it is told to leave everything; parcap removes its files itself.
const RETENTION: (&str, &str) = ("delta.deletedFileRetentionDuration", "interval 36500 days");

/// What a commit of a lake with a Delta log says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeltaEntry {
    /// The identity of the table, a GUID.
    pub id: String,
    /// When the commit was made, in milliseconds since the Unix epoch: the only clock of its version of the log.
    pub time: i64,
}

/// What the manifest holds of a part for the log, so that no part is opened again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeltaPart {
    /// When the part came into the table, in milliseconds since the Unix epoch.
    pub modified: i64,
    /// Its statistics, as the log has them.
    pub stats: String,
}

/// The name under which a lake says how far its log has come.
#[must_use]
pub(in crate::lake) fn application(id: &str) -> String {
    format!("{APPLICATION}{id}")
}

/// The beginning of that name.
const APPLICATION: &str = "parcap:";

/// The identity of the table that an application's name is of, if it is parcap's.
pub(super) fn table_of(application: &str) -> Option<&str> {
    application.strip_prefix(APPLICATION)
}

/// A field of the schema (protocol, "Struct Field").
#[derive(Serialize)]
struct SchemaField<'a> {
    name: &'a str,
    r#type: &'static str,
    nullable: bool,
    metadata: BTreeMap<&'static str, &'static str>,
}

#[derive(Serialize)]
struct SchemaText<'a> {
    r#type: &'static str,
    fields: Vec<SchemaField<'a>>,
}

/// The metadata of a lake's table: the columns of its parts in their order, then those that are in the names of folders alone.
/// `created` is in milliseconds since the Unix epoch.
///
/// # Errors
/// If the settings name a column that this version does not know.
pub(in crate::lake) fn metadata_of(id: &str, settings: &Settings, created: i64) -> Result<TableMetadata> {
    let table = TableColumns::with(&settings.columns).map_err(|name| Error::NoSuchColumn { name })?;
    let columns = table.iter().map(|column| (column.name, type_of(column.kind)));
    let partitions = partitions(settings);
    let fields = columns.chain(partitions.iter().filter_map(|(name, r#type)| Some((*name, (*r#type)?))));
    // Whether a column may be null is left open: rows of later versions may lack what those of today have.
    let fields = fields.map(|(name, r#type)| SchemaField { name, r#type, nullable: true, metadata: BTreeMap::new() });
    let schema = SchemaText { r#type: "struct", fields: fields.collect() };
    let written = |source| Error::Json { name: "the schema".to_owned(), what: "schema", source };
    Ok(TableMetadata {
        id: id.to_owned(),
        name: None,
        description: None,
        format: FileFormat { provider: "parquet".to_owned(), options: BTreeMap::new() },
        schema_string: serde_json::to_string(&schema).map_err(written)?,
        partition_columns: partitions.iter().map(|(name, _)| (*name).to_owned()).collect(),
        configuration: [(RETENTION.0.to_owned(), Some(RETENTION.1.to_owned()))].into(),
        created_time: Some(created),
    })
}

/// The columns that are in the names of folders, with their types if they are there alone. The protocol is in the rows too. It is one
/// of them all the same, for readers may refuse a folder whose column they are not told of.
fn partitions(settings: &Settings) -> Vec<(&'static str, Option<&'static str>)> {
    let by = settings.partition_by;
    let mut partitions = vec![("date", Some("date"))];
    partitions.extend(by.hour.then_some(("hour", Some("integer"))));
    partitions.extend(by.protocol.then_some(("protocol", None)));
    partitions
}

/// The values of these columns for a part, as the names of its folders say them.
pub(super) fn partition_values(path: &Path, columns: &[String]) -> BTreeMap<String, Option<String>> {
    let value = |column: &String| {
        let mut names = path.iter().filter_map(|name| name.to_str()?.split_once('='));
        let value = names.find(|(name, _)| name == column).map(|(_, value)| value);
        // In Hive's names a null has this one, and other characters than letters and digits are percent-encoded.
        let value = value.filter(|value| *value != "__HIVE_DEFAULT_PARTITION__");
        (column.clone(), value.map(|value| decoded(value).to_string_lossy().into_owned()))
    };
    columns.iter().map(value).collect()
}

/// A type of a column as Delta calls it (protocol, "Primitive Types").
fn type_of(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Timestamp => "timestamp",
        ColumnType::Text => "string",
        ColumnType::Int64 => "long",
        ColumnType::Int32 => "integer",
        ColumnType::Float64 => "double",
        ColumnType::Bool => "boolean",
    }
}

impl TableMetadata {
    /// Whether another metadata is this one for all that parcap's commits need: the rows and their types are the same, and
    /// nothing is asked of writers.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let schema = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        // Names of properties that Delta gives a meaning begin so.
        let of_delta = |metadata: &Self| -> BTreeMap<String, Option<String>> {
            let all = metadata.configuration.iter().filter(|(key, _)| key.starts_with("delta."));
            let all = all.filter(|(key, _)| !HARMLESS.contains(&key.as_str()));
            all.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        self.id == other.id
            && self.format.provider == other.format.provider
            && self.partition_columns == other.partition_columns
            && schema(&self.schema_string).is_some()
            && schema(&self.schema_string) == schema(&other.schema_string)
            && of_delta(self) == of_delta(other)
    }
}

/// Properties of Delta that change neither rows nor what a writer may do.
const HARMLESS: [&str; 4] = [
    "delta.checkpointInterval",
    "delta.logRetentionDuration",
    "delta.dataSkippingNumIndexedCols",
    "delta.dataSkippingStatsColumns",
];
