//! Texts that most rows share with the row before, or do not have.

use std::ops::Range;

use arrow::array::{ArrayRef, AsArray as _};

use crate::capture::PacketRecord;
use crate::decode::Packet;
use crate::error::Result;

use super::code_table::NO_CODE;
use super::restore::unfit;
use super::text_table::{SparseCodes, TextTable};

/// Text as codes into a table of distinct texts. Successive rows of the same code are one run.
#[derive(Debug)]
pub(super) struct TextRuns {
    of: TextSource,
    pub(super) table: TextTable,
    /// The code of each run, [`NO_CODE`] for null; and the first row after it. Rows after the last run are null.
    runs: Vec<(u32, u32)>,
    /// Rows that have a text.
    known: usize,
    /// Memory for the text of one row.
    text: Vec<u8>,
    /// The text of the last run, which is never null.
    last: Vec<u8>,
}

/// Where the text of a row comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum TextSource {
    /// It is written for each row.
    Written(fn(&PacketRecord<'_>, &Packet<'_>, &mut Vec<u8>) -> Option<()>),
    /// The record has it.
    Held(for<'a> fn(&PacketRecord<'a>) -> Option<&'a str>),
}

impl TextRuns {
    pub(super) fn new(of: TextSource) -> Self {
        Self { of, table: TextTable::default(), runs: Vec::new(), known: 0, text: Vec::new(), last: Vec::new() }
    }

    /// Notes the text of a packet, which has this row.
    pub(super) fn note(&mut self, row: usize, record: &PacketRecord<'_>, packet: &Packet<'_>) {
        match self.of {
            TextSource::Held(of) => {
                if let Some(text) = of(record) {
                    self.push(row, text.as_bytes());
                }
            }
            TextSource::Written(of) => {
                let mut text = std::mem::take(&mut self.text);
                text.clear();
                if of(record, packet, &mut text).is_some() {
                    self.push(row, &text);
                }
                self.text = text;
            }
        }
    }

    /// Notes the texts of an array, whose first row is the row `start`.
    pub(super) fn note_array(&mut self, name: &str, array: &ArrayRef, start: usize) -> Result<()> {
        for (row, text) in (start..).zip(array.as_string_opt::<i32>().ok_or_else(|| unfit(name))?) {
            if let Some(text) = text {
                self.push(row, text.as_bytes());
            }
        }
        Ok(())
    }

    /// Appends a row that has a text. Rows between the last one and this one have none.
    #[inline]
    pub(super) fn push(&mut self, row: usize, text: &[u8]) {
        self.known += 1;
        match self.runs.last_mut() {
            Some((_, end)) if *end as usize == row && self.last == text => *end += 1,
            _ => self.begin_run(row, text),
        }
    }

    fn begin_run(&mut self, row: usize, text: &[u8]) {
        // A row group has far fewer than 2^32 rows. What has more is refused when it is encoded.
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        if row > self.runs.last().map_or(0, |(_, end)| *end) {
            self.runs.push((NO_CODE, row));
        }
        let code = self.table.code(|held| held.extend_from_slice(text));
        self.runs.push((code, row.saturating_add(1)));
        self.last.clear();
        self.last.extend_from_slice(text);
    }

    /// The codes of some rows; [`NO_CODE`] for those without a text.
    pub(super) fn of_rows(&self, range: &Range<usize>) -> Vec<u32> {
        let mut codes = Vec::with_capacity(range.len());
        let first = self.runs.partition_point(|(_, end)| *end as usize <= range.start);
        for (code, end) in self.runs.iter().skip(first) {
            if codes.len() >= range.len() {
                break;
            }
            codes.resize((*end as usize).min(range.end) - range.start, *code);
        }
        codes.resize(range.len(), NO_CODE);
        codes
    }

    /// The text of a row, if it has one.
    pub(super) fn of_row(&self, row: usize) -> Option<&[u8]> {
        let run = self.runs.partition_point(|(_, end)| *end as usize <= row);
        self.runs.get(run).and_then(|(code, _)| self.table.text(*code))
    }

    /// The rows that have a text, and their codes, if few of `rows` have one.
    pub(super) fn sparse(&self, rows: usize) -> Option<SparseCodes> {
        if self.known > rows / 2 {
            return None;
        }
        let mut codes = SparseCodes::default();
        let mut start = 0;
        for (code, end) in &self.runs {
            if *code != NO_CODE {
                (start..*end).for_each(|row| codes.push(row as usize, *code));
            }
            start = *end;
        }
        Some(codes)
    }

    /// Whether no row has a text.
    pub(super) fn is_empty(&self) -> bool {
        self.known == 0
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.runs.as_slice()) + self.table.bytes()
    }

    pub(super) fn kept(&self) -> usize {
        self.runs.capacity() * size_of::<(u32, u32)>() + self.table.kept()
    }

    pub(super) fn clear(&mut self) {
        self.table.clear();
        self.runs.clear();
        self.known = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StringArray;

    use super::*;

    #[test]
    fn rows_are_those_that_were_appended() {
        let given = [None, Some("a"), Some("a"), None, Some("b"), Some("a"), None, None, None, None, None];
        let mut runs = TextRuns::new(TextSource::Held(|_| None));
        runs.note_array("capture", &(Arc::new(StringArray::from(given.to_vec())) as ArrayRef), 0).unwrap();
        for start in 0..=given.len() {
            for end in start..=given.len() {
                let codes = runs.of_rows(&(start..end));
                let texts = codes.iter().map(|code| runs.table.text(*code).map(|text| str::from_utf8(text).unwrap()));
                assert_eq!(texts.collect::<Vec<_>>(), given[start..end], "{start}..{end}");
            }
        }
        assert_eq!(runs.of_rows(&(5..12)), [0, NO_CODE, NO_CODE, NO_CODE, NO_CODE, NO_CODE, NO_CODE]);
        let sparse = runs.sparse(11).unwrap();
        assert_eq!((sparse.rows, sparse.codes), (vec![1, 2, 4, 5], vec![0, 0, 1, 0]));
        let half = Arc::new(StringArray::from(vec![Some("a"); 4])) as ArrayRef;
        runs.note_array("capture", &half, 11).unwrap();
        assert!(runs.sparse(15).is_none());
    }
}
