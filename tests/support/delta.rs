//! A Delta log as its protocol says to read it, version by version, by a reader that shares nothing with the one of the library.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files;

/// What a log leads to.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct DeltaLog {
    /// The table's files: what was added last of each.
    pub(crate) live: BTreeMap<String, Value>,
    /// The commits of the lake, in the order of the versions.
    pub(crate) commits: Vec<u64>,
    pub(crate) versions: u64,
    /// The columns, and which of them are in the names of folders.
    pub(crate) columns: Vec<(String, String)>,
    pub(crate) partitions: Vec<String>,
}

/// The lines of all versions.
pub(crate) fn log_lines(lake: &Path) -> Vec<Vec<Value>> {
    let folder = lake.join("_delta_log");
    let mut names = files(&folder);
    names.retain(|name| name.extension().is_some_and(|extension| extension == "json"));
    let lines = |name: &PathBuf| -> Vec<Value> {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    for (version, name) in names.iter().enumerate() {
        assert_eq!(name, &PathBuf::from(format!("{version:020}.json")), "the versions have a gap");
    }
    names.iter().map(lines).collect()
}

pub(crate) fn delta_log(lake: &Path) -> DeltaLog {
    let mut log = DeltaLog::default();
    for lines in log_lines(lake) {
        log.versions += 1;
        // One version changes a file once: readers may take its actions in any order.
        let mut changed = BTreeSet::new();
        for line in lines {
            let path = |action: &str| line[action]["path"].as_str().map(str::to_owned);
            if let Some(path) = path("remove") {
                assert!(changed.insert(path.clone()), "{path} is changed twice");
                log.live.remove(&path);
            } else if let Some(path) = path("add") {
                assert!(changed.insert(path.clone()), "{path} is changed twice");
                log.live.insert(path, line["add"].clone());
            } else if line["txn"]["appId"].as_str().is_some_and(|id| id.starts_with("parcap:")) {
                log.commits.push(line["txn"]["version"].as_u64().unwrap());
            } else if let Some(schema) = line["metaData"]["schemaString"].as_str() {
                let schema: Value = serde_json::from_str(schema).unwrap();
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let fields = schema["fields"].as_array().unwrap().iter();
                log.columns = fields.map(|field| (text(&field["name"]), text(&field["type"]))).collect();
                log.partitions = line["metaData"]["partitionColumns"].as_array().unwrap().iter().map(text).collect();
            }
        }
    }
    log
}

/// Holds the log of a lake against the files that are there: names, sizes, rows, and what the folders say.
pub(crate) fn assert_log_is_the_lake(lake: &Path) {
    let log = delta_log(lake);
    let there = files(&lake.join("packets"));
    let names: Vec<_> =
        there.iter().map(|path| format!("packets/{}", path.to_str().unwrap().replace('%', "%25"))).collect();
    assert_eq!(
        log.live.keys().cloned().collect::<Vec<_>>(),
        names.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    );
    let rows: BTreeMap<String, u64> = super::parts(lake)
        .iter()
        .map(|part| (part["path"].as_str().unwrap().to_owned(), part["rows"].as_u64().unwrap()))
        .collect();
    for (path, name) in there.iter().zip(&names) {
        let file = &log.live[name];
        assert_eq!(file["size"], fs::metadata(lake.join("packets").join(path)).unwrap().len(), "{name}");
        let stats: Value = serde_json::from_str(file["stats"].as_str().unwrap()).unwrap();
        let held = rows[&format!("packets/{}", path.to_str().unwrap())];
        assert_eq!(stats["numRecords"], held, "{name}");
        for column in &log.partitions {
            let folder = path.iter().find_map(|name| name.to_str()?.strip_prefix(&format!("{column}=")));
            // TP++ is the one protocol of the tests whose name is not its folder's.
            let folder = folder.map(|folder| if folder == "TP%2B%2B" { "TP++" } else { folder });
            let folder = folder.filter(|folder| *folder != "__HIVE_DEFAULT_PARTITION__");
            assert_eq!(file["partitionValues"][column].as_str(), folder, "{name}");
        }
        assert!(file["modificationTime"].as_i64().unwrap() > 1_600_000_000_000, "{file}");
    }
}
