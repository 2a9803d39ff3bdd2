//! The columns that are kept for themselves.

use parquet::basic::Encoding;
use parquet::errors::ParquetError;

use crate::bug::bug;

use super::super::code_table::NO_CODE;
use super::super::column_storage::SMALL;
use super::super::further::{FurtherValues, NO_COUNT, NO_FLAG};
use super::chunk::PageFacts;
use super::column_codes;
use super::column_codes::Keys;
use super::compress::failed;
use super::value::{Bounds, plain_integers};
use super::{LENGTHS, PAGE_ROWS, RowGroupPages, Scratch};

impl RowGroupPages<'_> {
    /// Encodes such a column.
    pub(super) fn further(&mut self, values: &FurtherValues) -> Result<(), ParquetError> {
        match values {
            FurtherValues::Counter { counts, .. } => {
                self.differences(|out| all(counts, out), |count| count == NO_COUNT)
            }
            FurtherValues::Small32(small) => {
                self.coded(Keys::Dense(&small.codes), SMALL as usize, |key| Some(key.cast_signed()))
            }
            FurtherValues::Small64(small) => {
                self.coded(Keys::Dense(&small.codes), SMALL as usize, |key| Some(i64::from(key)))
            }
            FurtherValues::Wide { numbers, .. } => self.wide(numbers),
            FurtherValues::Flag { flags, .. } => self.flags(flags),
            FurtherValues::Text(text) => match text.sparse() {
                Some(codes) => self.texts(&text.table, &codes),
                None => {
                    let codes = text.of_rows(&(0..self.rows.len())).ok_or_else(|| failed(bug!()))?;
                    self.coded(Keys::Dense(&codes), text.table.distinct(), |code| text.table.text(code))
                }
            },
            FurtherValues::Flow(flows) => {
                let texts = flows.texts();
                self.coded(Keys::Dense(&flows.codes), texts.ends.len(), |code| texts.get(code))
            }
        }
    }

    /// Numbers of 32 bits; [`NO_COUNT`] for null.
    fn wide(&mut self, numbers: &[i64]) -> Result<(), ParquetError> {
        if numbers.iter().all(|number| *number < i64::from(LENGTHS)) {
            let keys: Vec<u32> = numbers.iter().map(|number| u32::try_from(*number).unwrap_or(NO_CODE)).collect();
            return self.coded(Keys::Dense(&keys), LENGTHS as usize, |key| Some(i64::from(key)));
        }
        let is_null = |number| number == NO_COUNT;
        let fill = |out: &mut Vec<i64>| all(numbers, out);
        self.numeric(fill, is_null, |scratch| &mut scratch.integers, |_| PAGE_ROWS, plain_integers)
    }

    /// A column of 0, 1, and [`NO_FLAG`] for null.
    pub(super) fn flags(&mut self, flags: &[u8]) -> Result<(), ParquetError> {
        if flags.len() != self.rows.len() {
            return Err(failed(bug!()));
        }
        let mut chunk = self.chunk();
        for flags in flags.chunks(PAGE_ROWS) {
            let Scratch { page, bits, compressor, .. } = &mut *self.scratch;
            page.clear();
            let known: Vec<bool> = flags.iter().filter(|flag| **flag != NO_FLAG).map(|flag| *flag == 1).collect();
            let nulls = flags.len() - known.len();
            if chunk.is_optional() {
                column_codes::levels(flags.len(), nulls, bits, page, |bits| {
                    column_codes::bits_of(flags, |flag| flag != NO_FLAG, bits)
                })?;
            }
            column_codes::bits_of(&known, |flag| flag, page);
            let bounds = Bounds::of(known.iter().copied());
            let facts = PageFacts { rows: flags.len(), nulls, bounds, variable_bytes: None };
            chunk.page(compressor.body(page, Encoding::PLAIN)?, facts)?;
        }
        self.columns.push(chunk.close()?);
        Ok(())
    }
}

fn all(numbers: &[i64], out: &mut Vec<i64>) -> Option<()> {
    out.extend_from_slice(numbers);
    Some(())
}
