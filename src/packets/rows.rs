//! The rows of one row group while they are collected, column by column, as numbers and codes.

use crate::address::{IpAddress, MacAddr};
use crate::capture::{PacketRecord, Timestamp};
use crate::config::{LengthKind, TimestampUnit};
use crate::decode::Packet;

use super::code_table::CodeTable;
use super::text_table::TextTable;

/// `datetime` of a row without one.
pub const NO_DATETIME: i64 = i64::MIN;
/// A port where the packet has none.
pub const NO_PORT: i32 = -1;
/// A protocol where the packet has none.
pub const NO_PROTOCOL: u16 = 256;

/// Bytes of memory that a row takes without its text.
const PER_ROW: usize = 64;
/// Bytes of memory that a few rows take, about: a block from the heap for each column.
const FEW: usize = 1024;

/// Rows of one partition, in the order appended. Values and codes that a packet brings together lie together: appending a
/// row is what costs, and reading one of two neighbours costs no more than reading both.
#[derive(Debug, Default)]
pub struct Rows {
    pub(super) unit: TimestampUnit,
    length_kind: LengthKind,
    pub(crate) times: Vec<Times>,
    pub(crate) ips: CodeTable<IpAddress>,
    /// Codes in the table of the destination and the source; [`NO_CODE`](super::code_table::NO_CODE) for null.
    pub(crate) ip: Vec<[u32; 2]>,
    pub(crate) macs: CodeTable<MacAddr>,
    pub(crate) mac: Vec<[u32; 2]>,
    pub(crate) ports: Vec<Ports>,
    pub(crate) facts: Vec<RowMeta>,
    pub(crate) names: TextTable,
    pub(crate) dns_query: SparseCodes,
    pub(crate) dns_resp: SparseCodes,
    /// Microseconds since the epoch, where `datetime` is in another unit.
    pub(super) micros: Vec<i64>,
    pub(super) spans: Vec<Span>,
}

/// The times of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// In the unit of the rows; [`NO_DATETIME`] for null.
    pub(crate) datetime: i64,
    /// NaN for null; no time is NaN.
    pub(crate) time: f64,
    /// NaN for null.
    pub(crate) time_normed: f64,
}

/// The ports of a row, [`NO_PORT`] for null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) dst: i32,
    pub(crate) src: i32,
}

/// The other values of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowMeta {
    pub(crate) length: u32,
    /// [`NO_PROTOCOL`] for null.
    pub(crate) protocol: u16,
    pub(crate) is_dns: bool,
}

/// Successive rows that came from one stretch of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which input, by its place in the unit.
    pub input: usize,
    /// How many rows.
    pub rows: u64,
    /// Offset of the first row's record in the decompressed capture.
    pub first_offset: u64,
    /// Offset of the last row's record in the decompressed capture.
    pub last_offset: u64,
}

/// Codes in a [`TextTable`], for a column that few rows have.
#[derive(Debug, Default)]
pub(crate) struct SparseCodes {
    /// The rows that have a text, in order.
    pub(crate) rows: Vec<u32>,
    /// The code of each.
    pub(crate) codes: Vec<u32>,
}

impl SparseCodes {
    #[inline]
    fn bytes(&self) -> usize {
        self.rows.len() * 8
    }

    pub(super) fn push(&mut self, row: usize, code: u32) {
        // A row group has far fewer than 2^32 rows.
        self.rows.push(u32::try_from(row).unwrap_or(u32::MAX));
        self.codes.push(code);
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.codes.clear();
    }
}

impl Rows {
    /// No rows yet.
    #[must_use]
    pub fn new(unit: TimestampUnit, length_kind: LengthKind) -> Self {
        Self { unit, length_kind, ..Self::default() }
    }

