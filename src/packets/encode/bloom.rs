//! Bloom filters of the columns that rows are looked up by (Parquet format, `BloomFilter.md`).
//!
//! Rows are in the order of time, so the bounds of a row group exclude hardly any address. A filter tells a reader that a
//! row group has no row of an address, for a thousandth of what the row group takes. It is made of the distinct values,
//! which are known once a column is encoded. A dictionary tells the same; but few readers look into it before they
//! read the column, it is several times as large, and it is gone where nearly each packet has another address.
//!
//! Which columns get one:
//!
//! - those whose entry says that they are looked up;
//! - with two values or more: one alone is told by the bounds;
//! - in a row group of [`GROUP_BYTES`] or more: what is smaller is read as soon as a filter;
//! - as long as all filters of the row group take no more than a fiftieth of its pages. With fewer bits a value more of them
//!   fit; then those of few values come first. So what is scanned in a scan has none, and the scanner has one.

use parquet::bloom_filter::{BITSET_MIN_LENGTH, Sbbf};
use parquet::errors::ParquetError;

use crate::bug::bug;

use super::super::column_storage::Storage;
use super::super::further::{FurtherColumn, FurtherValues};
use super::super::rows::Rows;
use super::super::schema::Column;
use super::super::text_table::Texts;
use super::RowGroupPages;
use super::compress::failed;

/// The least bits for each distinct value. The bytes are a power of two, as `parquet` makes them; so there are up to twice as many
/// bits. A row group seems to have one in 760 to one in 27,000 of the values that it does not have, which costs a reader as
/// much as the filters do.
const VALUE_BITS: usize = 16;
/// The same where the filters of all columns would not fit: one in 30 to one in 760.
const FEW_VALUE_BITS: usize = 8;
/// The bytes of a row group's pages for one byte of filters, at least.
const SHARE: u64 = 50;
/// The least bytes of the pages of a row group that has filters.
const GROUP_BYTES: u64 = 64 << 10;
/// The bytes before a filter, at most.
const HEADER_BYTES: u64 = 20;

impl RowGroupPages<'_> {
    /// Keeps the distinct keys of the column that is encoded next, if it may have a filter.
    pub(super) fn keep_distinct(&mut self, keys: &[u32]) {
        let at = self.columns.len();
        if keys.len() > 1 && self.rows.columns.iter().nth(at).is_some_and(|column| column.is_looked_up) {
            self.distinct.push((at, keys.to_vec()));
        }
    }

    /// Makes the filters. All columns have been encoded.
    pub(super) fn bloom_filters(&mut self) -> Result<(), ParquetError> {
        let rows = self.rows;
        // Records may be numbered later, by a row group that was written before. Filters must not follow from when.
        let is_final = |column: &Column| !matches!(column.storage, Storage::Counter(_));
        let pages = self.columns.iter().zip(rows.columns.iter()).filter(|(_, column)| is_final(column));
        let pages: u64 = pages.map(|(encoded, _)| encoded.close.bytes_written).sum();
        if pages < GROUP_BYTES {
            return Ok(());
        }
        let mut room = pages / SHARE;
        let mut distinct = std::mem::take(&mut self.distinct);
        distinct.sort_by_key(|(at, keys)| (keys.len(), *at));
        let all = |bits| distinct.iter().map(|(_, keys)| bytes(keys.len(), bits) + HEADER_BYTES).sum::<u64>();
        let bits = if all(VALUE_BITS) <= room { VALUE_BITS } else { FEW_VALUE_BITS };
        for (at, keys) in distinct {
            let (Some(encoded), Some(column)) = (self.columns.get_mut(at), rows.columns.iter().nth(at)) else {
                return Err(failed(bug!()));
            };
            let bytes = bytes(keys.len(), bits);
            let Some(left) = room.checked_sub(bytes + HEADER_BYTES) else { break };
            room = left;
            let mut filter = Sbbf::new_with_num_of_bytes(usize::try_from(bytes).map_err(|_| failed(bug!()))?);
            let texts = texts(rows, column)?;
            for key in keys {
                filter.insert(texts.get(key).ok_or_else(|| failed(bug!()))?);
            }
            encoded.close.bloom_filter = Some(filter);
        }
        Ok(())
    }
}

/// Bytes of a filter with at least `bits` bits for each value.
fn bytes(values: usize, bits: usize) -> u64 {
    (values as u64 * bits as u64 / 8).next_power_of_two().max(BITSET_MIN_LENGTH as u64)
}

/// Bytes of a filter, without what is before it in a file.
pub(in crate::packets) fn filter_bytes(filter: &Sbbf) -> u64 {
    // Blocks of 256 bits.
    filter.num_blocks() as u64 * 32
}

/// The texts of a column, by its keys.
fn texts<'r>(rows: &'r Rows, column: &Column) -> Result<Texts<'r>, ParquetError> {
    match column.storage {
        Storage::Name(_) => Ok(rows.names.texts()),
        Storage::IpText(_) => Ok(rows.ips.texts()),
        Storage::MacText(_) => Ok(rows.macs.texts()),
        Storage::Further(_) => match &FurtherColumn::find(&rows.further, column.name).map_err(failed)?.values {
            FurtherValues::Text(text) => Ok(text.table.texts()),
            FurtherValues::Flow(flows) => Ok(flows.texts()),
            _ => Err(failed(bug!())),
        },
        _ => Err(failed(bug!())),
    }
}
