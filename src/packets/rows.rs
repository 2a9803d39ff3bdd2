//! The rows of one row group while they are collected, column by column, as numbers and codes.

use crate::address::{IpAddress, MacAddr};
use crate::capture::{PacketRecord, Timestamp};
use crate::config::{LengthKind, TimestampUnit};
use crate::decode::Packet;

use super::batch::Projection;
use super::code_table::CodeTable;
use super::column_storage::Parts;
use super::fields::FieldRows;
use super::flow_table::{CodedFlow, FlowTable, FlowValues};
use super::further::FurtherColumn;
use super::packed::{NO_DATETIME, RowMeta};
use super::row_times::RowTimes;
use super::schema::TableColumns;
use super::text_table::{SparseCodes, TextTable};

/// Bytes of memory that a row takes without its text.
const PER_ROW: usize = 20;
/// Bytes of memory that a few rows take, about: a block from the heap for each column.
const FEW: usize = 1024;

/// Rows of one partition, in the order appended.
#[derive(Debug)]
pub struct Rows {
    pub(super) columns: TableColumns,
    pub(super) unit: TimestampUnit,
    length_kind: LengthKind,
    /// What [`Rows::append_wanted`] collects.
    wanted: Parts,
    pub(crate) times: RowTimes,
    pub(crate) ips: CodeTable<IpAddress>,
    pub(crate) macs: CodeTable<MacAddr>,
    pub(crate) flows: FlowTable,
    /// The code of each row's flow.
    pub(crate) flow: Vec<u32>,
    /// The flows of the last rows, column by column as they are read from a part.
    pub(super) unsettled: Vec<CodedFlow>,
    pub(crate) facts: Vec<RowMeta>,
    pub(crate) names: TextTable,
    pub(crate) dns_query: SparseCodes,
    pub(crate) dns_resp: SparseCodes,
    /// Fields of records and headers that were asked for.
    pub(super) fields: FieldRows,
    /// The columns that are kept for themselves.
    pub(super) further: Vec<FurtherColumn>,
    pub(super) spans: Vec<Span>,
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

impl Rows {
    /// No rows yet, of a table with these columns.
    #[must_use]
    pub fn new(columns: TableColumns, unit: TimestampUnit, length_kind: LengthKind) -> Self {
        Self {
            further: FurtherColumn::of_table(&columns),
            fields: FieldRows::of(columns.parts().fields),
            columns,
            unit,
            length_kind,
            wanted: Parts::ALL,
            times: RowTimes::new(unit),
            ips: CodeTable::default(),
            macs: CodeTable::default(),
            flows: FlowTable::default(),
            flow: Vec::new(),
            unsettled: Vec::new(),
            facts: Vec::new(),
            names: TextTable::default(),
            dns_query: SparseCodes::default(),
            dns_resp: SparseCodes::default(),
            spans: Vec::new(),
        }
    }

    /// No rows yet, to be appended with [`Rows::append_wanted`].
    #[must_use]
    pub fn wanted_by(projection: &Projection, unit: TimestampUnit, length_kind: LengthKind) -> Self {
        let columns = TableColumns::of(projection.columns());
        Self { wanted: columns.parts(), ..Self::new(columns, unit, length_kind) }
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
        // A capture has one first time, from its first timed row on.
        if self.note_origin(input, 1, [record.offset; 2]) || !self.times.has_first() {
            self.times.count_from(first);
        }
        self.append_parts(Parts::ALL, record, packet)
    }

    /// Appends what the columns of a projection need of one packet, without its origin.
    ///
    /// `first` is the time of the capture's first record that has one.
    #[inline]
    pub fn append_wanted(&mut self, record: &PacketRecord<'_>, packet: &Packet<'_>, first: Option<Timestamp>) {
        if self.wanted.times {
            self.times.count_from(first);
        }
        self.append_parts(self.wanted, record, packet);
    }

