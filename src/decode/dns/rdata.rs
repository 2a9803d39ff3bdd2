//! The data of a resource record in presentation format.
//!
//! In: a record that lies within its message. Out: its fields as text, with one space between, as a line of a zone file has them.
//! [`layout`] says which fields a type has. What is of no type with a layout, or does not fit it exactly, is shown in the generic
//! form of RFC 3597, e.g. `\# 4 0a000001`, so no byte is lost and none is guessed. The class is not looked at.
//!
//! Names have the final dot and are escaped as in [`Name::write_to`]. Character strings are in quotes. Hexadecimal digits are
//! lower case. Base64 and hexadecimal have no spaces. Always ASCII.
//!
//! Always: names and lists of types cost steps of one budget for all records of a message, which grows with its length. Where it
//! is used up, records are shown in the generic form. So the text has at most some 8 bytes for each byte of the message, and 8 KiB.
//! Source: RFC 1035 5.1, RFC 3597 5, and those named at the types.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::Offset;

use crate::address::IpAddress;
use crate::text::octet_escape;

use super::super::field::{be16, be32};
use super::layout::{Field, layout};
use super::name::{Budget, Name};
use super::record::Record;
use super::registry::type_name;

/// Steps of the smallest budget.
const STEPS: usize = 1024;
/// Bytes of text that cost a step.
const TEXT_PER_STEP: usize = 8;

/// A record's data, of which the first fields are written.
pub(super) struct RdataWriter<'m, 'o> {
    message: &'m [u8],
    start: usize,
    pub(super) at: usize,
    end: usize,
    budget: &'o mut Budget,
    pub(super) out: &'o mut Vec<u8>,
}

impl<'m, 'o> RdataWriter<'m, 'o> {
    /// What the records of a message may cost.
    pub(super) fn budget(message: &[u8]) -> Budget {
        Budget::of(STEPS + message.len())
    }

    /// Appends the data of a record of `message`. `None` if it does not lie within the message.
    pub(super) fn write(message: &'m [u8], record: &Record, budget: &mut Budget, out: &'o mut Vec<u8>) -> Option<()> {
        let data = message.get(record.data..record.end)?;
        let before = out.len();
        let fits = layout(record.kind).and_then(|layout| {
            let (start, end) = (record.data, record.end);
            let mut fields = RdataWriter { message, start, at: start, end, budget: &mut *budget, out: &mut *out };
            layout.iter().try_for_each(|field| fields.field(*field))?;
            (fields.at == end).then_some(())
        });
        if fits.is_none() {
            out.truncate(before);
            write!(out, "\\# {}", data.len()).ok()?;
            if !data.is_empty() {
                out.push(b' ');
                hex(data, out);
            }
        }
        Some(())
    }

    /// Writes a field, with a space before it if it is not the first one.
    fn field(&mut self, field: Field) -> Option<()> {
        if field == Field::Types {
            return self.types();
        }
        if field == Field::Params {
            return self.params();
        }
        self.space();
        match field {
            Field::Name => self.name(),
            Field::U8 => self.number(1),
            Field::U16 => self.number(2),
            Field::U32 => self.number(4),
            Field::V4 => {
                IpAddress::from(*self.take(4)?.first_chunk::<4>()?).write_to(self.out);
                Some(())
            }
            Field::V6 => {
                IpAddress::from(*self.take(16)?.first_chunk::<16>()?).write_to(self.out);
                Some(())
            }
            Field::Type => self.record_type(),
            Field::Time => self.time(),
            Field::Text => self.text(),
            Field::Texts => self.texts(),
            Field::Quoted => {
                let rest = self.rest()?;
                quoted(rest, self.out);
                Some(())
            }
            Field::Word => {
                let word =
                    self.string().filter(|word| !word.is_empty() && word.iter().all(u8::is_ascii_alphanumeric))?;
                self.out.extend_from_slice(word);
                Some(())
            }
            Field::Hex => {
                let rest = self.rest().filter(|rest| !rest.is_empty())?;
                hex(rest, self.out);
                Some(())
            }
            Field::Base64 => {
                let rest = self.rest().filter(|rest| !rest.is_empty())?;
                base64(rest, self.out)
            }
            Field::Salt => self.salt(),
            Field::Hash => self.hash(),
            Field::Locator => self.locator(),
            Field::Eui => self.eui(),
            Field::Types | Field::Params => None,
        }
    }

    /// The space between two fields.
    pub(super) fn space(&mut self) {
        if self.at > self.start {
            self.out.push(b' ');
        }
    }

