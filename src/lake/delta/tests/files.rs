//! Names, paths, statistics and lines, each worked out from the protocol by hand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::config::{PartitionBy, Settings};
use crate::lake::manifest::Action;
use crate::lake::snapshot::Snapshot;
use crate::packets::{BoundValue, ColumnBounds};

use super::super::commit::commit_text;
use super::super::location::{decoded, encoded};
use super::super::statistics::statistics_of;
use super::super::store::{LogFile, checkpoint_name, version_name};
use super::super::table::{metadata_of, partition_values};
use super::*;

/// RFC 2396, 2.4: what is no unreserved character is `%` and two digits; UTF-8 byte by byte.
#[test]
fn paths_are_percent_encoded_and_come_back() {
    for (path, text) in [
        ("packets/date=2024-03-11/part-0a-00000.parquet", "packets/date=2024-03-11/part-0a-00000.parquet"),
        (
            "packets/date=2024-03-11/protocol=TP%2B%2B/p.parquet",
            "packets/date=2024-03-11/protocol=TP%252B%252B/p.parquet",
        ),
        ("packets/a b#c?d+e.parquet", "packets/a%20b%23c%3Fd%2Be.parquet"),
        ("packets/ü", "packets/%C3%BC"),
    ] {
        assert_eq!(encoded(Path::new(path)), text);
        assert_eq!(decoded(text), PathBuf::from(path));
    }
    // What others write: lower-case digits, and a sign that stands for itself.
    assert_eq!(decoded("a%c3%bc%"), PathBuf::from("aü%"));
}

#[test]
fn names_of_the_log_are_told_apart() {
    for (name, file) in [
        ("00000000000000000012.json", LogFile::Version(12)),
        ("00000000000000000012.checkpoint.parquet", LogFile::Checkpoint(12)),
        ("00000000000000000012.checkpoint.0000000002.0000000003.parquet", LogFile::Piece(12, 2, 3)),
        ("00000000000000000012.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json", LogFile::Other),
        ("00000000000000000012.crc", LogFile::Other),
        ("12.json", LogFile::Other),
        ("_last_checkpoint", LogFile::Other),
        (".00000000000000000012.json.crc", LogFile::Other),
    ] {
        assert_eq!(LogFile::of(name), file, "{name}");
    }
    assert_eq!(LogFile::of(&version_name(3)), LogFile::Version(3));
    assert_eq!(LogFile::of(&checkpoint_name(3)), LogFile::Checkpoint(3));
}

fn bounds(name: &str, bounds: Option<(BoundValue, BoundValue)>) -> ColumnBounds {
    ColumnBounds { name: name.to_owned(), nulls: Some(1), bounds, are_values: true }
}

fn statistics(columns: &[ColumnBounds]) -> Value {
    serde_json::from_str(&statistics_of(9, columns)).unwrap()
}

