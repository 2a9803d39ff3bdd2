//! Compares what is encoded here with what parquet's own `ArrowWriter` makes of the same rows: every value, every
//! statistic, every page.

mod bloom;
mod made;
mod recycled;

use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Encoding;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use proptest::prelude::*;

use crate::config::{PageCompression, Settings};
use crate::packets::encode::{PAGE_BYTES, PAGE_ROWS};

use super::super::batch::Batch;
use super::super::column_storage::{Further, Storage};
use super::super::packed::NO_DATETIME;
use super::super::row_group::Encoder;
use super::super::rows::Rows;
use super::super::schema::Column;
use made::{Shape, columns, rows, settings};

fn encoded(rows: &Rows, settings: &Settings) -> Bytes {
    let encoder = Encoder::new(settings).unwrap();
    // Twice, so that anything left over from an encoding would show.
    encoder.encode(rows).unwrap();
    let group = encoder.encode(rows).unwrap();
    let (schema, properties) = (Arc::clone(&encoder.schema), Arc::clone(&encoder.properties));
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut row_group = writer.next_row_group().unwrap();
    for column in group.columns {
        row_group.append_column(&column.pages, column.close).unwrap();
    }
    row_group.close().unwrap();
    writer.into_inner().unwrap().into()
}

fn arrow_writes(batch: &Batch, settings: &Settings, page_bytes: usize) -> Bytes {
    let mut properties = WriterProperties::builder()
        .set_compression(super::super::properties::compression(settings.compression).unwrap())
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(page_bytes)
        .set_dictionary_page_size_limit(2 << 20);
    for column in columns().iter() {
        let path = ColumnPath::from(column.name);
        let encoding = match column.storage {
            Storage::Instant(_) | Storage::Counter(_) => Encoding::DELTA_BINARY_PACKED,
            Storage::Double(_) => Encoding::PLAIN,
            _ => continue,
        };
        properties = properties.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, encoding);
    }
    let options = ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), batch.schema(), options).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap().into()
}

fn read(file: &Bytes) -> (Batch, Arc<ParquetMetaData>) {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), options).unwrap();
    let metadata = Arc::clone(builder.metadata());
    let rows = usize::try_from(metadata.file_metadata().num_rows()).unwrap();
    let batch = builder.with_batch_size(rows.max(1)).build().unwrap().next().unwrap().unwrap();
    (batch, metadata)
}

#[expect(clippy::cast_possible_wrap, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few rows")]
fn holds(rows: &Rows, compression: PageCompression) {
    let settings = Settings { compression, ..settings() };
    let batch = rows.batch(0..rows.len()).unwrap();
    let (ours, theirs) = (encoded(rows, &settings), arrow_writes(&batch, &settings, PAGE_BYTES));
    let ((our_batch, ours), (their_batch, theirs)) = (read(&ours), read(&theirs));
    for ((our, their), column) in our_batch.columns().iter().zip(their_batch.columns()).zip(columns().iter()) {
        assert!(our == their, "{}: values differ", column.name);
    }
    assert_eq!(our_batch.num_columns(), columns().iter().count());
    let (our_group, their_group) = (ours.row_group(0), theirs.row_group(0));
    assert_eq!(our_group.num_rows(), their_group.num_rows());
    let ((our_indexes, our_offsets), (their_indexes, their_offsets)) = (page_indexes(&ours), page_indexes(&theirs));
    for (place, column) in columns().iter().enumerate() {
        let name = column.name;
        let (our, their) = (our_group.column(place), their_group.column(place));
        assert_eq!(our.statistics(), their.statistics(), "{name}");
        assert_eq!(our.num_values(), their.num_values(), "{name}");
        assert_eq!(our.compression(), their.compression(), "{name}");
        assert_eq!(our.definition_level_histogram(), their.definition_level_histogram(), "{name}");
        assert_eq!(our.unencoded_byte_array_data_bytes(), their.unencoded_byte_array_data_bytes(), "{name}");
        let starts = |pages: &OffsetIndexMetaData| -> Vec<i64> {
            pages.page_locations().iter().map(|page| page.first_row_index).collect()
        };
        let (our_offsets, their_offsets) = (&our_offsets[place], &their_offsets[place]);
        if starts(our_offsets) == starts(their_offsets) {
            assert_eq!(our_indexes[place], their_indexes[place], "{name}");
            assert_eq!(
                our_offsets.unencoded_byte_array_data_bytes(),
                their_offsets.unencoded_byte_array_data_bytes(),
                "{name}"
            );
            continue;
        }
        // `ArrowWriter` ends pages only about where it is told to. So each page is compared with one that it makes of the
        // same rows.
        let ends = starts(our_offsets).into_iter().skip(1).chain([batch.num_rows() as i64]);
        for (page, (start, end)) in starts(our_offsets).into_iter().zip(ends).enumerate() {
            assert!(end - start <= PAGE_ROWS as i64, "{name}");
            let slice = batch.slice(start as usize, (end - start) as usize).project(&[place]).unwrap();
            let (_, alone) = read(&arrow_writes(&slice, &settings, usize::MAX));
            let (alone, _) = page_indexes(&alone);
            assert_eq!(bounds(&our_indexes[place], page), bounds(&alone[0], 0), "{name}, page {page}");
        }
    }
}

