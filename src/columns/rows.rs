//! The rows of one row group while they are collected, column by column, as numbers and codes.

use crate::decode::{IpAddress, MacAddr, Packet};
use crate::read::{PacketRecord, Timestamp};

use super::codes::CodeTable;
use super::schema::{LengthKind, TimestampUnit};
use super::texts::TextTable;

/// `datetime` of a row without one.
pub const NO_DATETIME: i64 = i64::MIN;
/// A port that the packet does not say.
pub const NO_PORT: i32 = -1;
/// A protocol that the packet does not say.
pub const NO_PROTOCOL: u16 = 256;

/// Bytes of memory that a row takes without its text.
const PER_ROW: usize = 64;
/// Bytes of memory that rows take of which there are few, about: a block from the heap for each column.
const FEW: usize = 1024;

/// Rows of one partition, in the order appended. A value or a code for each row, but for the names.
#[derive(Debug, Default)]
pub struct Rows {
    pub(super) unit: TimestampUnit,
    length_kind: LengthKind,
    /// In the unit of the rows; [`NO_DATETIME`] for null.
    pub(crate) datetime: Vec<i64>,
    /// NaN for null: no time is one.
    pub(crate) time: Vec<f64>,
    /// NaN for null.
    pub(crate) time_normed: Vec<f64>,
    pub(crate) length: Vec<u32>,
    pub(crate) is_dns: Vec<bool>,
    pub(crate) names: TextTable,
    pub(crate) dns_query: SparseCodes,
    pub(crate) dns_resp: SparseCodes,
    pub(crate) ips: CodeTable<IpAddress>,
    pub(crate) ip_dst: Vec<u32>,
    pub(crate) ip_src: Vec<u32>,
    pub(crate) macs: CodeTable<MacAddr>,
    pub(crate) mac_dst: Vec<u32>,
    pub(crate) mac_src: Vec<u32>,
    /// [`NO_PORT`] for null.
    pub(crate) port_dst: Vec<i32>,
    pub(crate) port_src: Vec<i32>,
    /// [`NO_PROTOCOL`] for null.
    pub(crate) protocol: Vec<u16>,
    /// Microseconds since the epoch, where `datetime` does not say them.
    pub(super) micros: Vec<i64>,
    pub(super) spans: Vec<Span>,
}

/// Rows in a row that came from one stretch of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which input, by its place in the unit.
    pub input: usize,
    /// How many rows.
    pub rows: u64,
    /// Offset of the first row's record in the unpacked capture.
    pub first_offset: u64,
    /// Offset of the last row's record in the unpacked capture.
    pub last_offset: u64,
}

/// Codes in a [`TextTable`], of a column that few rows have.
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
        let (datetime, time, time_normed) = match record.time {
            None => (NO_DATETIME, f64::NAN, f64::NAN),
            Some(time) => {
                let datetime = match self.unit {
                    TimestampUnit::Us => time.micros(),
                    TimestampUnit::Ns => time.nanos().unwrap_or(NO_DATETIME),
                };
                (datetime, time.as_f64(), time.since(first.unwrap_or(time)))
            }
        };
        self.datetime.push(datetime);
        self.time.push(time);
        self.time_normed.push(time_normed);
        if self.unit == TimestampUnit::Ns {
            self.micros.push(record.time.map_or(NO_DATETIME, Timestamp::micros));
        }
        let length = match self.length_kind {
            LengthKind::Wire => record.orig_len,
            LengthKind::Captured => record.cap_len,
        };
        self.length.push(length);
        self.ip_dst.push(self.ips.code(packet.ip_dst));
        self.ip_src.push(self.ips.code(packet.ip_src));
        self.mac_dst.push(self.macs.code(packet.mac_dst));
        self.mac_src.push(self.macs.code(packet.mac_src));
        self.port_dst.push(packet.port_dst.map_or(NO_PORT, i32::from));
        self.port_src.push(packet.port_src.map_or(NO_PORT, i32::from));
        self.protocol.push(packet.protocol.map_or(NO_PROTOCOL, u16::from));
        self.is_dns.push(packet.dns.is_some());
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
        self.length.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length.is_empty()
    }

    /// Bytes of memory that the rows take, about. It follows from the rows alone.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> usize {
        let text = self.names.bytes() + self.dns_query.bytes() + self.dns_resp.bytes();
        let tables = self.ips.bytes() + self.macs.bytes();
        FEW + self.len() * PER_ROW + self.spans.len() * size_of::<Span>() + text + tables
    }

    /// Bytes of memory that are kept for rows, about.
    #[must_use]
    pub fn kept(&self) -> usize {
        let sparse = (self.dns_query.rows.capacity() + self.dns_resp.rows.capacity()) * 8;
        let tables = self.ips.kept() + self.macs.kept() + self.names.kept();
        self.length.capacity() * PER_ROW + sparse + tables
    }

    /// Where the rows came from, in their order.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The addresses of the rows.
    #[must_use]
    pub fn addresses(&self) -> &CodeTable<IpAddress> {
        &self.ips
    }

    /// Code of each row's destination address in [`Rows::addresses`].
    #[must_use]
    pub fn destinations(&self) -> &[u32] {
        &self.ip_dst
    }

    /// Code of each row's source address in [`Rows::addresses`].
    #[must_use]
    pub fn sources(&self) -> &[u32] {
        &self.ip_src
    }

    /// The destination and the source port of each row; negative where the packet does not say one.
    #[must_use]
    pub fn ports(&self) -> (&[i32], &[i32]) {
        (&self.port_dst, &self.port_src)
    }

    /// The `length` of each row, in bytes.
    #[must_use]
    pub fn lengths(&self) -> &[u32] {
        &self.length
    }

    /// The protocol number of each row, or [`NO_PROTOCOL`].
    #[must_use]
    pub fn protocols(&self) -> &[u16] {
        &self.protocol
    }

    /// The time of each row, in microseconds since the Unix epoch, where it has one.
    pub fn micros(&self) -> impl Iterator<Item = Option<i64>> {
        let micros = if self.unit == TimestampUnit::Us { &self.datetime } else { &self.micros };
        micros.iter().map(|&micros| (micros != NO_DATETIME).then_some(micros))
    }

    /// Forgets every row and keeps the memory.
    pub fn clear(&mut self) {
        self.datetime.clear();
        self.time.clear();
        self.time_normed.clear();
        self.length.clear();
        self.is_dns.clear();
        self.names.clear();
        self.dns_query.clear();
        self.dns_resp.clear();
        self.ips.clear();
        self.ip_dst.clear();
        self.ip_src.clear();
        self.macs.clear();
        self.mac_dst.clear();
        self.mac_src.clear();
        self.port_dst.clear();
        self.port_src.clear();
        self.protocol.clear();
        self.micros.clear();
        self.spans.clear();
    }
}
