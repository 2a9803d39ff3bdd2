//! Compares the files of tables with what parquet's own `ArrowWriter` makes of the same rows: values, row groups, statistics and page
//! indexes.

use std::fs::File;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use proptest::prelude::*;

use super::*;
use crate::tables::TextValues;

/// Rows of a page, at most.
const PAGE_ROWS: usize = 20_000;

/// All as one piece, each column of a row group as one page.
fn arrow_writes(path: &Path, table: &Table) {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(crate::config::ZSTD_LEVEL).unwrap()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_size_limit(usize::MAX)
        .set_data_page_row_count_limit(usize::MAX)
        .set_dictionary_enabled(false)
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let batch = table.to_batch().unwrap();
    let mut writer = ArrowWriter::try_new_with_options(File::create(path).unwrap(), batch.schema(), options).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn read(path: &Path) -> (Arc<ParquetMetaData>, RecordBatch) {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let file = File::open(path).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    let (metadata, schema) = (Arc::clone(builder.metadata()), Arc::clone(builder.schema()));
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    (metadata, concat_batches(&schema, &batches).unwrap())
}

/// What an index says of a page: whether all is null, how much is, and the bounds.
fn of_page(index: &ColumnIndexMetaData, page: usize) -> (bool, Option<i64>, String) {
    let bounds = match index {
        ColumnIndexMetaData::INT64(index) => format!("{:?} {:?}", index.min_value(page), index.max_value(page)),
        ColumnIndexMetaData::DOUBLE(index) => format!("{:?} {:?}", index.min_value(page), index.max_value(page)),
        ColumnIndexMetaData::BYTE_ARRAY(index) => format!("{:?} {:?}", index.min_value(page), index.max_value(page)),
        other => panic!("{other:?}"),
    };
    (index.is_null_page(page), index.null_count(page), bounds)
}

fn slice(table: &Table, rows: Range<usize>) -> Table {
    let mut slice = table.without_rows();
    rows.for_each(|row| assert!(slice.push_row(table, row)));
    slice
}

/// Holds a file that is written in pieces against one of `ArrowWriter`.
fn holds(table: &Table, piece: usize) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let pages = PageMaker::new(folder.path()).unwrap();
    // Another table before it, so that what is left of one would show.
    let mut before = TableWriter::create(&at("before"), table, &pages).unwrap();
    before.write(&slice(table, 0..table.rows().min(9))).unwrap();
    let mut writer = TableWriter::create(&at("ours"), table, &pages).unwrap();
    for start in (0..table.rows()).step_by(piece) {
        writer.write(&slice(table, start..table.rows().min(start + piece))).unwrap();
    }
    let file = writer.close().unwrap();
    before.close().unwrap();
    assert_eq!(file.rows, table.rows() as u64);
    arrow_writes(&at("theirs"), table);
    let ((ours, our_rows), (theirs, their_rows)) = (read(&at("ours")), read(&at("theirs")));
    assert!(our_rows == their_rows, "values differ");
    assert!(our_rows == table.to_batch().unwrap(), "values differ from those that were given");
    assert_eq!(ours.file_metadata().schema_descr(), theirs.file_metadata().schema_descr());
    assert_eq!(ours.file_metadata().key_value_metadata(), None);
    let rows = |file: &ParquetMetaData| file.row_groups().iter().map(|group| group.num_rows()).collect::<Vec<_>>();
    assert_eq!(rows(&ours), rows(&theirs));
    let mut first = 0;
    for (group, (our, their)) in ours.row_groups().iter().zip(theirs.row_groups()).enumerate() {
        let rows = usize::try_from(our.num_rows()).unwrap();
        for (place, (our, their)) in our.columns().iter().zip(their.columns()).enumerate() {
            let name = our.column_path().string();
            assert_eq!(our.statistics(), their.statistics(), "{name}");
            assert_eq!(our.num_values(), their.num_values(), "{name}");
            assert_eq!(our.compression(), their.compression(), "{name}");
            assert_eq!(our.definition_level_histogram(), their.definition_level_histogram(), "{name}");
            assert_eq!(our.unencoded_byte_array_data_bytes(), their.unencoded_byte_array_data_bytes(), "{name}");
            let encodings: Vec<_> = our.encodings().collect();
            assert!(!encodings.contains(&Encoding::RLE_DICTIONARY), "{name}: {encodings:?}");
            let starts = ours.offset_index().unwrap()[group][place].page_locations().iter();
            let starts: Vec<_> = starts.map(|page| usize::try_from(page.first_row_index).unwrap()).collect();
            let index = &ours.column_index().unwrap()[group][place];
            let (column, values) = &table.columns[place];
            for (page, start) in starts.iter().enumerate() {
                let end = starts.get(page + 1).copied().unwrap_or(rows);
                assert!(end - start <= PAGE_ROWS, "{name}");
                // What `ArrowWriter` says of these rows alone.
                let alone =
                    slice(&Table { columns: vec![(column.clone(), values.clone())] }, first + start..first + end);
                arrow_writes(&at("alone"), &alone);
                let (alone, _) = read(&at("alone"));
                assert_eq!(
                    of_page(index, page),
                    of_page(&alone.column_index().unwrap()[0][0], 0),
                    "{name}, page {page}"
                );
            }
        }
        first += rows;
    }
}

