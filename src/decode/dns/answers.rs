//! The answer section: the data of its records as text, and the smallest TTL.
//!
//! In: a message. Out: the data of each answer in presentation format, in order, with one space between; OPT records are left
//! out, for they are no data. A record that ends after the message ends the list: what precedes it is shown. The TTL is only
//! given where no answer is missing, so it also tells whether the list is whole.
//!
//! Always: records lie one after another, so the message's length bounds the work and, up to the factor of [`RdataWriter`], the text.
//! Source: RFC 1035 4.1.3.

use super::super::field::be32;
use super::message::Message;
use super::name::{Budget, Name};
use super::rdata::RdataWriter;
use super::record::{self, Record};

/// Iterates over the answers that are whole.
struct Answers<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Answers that the header announces and that were not read yet.
    left: u16,
    budget: Budget,
}

impl Iterator for Answers<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        if self.left == 0 {
            return None;
        }
        let record = Record::read(self.bytes, Name::skip(self.bytes, self.at, &mut self.budget)?)?;
        self.at = Some(record.end).filter(|end| *end <= self.bytes.len())?;
        self.left -= 1;
        Some(record)
    }
}

impl Message<'_> {
    fn answers(&self) -> Answers<'_> {
        let (bytes, at, count) = self.answer_section();
        // A name that is stepped over has fewer labels than bytes.
        Answers { bytes, at, left: if at == 0 { 0 } else { count }, budget: Budget::of(bytes.len()) }
    }

    /// Appends the data of the answers in presentation format, in order, with one space between: column `dns_answers`. ASCII.
    /// `None` if there is none that is whole.
    #[must_use]
    pub fn write_answers(&self, out: &mut Vec<u8>) -> Option<()> {
        let mut budget = RdataWriter::budget(self.answer_section().0);
        let mut is_first = true;
        for record in self.answers().filter(|record| record.kind != record::OPT) {
            if !is_first {
                out.push(b' ');
            }
            is_first = false;
            RdataWriter::write(self.answer_section().0, &record, &mut budget, out)?;
        }
        (!is_first).then_some(())
    }

    /// The smallest TTL of the answers in seconds, as it was sent: column `dns_min_ttl`. `None` if there are no answers, and if
    /// the message ends before the last one does.
    #[must_use]
    pub fn min_ttl(&self) -> Option<u32> {
        let mut answers = self.answers();
        let mut least: Option<u32> = None;
        for record in answers.by_ref().filter(|record| record.kind != record::OPT) {
            // After the type and the class, before the length of the data.
            let ttl = be32(self.answer_section().0, record.data.checked_sub(6)?)?;
            least = Some(least.map_or(ttl, |least| least.min(ttl)));
        }
        least.filter(|_| answers.left == 0)
    }
}
