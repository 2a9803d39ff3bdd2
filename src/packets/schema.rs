//! The one table of columns: the schema, the documentation and the Parquet metadata come from it, and rows, Arrow arrays,
//! pages and what is read back loop over it.
//!
//! Every lake has the columns of [`COLUMNS`]. Those of `sets/` come after them, where they are asked for. To add a column, add
//! its entry, and make `docs/tables.md` again (`PARCAP_BLESS=1 cargo test docs::`); raise [`SCHEMA_VERSION`] if every lake has it.
//! An entry with [`Storage::Further`] has the function that gives the value of a packet, and nothing else is to be done. What most
//! packets have and everybody reads may be worth a place in the packed rows (`packed.rs`).

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::config::{FurtherColumns, TextKind, TimestampUnit};

use super::column_storage::{Parts, Storage, name, of_flow, part, time};
use super::packed::{protocol_code, protocol_of_code};
use super::sets::find_column;

/// Version of the table's contract: it changes when a column does.
pub const SCHEMA_VERSION: u32 = 1;

/// One column of the packets table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What a reader sees.
    pub kind: ColumnType,
    /// When it is null; empty for never.
    pub null_when: &'static str,
    /// What it means, with its unit.
    pub meaning: &'static str,
    /// How rows keep it, and how it is written.
    pub storage: Storage,
    /// Whether people ask for the rows that have one value of it. Row groups have Bloom filters of such columns.
    pub is_looked_up: bool,
}

/// The types that columns have. All are signed and plain, so that every engine reads them alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// An instant in UTC; microseconds, or nanoseconds on request.
    Timestamp,
    /// UTF-8 text.
    Text,
    /// A 64-bit signed integer.
    Int64,
    /// A 32-bit signed integer.
    Int32,
    /// A double.
    Float64,
    /// True or false.
    Bool,
}

pub(super) const fn column(
    name: &'static str,
    storage: Storage,
    null_when: &'static str,
    meaning: &'static str,
) -> Column {
    Column { name, kind: storage.kind(), null_when, meaning, storage, is_looked_up: false }
}

impl Column {
    /// The column, with Bloom filters.
    pub(super) const fn looked_up(self) -> Self {
        Self { is_looked_up: true, ..self }
    }
}

/// The columns that every packets table has, in their order.
#[rustfmt::skip]
pub static COLUMNS: &[Column] = &[
    column("datetime", Storage::Instant(time!(datetimes => datetime)), "the record carries no time, or one outside the years 1 to 9999", "time of the record, UTC; finer digits are cut off"),
    column("dns_query", Storage::Name(name!(dns_query)), "no question", "name of the first question").looked_up(),
    column("dns_resp", Storage::Name(name!(dns_resp)), "no resource record", "owner name of the first answer, else of the first authority, else of the first additional record that is not OPT"),
    column("ip_dst", Storage::IpText(of_flow!(ip[0])), "no IP header", "destination address of the outermost IP header: dotted quad or RFC 5952").looked_up(),
    column("ip_dst_int", Storage::IpNumber(of_flow!(ip[0])), "not IPv4", "the IPv4 destination address as an unsigned 32-bit number"),
    column("ip_src", Storage::IpText(of_flow!(ip[1])), "no IP header", "source address of the outermost IP header: dotted quad or RFC 5952").looked_up(),
    column("ip_src_int", Storage::IpNumber(of_flow!(ip[1])), "not IPv4", "the IPv4 source address as an unsigned 32-bit number"),
    column("is_dns", Storage::Flag(part!(facts, row => row.is_dns, u8::from, |flag| flag == 1)), "", "whether a DNS message was recognised"),
    column("length", Storage::Length(part!(facts, row => row.length)), "", "bytes on the wire, or captured bytes with `--length captured`"),
    column("mac_dst", Storage::MacText(of_flow!(mac[0])), "the link type has none", "destination MAC address, aa:bb:cc:dd:ee:ff").looked_up(),
    column("mac_dst_int", Storage::MacNumber(of_flow!(mac[0])), "the link type has none", "the 48 bits of the destination MAC as a number, first octet highest"),
    column("mac_src", Storage::MacText(of_flow!(mac[1])), "the link type has none", "source MAC address, aa:bb:cc:dd:ee:ff").looked_up(),
    column("mac_src_int", Storage::MacNumber(of_flow!(mac[1])), "the link type has none", "the 48 bits of the source MAC as a number, first octet highest"),
    column("port_dst", Storage::Small32(of_flow!(parts => parts.ports = true; flow => flow.ports.dst)), "no TCP, UDP, SCTP, DCCP or UDP-Lite header, a later fragment, or cut before it", "destination port"),
    column("port_src", Storage::Small32(of_flow!(parts => parts.ports = true; flow => flow.ports.src)), "no TCP, UDP, SCTP, DCCP or UDP-Lite header, a later fragment, or cut before it", "source port"),
    column("protocol", Storage::Protocol(of_flow!(_parts => (); flow => flow.protocol, protocol_code, protocol_of_code)), "no IP header", "TCP, UDP, ICMP, ICMPv6, else the IANA keyword, else the number"),
    column("time", Storage::Double(time!(seconds => time)), "the record carries no time, or one outside the years 1 to 9999", "time of the record, seconds since the Unix epoch"),
    column("time_normed", Storage::Double(time!(normed => time_normed)), "the record carries no time, or one outside the years 1 to 9999", "seconds since the capture's first record that has a time"),
];

