//! What a report is made of: sums and tables, read from a lake by somebody else.

use crate::summary::{Listed, Series};

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