    /// Inlined, so that where all parts are wanted nobody asks which.
    #[inline(always)]
    fn append_parts(&mut self, parts: Parts, record: &PacketRecord<'_>, packet: &Packet<'_>) -> i64 {
        let row = self.len();
        if parts.times {
            self.times.push(record.time);
        }
        let facts = RowMeta::of(record, packet, self.length_kind);
        self.facts.push(facts);
        let values = FlowValues::of(packet, parts);
        self.flow.push(self.flows.code(row, &values, &mut self.ips, &mut self.macs));
        if let Some(message) = packet.dns {
            for (is_wanted, name, column) in [
                (parts.dns_query, message.query_name(), &mut self.dns_query),
                (parts.dns_resp, message.response_name(), &mut self.dns_resp),
            ] {
                if let Some(name) = name.filter(|_| is_wanted) {
                    column.push(row, self.names.code(|text| name.write_to(text)));
                }
            }
        }
        self.fields.append(record, packet);
        for column in &mut self.further {
            column.note(row, record, packet);
        }
        i64::from(facts.length)
    }

    /// Appends rows that have no value yet.
    pub(super) fn grow(&mut self, by: usize) {
        let rows = self.len() + by;
        self.times.grow_given(rows);
        self.unsettled.resize(rows - self.flow.len(), CodedFlow::NULL);
        self.facts.resize(rows, RowMeta::NULL);
        self.fields.grow(rows);
    }

    /// Takes up rows that have all values now.
    pub(super) fn settle(&mut self) {
        self.times.settle();
        for flow in std::mem::take(&mut self.unsettled) {
            self.append_flow(flow);
        }
    }

    /// Appends the flow of a row, whose addresses have codes.
    pub(super) fn append_flow(&mut self, CodedFlow { ip, mac, ports, protocol }: CodedFlow) {
        let (ip, mac) = (ip.map(|code| self.ips.key(code)), mac.map(|code| self.macs.key(code)));
        self.append_values(&FlowValues { ip: ip.each_ref(), mac: mac.each_ref(), ports, protocol });
    }

    /// Appends the flow of a row.
    pub(super) fn append_values(&mut self, values: &FlowValues<'_>) {
        self.flow.push(self.flows.code(self.flow.len(), values, &mut self.ips, &mut self.macs));
    }

