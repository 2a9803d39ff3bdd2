//! What each table shows.

use std::cmp::Reverse;

use crate::report::{ABSENT_ADDRESS, ABSENT_IP, ABSENT_NAME, advice, clock};
use crate::summary::{NO_NAME, PairPorts, Preview};
use crate::tables::TableColumn;
use crate::text::thousands;

use super::content::PageContent;
use super::grid::{Cell, Grid, ShownPorts, address, bytes, longest, more, number, often, volume, word};
use super::scale::{about, count, float, saturated, share};
use super::services::service;
use super::text::{Printable, drawn, int, text};

const VOLUME: (&str, &str) = ("Volume", "bar");
const SHARE: (&str, &str) = ("Share", "number");
const ABSENT_PORT: &str = "(no port)";
const PACKETS: (&str, &str) = ("Packets", "number");
const NO_TIME: Cell = Cell::Absent("(no time)");

/// Volume by name of the destination.
pub(super) fn by_name(content: &PageContent) -> Grid {
    let words = ["by-name", "By name", "Who was sent how much, by the name of the destination address.", "No packets."];
    let grid = volumes(words, "Name of destination", content, &content.by_name, |row| {
        name(&content.by_name, row).map_or_else(Cell::Absent, |name| Cell::Text(Printable::new(name)))
    });
    Grid { names: advice::names(content), ..grid }
}

/// Volume by destination address.
pub(super) fn by_ip(content: &PageContent) -> Grid {
    let words = ["by-address", "By address", "Who was sent how much, by destination address.", "No packets."];
    let listed = &content.by_ip;
    volumes(words, "Destination", content, listed, |row| address(content, listed, "ip_dst", row))
}

/// Volume by source address.
pub(super) fn by_src(content: &PageContent) -> Grid {
    let words = ["by-source", "By source", "Who sent how much, by source address.", "No packets."];
    let listed = &content.by_src;
    volumes(words, "Source", content, listed, |row| address(content, listed, "ip_src", row))
}

/// Volume by protocol.
pub(super) fn protocols(content: &PageContent) -> Grid {
    let words =
        ["protocols", "Protocols", "What was sent, by the protocol after the outermost IP header.", "No packets."];
    let listed = &content.protocols;
    volumes(words, "Protocol", content, listed, |row| word(listed, "protocol", row, ABSENT_IP))
}

fn volumes(
    words: [&'static str; 4],
    head: &'static str,
    content: &PageContent,
    listed: &Preview,
    key: impl Fn(usize) -> Cell,
) -> Grid {
    let longest = longest(listed, "bytes");
    Grid::of(words, &[(head, "text"), VOLUME, SHARE, PACKETS], listed, |row| {
        let [bar, share] = volume(listed, row, longest, content.bytes);
        vec![key(row), bar, share, number(listed, "packets", row)]
    })
}

/// The name of a destination, or the word for a missing one.
pub(super) fn name(listed: &Preview, row: usize) -> Result<&str, &'static str> {
    match text(&listed.first, "name_dst", row) {
        // Names end with a dot, so this is not a name.
        Some(NO_NAME) => Err(ABSENT_NAME),
        Some(name) => Ok(name),
        None => Err(ABSENT_ADDRESS),
    }
}

/// Volume by port.
pub(super) fn ports(content: &PageContent) -> Grid {
    let words = [
        "ports",
        "Ports",
        "What was sent to and from each port; a packet counts for the port at either end of it. Beside a port is the service that \
         is registered for it.",
        "No packets with ports.",
    ];
    let listed = &both_ways(&content.ports);
    let longest = longest(listed, "bytes");
    let heads = [("Port", "text"), VOLUME, ("To it", "number"), ("From it", "number"), PACKETS];
    Grid::of(words, &heads, listed, |row| {
        let [bar, _] = volume(listed, row, longest, content.bytes);
        let port = match port(listed, row) {
            Ok(port) => Cell::Port(Printable::new(&port), registered(listed, row)),
            Err((Some(protocol), word)) => Cell::Part(Printable::new(protocol), word),
            Err((None, word)) => Cell::Absent(word),
        };
        let [to, from] = ["bytes_to", "bytes_from"].map(|column| bytes(listed, column, row));
        vec![port, bar, to, from, number(listed, "packets", row)]
    })
}

