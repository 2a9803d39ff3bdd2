//! The one table of summary tables: the files, what is shown and the documentation come from it.

use super::sum_kind::SumKind;

/// A summary table.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Its name, and that of its folder.
    pub name: &'static str,
    /// What a row stands for.
    pub rows: &'static str,
    /// Its columns, in order.
    pub columns: &'static [SummaryColumn],
    /// The sums that it is made of. `None` for the table of captures, which comes from the manifest.
    pub(crate) kind: Option<SumKind>,
    /// The order of its rows.
    pub(crate) order: SortOrder,
}

impl Summary {
    /// The table of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<&'static Self> {
        SUMMARIES.iter().find(|summary| summary.name == name)
    }
}

/// The order of a table's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortOrder {
    /// Most bytes first, then most packets, then by key.
    Largest,
    /// By key.
    Key,
}

/// A column of a summary table.
#[derive(Clone, Copy, Debug)]
pub struct SummaryColumn {
    /// Its name.
    pub name: &'static str,
    /// The type of its values.
    pub values: Values,
    /// When it is null; empty for never.
    pub null_when: &'static str,
    /// What it means, with its unit.
    pub meaning: &'static str,
}

/// The types of summary columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// UTF-8 text.
    Text,
    /// 64-bit signed integers: counts.
    Int,
    /// 64-bit signed integers that number something and are not counted.
    Number,
    /// 64-bit signed integers: bytes.
    Bytes,
    /// Doubles: seconds.
    Seconds,
    /// Doubles: bytes a second.
    Rate,
    /// Microseconds since the Unix epoch, UTC.
    Time,
}

const fn column(name: &'static str, values: Values, null_when: &'static str, meaning: &'static str) -> SummaryColumn {
    SummaryColumn { name, values, null_when, meaning }
}

const BYTES: SummaryColumn = column("bytes", Values::Bytes, "", "sum of `length`");
const PACKETS: SummaryColumn = column("packets", Values::Int, "", "number of packets");
const WINDOW_START: SummaryColumn = column(
    "window_start",
    Values::Time,
    "the packets carry no time",
    "start of the window, a multiple of its length since the Unix epoch",
);
const WINDOW_S: SummaryColumn =
    column("window_s", Values::Seconds, "the packets carry no time", "length of the window in seconds");
const RATE: SummaryColumn =
    column("bytes_per_s", Values::Rate, "the packets carry no time", "`bytes` divided by `window_s`");
const PROTOCOL: SummaryColumn = column("protocol", Values::Text, "no IP header", "as in the packets table");
const NAME: SummaryColumn = column("name", Values::Text, "no question", "name that was asked, in lower case");