    /// The next bytes of the data.
    pub(super) fn take(&mut self, bytes: usize) -> Option<&'m [u8]> {
        let end = self.at.checked_add(bytes).filter(|end| *end <= self.end)?;
        let taken = self.message.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at == self.end
    }

    fn rest(&mut self) -> Option<&'m [u8]> {
        self.take(self.end.checked_sub(self.at)?)
    }

    /// A character string, without its length.
    fn string(&mut self) -> Option<&'m [u8]> {
        let length = *self.take(1)?.first()?;
        self.take(length.into())
    }

    fn name(&mut self) -> Option<()> {
        let (name, end) = Name::read(self.message, self.at, self.budget);
        let before = self.out.len();
        name?.write_to(self.out);
        self.at = end.filter(|end| *end <= self.end)?;
        (0..(self.out.len() - before) / TEXT_PER_STEP).try_for_each(|_| self.budget.spend())
    }

    fn number(&mut self, bytes: usize) -> Option<()> {
        let number = self.take(bytes)?.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        write!(self.out, "{number}").ok()
    }

    fn record_type(&mut self) -> Option<()> {
        let number = be16(self.take(2)?, 0)?;
        self.out.extend_from_slice(type_name(number).as_bytes());
        Some(())
    }

    fn time(&mut self) -> Option<()> {
        let seconds = be32(self.take(4)?, 0)?;
        let time = Offset::UTC.to_datetime(Timestamp::from_second(seconds.into()).ok()?);
        let (year, month, day) = (time.year(), time.month(), time.day());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        write!(self.out, "{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}").ok()
    }

    fn text(&mut self) -> Option<()> {
        let string = self.string()?;
        quoted(string, self.out);
        Some(())
    }

    fn texts(&mut self) -> Option<()> {
        self.text()?;
        while !self.is_empty() {
            self.space();
            self.text()?;
        }
        Some(())
    }

    fn salt(&mut self) -> Option<()> {
        match self.string()? {
            [] => self.out.push(b'-'),
            salt => hex(salt, self.out),
        }
        Some(())
    }

    fn hash(&mut self) -> Option<()> {
        const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
        for bytes in self.string().filter(|hash| !hash.is_empty())?.chunks(5) {
            let bits = (0..5).fold(0_u64, |bits, at| bits << 8 | u64::from(*bytes.get(at).unwrap_or(&0)));
            for digit in 0..(bytes.len() * 8).div_ceil(5) {
                let value = usize::try_from(bits >> (35 - 5 * digit) & 31).ok()?;
                self.out.push(*DIGITS.get(value)?);
            }
        }
        Some(())
    }

    fn locator(&mut self) -> Option<()> {
        for (place, group) in self.take(8)?.chunks(2).enumerate() {
            if place > 0 {
                self.out.push(b':');
            }
            hex(group, self.out);
        }
        Some(())
    }

    fn eui(&mut self) -> Option<()> {
        let bytes = self.rest().filter(|bytes| matches!(bytes.len(), 6 | 8))?;
        for (place, byte) in bytes.iter().enumerate() {
            if place > 0 {
                self.out.push(b'-');
            }
            hex(&[*byte], self.out);
        }
        Some(())
    }

    /// The types of windows of 256, each with a bitmap.
    fn types(&mut self) -> Option<()> {
        let mut before = None;
        while !self.is_empty() {
            let window = *self.take(1)?.first()?;
            let bitmap = self.string().filter(|bitmap| (1..=32).contains(&bitmap.len()))?;
            if before.replace(window).is_some_and(|before| before >= window) {
                return None;
            }
            // The bitmap first: once it is done no number is asked for, and after the last window there is none.
            for (byte, number) in bitmap.iter().zip((u16::from(window) << 8..).step_by(8)) {
                for number in (number..=number | 7).filter(|number| byte << (number & 7) & 0x80 != 0) {
                    self.budget.spend()?;
                    self.out.push(b' ');
                    self.out.extend_from_slice(type_name(number).as_bytes());
                }
            }
        }
        Some(())
    }
}

/// Appends bytes in quotes, escaped as in a zone file.
pub(super) fn quoted(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    bytes.iter().for_each(|byte| escaped(*byte, out));
    out.push(b'"');
}

/// Appends a byte as it stands between quotes.
pub(super) fn escaped(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        0x20..=0x7e => out.push(byte),
        _ => out.extend_from_slice(&octet_escape(byte)),
    }
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    out.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}

/// Appends base64 (RFC 4648 4).
pub(super) fn base64(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let before = out.len();
    out.resize(before + base64::encoded_len(bytes.len(), true)?, 0);
    STANDARD.encode_slice(bytes, out.get_mut(before..)?).ok().map(drop)
}