/// The table of ports, with both directions summed up in `bytes` and `packets`. `bytes_to` is what was sent to the port.
pub(super) fn both_ways(listed: &Preview) -> Preview {
    let sum = |to: &str, from: &str| {
        let number = |column, row| drawn(&listed.first, column, row);
        let sums = (0..listed.first.rows()).map(|row| Some(number(to, row).saturating_add(number(from, row))));
        TableColumn::Int(sums.collect())
    };
    let (bytes, packets) = (sum("bytes", "bytes_from"), sum("packets", "packets_from"));
    let mut both = listed.clone();
    for (name, column) in &mut both.first.columns {
        match name.as_str() {
            "bytes" => *name = "bytes_to".to_owned(),
            "packets" => *column = packets.clone(),
            _ => {}
        }
    }
    both.first.columns.push(("bytes".to_owned(), bytes));
    both
}

/// The service that is registered for the port of a row.
fn registered(listed: &Preview, row: usize) -> Option<&'static str> {
    service(text(&listed.first, "protocol", row)?, int(&listed.first, "port", row)?)
}

/// A port with its protocol. Without a port, the protocol, if there is one, and the word for what is missing.
pub(super) fn port(listed: &Preview, row: usize) -> Result<String, (Option<&str>, &'static str)> {
    match (text(&listed.first, "protocol", row), int(&listed.first, "port", row)) {
        (protocol, Some(port)) => Ok(format!("{} {port}", protocol.unwrap_or("?"))),
        (Some(protocol), None) => Err((Some(protocol), ABSENT_PORT)),
        (None, None) => Err((None, ABSENT_IP)),
    }
}

/// The largest conversations, both directions in one row.
pub(super) fn conversations(content: &PageContent) -> Grid {
    let listed = &content.conversations;
    let has_flows = listed.first.column("flows").is_some();
    let says = if has_flows {
        "Who talked with whom, the largest first, and the ports that most flows went to. Sent is from the first to the other. A flow \
         failed that nobody answered, or that was refused. Of TCP states, SF was closed by both ends, S0 had no answer, and REJ was \
         refused. The span is from the first to the last packet."
    } else {
        "Who talked with whom, the largest first. Sent is from the first to the other, received is back."
    };
    let words = ["conversations", "Conversations", says, "No packets."];
    let longest = longest(listed, "bytes");
    let [sent, received] = [("Sent", "number"), ("Received", "number")];
    let with = if has_flows { "With whom, on which ports" } else { "With whom" };
    let mut heads = vec![("Who sent more", "text"), (with, "text"), VOLUME];
    // There is no room for all.
    if has_flows {
        heads.extend([sent, received, ("Flows", "number"), ("Failed", "number"), ("TCP states", "states")]);
        heads.extend([("First (UTC)", "time"), ("Last (UTC)", "time"), ("Span", "number")]);
    } else {
        heads.extend([SHARE, sent, received, PACKETS]);
    }
    Grid::of(words, &heads, listed, |row| {
        let [bar, share] = volume(listed, row, longest, content.bytes);
        let end = |column| address(content, listed, column, row);
        let [out, back] = ["bytes_out", "bytes_in"].map(|column| bytes(listed, column, row));
        let with = match (end("ip_dst"), content.conversation_ports.get(row)) {
            (Cell::Address(address, name), Some(ports)) => Cell::Peer(address, name, shown_ports(ports)),
            (other, _) => other,
        };
        let mut cells = vec![end("ip_src"), with, bar];
        if has_flows {
            let [first, last] = ["first_time", "last_time"].map(|column| int(&listed.first, column, row));
            let time = |time: Option<i64>| time.map_or(NO_TIME, |time| Cell::Words(clock::to_second(time)));
            let [flows, silent] = ["flows", "silent"].map(|column| number(listed, column, row));
            let states = text(&listed.first, "states", row).map(|states| Cell::Words(states.to_owned()));
            cells.extend([out, back, flows, silent, states.unwrap_or(Cell::Absent("(no TCP)"))]);
            cells.extend([time(first), time(last), span(first.zip(last))]);
        } else {
            cells.extend([share, out, back, number(listed, "packets", row)]);
        }
        cells
    })
}

