//! The registry of summary tables: the files, what is derived, filtered, checked and shown, and the documentation come from
//! its entries.
//!
//! To add a table:
//!
//! 1. Add a [`SumKind`] with a new number, and an entry to [`SUMMARIES`]. Its columns say which fields of the key and which
//!    sums they show, in the order of the key. `docs/tables.md` is made by `PARCAP_BLESS=1 cargo test docs::`.
//!    CONTRIBUTING.md lists the other places.
//! 2. Say how its rows follow from what units count. What is counted as it is shown is [`Derivation::Counted`]. What
//!    follows from flows or windows is handed on, or added up, where `derive.rs` passes over them: one line there. Such a
//!    table can be made of any lake, old dates included.
//!
//! Counting something new is a larger change. `count.rs` counts rows, `messages.rs` DNS messages; what follows from rows is
//! in [`SumKind::OF_ROWS`], or `verify --deep` does not check it. A new field of a key has its place in `key.rs`
//! (writer and reader) and `rows.rs`. And the partials of earlier units do not have the sums: no file says which kinds it
//! counted. So that no table has some of a date's units, it is a property of the lake: [`Settings`] say whether it is counted,
//! a lake keeps that from its first run on ([`Settings::counted_in`]), and the table is there only where it is
//! ([`Summary::is_counted`]). Sums of what rows tell need more: where they are not counted, `verify --deep` must not miss them, and
//! taking captures out must not subtract them.

use crate::config::Settings;
use crate::error::WhyLeftOut;

use super::filter::Filter;
use super::flows::FlowField;
use super::schema::{
    AskedBy, CountedBy, CountedTime, Derivation, KeyField, SortOrder, Summary, SummaryColumn, ValueSource, Values,
};
use super::sum_kind::SumKind;

const fn column(
    name: &'static str,
    (from, values): (ValueSource, Values),
    null_when: &'static str,
    meaning: &'static str,
) -> SummaryColumn {
    SummaryColumn { name, values, null_when, meaning, from }
}

const ADDRESS: (ValueSource, Values) = (ValueSource::Key(KeyField::Address), Values::Text);
const KEY_NAME: (ValueSource, Values) = (ValueSource::Key(KeyField::Name), Values::Text);
const COUNT: (ValueSource, Values) = (ValueSource::Packets, Values::Int);

/// A column of the table of captures.
const fn captures(values: Values) -> (ValueSource, Values) {
    (ValueSource::Manifest, values)
}

/// A column of the table of flows.
const fn flow(field: FlowField, values: Values) -> (ValueSource, Values) {
    (ValueSource::Flow(field), values)
}

/// What follows from flows, which units count by addresses and protocol.
const BY_FLOW: CountedBy = CountedBy { protocol: true, address: true, time: CountedTime::Date };
/// Windows are counted by protocol.
const BY_WINDOW: CountedBy = CountedBy { protocol: true, address: false, time: CountedTime::Window };

fn never(_: &Filter, _: bool) -> Option<WhyLeftOut> {
    None
}

fn conversations(settings: &Settings) -> usize {
    settings.conversations
}

const BYTES: SummaryColumn = column("bytes", (ValueSource::Bytes, Values::Bytes), "", "sum of `length`");
const PACKETS: SummaryColumn = column("packets", COUNT, "", "number of packets");
const WINDOW_START: SummaryColumn = column(
    "window_start",
    (ValueSource::Key(KeyField::Window), Values::Time),
    "the packets carry no time",
    "start of the window, a multiple of its length since the Unix epoch",
);
const WINDOW_S: SummaryColumn = column(
    "window_s",
    (ValueSource::WindowLength, Values::Seconds),
    "the packets carry no time",
    "length of the window in seconds",
);
const RATE: SummaryColumn = column(
    "bytes_per_s",
    (ValueSource::Rate, Values::Rate),
    "the packets carry no time",
    "`bytes` divided by `window_s`",
);
const PROTOCOL: SummaryColumn =
    column("protocol", (ValueSource::Key(KeyField::Protocol), Values::Text), "no IP header", "as in the packets table");
const NAME: SummaryColumn = column("name", KEY_NAME, "no question", "name that was asked, in lower case");