/// The page indexes of the only row group, by column: bounds and counts of pages, and where the pages are.
fn page_indexes(metadata: &ParquetMetaData) -> (&[ColumnIndexMetaData], &[OffsetIndexMetaData]) {
    (&metadata.column_index().unwrap()[0], &metadata.offset_index().unwrap()[0])
}

/// What an index says of a page.
fn bounds(index: &ColumnIndexMetaData, page: usize) -> (bool, Option<i64>, String) {
    let bounds = match index {
        ColumnIndexMetaData::BOOLEAN(index) => format!("{:?} {:?}", index.min_value(page), index.max_value(page)),
        ColumnIndexMetaData::INT32(index) => format!("{:?} {:?}", index.min_value(page), index.max_value(page)),
        ColumnIndexMetaData::INT64(index) => format!("{:?} {:?}", index.min_value(page), index.max_value(page)),
        ColumnIndexMetaData::DOUBLE(index) => format!("{:?} {:?}", index.min_value(page), index.max_value(page)),
        ColumnIndexMetaData::BYTE_ARRAY(index) => format!("{:?} {:?}", index.min_value(page), index.max_value(page)),
        other => format!("{other:?}"),
    };
    (index.is_null_page(page), index.null_count(page), bounds)
}

/// The columns that have a dictionary.
fn with_dictionary(rows: &Rows) -> Vec<&'static str> {
    let (_, metadata) = read(&encoded(rows, &settings()));
    let named = columns();
    let written = metadata.row_group(0).columns().iter().zip(named.iter());
    let has_one = written.filter(|(column, _)| column.encodings().any(|encoding| encoding == Encoding::RLE_DICTIONARY));
    has_one.map(|(_, named)| named.name).collect()
}

#[test]
fn a_dictionary_gives_way_where_it_is_larger_than_what_it_saves() {
    let shape = |distinct| [Shape { nulls: 0, distinct, run: 1, seed: 7 }; 6];
    let columns = columns();
    let may_have_one = columns.iter().filter(|column| {
        !matches!(
            column.storage,
            Storage::Instant(_)
                | Storage::Double(_)
                | Storage::Flag(_)
                | Storage::Counter(_)
                | Storage::Further(Further::Flag(_))
        )
    });
    let may_have_one: Vec<_> = may_have_one.collect();
    let few = rows(4000, shape(9));
    let batch = few.batch(0..few.len()).unwrap();
    // Those of 32 bits have one if they are small.
    let are_large = |column: &&Column| {
        matches!(column.storage, Storage::Wide(_) | Storage::Further(Further::Wide(_)))
            && batch
                .column_by_name(column.name)
                .unwrap()
                .as_primitive::<Int64Type>()
                .iter()
                .flatten()
                .any(|one| one >> 18 > 0)
    };
    assert!(may_have_one.iter().any(are_large));
    let names = |columns: Vec<&&'static Column>| columns.into_iter().map(|column| column.name).collect::<Vec<_>>();
    assert_eq!(with_dictionary(&few), names(may_have_one.iter().filter(|column| !are_large(column)).collect()));
    // There are no 4000 different protocols, and not as many values of some fields.
    let many = rows(4000, shape(u64::from(u32::MAX)));
    let batch = many.batch(0..many.len()).unwrap();
    let with_one = with_dictionary(&many);
    assert!(with_one.contains(&"protocol") && with_one.len() < 6, "{with_one:?}");
    for column in may_have_one {
        let array = batch.column_by_name(column.name).unwrap();
        let known = many.len() - array.null_count();
        let values = (0..many.len()).filter(|row| array.is_valid(*row)).map(|row| format!("{:?}", array.slice(row, 1)));
        let distinct = values.collect::<std::collections::HashSet<_>>().len();
        // Between the two it depends on what a value takes.
        if distinct * 2 < known || distinct * 10 > known * 9 {
            assert_eq!(with_one.contains(&column.name), distinct * 2 < known, "{}: {distinct} of {known}", column.name);
        }
    }
}