fn shown_ports(ports: &PairPorts) -> ShownPorts {
    let shown = |(protocol, port): &(String, Option<u16>)| match port {
        Some(port) => (format!("{protocol} {port}"), service(protocol, i64::from(*port))),
        None => (protocol.clone(), None),
    };
    let others = (ports.others > 0).then(|| count(saturated(ports.others), "other", "others"));
    ShownPorts { ports: ports.most.iter().map(shown).collect(), others }
}

fn span(ends: Option<(i64, i64)>) -> Cell {
    let micros = ends.map(|(first, last)| last.saturating_sub(first));
    micros.map_or(NO_TIME, |micros| Cell::Short { text: about(micros), exact: format!("{} s", float(micros) / 1e6) })
}

/// The names asked for most.
pub(super) fn dns_queries(content: &PageContent) -> Grid {
    let words = ["dns-names", "Asked most", "DNS messages by name, type and response code.", "No DNS messages."];
    dns(words, &content.dns_queries)
}

/// What DNS did not answer.
pub(super) fn dns_failures(content: &PageContent) -> Grid {
    let words =
        ["dns-failures", "Failures", "DNS responses with a code other than NOERROR.", "No DNS response is a failure."];
    dns(words, &content.dns_failures)
}

fn dns(words: [&'static str; 4], listed: &Preview) -> Grid {
    let heads = [("Name", "text"), ("Type", "short"), ("Response", "short"), ("Messages", "bar")];
    let longest = longest(listed, "count");
    Grid::of(words, &heads, listed, |row| {
        let of = |column, absent| word(listed, column, row, absent);
        let [name, kind] = [of("name", "(no name)"), of("type", "(no type)")];
        vec![name, kind, of("response_code", "(query)"), often(listed, row, longest)]
    })
}

/// The captures. Captures with something to report come first.
pub(super) fn captures(content: &PageContent) -> Grid {
    let listed = &content.captures_table;
    let table = &listed.first;
    let heads = [
        ("Capture", "text"),
        ("Status", "status"),
        ("Format", "short"),
        ("Packets", "number"),
        ("Volume", "number"),
        ("Share", "number"),
        ("First packet (UTC)", "time"),
        ("Last packet (UTC)", "time"),
    ];
    let mut rows: Vec<usize> = (0..table.rows()).collect();
    rows.sort_by_key(|row| Reverse(severity(text(table, "status", *row))));
    let row = |row| {
        let time = |column| int(table, column, row).map_or(NO_TIME, |at| Cell::Words(clock::instant(at)));
        let damage = text(table, "damage", row).map(|damage| {
            let at = int(table, "damage_offset", row).map(|offset| format!("byte {}", thousands(offset)));
            Cell::Damage(Printable::new(damage), at)
        });
        let name = word(listed, "capture", row, "(no path)");
        let share_of_all = int(table, "bytes", row).map_or_else(String::new, |bytes| share(bytes, content.bytes));
        let mut cells = vec![name, status(text(table, "status", row)), word(listed, "format", row, "(unknown)")];
        cells.extend([number(listed, "packets", row), bytes(listed, "bytes", row), Cell::Number(share_of_all)]);
        cells.extend([time("first_time"), time("last_time")]);
        cells.extend(damage);
        cells
    };
    let rows = rows.into_iter().map(row).collect();
    let words = [
        "captures",
        "Captures",
        "What was summed up; captures with damage come first. An odd one was read to its end, with something unusual in it.",
        "No captures.",
    ];
    Grid { rows, more: more(listed), ..Grid::of(words, &heads, &Preview::default(), |_| Vec::new()) }
}

fn severity(status: Option<&str>) -> u8 {
    match status {
        Some("refused") => 3,
        Some("damaged") => 2,
        Some("odd") => 1,
        _ => 0,
    }
}

fn status(status: Option<&str>) -> Cell {
    match status {
        Some("whole") => Cell::Status("whole", "✓", "whole"),
        Some("odd") => Cell::Status("odd", "○", "odd"),
        Some("damaged") => Cell::Status("damaged", "▲", "damaged"),
        Some("refused") => Cell::Status("refused", "✕", "refused"),
        Some(other) => Cell::Text(Printable::new(other)),
        None => Cell::Absent("(unknown)"),
    }
}
