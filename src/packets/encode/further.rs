//! The columns that are kept for themselves.

use parquet::basic::Encoding;
use parquet::errors::ParquetError;

use crate::bug::bug;

use super::super::code_table::NO_CODE;
use super::super::column_storage::SMALL;
use super::super::further::{FurtherValues, NO_COUNT, NO_FLAG};
use super::super::text_table::SparseCodes;
use super::chunk::PageFacts;
use super::column_codes;
use super::column_codes::Keys;
use super::compress::failed;
use super::numeric::without;
use super::value::{Bounds, plain_integers};
use super::{LENGTHS, PAGE_ROWS, RowGroupPages, Scratch};

impl RowGroupPages<'_> {
    /// Encodes such a column.
    pub(super) fn further(&mut self, values: &FurtherValues) -> Result<(), ParquetError> {
        let rows = self.rows.len();
        match values {
            FurtherValues::Small32 { codes, .. } => {
                self.coded(sparse(codes, rows)?, SMALL as usize, |key| Some(key.cast_signed()))
            }
            FurtherValues::Wide { codes, .. } if codes.codes.iter().all(|code| *code < LENGTHS) => {
                self.coded(sparse(codes, rows)?, LENGTHS as usize, |key| Some(i64::from(key)))
            }
            FurtherValues::Wide { codes, .. } => self.wide(|out| {
                out.resize(rows, NO_COUNT);
                codes.in_rows(&(0..rows), |row, code| out.get_mut(row).map(|place| *place = code.into()));
                Some(())
            }),
            FurtherValues::Flag { codes, .. } => {
                let mut flags = vec![NO_FLAG; rows];
                codes.in_rows(&(0..rows), |row, code| flags.get_mut(row).map(|place| *place = u8::from(code == 1)));
                self.flags(&mut flags)
            }
            FurtherValues::Text(text) => match text.sparse(rows) {
                Some(codes) => self.texts(&text.table, &codes),
                None => {
                    let codes = text.of_rows(&(0..rows));
                    self.coded(Keys::Dense(&codes), text.table.distinct(), |code| text.table.text(code))
                }
            },
            FurtherValues::Flow(flows) => {
                let texts = flows.texts();
                self.coded(Keys::Dense(&flows.codes), texts.ends.len(), |code| texts.get(code))
            }
        }
    }

    /// Numbers of 32 bits; [`NO_COUNT`] for null. `fill` gives them.
    pub(super) fn wide(&mut self, fill: impl FnOnce(&mut Vec<i64>) -> Option<()>) -> Result<(), ParquetError> {
        let mut numbers = std::mem::take(&mut self.scratch.wide);
        numbers.clear();
        fill(&mut numbers).ok_or_else(|| failed(bug!()))?;
        let column = if numbers.iter().all(|number| *number < i64::from(LENGTHS)) {
            let mut keys = std::mem::take(&mut self.scratch.keys);
            keys.clear();
            keys.extend(numbers.iter().map(|number| u32::try_from(*number).unwrap_or(NO_CODE)));
            let column = self.coded(Keys::Dense(&keys), LENGTHS as usize, |key| Some(i64::from(key)));
            self.scratch.keys = keys;
            column
        } else {
            self.plain_numbers(&mut numbers)
        };
        self.scratch.wide = numbers;
        column
    }

    /// Plain pages of numbers of 32 bits. They are compressed as text is: a sequence number rarely shares four bytes with another, and
    /// looking for those costs as much as all else of the column.
    fn plain_numbers(&mut self, numbers: &mut [i64]) -> Result<(), ParquetError> {
        let mut chunk = self.chunk();
        for numbers in numbers.chunks_mut(PAGE_ROWS) {
            let Scratch { page, bits, compressor, .. } = &mut *self.scratch;
            page.clear();
            let rows = numbers.len();
            let is_null = |number| number == NO_COUNT;
            let nulls = numbers.iter().filter(|number| is_null(**number)).count();
            if chunk.is_optional() {
                column_codes::levels(rows, nulls, bits, page, |bits| {
                    column_codes::bits_of(numbers, |number| !is_null(number), bits)
                })?;
            }
            let known = if nulls > 0 { without(numbers, is_null) } else { &*numbers };
            let encoding = plain_integers(known, page);
            let facts = PageFacts { rows, nulls, bounds: Bounds::of(known.iter().copied()), variable_bytes: None };
            chunk.page(compressor.body(page, encoding)?, facts)?;
        }
        self.columns.push(chunk.close()?);
        Ok(())
    }

    /// A column of 0, 1, and [`NO_FLAG`] for null.
    pub(super) fn flags(&mut self, flags: &mut [u8]) -> Result<(), ParquetError> {
        if flags.len() != self.rows.len() {
            return Err(failed(bug!()));
        }
        let mut chunk = self.chunk();
        for flags in flags.chunks_mut(PAGE_ROWS) {
            let Scratch { page, bits, compressor, .. } = &mut *self.scratch;
            page.clear();
            let (rows, nulls) = (flags.len(), flags.iter().filter(|flag| **flag == NO_FLAG).count());
            if chunk.is_optional() {
                column_codes::levels(rows, nulls, bits, page, |bits| {
                    column_codes::bits_of(flags, |flag| flag != NO_FLAG, bits)
                })?;
            }
            let known = if nulls > 0 { without(flags, |flag| flag == NO_FLAG) } else { &*flags };
            column_codes::bits_of(known, |flag| flag == 1, page);
            let bounds = Bounds::of(known.iter().map(|flag| *flag == 1));
            let facts = PageFacts { rows, nulls, bounds, variable_bytes: None };
            chunk.page(compressor.body(page, Encoding::PLAIN)?, facts)?;
        }
        self.columns.push(chunk.close()?);
        Ok(())
    }
}

/// Codes of few rows, of which none is beyond the last row.
pub(super) fn sparse(codes: &SparseCodes, rows: usize) -> Result<Keys<'_>, ParquetError> {
    if codes.rows.last().is_some_and(|row| *row as usize >= rows) {
        return Err(failed(bug!()));
    }
    Ok(Keys::Sparse { at: &codes.rows, keys: &codes.codes, rows })
}