    /// Appends one packet, and returns its `length`.
    ///
    /// `input` is the place of its capture in the unit, `first` the time of the capture's first record that has one.
    #[inline]
    pub fn append(
        &mut self,
        input: usize,
        record: &PacketRecord<'_>,
        packet: &Packet<'_>,
        first: Option<Timestamp>,
    ) -> i64 {
        let row = self.len();
        self.times.push(match record.time {
            None => Times { datetime: NO_DATETIME, time: f64::NAN, time_normed: f64::NAN },
            Some(time) => {
                let datetime = match self.unit {
                    TimestampUnit::Us => time.micros(),
                    TimestampUnit::Ns => time.nanos().unwrap_or(NO_DATETIME),
                };
                Times { datetime, time: time.as_f64(), time_normed: time.since(first.unwrap_or(time)) }
            }
        });
        if self.unit == TimestampUnit::Ns {
            self.micros.push(record.time.map_or(NO_DATETIME, Timestamp::micros));
        }
        let length = match self.length_kind {
            LengthKind::Wire => record.orig_len,
            LengthKind::Captured => record.cap_len,
        };
        let protocol = packet.protocol.map_or(NO_PROTOCOL, u16::from);
        self.facts.push(RowMeta { length, protocol, is_dns: packet.dns.is_some() });
        self.ip.push([self.ips.code(packet.ip_dst), self.ips.code(packet.ip_src)]);
        self.mac.push([self.macs.code(packet.mac_dst), self.macs.code(packet.mac_src)]);
        let port = |port: Option<u16>| port.map_or(NO_PORT, i32::from);
        self.ports.push(Ports { dst: port(packet.port_dst), src: port(packet.port_src) });
        if let Some(message) = packet.dns {
            for (name, column) in
                [(message.query_name(), &mut self.dns_query), (message.response_name(), &mut self.dns_resp)]
            {
                if let Some(name) = name {
                    column.push(row, self.names.code(|text| name.write_to(text)));
                }
            }
        }
        self.note_origin(input, record.offset);
        i64::from(length)
    }

    #[inline]
    fn note_origin(&mut self, input: usize, offset: u64) {
        match self.spans.last_mut() {
            Some(span) if span.input == input => {
                span.rows += 1;
                span.last_offset = offset;
            }
            _ => self.spans.push(Span { input, rows: 1, first_offset: offset, last_offset: offset }),
        }
    }

    /// How many rows there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// Bytes of memory that the rows take, about. It follows from the rows alone.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> usize {
        let text = self.names.bytes() + self.dns_query.bytes() + self.dns_resp.bytes();
        let tables = self.ips.bytes() + self.macs.bytes();
        FEW + self.len() * PER_ROW + self.spans.len() * size_of::<Span>() + text + tables
    }

    /// Bytes of memory that are allocated for rows, about.
    #[must_use]
    pub fn kept(&self) -> usize {
        let sparse = (self.dns_query.rows.capacity() + self.dns_resp.rows.capacity()) * 8;
        let tables = self.ips.kept() + self.macs.kept() + self.names.kept();
        self.facts.capacity() * PER_ROW + sparse + tables
    }

    /// Where the rows came from, in order.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The addresses of the rows.
    #[must_use]
    pub fn addresses(&self) -> &CodeTable<IpAddress> {
        &self.ips
    }

    /// Codes of each row's destination and source address in [`Rows::addresses`].
    #[must_use]
    pub fn ends(&self) -> &[[u32; 2]] {
        &self.ip
    }

    /// The destination and the source port of each row; negative where the packet has none.
    pub fn ports(&self) -> impl Iterator<Item = [i32; 2]> {
        self.ports.iter().map(|ports| [ports.dst, ports.src])
    }

    /// The protocol number of each row, or [`NO_PROTOCOL`], and its `length` in bytes.
    pub fn volumes(&self) -> impl Iterator<Item = (u16, u32)> {
        self.facts.iter().map(|facts| (facts.protocol, facts.length))
    }

    /// The time of each row in microseconds since the Unix epoch, if it has one; and whether it is a DNS message.
    pub fn instants(&self) -> impl Iterator<Item = (Option<i64>, bool)> {
        let micros = |row: usize, datetime: i64| match self.unit {
            TimestampUnit::Us => datetime,
            TimestampUnit::Ns => self.micros.get(row).copied().unwrap_or(NO_DATETIME),
        };
        self.times.iter().zip(&self.facts).enumerate().map(move |(row, (times, facts))| {
            (Some(micros(row, times.datetime)).filter(|micros| *micros != NO_DATETIME), facts.is_dns)
        })
    }

    /// The time of each row in microseconds since the Unix epoch, or [`NO_DATETIME`]. `None` where `datetime` is in
    /// microseconds itself.
    pub(crate) fn micros(&self) -> Option<&[i64]> {
        (self.unit == TimestampUnit::Ns).then_some(&self.micros)
    }

    /// Forgets every row and keeps the memory.
    pub fn clear(&mut self) {
        self.times.clear();
        self.ips.clear();
        self.ip.clear();
        self.macs.clear();
        self.mac.clear();
        self.ports.clear();
        self.facts.clear();
        self.names.clear();
        self.dns_query.clear();
        self.dns_resp.clear();
        self.micros.clear();
        self.spans.clear();
    }
}
