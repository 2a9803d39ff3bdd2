//! The one table of columns: the schema, the documentation and the Parquet metadata come from it.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::config::TimestampUnit;

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
    /// How a row keeps it.
    pub storage: Storage,
}

/// How rows keep the value of a column. What a packet gives ([`Rows`](super::Rows)), Arrow arrays, pages, and the way
/// back from a part follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// The time of the record, in the unit of the rows.
    Datetime,
    /// The time of the record, in seconds since the Unix epoch.
    Time,
    /// Seconds since the capture's first record that has a time.
    TimeNormed,
    /// A name of a DNS message: a code, for the few rows that have one.
    DnsName(DnsName),
    /// The text of an IP address: a code into the table of addresses.
    IpText(End),
    /// The number of the address whose text is in the column before.
    IpNumber(End),
    /// The text of a MAC address: a code into the table of MACs.
    MacText(End),
    /// The number of the address whose text is in the column before.
    MacNumber(End),
    /// A port.
    Port(End),
    /// The length in bytes.
    Length,
    /// A protocol number, shown by its name.
    Protocol,
    /// Whether there is a DNS message.
    IsDns,
}

/// One of the two ends of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where it goes.
    Destination,
    /// Where it comes from.
    Source,
}

impl End {
    /// The value of this end, chosen from the values of the destination and the source.
    pub(super) fn of<T>(self, [destination, source]: [T; 2]) -> T {
        match self {
            Self::Destination => destination,
            Self::Source => source,
        }
    }
}

/// One of the two names of a DNS message that are columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsName {
    /// The name of the first question.
    Query,
    /// The owner of the first record.
    Response,
}

impl Storage {
    /// Whether the column follows from the one before it, as the number of an address does from its text.
    #[must_use]
    pub fn is_derived(self) -> bool {
        matches!(self, Self::IpNumber(_) | Self::MacNumber(_))
    }

    /// Whether the column has few distinct values. Each of them is parsed once when the column is read again.
    #[must_use]
    pub fn is_address(self) -> bool {
        matches!(self, Self::IpText(_) | Self::MacText(_))
    }
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

const fn column(
    name: &'static str,
    (kind, storage): (ColumnType, Storage),
    null_when: &'static str,
    meaning: &'static str,
) -> Column {
    Column { name, kind, null_when, meaning, storage }
}

/// The columns of the packets table, in their order.
#[rustfmt::skip]
pub const COLUMNS: [Column; 18] = [
    column("datetime", (ColumnType::Timestamp, Storage::Datetime), "the record carries no time, or one outside the years 1 to 9999", "time of the record, UTC; finer digits are cut off"),
    column("dns_query", (ColumnType::Text, Storage::DnsName(DnsName::Query)), "no question", "name of the first question"),
    column("dns_resp", (ColumnType::Text, Storage::DnsName(DnsName::Response)), "no resource record", "owner name of the first answer, else of the first authority, else of the first additional record that is not OPT"),
    column("ip_dst", (ColumnType::Text, Storage::IpText(End::Destination)), "no IP header", "destination address of the outermost IP header: dotted quad or RFC 5952"),
    column("ip_dst_int", (ColumnType::Int64, Storage::IpNumber(End::Destination)), "not IPv4", "the IPv4 destination address as an unsigned 32-bit number"),
    column("ip_src", (ColumnType::Text, Storage::IpText(End::Source)), "no IP header", "source address of the outermost IP header: dotted quad or RFC 5952"),
    column("ip_src_int", (ColumnType::Int64, Storage::IpNumber(End::Source)), "not IPv4", "the IPv4 source address as an unsigned 32-bit number"),
    column("is_dns", (ColumnType::Bool, Storage::IsDns), "", "whether a DNS message was recognised"),
    column("length", (ColumnType::Int64, Storage::Length), "", "bytes on the wire, or captured bytes with `--length captured`"),
    column("mac_dst", (ColumnType::Text, Storage::MacText(End::Destination)), "the link type has none", "destination MAC address, aa:bb:cc:dd:ee:ff"),
    column("mac_dst_int", (ColumnType::Int64, Storage::MacNumber(End::Destination)), "the link type has none", "the 48 bits of the destination MAC as a number, first octet highest"),
    column("mac_src", (ColumnType::Text, Storage::MacText(End::Source)), "the link type has none", "source MAC address, aa:bb:cc:dd:ee:ff"),
    column("mac_src_int", (ColumnType::Int64, Storage::MacNumber(End::Source)), "the link type has none", "the 48 bits of the source MAC as a number, first octet highest"),
    column("port_dst", (ColumnType::Int32, Storage::Port(End::Destination)), "no TCP, UDP, SCTP, DCCP or UDP-Lite header, a later fragment, or cut before it", "destination port"),
    column("port_src", (ColumnType::Int32, Storage::Port(End::Source)), "no TCP, UDP, SCTP, DCCP or UDP-Lite header, a later fragment, or cut before it", "source port"),
    column("protocol", (ColumnType::Text, Storage::Protocol), "no IP header", "TCP, UDP, ICMP, ICMPv6, else the IANA keyword, else the number"),
    column("time", (ColumnType::Float64, Storage::Time), "the record carries no time, or one outside the years 1 to 9999", "time of the record, seconds since the Unix epoch"),
    column("time_normed", (ColumnType::Float64, Storage::TimeNormed), "the record carries no time, or one outside the years 1 to 9999", "seconds since the capture's first record that has a time"),
];

/// The Arrow schema of the packets table.
#[must_use]
pub fn schema(unit: TimestampUnit) -> SchemaRef {
    let time_unit = match unit {
        TimestampUnit::Us => TimeUnit::Microsecond,
        TimestampUnit::Ns => TimeUnit::Nanosecond,
    };
    let fields = COLUMNS.iter().map(|column| {
        let data_type = match column.kind {
            ColumnType::Timestamp => DataType::Timestamp(time_unit, Some("UTC".into())),
            ColumnType::Text => DataType::Utf8,
            ColumnType::Int64 => DataType::Int64,
            ColumnType::Int32 => DataType::Int32,
            ColumnType::Float64 => DataType::Float64,
            ColumnType::Bool => DataType::Boolean,
        };
        Field::new(column.name, data_type, !column.null_when.is_empty())
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