/// The summary tables, in the order in which they are shown. The table that is read most comes last, next to the prompt.
#[rustfmt::skip]
pub const SUMMARIES: [Summary; 12] = [
    Summary {
        name: "captures", rows: "one a capture", kind: None, order: SortOrder::Key,
        columns: &[
            column("capture", Values::Text, "", "path of the capture, as it was named"),
            column("format", Values::Text, "not recognised", "`pcap-us`, `pcap-ns`, `pcapng` …"),
            column("compression", Values::Text, "not recognised", "`none`, `gzip`, `zstd` …"),
            column("link_types", Values::Text, "no packet", "link types of the packets"),
            column("file_bytes", Values::Bytes, "", "size of the file"),
            column("packets", Values::Int, "", "packet records in it"),
            column("bytes", Values::Bytes, "", "sum of `length`"),
            column("first_time", Values::Time, "no packet carries a time", "earliest time of a packet"),
            column("last_time", Values::Time, "no packet carries a time", "latest time of a packet"),
            column("status", Values::Text, "", "`whole`, `odd`, `open`, `duplicate`, `incomplete`, `damaged` or `refused`: [what they mean](#the-status-of-a-capture)"),
            column("damage", Values::Text, "no damage", "what is damaged, or why it was refused"),
            column("damage_offset", Values::Number, "no damage", "byte of the unpacked capture at which the damage begins"),
            column("gap_bytes", Values::Bytes, "no gap", "bytes that `--salvage` gave up"),
        ],
    },
    Summary {
        name: "dns_names", rows: "one an address and a name that DNS answered with", kind: Some(SumKind::Names), order: SortOrder::Key,
        columns: &[
            column("address", Values::Text, "", "address of an A or AAAA answer"),
            column("name", Values::Text, "", "name that was asked, in lower case, back through CNAMEs"),
            column("answers", Values::Int, "", "how often it was answered"),
            column("first_seen", Values::Time, "the packets carry no time", "earliest time of such an answer"),
            column("last_seen", Values::Time, "the packets carry no time", "latest time of such an answer"),
        ],
    },
    Summary {
        name: "names", rows: "one an address of a packet that has a name, each address once a date", kind: Some(SumKind::Named), order: SortOrder::Key,
        columns: &[
            column("address", Values::Text, "", "destination or source address"),
            column("name", Values::Text, "", "its name, as `volume_by_name` has it"),
            column("source", Values::Text, "", "where the name comes from: `dns`, `hosts` or `ptr`"),
        ],
    },
    Summary {
        name: "dns_queries", rows: "one a name, type and response code of DNS messages", kind: Some(SumKind::Queries), order: SortOrder::Largest,
        columns: &[
            NAME,
            column("type", Values::Text, "no question, or cut before its type", "type that was asked: `A`, `AAAA`, `PTR` …"),
            column("response_code", Values::Text, "a query", "`NOERROR`, `NXDOMAIN`, `SERVFAIL` …"),
            column("count", Values::Int, "", "number of messages"),
        ],
    },
    Summary {
        name: "ports", rows: "one a protocol and port", kind: Some(SumKind::Ports), order: SortOrder::Largest,
        columns: &[
            PROTOCOL,
            column("port", Values::Number, "the packets say none", "port number"),
            column("bytes", Values::Bytes, "", "sum of `length` of the packets to the port"),
            column("packets", Values::Int, "", "number of packets to the port"),
            column("bytes_from", Values::Bytes, "", "sum of `length` of the packets from the port"),
            column("packets_from", Values::Int, "", "number of packets from the port"),
        ],
    },
    Summary {
        name: "send_rates_by_protocol", rows: "one a window and protocol of which there was a packet", kind: Some(SumKind::Windows), order: SortOrder::Key,
        columns: &[WINDOW_START, WINDOW_S, PROTOCOL, BYTES, PACKETS, RATE],
    },
    Summary {
        name: "send_rates", rows: "one a window in which there was a packet", kind: Some(SumKind::Rates), order: SortOrder::Key,
        columns: &[WINDOW_START, WINDOW_S, BYTES, PACKETS, RATE],
    },
    Summary {
        name: "protocols", rows: "one a protocol", kind: Some(SumKind::Protocols), order: SortOrder::Largest,
        columns: &[PROTOCOL, BYTES, PACKETS],
    },
    Summary {
        name: "conversations", rows: "one a source and destination; of the smaller ones, all in the last row", kind: Some(SumKind::Conversations), order: SortOrder::Largest,
        columns: &[
            column("ip_src", Values::Text, "no IP header, or the row of the rest", "source address"),
            column("ip_dst", Values::Text, "no IP header, or the row of the rest", "destination address"),
            BYTES,
            PACKETS,
            column("rest", Values::Int, "a single conversation", "number of smaller conversations that the row sums up"),
        ],
    },
    Summary {
        name: "volume_by_src", rows: "one a source address", kind: Some(SumKind::BySrc), order: SortOrder::Largest,
        columns: &[column("ip_src", Values::Text, "no IP header", "source address"), BYTES, PACKETS],
    },
    Summary {
        name: "volume_by_name", rows: "one a name of the destination", kind: Some(SumKind::ByName), order: SortOrder::Largest,
        columns: &[
            column("name_dst", Values::Text, "no IP header", "name of the destination address; `N/A` for addresses without one"),
            BYTES,
            PACKETS,
        ],
    },
    Summary {
        name: "volume_by_ip", rows: "one a destination address", kind: Some(SumKind::ByIp), order: SortOrder::Largest,
        columns: &[column("ip_dst", Values::Text, "no IP header", "destination address"), BYTES, PACKETS],
    },
];

/// In place of a name where an address has none, as in the notebook that this replaces.
pub const NO_NAME: &str = "N/A";