fn table(texts: TextValues, numbers: Vec<Option<i64>>, doubles: Vec<Option<f64>>, times: Vec<Option<i64>>) -> Table {
    Table::new([
        ("text", TableColumn::Text(texts)),
        ("number", TableColumn::Int(numbers)),
        ("double", TableColumn::Float(doubles)),
        ("time", TableColumn::Time(times)),
    ])
}

fn any_text() -> impl Strategy<Value = String> {
    let long = (1..5_usize, 55..80_usize).prop_map(|(bytes, len)| {
        let character = ["a", "é", "€", "𝄞"][bytes - 1];
        format!("{}{}", "x".repeat(len % 4), character.repeat(len))
    });
    prop_oneof!["[a-c]{0,3}", "[a-cé]{60,70}", long]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Law: a table's file is what `ArrowWriter` makes of it, in pieces of any length: long texts, nulls, no rows, both zeros.
    #[test]
    fn a_table_is_what_arrow_writes(
        rows in prop::collection::vec((any_text(), any::<i64>(), prop::num::f64::NORMAL | prop::num::f64::ZERO, -9..9_i64), 0..60),
        is_null in prop::collection::vec(prop::array::uniform4(prop::bool::weighted(0.3)), 60),
        all_null in prop::array::uniform4(prop::bool::weighted(0.2)),
        piece in 1..70_usize,
    ) {
        let rows = || rows.iter().zip(&is_null);
        let is = |place: usize, nulls: &[bool; 4]| !nulls[place] && !all_null[place];
        holds(&table(
            rows().map(|(row, nulls)| Some(row.0.as_str()).filter(|_| is(0, nulls))).collect(),
            rows().map(|(row, nulls)| Some(row.1).filter(|_| is(1, nulls))).collect(),
            rows().map(|(row, nulls)| Some(row.2).filter(|_| is(2, nulls))).collect(),
            rows().map(|(row, nulls)| Some(row.3).filter(|_| is(3, nulls))).collect(),
        ), piece);
    }
}

#[test]
fn a_bound_that_is_zero_has_the_sign_that_holds_for_both() {
    for doubles in [[0.0, -0.0], [-0.0, 0.0]] {
        let texts = [Some(""), None].into_iter().collect();
        holds(&table(texts, vec![Some(0); 2], doubles.map(Some).to_vec(), vec![None, Some(-1)]), 2);
    }
}