/// Times: `date -u -d @1710115200` is 2024-03-11T00:00:00, `@-1` the second before 1970, `@253402300799` the last of 9999.
#[test]
fn times_are_rounded_away_from_what_lies_between_them() {
    let instants = |least, greatest| {
        let found =
            statistics(&[bounds("datetime", Some((BoundValue::Instant(least), BoundValue::Instant(greatest))))]);
        (found["minValues"].clone(), found["maxValues"].clone())
    };
    let day = 1_710_115_200_000_000;
    for (micros, least, greatest) in [
        (day, "2024-03-11T00:00:00.000Z", "2024-03-11T00:00:00.000Z"),
        (day + 1, "2024-03-11T00:00:00.000Z", "2024-03-11T00:00:00.001Z"),
        (day + 999, "2024-03-11T00:00:00.000Z", "2024-03-11T00:00:00.001Z"),
        (day - 1, "2024-03-10T23:59:59.999Z", "2024-03-11T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00.000Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z"),
        (253_402_300_799_999_000, "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ] {
        assert_eq!(
            instants(micros, micros),
            (json!({ "datetime": least }), json!({ "datetime": greatest })),
            "{micros}"
        );
    }
    // The next millisecond would be in the year 10000, which no reader reads.
    let (least, greatest) = instants(0, 253_402_300_799_999_001);
    assert_eq!(least, json!({ "datetime": "1970-01-01T00:00:00.000Z" }));
    assert_eq!(greatest, json!({ "datetime": "9999-12-31T23:59:59.999001Z" }));
}

#[test]
fn statistics_have_what_readers_may_believe_and_nothing_else() {
    let text = |text: &str| BoundValue::Text(text.to_owned());
    let mut columns = vec![
        bounds("ip_src", Some((text("10.0.0.1"), text("ff02::2 \"ü\"")))),
        bounds("length", Some((BoundValue::Integer(-1), BoundValue::Integer(i64::MAX)))),
        // The shortest digits that are this double and no other one.
        bounds("time", Some((BoundValue::Double(0.1), BoundValue::Double(1_795_434_090.091_834)))),
        bounds("is_dns", Some((BoundValue::Flag(false), BoundValue::Flag(true)))),
        // No row has a value.
        ColumnBounds { name: "dns_query".to_owned(), nulls: Some(9), bounds: None, are_values: true },
    ];
    let mut expected = json!({
        "numRecords": 9,
        "minValues": { "ip_src": "10.0.0.1", "length": -1, "time": 0.1, "is_dns": false },
        "maxValues": {
            "ip_src": "ff02::2 \"ü\"", "length": 9_223_372_036_854_775_807_i64, "time": 1_795_434_090.091_834, "is_dns": true,
        },
        "nullCount": { "ip_src": 1, "length": 1, "time": 1, "is_dns": 1, "dns_query": 9 },
    });
    assert_eq!(statistics(&columns), expected);
    // Beginnings of texts bound them, and are none of them.
    columns[0].are_values = false;
    expected["tightBounds"] = false.into();
    assert_eq!(statistics(&columns), expected);
    // A reader may find no row by a column that has values and no bounds.
    for (nulls, bounds) in [(Some(1), None), (None, columns[3].bounds.clone())] {
        let mut columns = columns.clone();
        columns[3] = ColumnBounds { nulls, bounds, ..columns[3].clone() };
        assert_eq!(statistics_of(9, &columns), "{\"numRecords\":9}");
    }
    let infinite = bounds("time", Some((BoundValue::Double(0.1), BoundValue::Double(f64::INFINITY))));
    assert_eq!(statistics_of(9, &[infinite]), "{\"numRecords\":9}");
    assert_eq!(statistics_of(9, &[]), "{\"numRecords\":9}");
}

#[test]
fn partitions_are_what_the_folders_say() {
    let columns = |by: PartitionBy| {
        let settings = Settings { partition_by: by, ..Settings::default() };
        metadata_of(ID, &settings, 1).unwrap().partition_columns
    };
    let all = columns(PartitionBy { hour: true, protocol: true });
    assert_eq!(all, ["date", "hour", "protocol"]);
    assert_eq!(columns(PartitionBy { hour: false, protocol: true }), ["date", "protocol"]);
    for (folder, protocol) in
        [("TCP", Some("TCP")), ("TP%2B%2B", Some("TP++")), ("__HIVE_DEFAULT_PARTITION__", None), ("255", Some("255"))]
    {
        let path = format!("packets/date=2024-03-11/hour=7/protocol={folder}/p.parquet");
        let expected = [("date", Some("2024-03-11")), ("hour", Some("7")), ("protocol", protocol)];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        assert_eq!(partition_values(Path::new(&path), &all), BTreeMap::from(expected));
    }
    // The protocol is a column of the rows, so it is none besides.
    let by = PartitionBy { hour: true, protocol: true };
    let metadata = metadata_of(ID, &Settings { partition_by: by, ..Settings::default() }, 1).unwrap();
    assert_eq!(metadata.schema_string.matches("\"name\":\"protocol\"").count(), 1);
}

#[test]
fn the_first_version_says_what_the_table_is() {
    let manifest = manifest(1, &[part("packets/date=2024-03-11/a.parquet", 5)], &[]);
    let metadata = writer(&manifest.settings).metadata;
    let text = commit_text(&manifest, &entry(1001), &metadata, &BTreeMap::new(), true).unwrap();
    let text = String::from_utf8(text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    // To the byte, for any run that finishes the commit writes the same.
    assert_eq!(
        lines[0],
        format!(
            r#"{{"commitInfo":{{"timestamp":1001,"operation":"WRITE","operationParameters":{{"commit":"1"}},"engineInfo":"parcap/{}"}}}}"#,
            env!("CARGO_PKG_VERSION")
        )
    );
    assert_eq!(lines[1], format!(r#"{{"txn":{{"appId":"parcap:{ID}","version":1,"lastUpdated":1001}}}}"#));
    assert_eq!(lines[2], r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#);
    let table: Value = serde_json::from_str(lines[3]).unwrap();
    let table = &table["metaData"];
    assert_eq!((&table["id"], &table["createdTime"]), (&json!(ID), &json!(1)));
    assert_eq!(table["format"], json!({ "provider": "parquet", "options": {} }));
    assert_eq!(table["partitionColumns"], json!(["date"]));
    assert_eq!(table["configuration"], json!({ "delta.deletedFileRetentionDuration": "interval 36500 days" }));
    let schema: Value = serde_json::from_str(table["schemaString"].as_str().unwrap()).unwrap();
    let fields = schema["fields"].as_array().unwrap();
    let types: Vec<_> = fields.iter().map(|field| (field["name"].as_str(), field["type"].as_str())).collect();
    assert_eq!(types.len(), 19);
    for wanted in [("datetime", "timestamp"), ("ip_dst", "string"), ("ip_dst_int", "long"), ("is_dns", "boolean")] {
        assert!(types.contains(&(Some(wanted.0), Some(wanted.1))), "{wanted:?}");
    }
    for wanted in [("port_dst", "integer"), ("time", "double")] {
        assert!(types.contains(&(Some(wanted.0), Some(wanted.1))), "{wanted:?}");
    }
    assert_eq!(fields[18], json!({ "name": "date", "type": "date", "nullable": true, "metadata": {} }));
    assert_eq!(
        lines[4..],
        [
            r#"{"add":{"path":"packets/date=2024-03-11/a.parquet","partitionValues":{"date":"2024-03-11"},"size":5,"modificationTime":7,"dataChange":true,"stats":"{\"numRecords\":3}"}}"#
        ]
    );
}

#[test]
fn further_columns_are_in_the_schema_in_their_order() {
    let columns = crate::packets::further_columns("ip,tls").unwrap();
    let settings = Settings { columns: columns.clone(), ..Settings::default() };
    let metadata = metadata_of(ID, &settings, 1).unwrap();
    let schema: Value = serde_json::from_str(&metadata.schema_string).unwrap();
    let names: Vec<_> =
        schema["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    let further: Vec<_> = columns.names().collect();
    assert_eq!(names[18..names.len() - 1], further);
    assert_eq!((names[0], names[names.len() - 1]), ("datetime", "date"));
}

#[test]
fn a_commit_removes_and_adds_in_one_version() {
    let held = after(
        &Snapshot::default(),
        &manifest(
            1,
            &[part("packets/date=2024-03-11/a.parquet", 5), part("packets/date=2024-03-12/b.parquet", 6)],
            &[],
        ),
    );
    // `b` is written again under its name, and only added.
    let removed = ["packets/date=2024-03-11/a.parquet", "packets/date=2024-03-12/b.parquet"];
    let mut manifest = manifest(2, &[part("packets/date=2024-03-12/b.parquet", 8)], &removed);
    let text = |manifest: &Manifest| {
        let metadata = writer(&manifest.settings).metadata;
        let text = commit_text(manifest, &entry(1002), &metadata, &sizes(&held), false).unwrap();
        let text = String::from_utf8(text).unwrap();
        text.lines().skip(2).map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let goes = json!({ "remove": {
        "path": "packets/date=2024-03-11/a.parquet", "deletionTimestamp": 1002, "dataChange": true,
        "extendedFileMetadata": true, "partitionValues": { "date": "2024-03-11" }, "size": 5,
    } });
    let comes = json!({ "add": {
        "path": "packets/date=2024-03-12/b.parquet", "partitionValues": { "date": "2024-03-12" }, "size": 8,
        "modificationTime": 7, "dataChange": true, "stats": "{\"numRecords\":3}",
    } });
    assert_eq!(text(&manifest), [goes.clone(), comes.clone()]);
    // The same commit as a manifest that says everything.
    let base = after(&held, &manifest).into_base(manifest.clone());
    assert_eq!(text(&base), [goes, comes]);
    // Compacting changes no row, and says so: readers of changes pass over it.
    manifest.action = Action::Compact;
    assert!(text(&manifest).iter().all(|line| {
        let action = line.get("add").or(line.get("remove")).unwrap();
        action["dataChange"] == json!(false)
    }));
}