/// Rows at these times. No other value matters.
fn at(times: impl IntoIterator<Item = i64>) -> Rows {
    let times: Vec<_> = times.into_iter().collect();
    let mut rows = rows(times.len(), [Shape { nulls: 1000, distinct: 1, run: 1, seed: 0 }; 6]);
    rows.times.given_mut().iter_mut().zip(times).for_each(|(row, datetime)| row.datetime = datetime);
    rows
}

/// The encodings of the pages of `datetime`.
fn encodings_of_datetime(rows: &Rows) -> Vec<Encoding> {
    let options = ReadOptionsBuilder::new().with_encoding_stats_as_mask(false).build();
    let reader = SerializedFileReader::new_with_options(encoded(rows, &settings()), options).unwrap();
    let place = columns().iter().position(|column| column.name == "datetime").unwrap();
    let group = reader.get_row_group(0).unwrap();
    let pages = group.get_column_page_reader(place).unwrap();
    let encodings: Vec<Encoding> = pages.map(|page| page.unwrap().encoding()).collect();
    let column = reader.metadata().row_group(0).column(place);
    for encoding in &encodings {
        assert!(column.encodings().any(|known| known == *encoding), "the metadata knows of {encoding}");
        let counted = column.page_encoding_stats().unwrap().iter().find(|pages| pages.encoding == *encoding).unwrap();
        assert_eq!(
            usize::try_from(counted.count).unwrap(),
            encodings.iter().filter(|other| *other == encoding).count()
        );
    }
    encodings
}

/// fastparquet decodes differences of up to 28 bits. It decodes wider ones wrongly, without an error.
#[test]
fn times_that_jump_far_are_plain() {
    let jump = |by: i64| encodings_of_datetime(&at([0, 0, by, by]));
    let (delta, plain) = (Encoding::DELTA_BINARY_PACKED, Encoding::PLAIN);
    assert_eq!(jump((1 << 28) - 1), [delta]);
    assert_eq!(jump(1 << 28), [plain]);
    assert_eq!(jump(1 - (1 << 28)), [delta]);
    assert_eq!(jump(-(1 << 28)), [plain]);
    assert_eq!(jump(i64::MAX), [plain]);
    // However far the times are apart, what counts is how much their distances differ.
    assert_eq!(encodings_of_datetime(&at((0..500).map(|row| row << 40))), [delta]);
    // A page ends where a time jumps, so that most pages have no jump. The next page has its full length.
    let steady = |rows: i64| (0..rows).map(|row| row * 7);
    let later = |times: &mut dyn Iterator<Item = i64>| -> Vec<i64> { times.map(|time| time + (1 << 50)).collect() };
    let jumps: Vec<i64> =
        steady(5000).chain(later(&mut steady(i64::try_from(PAGE_ROWS).unwrap() + 1))).chain(steady(9)).collect();
    assert_eq!(encodings_of_datetime(&at(jumps.iter().copied())), [delta, delta, plain]);
    holds(&at(jumps.iter().copied()), PageCompression::Zstd(1));
    // Nulls at the jump; then jumps all along, in short pages.
    let nulls = steady(3000).chain([NO_DATETIME; 3]).chain(later(&mut steady(3000)));
    assert_eq!(encodings_of_datetime(&at(nulls.clone())), [delta, delta]);
    holds(&at(nulls), PageCompression::None);
    let wild: Vec<i64> = (0..5000).map(|row| (row % 2) << 40).collect();
    assert_eq!(encodings_of_datetime(&at(wild.iter().copied())), [plain; 5]);
    holds(&at(wild), PageCompression::Zstd(1));
}

fn shape() -> impl Strategy<Value = Shape> {
    let distinct = prop_oneof![Just(1), 2..20_u64, 200..5_000_u64, Just(u64::from(u32::MAX))];
    let nulls = prop_oneof![3 => Just(0), 3 => 1..999_u64, 1 => Just(1000)];
    let run = prop_oneof![3 => Just(1), 1 => 2..30_u64, 1 => 1000..50_000_u64];
    (nulls, distinct, run, any::<u64>()).prop_map(|(nulls, distinct, run, seed)| Shape { nulls, distinct, run, seed })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn few_rows_are_what_arrow_writes(
        shapes in prop::array::uniform6(shape()),
        count in prop_oneof![1..40_usize, 40..3000_usize],
    ) {
        holds(&rows(count, shapes), PageCompression::Zstd(1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_of_several_pages_are_what_arrow_writes(
        shapes in prop::array::uniform6(shape()),
        count in (PAGE_ROWS * 2 - 9)..(PAGE_ROWS * 2 + 9),
        compression in prop::sample::select(vec![
            PageCompression::None, PageCompression::Snappy, PageCompression::Lz4, PageCompression::Zstd(3),
        ]),
    ) {
        holds(&rows(count, shapes), compression);
    }
}
