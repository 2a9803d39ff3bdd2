//! Numbers without a dictionary, page by page.

use parquet::basic::{Compression, Encoding};
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{Chunk, EncodedColumn, PageFacts};
use super::value::{Bounds, Value};
use super::{PAGE_ROWS, Scratch, column_codes, delta};

/// Encodes numbers that follow each other as differences. None is null.
pub(crate) fn encode_counts(
    counts: &[i64],
    description: ColumnDescPtr,
    compression: Compression,
    scratch: &mut Scratch,
) -> Result<EncodedColumn, ParquetError> {
    let page_rows = |values: &[i64]| delta::rows_until_jump(values, PAGE_ROWS, |_| false);
    let chunk = Chunk::new(description, compression);
    numeric(chunk, scratch, &mut counts.to_vec(), |_| false, page_rows, delta::encode_or_plain)
}

/// A column of numbers without a dictionary. `page_rows` says how many of the values left are the next page, `encode` how they are
/// written.
pub(super) fn numeric<V: Value>(
    mut chunk: Chunk<V>,
    scratch: &mut Scratch,
    column: &mut [V],
    is_null: impl Fn(V) -> bool + Copy,
    page_rows: impl Fn(&[V]) -> usize,
    encode: impl Fn(&[V], &mut Vec<u8>) -> Encoding,
) -> Result<EncodedColumn, ParquetError> {
    let mut rest = column;
    while !rest.is_empty() {
        let (values, after) = rest.split_at_mut(page_rows(rest).min(rest.len()));
        rest = after;
        let Scratch { page, bits, compressor, .. } = &mut *scratch;
        page.clear();
        let rows = values.len();
        let nulls = values.iter().filter(|value| is_null(**value)).count();
        if chunk.is_optional() {
            column_codes::levels(rows, nulls, bits, page, |bits| {
                column_codes::bits_of(values, |value| !is_null(value), bits)
            })?;
        }
        let values = if nulls > 0 { without(values, is_null) } else { &*values };
        let encoding = encode(values, page);
        let bounds = Bounds::of_all(values);
        let facts = PageFacts { rows, nulls, bounds, variable_bytes: None };
        chunk.page(compressor.numbers(page, encoding)?, facts)?;
    }
    chunk.close()
}

/// The values without nulls. Nulls are moved to the end.
pub(super) fn without<V: Copy>(values: &mut [V], is_null: impl Fn(V) -> bool) -> &[V] {
    let mut kept = 0;
    for at in 0..values.len() {
        if let Some(value) = values.get(at).copied().filter(|value| !is_null(*value)) {
            if let Some(place) = values.get_mut(kept) {
                *place = value;
            }
            kept += 1;
        }
    }
    values.get(..kept).unwrap_or_default()
}