/// The summary tables, in the order in which they are shown. The table that is read most comes last, next to the prompt.
#[rustfmt::skip]
pub const SUMMARIES: [Summary; 15] = [
    Summary {
        name: "captures", rows: "one a capture",
        kind: None, order: SortOrder::Key, balances: false, limit: None, asked_by: AskedBy::Nobody, shown: Some(&["capture", "format", "packets", "bytes", "first_time", "last_time", "status"]),
        derivation: Derivation::Manifest,
        counted_by: CountedBy { protocol: false, address: false, time: CountedTime::Date },
        left_out: |filter, _| (!filter.is_of_all_packets()).then_some(WhyLeftOut::Counted("its rows are of whole captures")),
        columns: &[
            column("capture", captures(Values::Text), "", "path of the capture, as it was named; the absolute path if another capture of the date was named alike"),
            column("format", captures(Values::Text), "not recognised", "`pcap-us`, `pcap-ns`, `pcapng` …"),
            column("compression", captures(Values::Text), "not recognised", "`none`, `gzip`, `zstd` …"),
            column("link_types", captures(Values::Text), "no packet", "link types of the packets"),
            column("file_bytes", captures(Values::Bytes), "", "size of the file"),
            column("packets", captures(Values::Int), "", "packet records in it"),
            column("bytes", captures(Values::Bytes), "", "sum of `length`"),
            column("first_time", captures(Values::Time), "no packet carries a time", "earliest time of a packet"),
            column("last_time", captures(Values::Time), "no packet carries a time", "latest time of a packet"),
            column("status", captures(Values::Text), "", "`whole`, `odd`, `open`, `duplicate`, `incomplete`, `damaged` or `refused`: [what they mean](#the-status-of-a-capture)"),
            column("damage", captures(Values::Text), "no damage", "what is damaged, or why it was refused"),
            column("damage_offset", captures(Values::Number), "no damage", "byte of the unpacked capture at which the damage begins"),
            column("gap_bytes", captures(Values::Bytes), "no gap", "bytes that `--salvage` gave up"),
        ],
    },
    Summary {
        name: "dns_names", rows: "one an address and a name that DNS answered with",
        kind: Some(SumKind::Names), order: SortOrder::Key, balances: false, limit: None, asked_by: AskedBy::Nobody, shown: None,
        derivation: Derivation::Counted {
            of: |filter| if filter.times.is_some() { SumKind::NamesWithin } else { SumKind::Names },
            takes: |filter, mut key| filter.takes_addresses(key.address(), None),
        },
        counted_by: CountedBy { protocol: false, address: true, time: CountedTime::Date },
        // The names of addresses come from all messages.
        left_out: |filter, _| (!filter.protocols.is_empty()).then_some(WhyLeftOut::Counted("it is not counted by protocol")),
        columns: &[
            column("address", ADDRESS, "", "address of an A or AAAA answer"),
            column("name", KEY_NAME, "", "name that was asked, in lower case, back through CNAMEs"),
            column("answers", COUNT, "", "how often it was answered"),
            column("first_seen", (ValueSource::First, Values::Time), "the packets carry no time", "earliest time of such an answer"),
            column("last_seen", (ValueSource::Second, Values::Time), "the packets carry no time", "latest time of such an answer"),
        ],
    },
    Summary {
        name: "names", rows: "one an address of a packet that has a name, each address once a date",
        kind: Some(SumKind::Named), order: SortOrder::Key, balances: false, limit: None, asked_by: AskedBy::Nobody, shown: None,
        derivation: Derivation::Passed,
        counted_by: BY_FLOW,
        left_out: never,
        columns: &[
            column("address", ADDRESS, "", "destination or source address"),
            column("name", KEY_NAME, "", "its name, as `volume_by_name` has it"),
            column("source", KEY_NAME, "", "where the name comes from: `dns`, `hosts` or `ptr`"),
        ],
    },
    Summary {
        name: DNS_CLIENTS, rows: "one a client and response code of DNS messages",
        kind: Some(SumKind::Clients), order: SortOrder::Largest, balances: false, limit: None, asked_by: AskedBy::Nobody, shown: None,
        derivation: Derivation::Passed,
        // A net takes packets by the server as well, which is not counted.
        counted_by: CountedBy { protocol: false, address: false, time: CountedTime::Date },
        left_out: never,
        columns: &[
            column("client", ADDRESS, "no IP header", "address of the one who asks: the source of a query, the destination of a response. Answers of mDNS mostly go to its group, whose address stands there then"),
            column("rcode", (ValueSource::Key(KeyField::ResponseCode), Values::Text), "a query", "response code, as in `dns_queries`"),
            column("queries", COUNT, "", "number of messages: queries, or responses with this code"),
            column("names", (ValueSource::First, Values::Int), "", "number of different names in them, exactly; a message without a question has none"),
        ],
    },
    Summary {
        name: "dns_queries", rows: "one a name, type and response code of DNS messages",
        kind: Some(SumKind::Queries), order: SortOrder::Largest, balances: false, limit: None, asked_by: AskedBy::Nobody, shown: None,
        derivation: Derivation::Counted { of: |_| SumKind::Queries, takes: |_, _| true },
        counted_by: CountedBy { protocol: false, address: false, time: CountedTime::Date },
        left_out: never,
        columns: &[
            NAME,
            column("type", (ValueSource::Key(KeyField::RecordType), Values::Text), "no question, or cut before its type", "type that was asked: `A`, `AAAA`, `PTR` …"),
            column("response_code", (ValueSource::Key(KeyField::ResponseCode), Values::Text), "a query", "`NOERROR`, `NXDOMAIN`, `SERVFAIL` …"),
            column("count", COUNT, "", "number of messages"),
        ],
    },
    Summary {
        name: "ports", rows: "one a protocol and port",
        kind: Some(SumKind::Ports), order: SortOrder::LargestBothWays, balances: false, limit: None, asked_by: AskedBy::Nobody, shown: None,
        derivation: Derivation::Counted { of: |_| SumKind::Ports, takes: |filter, mut key| filter.takes_protocol(key.protocol()) },
        counted_by: CountedBy { protocol: true, address: false, time: CountedTime::Date },
        left_out: never,
        columns: &[
            PROTOCOL,
            column("port", (ValueSource::Key(KeyField::Port), Values::Number), "the packets say none", "port number"),
            column("bytes", (ValueSource::Bytes, Values::Bytes), "", "sum of `length` of the packets to the port"),
            column("packets", COUNT, "", "number of packets to the port"),
            column("bytes_from", (ValueSource::First, Values::Bytes), "", "sum of `length` of the packets from the port"),
            column("packets_from", (ValueSource::Second, Values::Int), "", "number of packets from the port"),
        ],
    },
    Summary {
        name: "tunnels", rows: "one a tunnel with its number and outer addresses, of the packets that were taken out of one",
        kind: Some(SumKind::Tunnels), order: SortOrder::Largest, balances: false, limit: None, asked_by: AskedBy::Tunnels, shown: None,
        derivation: Derivation::Counted { of: |_| SumKind::Tunnels, takes: |_, _| true },
        counted_by: CountedBy { protocol: false, address: false, time: CountedTime::Date },
        left_out: never,
        columns: &[
            column("tunnel", KEY_NAME, "", "the tunnels that were taken off, the outermost first, as in the packets table: `VXLAN`, `GRE/ERSPAN`"),
            column("tunnel_id", (ValueSource::Key(KeyField::TunnelId), Values::Number), "no tunnel that was taken off has one", "number of the innermost tunnel that has one"),
            column("outer_ip_src", ADDRESS, "", "source address of the outermost IP header"),
            column("outer_ip_dst", ADDRESS, "", "destination address of the outermost IP header"),
            BYTES,
            PACKETS,
        ],
    },
    Summary {
        name: FLOWS, rows: "one a flow: packets between two addresses and ports, with no gap longer than the timeout, cut at midnight UTC",
        kind: Some(SumKind::FlowRows), order: SortOrder::KeyAndLargest, balances: false, limit: None, asked_by: AskedBy::Flows,
        shown: Some(&["first_time", "duration_s", "ip_src", "port_src", "ip_dst", "port_dst", "protocol", "bytes_out", "bytes_in", "state"]),
        derivation: Derivation::AddedUp,
        counted_by: BY_FLOW,
        left_out: never,
        columns: &[
            column("first_time", flow(FlowField::FirstTime, Values::Time), "", "time of the first packet"),
            column("last_time", flow(FlowField::LastTime, Values::Time), "", "time of the last packet"),
            column("duration_s", flow(FlowField::Duration, Values::Seconds), "", "seconds between them"),
            column("ip_src", flow(FlowField::IpSrc, Values::Text), "", "address that sent the first packet; of several at the same time, that of a SYN without ACK, else the lower address and port"),
            column("port_src", flow(FlowField::PortSrc, Values::Number), "the packets say none", "its port"),
            column("ip_dst", flow(FlowField::IpDst, Values::Text), "", "address at the other end"),
            column("port_dst", flow(FlowField::PortDst, Values::Number), "the packets say none", "its port"),
            column("protocol", flow(FlowField::Protocol, Values::Text), "", "as in the packets table"),
            column("packets_out", flow(FlowField::PacketsOut, Values::Int), "", "number of packets from the source"),
            column("bytes_out", flow(FlowField::BytesOut, Values::Bytes), "", "sum of their `length`"),
            column("packets_in", flow(FlowField::PacketsIn, Values::Int), "", "number of packets to the source"),
            column("bytes_in", flow(FlowField::BytesIn, Values::Bytes), "", "sum of their `length`"),
            column("tcp_flags_out", flow(FlowField::FlagsOut, Values::Number), "not TCP, or no packet of the flow has flags", "all flags of the packets from the source, or-ed: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128, NS 256; 0 for none"),
            column("tcp_flags_in", flow(FlowField::FlagsIn, Values::Number), "as `tcp_flags_out`", "the same of the packets to the source"),
            column("state", flow(FlowField::State, Values::Text), "not TCP, or no packet has flags", "how far the connection came, in Zeek's words: [what they mean](#the-state-of-a-flow)"),
            column("is_cut", flow(FlowField::IsCut, Values::Flag), "", "whether it goes on after midnight, or began before it"),
            column("community_id", flow(FlowField::CommunityId, Values::Text), "ICMP, or a protocol with ports and no port", "Community ID of its packets, version 1"),
            column("name_dst", flow(FlowField::NameDst, Values::Text), "no name", "name of the destination, as `names` has it"),
        ],
    },
    Summary {
        name: "send_rates_by_protocol", rows: "one a window and protocol of which there was a packet",
        kind: Some(SumKind::Windows), order: SortOrder::Key, balances: false, limit: None, asked_by: AskedBy::Nobody, shown: None,
        derivation: Derivation::Passed,
        counted_by: BY_WINDOW,
        left_out: |_, from_first| from_first.then_some(WhyLeftOut::FromFirst),
        columns: &[WINDOW_START, WINDOW_S, PROTOCOL, BYTES, PACKETS, RATE],
    },
    Summary {
        name: "send_rates", rows: "one a window in which there was a packet",
        kind: Some(SumKind::Rates), order: SortOrder::Key, balances: true, limit: None, asked_by: AskedBy::Nobody, shown: None,
        derivation: Derivation::Passed,
        counted_by: BY_WINDOW,
        left_out: never,
        columns: &[WINDOW_START, WINDOW_S, BYTES, PACKETS, RATE],
    },
    Summary {
        name: "protocols", rows: "one a protocol",
        kind: Some(SumKind::Protocols), order: SortOrder::Largest, balances: true, limit: None, asked_by: AskedBy::Nobody, shown: None,
        derivation: Derivation::AddedUp,
        counted_by: BY_FLOW,
        left_out: never,
        columns: &[PROTOCOL, BYTES, PACKETS],
    },
    Summary {
        name: "conversations", rows: "one a source and destination; of the smaller ones, all in the last row",
        kind: Some(SumKind::Conversations), order: SortOrder::Largest, balances: true, limit: Some(conversations), asked_by: AskedBy::Nobody, shown: None,
        derivation: Derivation::Passed,
        counted_by: BY_FLOW,
        left_out: never,
        columns: &[
            column("ip_src", ADDRESS, "no IP header, or the row of the rest", "source address"),
            column("ip_dst", ADDRESS, "no IP header, or the row of the rest", "destination address"),
            BYTES,
            PACKETS,
            column("rest", (ValueSource::Rest, Values::Int), "a single conversation", "number of smaller conversations that the row sums up"),
        ],
    },
    Summary {
        name: "volume_by_src", rows: "one a source address",
        kind: Some(SumKind::BySrc), order: SortOrder::Largest, balances: true, limit: None, asked_by: AskedBy::Nobody, shown: None,
        derivation: Derivation::Passed,
        counted_by: BY_FLOW,
        left_out: never,
        columns: &[column("ip_src", ADDRESS, "no IP header", "source address"), BYTES, PACKETS],
    },
    Summary {
        name: "volume_by_name", rows: "one a name of the destination",
        kind: Some(SumKind::ByName), order: SortOrder::Largest, balances: true, limit: None, asked_by: AskedBy::Nobody, shown: None,
        derivation: Derivation::AddedUp,
        counted_by: BY_FLOW,
        left_out: never,
        columns: &[
            column("name_dst", KEY_NAME, "no IP header", "name of the destination address; `N/A` for addresses without one"),
            BYTES,
            PACKETS,
        ],
    },
    Summary {
        name: "volume_by_ip", rows: "one a destination address",
        kind: Some(SumKind::ByIp), order: SortOrder::Largest, balances: true, limit: None, asked_by: AskedBy::Nobody, shown: None,
        derivation: Derivation::Passed,
        counted_by: BY_FLOW,
        left_out: never,
        columns: &[column("ip_dst", ADDRESS, "no IP header", "destination address"), BYTES, PACKETS],
    },
];

/// The table of the clients of DNS.
pub(crate) const DNS_CLIENTS: &str = "dns_clients";

/// The name of the table of flows.
pub const FLOWS: &str = "flows";

/// In place of a name where an address has none, as in the notebook that this replaces.
pub const NO_NAME: &str = "N/A";
