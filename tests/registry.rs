//! A column is one entry of a table: rows, pages, statistics, Arrow batches, rewriting and the documentation follow from
//! it. The columns of the feature `test-column` are such entries and nothing else.
//! `CARGO_PROFILE_DEV_OPT_LEVEL=0 cargo test --features test-column --test registry`

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int32Type, Int64Type};
use parcap::packets::COLUMNS;
use parcap::{Converter, Lake, ReadCaptures};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{PageIndexPolicy, RowGroupMetaData};
use parquet::file::statistics::Statistics;

#[path = "support/tables_page.rs"]
mod tables_page;

/// The columns of the feature, in the order of the table.
const FURTHER: [&str; 4] = ["cap_len", "offset", "test_qtype", "test_rcode"];

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/captures").join(name)
}

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
    assert!(metadata.column_index().unwrap().iter().all(|columns| columns.len() == COLUMNS.len()));
    let of_columns = metadata.file_metadata().key_value_metadata().unwrap();
    let of_columns = of_columns.iter().find(|pair| pair.key == "parcap.columns").unwrap().value.clone().unwrap();
    assert!(of_columns.contains(r#""cap_len":"captured bytes""#), "{of_columns}");
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    (concat_batches(&schema, &batches).unwrap(), metadata.row_groups().to_vec())
}

/// The parts of a lake, in the order of their dates and names.
fn parts(lake: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(lake.join("packets")).unwrap().map(|folder| folder.unwrap().path());
    let mut parts: Vec<_> =
        folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|part| part.unwrap().path())).collect();
    parts.sort();
    parts
}

/// All rows of a lake.
fn rows(lake: &Path) -> RecordBatch {
    let batches: Vec<_> = parts(lake).iter().map(|part| read(part).0).collect();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    batch.column_by_name(name).unwrap()
}

fn integers(batch: &RecordBatch, name: &str) -> Vec<Option<i64>> {
    column(batch, name).as_primitive::<Int64Type>().iter().collect()
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
    } else {
        of(array.as_string::<i32>().iter())
    };
    (bounds, array.null_count() as u64)
}

/// What the statistics say.
fn said(statistics: &Statistics) -> (Option<[String; 2]>, u64) {
    let bounds = match statistics {
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
fn a_column_is_in_parts_with_statistics() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let capture = capture("office-hour.pcap");
    Converter::new(&lake).inputs([&capture]).run().unwrap();

    let rows = rows(&lake);
    let records = records(&capture);
    assert_eq!(integers(&rows, "cap_len"), records.iter().map(|(length, _)| Some(*length)).collect::<Vec<_>>());
    assert_eq!(integers(&rows, "offset"), records.iter().map(|(_, offset)| Some(*offset)).collect::<Vec<_>>());
    // A question has a type, and a response has a code.
    let is_null = |name| {
        column(&rows, name).nulls().map(|nulls| (0..rows.num_rows()).map(|row| nulls.is_null(row)).collect::<Vec<_>>())
    };
    assert_eq!(is_null("test_qtype"), is_null("dns_query"));
    let is_dns: &BooleanArray = column(&rows, "is_dns").as_boolean();
    let codes = column(&rows, "test_rcode").as_string::<i32>();
    let responses = codes.len() - codes.null_count();
    assert!(responses > 0 && responses < is_dns.true_count(), "{responses} of {}", is_dns.true_count());
    assert!(codes.iter().zip(is_dns).all(|(code, is_dns)| code.is_none() || is_dns == Some(true)));

    for part in parts(&lake) {
        let (rows, groups) = read(&part);
        assert_eq!(groups.len(), 1);
        let columns: BTreeMap<_, _> = groups[0].columns().iter().map(|one| (one.column_path().string(), one)).collect();
        for name in FURTHER {
            assert_eq!(said(columns[name].statistics().unwrap()), bounds(column(&rows, name)), "{name}");
        }
    }
}

#[test]
fn a_column_is_in_batches() {
    let capture = capture("office-hour.pcap");
    let all = |request: ReadCaptures| {
        let batches: Vec<_> = request.batch_rows(100).open().unwrap().map(Result::unwrap).collect();
        concat_batches(&batches[0].schema(), &batches).unwrap()
    };
    let whole = all(ReadCaptures::new([&capture]));
    assert_eq!(whole.num_columns(), COLUMNS.len());
    let chosen = all(ReadCaptures::new([&capture]).columns(["test_rcode", "cap_len"]).unwrap());
    assert_eq!(
        chosen.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(),
        ["test_rcode", "cap_len"]
    );
    assert_eq!(column(&chosen, "test_rcode"), column(&whole, "test_rcode"));
    assert_eq!(
        integers(&chosen, "cap_len"),
        records(&capture).iter().map(|(length, _)| Some(*length)).collect::<Vec<_>>()
    );

    let folder = tempfile::tempdir().unwrap();
    Converter::new(folder.path().join("lake")).inputs([&capture]).run().unwrap();
    let kept = rows(&folder.path().join("lake"));
    FURTHER.iter().for_each(|name| assert_eq!(column(&kept, name), column(&whole, name), "{name}"));
}

#[test]
fn a_column_is_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, first, second) =
        (folder.path().join("lake"), folder.path().join("1.pcap"), folder.path().join("2.pcap"));
    let bytes = fs::read(capture("office-hour.pcap")).unwrap();
    let records = records(&capture("office-hour.pcap"));
    let middle = usize::try_from(records[records.len() / 2].1).unwrap();
    fs::write(&first, &bytes[..middle]).unwrap();
    fs::write(&second, [&bytes[..24], &bytes[middle..]].concat()).unwrap();
    for capture in [&first, &second] {
        Converter::new(&lake).inputs([capture]).run().unwrap();
    }
    let apart = rows(&lake);
    let before = parts(&lake).len();

    let compacted = Lake::open(&lake).unwrap().compact().unwrap();
    assert!(parts(&lake).len() < before, "{compacted:?}");
    let together = rows(&lake);
    assert_eq!(together.num_rows(), records.len());
    let sorted = |batch: &RecordBatch| {
        let mut rows: Vec<_> =
            (0..batch.num_rows()).map(|row| format!("{:?}", batch.slice(row, 1).columns())).collect();
        rows.sort();
        rows
    };
    assert_eq!(sorted(&together), sorted(&apart));
    assert!(Lake::open(&lake).unwrap().verify(true).unwrap().faults.is_empty());

    Lake::open(&lake).unwrap().forget([&first]).unwrap();
    let rest = rows(&lake);
    let lengths = records.iter().skip(records.len() / 2).map(|(length, _)| Some(*length)).collect::<Vec<_>>();
    assert_eq!(integers(&rest, "cap_len"), lengths);
    assert_eq!(integers(&rest, "offset")[0], Some(24));
}

#[test]
fn a_column_is_in_the_documentation() {
    let page = tables_page::tables();
    assert!(page.contains("| `cap_len` | int64 | never | captured bytes |"), "{page}");
    assert!(
        page.contains("| `test_qtype` | int32 | no question, or cut before its type | type of the first question |")
    );
    assert!(page.contains("| `test_rcode` | string | no response | name of the response code |"));
}
