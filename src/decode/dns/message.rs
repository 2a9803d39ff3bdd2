//! A DNS message: what its header says, and the two names of the packets table.
//!
//! In: the bytes of a message. Out: a [`Message`] if one is recognised. One is recognised if its header is whole and the
//! owner name of at least one question or non-OPT record decodes. A cut message gives what precedes the cut. Where a name
//! does not decode but its end is known, reading goes on after it; where its end is not known, reading ends. Names that
//! are not asked for are skipped, not read.
//!
//! Source: RFC 1035 4.1.

use crate::decode::dns::record;

use super::super::field::{be16, octets};
use super::super::stop::Stop;
use super::addresses::Addresses;
use super::name::{Budget, Name};
use super::record::Record;

const HEADER_LEN: usize = 12;

/// A recognised DNS message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    bytes: &'a [u8],
    query: Option<Name<'a>>,
    response: Option<Name<'a>>,
    question_type: Option<u16>,
    /// Offset of the first record; 0 if the message ends before it.
    records: usize,
}

impl<'a> Message<'a> {
    /// Reads a message. Returns the message, if one is recognised, and why reading ended early.
    ///
    /// A message that announces neither a question nor a record is not recognised, but nothing is wrong with it.
    pub(in crate::decode) fn read(bytes: &'a [u8]) -> (Option<Self>, Option<Stop>) {
        if bytes.len() < HEADER_LEN {
            return (None, Some(Stop::DnsCut));
        }
        let message = Self { bytes, query: None, response: None, question_type: None, records: 0 };
        let mut reader = MessageReader { message, recognised: false, fault: None, budget: Budget::new() };
        let stop = reader.questions().and_then(|at| reader.records(at)).err().or(reader.fault);
        (reader.recognised.then_some(reader.message), stop)
    }

    /// The first question's name: column `dns_query`.
    #[must_use]
    pub fn query_name(&self) -> Option<Name<'a>> {
        self.query
    }

    /// The owner name of the first record that is not OPT, in the order answers, authority, additional: column `dns_resp`.
    #[must_use]
    pub fn response_name(&self) -> Option<Name<'a>> {
        self.response
    }

    /// The first question's name and type, as bytes of the message. `None` if there is no question, or if its name goes
    /// on elsewhere. Two questions with equal bytes are equal.
    #[must_use]
    pub fn question_bytes(&self) -> Option<&'a [u8]> {
        self.query?;
        let mut at = HEADER_LEN;
        loop {
            match *self.bytes.get(at)? {
                0 => return self.bytes.get(HEADER_LEN..at + 3),
                length @ 1..=0x3f => at += 1 + usize::from(length),
                _ => return None,
            }
        }
    }

    /// The first question's type, e.g. 1 for A. `None` if there is no question, or if the message is cut before the type.
    #[must_use]
    pub fn question_type(&self) -> Option<u16> {
        self.question_type
    }

    /// Whether it is a response and not a query: the QR bit.
    #[must_use]
    pub fn is_response(&self) -> bool {
        self.flags() & 0x8000 != 0
    }

    /// The header's response code, 0 to 15 (0 no error, 3 no such name). The upper bits of EDNS are not added.
    #[must_use]
    pub fn response_code(&self) -> u8 {
        u8::try_from(self.flags() & 0x000f).unwrap_or(0)
    }

    /// The A and AAAA records of the answer section, each with the name that was asked for; see [`Addresses`].
    #[must_use]
    pub fn addresses(&self) -> Addresses<'a> {
        Addresses::new(self.bytes, self.records, self.count(6))
    }

    /// The identifier that a response has in common with its query.
    #[must_use]
    pub fn id(&self) -> u16 {
        be16(self.bytes, 0).unwrap_or(0)
    }

    /// The bytes of the message, the offset of the answer section (0 if the message ends before it), and how many answers the
    /// header announces.
    pub(super) fn answer_section(&self) -> (&'a [u8], usize, u16) {
        (self.bytes, self.records, self.count(6))
    }

    fn flags(&self) -> u16 {
        be16(self.bytes, 2).unwrap_or(0)
    }

    /// One of the header's four counts, by its offset.
    fn count(&self, at: usize) -> u16 {
        be16(self.bytes, at).unwrap_or(0)
    }
}

