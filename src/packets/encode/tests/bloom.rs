//! What the law of filters (`tests/laws/lookups.rs`) cannot see: that nothing but the values decides which there are.

use parquet::file::metadata::ParquetMetaDataReader;

use super::super::super::rows::Rows;
use super::encoded;
use super::made::{Shape, columns, rows, settings};

/// The columns of a row group that have filters.
fn filtered(rows: &Rows) -> Vec<&'static str> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&encoded(rows, &settings())).unwrap();
    let named = columns();
    let written = metadata.row_group(0).columns().iter().zip(named.iter());
    written.filter(|(column, _)| column.bloom_filter_offset().is_some()).map(|(_, named)| named.name).collect()
}

/// The number of a record may be known only once a row group is encoded. If the bytes of such numbers counted, it would depend on which
/// worker was first whether a filter still fits.
#[test]
fn numbers_of_records_decide_no_filter() {
    let many = Shape { nulls: 0, distinct: 9000, run: 1, seed: 26 };
    let mut seen = std::collections::BTreeSet::new();
    for count in (1000..4000).step_by(100) {
        let mut rows = rows(count, [many; 6]);
        let mut with = |frame: fn(i64) -> i64| {
            (0..).zip(&mut rows.fields.records).for_each(|(row, fields)| fields.frame = frame(row));
            filtered(&rows)
        };
        let (near, far) = (with(|row| row), with(|row| (row * row * 1_234_567) & 0xffff_ffff));
        assert_eq!(near, far, "{count} rows");
        seen.insert(near);
    }
    // Some do not fit, and others do.
    assert!(seen.len() > 2 && seen.iter().any(|filtered| filtered.len() < 5), "{seen:?}");
}