    /// Notes which records of which input the last rows are of: the offsets of the first and the last one. Returns whether the rows
    /// before were of another input.
    #[inline]
    pub(super) fn note_origin(&mut self, input: usize, rows: u64, [first_offset, last_offset]: [u64; 2]) -> bool {
        match self.spans.last_mut() {
            Some(span) if span.input == input => {
                span.rows += rows;
                span.last_offset = last_offset;
                false
            }
            _ => {
                self.spans.push(Span { input, rows, first_offset, last_offset });
                true
            }
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
        let tables = self.ips.bytes() + self.macs.bytes() + self.flows.bytes();
        let further: usize = self.further.iter().map(FurtherColumn::bytes).sum();
        FEW + self.len() * (PER_ROW + self.fields.per_row())
            + self.spans.len() * size_of::<Span>()
            + self.times.finer_bytes()
            + text
            + tables
            + further
    }

    /// Bytes of memory that are allocated for rows, about.
    #[must_use]
    pub fn kept(&self) -> usize {
        let sparse = self.dns_query.kept() + self.dns_resp.kept();
        let tables = self.ips.kept() + self.macs.kept() + self.flows.kept() + self.names.kept();
        let further: usize = self.further.iter().map(FurtherColumn::kept).sum();
        self.facts.capacity() * (PER_ROW + self.fields.per_row()) + self.times.finer_kept() + sparse + tables + further
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

    /// The destination and the source address of a row; `None` if there is no such row.
    #[cfg(feature = "internal-api")]
    #[must_use]
    pub fn addresses_of(&self, row: usize) -> Option<[Option<IpAddress>; 2]> {
        let flow = self.flows.get(*self.flow.get(row)?);
        Some(flow.ip.map(|code| self.ips.key(code)))
    }

    /// The flows of the rows, in the order of their first appearance.
    pub(crate) fn flows(&self) -> &[CodedFlow] {
        self.flows.all()
    }

    /// The place of each row's flow in [`Rows::flows`], and its `length` in bytes.
    pub(crate) fn volumes(&self) -> impl Iterator<Item = (u32, u32)> {
        self.flow.iter().zip(&self.facts).map(|(flow, facts)| (*flow, facts.length))
    }

    /// The TCP flags of each row, [`NO_TCP_FLAGS`](super::packed::NO_TCP_FLAGS) for null. Of rows that were read from a part, only if it
    /// has the column.
    pub(crate) fn tcp_flags(&self) -> impl Iterator<Item = u16> {
        self.facts.iter().map(|facts| facts.tcp_flags)
    }

    /// The time of each row in microseconds since the Unix epoch, if it has one; and whether it is a DNS message.
    pub fn instants(&self) -> impl Iterator<Item = (Option<i64>, bool)> {
        let micros = self.micros().iter().map(|micros| Some(*micros).filter(|micros| *micros != NO_DATETIME));
        micros.zip(self.facts.iter().map(|facts| facts.is_dns))
    }

    /// The time of each row in microseconds since the Unix epoch, rounded down; [`NO_DATETIME`] for null.
    pub(crate) fn micros(&self) -> &[i64] {
        self.times.micros()
    }

    /// Forgets every row and keeps the memory.
    pub fn clear(&mut self) {
        self.times.clear();
        self.ips.clear();
        self.macs.clear();
        self.flows.clear();
        self.flow.clear();
        self.unsettled.clear();
        self.facts.clear();
        self.names.clear();
        self.dns_query.clear();
        self.dns_resp.clear();
        self.fields.clear();
        self.further.iter_mut().for_each(FurtherColumn::clear);
        self.spans.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::CaptureReader;
    use crate::config::TextKind;
    use crate::decode::decode;
    use crate::discover::Candidate;
    use crate::packets::COLUMNS;
    use crate::packets::code_table::NO_CODE;
    use crate::packets::packed::Ports;

    fn projection<'a>(names: impl IntoIterator<Item = &'a str>) -> Projection {
        Projection::of(names, TimestampUnit::Us, TextKind::Utf8).unwrap()
    }

    #[test]
    fn all_columns_are_made_of_all_parts() {
        let whole = projection(COLUMNS.iter().map(|column| column.name));
        assert_eq!(Rows::wanted_by(&whole, TimestampUnit::Us, LengthKind::Wire).wanted, Parts::ALL);
    }

    #[test]
    fn what_no_wanted_column_is_made_of_is_not_kept() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/captures/office-hour.pcap");
        let mut reader = CaptureReader::open(&Candidate::of(path.as_ref(), true).unwrap().probe().unwrap()).unwrap();
        let wanted = projection(["length", "ip_dst"]);
        let mut rows = Rows::wanted_by(&wanted, TimestampUnit::Us, LengthKind::Wire);
        while let Some(record) = reader.next().unwrap() {
            rows.append_wanted(&record, &decode(record.link_type.unwrap(), record.data), record.time);
        }
        assert_eq!((rows.len(), rows.flow.len()), (468, 468));
        let flows = rows.flows();
        assert!(flows.iter().any(|flow| flow.ip[0] != NO_CODE) && flows.iter().all(|flow| flow.ip[1] == NO_CODE));
        assert!(flows.iter().all(|flow| flow.ports == Ports::NULL));
        assert_eq!((rows.micros().len(), rows.spans.len()), (0, 0));
        assert_eq!((rows.macs.distinct(), rows.names.distinct(), rows.further.len()), (0, 0, 0));
    }
}
