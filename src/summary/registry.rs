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

use crate::aggregate::{Group, Measure};
use crate::config::Settings;
use crate::day::Day;
use crate::error::WhyLeftOut;

use super::filter::Filter;
use super::schema::{
    CountedBy, CountedTime, Derivation, KeyField, SortOrder, Summary, SummaryColumn, ValueSource, Values,
};

/// A kind of sums. Kinds below 5, and 7 to 9, are what a unit counts and stores. Kinds 5 and 6 are counted where captures are summed up
/// without a lake. From 16 on they follow from the others, and are in memory or in temporary files only. Not every kind is a
/// table, and a table may be of a kind that others use too.
///
/// The numbers of what is stored are in files, so they never change. Those from 10 to 15 are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum SumKind {
    /// By destination, source and protocol.
    Flows = 0,
    /// By start of a window and protocol.
    Windows = 1,
    /// By protocol and port. Bytes and packets are those to the port; the further numbers are those from it.
    Ports = 2,
    /// By name, type and response code of a DNS message; packets only.
    Queries = 3,
    /// By address and name that DNS gave it: answers, and when they were seen.
    Names = 4,
    /// By address and server name for which a client asked it: ClientHellos, and when they were seen. Only of lakes with that column,
    /// so that each partial of a lake has them or none has.
    ServerNames = 7,
    /// By tunnels, number and outer addresses of packets that were taken out of a tunnel. Only of lakes that look into tunnels: a
    /// lake keeps that choice from its first run on, so that each partial of a lake has them or none has. By owner, as what DNS
    /// messages said: rows tell these sums only if the lake has all four columns of the tunnels. Two ways of counting, one for
    /// each kind of lake, would be one too many.
    Tunnels = 8,
    /// By client and name of a DNS message, and by response code where it is none of the usual ones; messages only, as
    /// `client_counts.rs` has them. Only of lakes that count them, as tunnels. By owner, as what is in DNS messages.
    ClientNames = 9,
    /// By time of the packet. Only where windows begin with the first packet.
    AlignedWindows = 5,
    /// As `Names`, but only of messages within some times. Never in a file.
    NamesWithin = 6,
    /// By destination address.
    ByIp = 16,
    /// By source address.
    BySrc = 17,
    /// By name of the destination; an empty name for none.
    ByName = 18,
    /// By source and destination.
    Conversations = 19,
    /// By protocol.
    Protocols = 20,
    /// By start of a window.
    Rates = 21,
    /// By destination address whose name a reverse lookup would be asked for. No table.
    Unnamed = 22,
    /// By address, its name and the source of the name: what was sent to it and from it.
    Named = 23,
    /// By client and response code of DNS messages. The first further number is that of the names, which cannot be added up over
    /// dates: those of several dates follow from `ClientNames`.
    Clients = 24,
}

impl SumKind {
    /// Its group of a date.
    pub(crate) fn group(self, day: Day) -> Group {
        let measure = match self {
            Self::Names | Self::NamesWithin | Self::ServerNames => Measure::Span,
            Self::Ports | Self::ClientNames | Self::Clients => Measure::Add,
            _ => Measure::Plain,
        };
        Group { day, kind: self as u8, measure, by_owner: false }
    }

    /// The kinds that units count of rows. The others that they count are not in the rows of every lake: DNS messages, server names
    /// and tunnels.
    pub(super) const OF_ROWS: [Self; 3] = [Self::Flows, Self::Windows, Self::Ports];
}

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
pub const SUMMARIES: [Summary; 14] = [
    Summary {
        name: "captures", rows: "one a capture",
        kind: None, order: SortOrder::Key, balances: false, limit: None, of_tunnels: false, shown: Some(&["capture", "format", "packets", "bytes", "first_time", "last_time", "status"]),
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
        kind: Some(SumKind::Names), order: SortOrder::Key, balances: false, limit: None, of_tunnels: false, shown: None,
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
        kind: Some(SumKind::Named), order: SortOrder::Key, balances: false, limit: None, of_tunnels: false, shown: None,
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
        kind: Some(SumKind::Clients), order: SortOrder::Largest, balances: false, limit: None, of_tunnels: false, shown: None,
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
        kind: Some(SumKind::Queries), order: SortOrder::Largest, balances: false, limit: None, of_tunnels: false, shown: None,
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
        kind: Some(SumKind::Ports), order: SortOrder::LargestBothWays, balances: false, limit: None, of_tunnels: false, shown: None,
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
        kind: Some(SumKind::Tunnels), order: SortOrder::Largest, balances: false, limit: None, of_tunnels: true, shown: None,
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
        name: "send_rates_by_protocol", rows: "one a window and protocol of which there was a packet",
        kind: Some(SumKind::Windows), order: SortOrder::Key, balances: false, limit: None, of_tunnels: false, shown: None,
        derivation: Derivation::Passed,
        counted_by: BY_WINDOW,
        left_out: |_, from_first| from_first.then_some(WhyLeftOut::FromFirst),
        columns: &[WINDOW_START, WINDOW_S, PROTOCOL, BYTES, PACKETS, RATE],
    },
    Summary {
        name: "send_rates", rows: "one a window in which there was a packet",
        kind: Some(SumKind::Rates), order: SortOrder::Key, balances: true, limit: None, of_tunnels: false, shown: None,
        derivation: Derivation::Passed,
        counted_by: BY_WINDOW,
        left_out: never,
        columns: &[WINDOW_START, WINDOW_S, BYTES, PACKETS, RATE],
    },
    Summary {
        name: "protocols", rows: "one a protocol",
        kind: Some(SumKind::Protocols), order: SortOrder::Largest, balances: true, limit: None, of_tunnels: false, shown: None,
        derivation: Derivation::AddedUp,
        counted_by: BY_FLOW,
        left_out: never,
        columns: &[PROTOCOL, BYTES, PACKETS],
    },
    Summary {
        name: "conversations", rows: "one a source and destination; of the smaller ones, all in the last row",
        kind: Some(SumKind::Conversations), order: SortOrder::Largest, balances: true, limit: Some(conversations), of_tunnels: false, shown: None,
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
        kind: Some(SumKind::BySrc), order: SortOrder::Largest, balances: true, limit: None, of_tunnels: false, shown: None,
        derivation: Derivation::Passed,
        counted_by: BY_FLOW,
        left_out: never,
        columns: &[column("ip_src", ADDRESS, "no IP header", "source address"), BYTES, PACKETS],
    },
    Summary {
        name: "volume_by_name", rows: "one a name of the destination",
        kind: Some(SumKind::ByName), order: SortOrder::Largest, balances: true, limit: None, of_tunnels: false, shown: None,
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
        kind: Some(SumKind::ByIp), order: SortOrder::Largest, balances: true, limit: None, of_tunnels: false, shown: None,
        derivation: Derivation::Passed,
        counted_by: BY_FLOW,
        left_out: never,
        columns: &[column("ip_dst", ADDRESS, "no IP header", "destination address"), BYTES, PACKETS],
    },
];

/// The table of the clients of DNS.
pub(crate) const DNS_CLIENTS: &str = "dns_clients";
/// In place of a name where an address has none, as in the notebook that this replaces.
pub const NO_NAME: &str = "N/A";
