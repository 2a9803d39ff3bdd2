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

const fn column(name: &'static str, kind: ColumnType, null_when: &'static str, meaning: &'static str) -> Column {
    Column { name, kind, null_when, meaning }
}

/// The columns of the packets table, in their order.
#[rustfmt::skip]
pub const COLUMNS: [Column; 18] = [
    column("datetime", ColumnType::Timestamp, "the record carries no time, or one outside the years 1 to 9999", "time of the record, UTC; finer digits are cut off"),
    column("dns_query", ColumnType::Text, "no question", "name of the first question"),
    column("dns_resp", ColumnType::Text, "no resource record", "owner name of the first answer, else of the first authority, else of the first additional record that is not OPT"),
    column("ip_dst", ColumnType::Text, "no IP header", "destination address of the outermost IP header: dotted quad or RFC 5952"),
    column("ip_dst_int", ColumnType::Int64, "not IPv4", "the IPv4 destination address as an unsigned 32-bit number"),
    column("ip_src", ColumnType::Text, "no IP header", "source address of the outermost IP header: dotted quad or RFC 5952"),
    column("ip_src_int", ColumnType::Int64, "not IPv4", "the IPv4 source address as an unsigned 32-bit number"),
    column("is_dns", ColumnType::Bool, "", "whether a DNS message was recognised"),
    column("length", ColumnType::Int64, "", "bytes on the wire, or captured bytes with `--length captured`"),
    column("mac_dst", ColumnType::Text, "the link type has none", "destination MAC address, aa:bb:cc:dd:ee:ff"),
    column("mac_dst_int", ColumnType::Int64, "the link type has none", "the 48 bits of the destination MAC as a number, first octet highest"),
    column("mac_src", ColumnType::Text, "the link type has none", "source MAC address, aa:bb:cc:dd:ee:ff"),
    column("mac_src_int", ColumnType::Int64, "the link type has none", "the 48 bits of the source MAC as a number, first octet highest"),
    column("port_dst", ColumnType::Int32, "no TCP, UDP, SCTP, DCCP or UDP-Lite header, a later fragment, or cut before it", "destination port"),
    column("port_src", ColumnType::Int32, "no TCP, UDP, SCTP, DCCP or UDP-Lite header, a later fragment, or cut before it", "source port"),
    column("protocol", ColumnType::Text, "no IP header", "TCP, UDP, ICMP, ICMPv6, else the IANA keyword, else the number"),
    column("time", ColumnType::Float64, "the record carries no time, or one outside the years 1 to 9999", "time of the record, seconds since the Unix epoch"),
    column("time_normed", ColumnType::Float64, "the record carries no time, or one outside the years 1 to 9999", "seconds since the capture's first record that has a time"),
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
