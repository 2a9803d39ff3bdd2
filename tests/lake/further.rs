//! Columns that are asked for are in parts as the others are: with statistics, page indexes, and what they mean.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int32Type, Int64Type};
use parcap::Converter;
use parcap::config::Settings;
use parcap::packets::{COLUMNS, SETS, further_columns};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{PageIndexPolicy, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use crate::support::{files, folder, repository};

/// The length and the offset of each record, read as the format says and not by parcap.
fn records(capture: &Path) -> Vec<(i64, i64)> {
    let bytes = fs::read(capture).unwrap();
    assert_eq!(bytes[..4], [0xd4, 0xc3, 0xb2, 0xa1], "little endian, microseconds");
    let (mut at, mut records) = (24, Vec::new());
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap());
        records.push((i64::from(length), i64::try_from(at).unwrap()));
        at += 16 + usize::try_from(length).unwrap();
    }
    records
}

/// A part: its rows, and the metadata of its row groups.
fn read(part: &Path) -> (RecordBatch, Vec<RowGroupMetaData>) {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(File::open(part).unwrap(), options).unwrap();
    let (schema, metadata) = (builder.schema().clone(), builder.metadata().clone());
    let every = COLUMNS.len() + SETS.iter().map(|set| set.columns.len()).sum::<usize>();
    assert!(metadata.column_index().unwrap().iter().all(|columns| columns.len() == every));
    let of_columns = metadata.file_metadata().key_value_metadata().unwrap();
    let of_columns = of_columns.iter().find(|pair| pair.key == "parcap.columns").unwrap().value.clone().unwrap();
    assert!(of_columns.contains(r#""ip_ttl":"time to live, or hop limit""#), "{of_columns}");
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    (concat_batches(&schema, &batches).unwrap(), metadata.row_groups().to_vec())
}

/// A lake of a capture, with all columns: its parts.
fn parts_of(capture: &Path, lake: &Path) -> Vec<PathBuf> {
    let sets = SETS.iter().map(|set| set.name).collect::<Vec<_>>().join(",");
    let settings = Settings { columns: further_columns(&sets).unwrap(), ..Settings::default() };
    Converter::new(lake).inputs([capture]).settings(settings).run().unwrap();
    let packets = lake.join("packets");
    files(&packets).into_iter().map(|part| packets.join(part)).collect()
}

/// The bounds and the number of nulls of a column, as text.
fn bounds(array: &ArrayRef) -> (Option<[String; 2]>, u64) {
    fn of<T: Ord + ToString>(values: impl Iterator<Item = Option<T>>) -> Option<[String; 2]> {
        let values: Vec<_> = values.flatten().collect();
        Some([values.iter().min()?.to_string(), values.iter().max()?.to_string()])
    }
    let bounds = if let Some(values) = array.as_primitive_opt::<Int64Type>() {
        of(values.iter())
    } else if let Some(values) = array.as_primitive_opt::<Int32Type>() {
        of(values.iter())
    } else if let Some(values) = array.as_boolean_opt() {
        of(values.iter())
    } else {
        of(array.as_string::<i32>().iter())
    };
    (bounds, array.null_count() as u64)
}

/// What the statistics say.
fn said(statistics: &Statistics) -> (Option<[String; 2]>, u64) {
    let bounds = match statistics {
        Statistics::Boolean(of) => of.min_opt().zip(of.max_opt()).map(|(min, max)| [min.to_string(), max.to_string()]),
        Statistics::Int32(of) => of.min_opt().zip(of.max_opt()).map(|(min, max)| [min.to_string(), max.to_string()]),
        Statistics::Int64(of) => of.min_opt().zip(of.max_opt()).map(|(min, max)| [min.to_string(), max.to_string()]),
        Statistics::ByteArray(of) => {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            of.min_opt().zip(of.max_opt()).map(|(min, max)| [text(min.data()), text(max.data())])
        }
        other => unreachable!("{other:?}"),
    };
    (bounds, statistics.null_count_opt().unwrap())
}

#[test]
fn statistics_are_those_of_the_values() {
    let folder = folder();
    let mut known = std::collections::BTreeSet::new();
    for capture in ["office-hour.pcap", "vlan.pcap"] {
        for part in parts_of(&repository("data/captures").join(capture), &folder.path().join(capture)) {
            let (rows, groups) = read(&part);
            assert_eq!(groups.len(), 1);
            let columns: BTreeMap<_, _> =
                groups[0].columns().iter().map(|one| (one.column_path().string(), one)).collect();
            for name in SETS.iter().flat_map(|set| set.columns).map(|column| column.name) {
                let expected = bounds(rows.column_by_name(name).unwrap());
                assert_eq!(said(columns[name].statistics().unwrap()), expected, "{capture}: {name}");
                known.extend(expected.0.map(|_| name));
            }
        }
    }
    assert!(known.contains("capture") && known.contains("vlan_id") && known.contains("community_id"), "{known:?}");
}

#[test]
fn the_way_back_to_a_packet_is_right() {
    let folder = folder();
    let capture = repository("data/captures/office-hour.pcap");
    let parts = parts_of(&capture, &folder.path().join("lake"));
    let batches: Vec<_> = parts.iter().map(|part| read(part).0).collect();
    let rows = concat_batches(&batches[0].schema(), &batches).unwrap();
    let integers = |name: &str| -> Vec<i64> {
        rows.column_by_name(name).unwrap().as_primitive::<Int64Type>().iter().map(Option::unwrap).collect()
    };
    let (lengths, offsets): (Vec<_>, Vec<_>) = records(&capture).into_iter().unzip();
    assert_eq!(integers("cap_len"), lengths);
    assert_eq!(integers("offset"), offsets);
    assert_eq!(integers("frame"), (1..=i64::try_from(offsets.len()).unwrap()).collect::<Vec<_>>());
    let text = rows.column_by_name("capture").unwrap().as_string::<i32>();
    assert!(text.iter().all(|text| text == capture.to_str()));
}
