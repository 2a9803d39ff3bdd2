//! What a report is made of: sums and tables, read from a lake by somebody else.

use crate::columns::Table;

/// Everything that a report says.
///
/// A column that is missing from a table is shown as if it were null throughout.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// How the lake was named.
    pub lake: String,
    /// First and last date, `2024-03-11`.
    pub dates: Option<(String, String)>,
    /// When the report was made, RFC 3339, UTC.
    pub made: String,
    /// Packets in the lake.
    pub packets: i64,
    /// Bytes of these packets.
    pub bytes: i64,
    /// Captures that the lake was made of.
    pub captures: u64,
    /// Captures of these that are damaged.
    pub damaged: u64,
    /// Captures that were refused, and gave no packets.
    pub refused: u64,
    /// Traffic over time.
    pub series: Series,
    /// `name_dst`, `bytes`, `packets`; null for packets without an address, `N/A` for addresses without a name.
    pub by_name: Listed,
    /// `ip_dst`, `bytes`, `packets`; null for packets without an address.
    pub by_ip: Listed,
    /// `ip_src`, `bytes`, `packets`; null for packets without an address.
    pub by_src: Listed,
    /// `protocol`, `bytes`, `packets`; null for packets without an IP header.
    pub protocols: Listed,
    /// `protocol`, `port`, `bytes`, `packets`, `bytes_from`, `packets_from`.
    pub ports: Listed,
    /// `ip_src`, `ip_dst`, `bytes`, `packets`, `rest`: null but in the last row, where it says how many smaller
    /// conversations the row sums up.
    pub conversations: Listed,
    /// `name`, `type`, `response_code`, `count`: the names asked for most; no response code in queries.
    pub dns_queries: Listed,
    /// `name`, `type`, `response_code`, `count`: only response codes other than NOERROR.
    pub dns_failures: Listed,
    /// `capture`, `format`, `packets`, `bytes`, `first_time`, `last_time`, `status` (`whole`, `odd`, `damaged` or
    /// `refused`), `damage` (text), `damage_offset`.
    pub captures_table: Listed,
}

/// Traffic over time in equal bins, by protocol.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Start of the first bin, microseconds since the Unix epoch.
    pub start: i64,
    /// Length of a bin, microseconds.
    pub bin: i64,
    /// Bytes in each bin, by protocol (none: packets without an IP header), largest protocol first; all of the same
    /// length, up to some 2,000 bins.
    pub protocols: Vec<(Option<String>, Vec<i64>)>,
    /// Bytes and packets of the packets without a time, which are in no bin.
    pub untimed: (i64, i64),
}

/// The beginning of a table.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// How many rows the table has in all.
    pub rows: u64,
    /// The first of them.
    pub first: Table,
}

impl Listed {
    /// How many rows are not listed.
    pub(super) fn left(&self) -> u64 {
        self.rows.saturating_sub(u64::try_from(self.first.rows()).unwrap_or(u64::MAX))
    }
}