#[test]
fn rows_beyond_a_page_and_a_row_group_are_what_arrow_writes() {
    let rows = u32::try_from(ROW_GROUP_ROWS + PAGE_ROWS + 5).unwrap();
    let some = |row: u32| (row % 7 != 3).then_some(row);
    let columns = table(
        (0..rows).map(|row| some(row).map(|row| format!("{:08}", row * 79 % rows))).collect(),
        (0..rows).map(|row| some(row / 3).map(i64::from)).collect(),
        // Pages without a value, and one in which few rows have one.
        (0..rows).map(|row| some(row).filter(|row| *row > 39_990).map(|row| -f64::from(row))).collect(),
        (0..rows).map(|row| Some(-i64::from(row))).collect(),
    );
    let rows = columns.rows();
    for piece in [rows, 8192] {
        holds(&columns, piece);
    }
}

#[test]
fn a_page_of_long_texts_ends_at_a_mebibyte() {
    let rows = 40;
    let text = |row: usize| Some(format!("{}{row}", "long".repeat(25_000)));
    let nothing = || vec![None; rows];
    let columns = table((0..rows).map(text).collect(), nothing(), vec![None; rows], nothing());
    holds(&columns, rows);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    write_table(&path, &columns).unwrap();
    let (metadata, _) = read(&path);
    let pages = metadata.offset_index().unwrap()[0].iter().map(|index| index.page_locations().len());
    assert_eq!(pages.collect::<Vec<_>>(), [4, 1, 1, 1]);
}

#[test]
fn a_row_group_ends_at_its_bytes() {
    let text = |row: usize| Some(format!("{row}{}", "x".repeat(1 << 20)));
    let piece = |rows: Range<usize>| Table::new([("text", TableColumn::Text(rows.map(text).collect()))]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    let mut writer = TableWriter::create(&path, &piece(0..0), &PageMaker::new(&path).unwrap()).unwrap();
    (0..40).for_each(|row| writer.write(&piece(row..row + 1)).unwrap());
    writer.close().unwrap();
    let (metadata, batch) = read(&path);
    assert_eq!(metadata.row_groups().iter().map(|group| group.num_rows()).collect::<Vec<_>>(), [16, 16, 8]);
    assert!(batch == piece(0..40).to_batch().unwrap());
}

/// Of a long text only the beginning is kept while its column is made. Where no character of it can be incremented, the bound must be
/// no shorter than the text.
#[test]
fn a_text_whose_beginning_has_no_successor_is_within_its_bounds() {
    let texts = ["\u{7f}", "\u{7ff}", "\u{d7ff}", "\u{ffff}", "\u{10ffff}"];
    for character in texts {
        let all = [100, 70, 300].map(|count| character.repeat(count));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        let piece = |texts: &[String]| Table::new([("text", TableColumn::Text(texts.iter().map(Some).collect()))]);
        let mut writer = TableWriter::create(&path, &piece(&[]), &PageMaker::new(&path).unwrap()).unwrap();
        all.chunks(1).for_each(|texts| writer.write(&piece(texts)).unwrap());
        writer.close().unwrap();
        let (metadata, _) = read(&path);
        let statistics = metadata.row_group(0).column(0).statistics().unwrap();
        let [least, .., greatest] = {
            let mut sorted = all.clone();
            sorted.sort();
            sorted
        };
        assert!(statistics.min_bytes_opt().unwrap() <= least.as_bytes() && !statistics.min_is_exact());
        let max = statistics.max_bytes_opt().unwrap();
        assert!(max > greatest.as_bytes() && !statistics.max_is_exact(), "{character:?}");
        assert!(str::from_utf8(max).is_ok());
        let ColumnIndexMetaData::BYTE_ARRAY(index) = &metadata.column_index().unwrap()[0][0] else {
            panic!("no texts")
        };
        for (page, text) in all.iter().enumerate() {
            assert!(index.min_value(page).unwrap() <= text.as_bytes(), "{character:?}, page {page}");
            assert!(index.max_value(page).unwrap() > text.as_bytes(), "{character:?}, page {page}");
        }
    }
}