/// A pass over the sections, up to the first name of the records.
struct MessageReader<'a> {
    message: Message<'a>,
    /// Whether a name has decoded. From then on, names that are not asked for are skipped.
    recognised: bool,
    /// The first name that did not decode although its end is known.
    fault: Option<Stop>,
    budget: Budget,
}

impl<'a> MessageReader<'a> {
    /// Reads the questions. Returns the offset after them.
    fn questions(&mut self) -> Result<usize, Stop> {
        let mut at = HEADER_LEN;
        for number in 0..self.message.count(4) {
            let wanted = number == 0;
            let (name, end) = self.name(at, wanted)?;
            if wanted {
                self.message.query = name;
                self.message.question_type = be16(self.message.bytes, end);
            }
            at = end + 4;
        }
        Ok(at)
    }

    /// Reads the records from `at` to the first one that is not OPT. If no name has decoded by then, reads on to a record
    /// whose name does.
    fn records(&mut self, at: usize) -> Result<(), Stop> {
        let message = self.message;
        let count = [6, 8, 10].map(|field| u32::from(message.count(field))).iter().sum::<u32>();
        if count == 0 {
            return Ok(());
        }
        if at >= message.bytes.len() {
            return Err(Stop::DnsCut);
        }
        self.message.records = at;
        let (mut at, mut wanted) = (at, true);
        for _ in 0..count {
            let recognised = self.recognised;
            let (name, end) = self.name(at, wanted)?;
            // A step for the record, besides those of its name: there may be thousands of OPT records, whose name is the
            // shortest.
            self.budget.spend().ok_or(Stop::DnsMalformed)?;
            let Some(record) = Record::read(message.bytes, end) else {
                // Cut after the name. The name counts, unless the record may be an OPT record: its name is always the
                // root.
                let name = name.filter(|name| octets::<2>(message.bytes, end).map_or(!name.is_root(), not_opt));
                self.recognised = recognised || name.is_some();
                if wanted {
                    self.message.response = name;
                }
                return Err(Stop::DnsCut);
            };
            if record.kind == record::OPT {
                self.recognised = recognised;
            } else {
                if wanted {
                    self.message.response = name;
                    wanted = false;
                }
                if self.recognised {
                    return Ok(());
                }
            }
            at = record.end;
        }
        Ok(())
    }

    /// The name at `at`, and where it ends. The name is read if `wanted`, or if none has decoded yet.
    fn name(&mut self, at: usize, wanted: bool) -> Result<(Option<Name<'a>>, usize), Stop> {
        let bytes = self.message.bytes;
        let end = if wanted || !self.recognised {
            let (name, end) = Name::read(bytes, at, &mut self.budget);
            self.recognised |= name.is_some();
            if name.is_none() && end.is_some() {
                self.fault = self.fault.or(Some(Stop::DnsMalformed));
            }
            end.map(|end| (name, end))
        } else {
            Name::skip(bytes, at, &mut self.budget).map(|end| (None, end))
        };
        end.ok_or_else(|| self.endless(at))
    }

    /// Why the name at `at` has no end: the message ends first, or a label is of no known type.
    fn endless(&self, mut at: usize) -> Stop {
        // No name has more labels. Where the walk goes on longer, the budget ended the name.
        for _ in 0..=127 {
            match self.message.bytes.get(at) {
                Some(&length @ 1..=0x3f) => at += 1 + usize::from(length),
                Some(0xc0..) | None => return Stop::DnsCut,
                Some(_) => break,
            }
        }
        Stop::DnsMalformed
    }
}

/// Whether the type of a record that is cut after it is a type other than OPT.
fn not_opt(kind: [u8; 2]) -> bool {
    u16::from_be_bytes(kind) != record::OPT
}