/// The columns of a packets table, in their order: those of every lake, and those that were asked for.
#[derive(Clone, Debug)]
pub struct TableColumns(Arc<[&'static Column]>);

impl TableColumns {
    /// The columns of every lake, and these.
    ///
    /// # Errors
    /// The first name that no column has, or that is there already. Lakes of a later version may have such columns, and settings that
    /// were written by hand.
    pub fn with(further: &FurtherColumns) -> Result<Self, String> {
        let mut columns: Vec<_> = COLUMNS.iter().collect();
        for name in further.names() {
            let is_new = columns.iter().all(|column| column.name != name);
            columns.push(find_column(name).filter(|_| is_new).ok_or_else(|| name.to_owned())?);
        }
        Ok(Self::of(&columns))
    }

    /// Those of a list.
    pub(super) fn of(columns: &[&'static Column]) -> Self {
        Self(columns.into())
    }

    /// The columns in their order.
    pub fn iter(&self) -> impl Iterator<Item = &'static Column> {
        self.0.iter().copied()
    }

    /// The parts of rows that they are made of.
    pub(super) fn parts(&self) -> Parts {
        let mut parts = Parts::default();
        self.iter().for_each(|column| column.storage.mark(&mut parts));
        parts
    }

    /// The Arrow schema of the table.
    #[must_use]
    pub fn schema(&self, unit: TimestampUnit) -> SchemaRef {
        let fields = self.iter().map(|column| column.field(unit, TextKind::Utf8));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// The Arrow schema of the packets table, without further columns.
#[must_use]
pub fn schema(unit: TimestampUnit) -> SchemaRef {
    TableColumns::default().schema(unit)
}

impl Default for TableColumns {
    /// The columns of every lake.
    fn default() -> Self {
        Self(COLUMNS.iter().collect())
    }
}

impl Column {
    /// The column in an Arrow schema, with times in a unit and some kind of text.
    pub(super) fn field(&self, unit: TimestampUnit, text: TextKind) -> Field {
        let data_type = match self.kind {
            ColumnType::Timestamp => {
                let unit = match unit {
                    TimestampUnit::Us => TimeUnit::Microsecond,
                    TimestampUnit::Ns => TimeUnit::Nanosecond,
                };
                DataType::Timestamp(unit, Some("UTC".into()))
            }
            ColumnType::Text => match text {
                TextKind::Utf8 => DataType::Utf8,
                TextKind::View => DataType::Utf8View,
                TextKind::Dictionary => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            },
            ColumnType::Int64 => DataType::Int64,
            ColumnType::Int32 => DataType::Int32,
            ColumnType::Float64 => DataType::Float64,
            ColumnType::Bool => DataType::Boolean,
        };
        Field::new(self.name, data_type, !self.null_when.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_each_column_once() {
        let with = |names: &[&str]| {
            let names = FurtherColumns(names.iter().map(|name| (*name).to_owned()).collect());
            TableColumns::with(&names).map(|columns| columns.iter().count() - COLUMNS.len())
        };
        assert_eq!(with(&[]), Ok(0));
        assert_eq!(with(&["ip_ttl", "tcp_flags"]), Ok(2));
        assert_eq!(with(&["ip_ttl", "ip_ttl"]), Err("ip_ttl".to_owned()));
        assert_eq!(with(&["length"]), Err("length".to_owned()));
        assert_eq!(with(&["nonsense"]), Err("nonsense".to_owned()));
    }
}
