//! A table as horizontal bars, for a picture of its own.

use askama::Template;

use crate::report::{ABSENT_ADDRESS, ABSENT_IP, PLOT_STYLE, scale};
use crate::summary::Preview;
use crate::text::thousands;

use super::content::PageContent;
use super::grid::{longest, more, width};
use super::scale::share;
use super::tables::{both_ways, name, port};
use super::text::{Printable, drawn, text};

/// The most bars of one plot.
const BARS: usize = 20;
/// The most characters of a label, and where labels end. The bar's title has the whole label.
const LABEL: (usize, usize) = (40, 330);
/// The same for a label of two addresses.
const LABEL_OF_TWO: (usize, usize) = (82, 560);
/// From one bar to the next, and from the top to the first.
const PITCH: usize = 26;
const ABOVE: usize = 62;

/// One picture.
#[derive(Template)]
#[template(path = "bars.svg")]
pub(super) struct Bars {
    id: &'static str,
    title: &'static str,
    desc: &'static str,
    bars: Vec<Bar>,
    more: Option<String>,
    /// Where the labels end.
    left: usize,
    style: &'static str,
}

struct Bar {
    label: Printable,
    full: Printable,
    /// Whether the label is a word of parcap.
    absent: bool,
    /// Width in percent of the space for bars.
    width: String,
    value: String,
}

impl Bars {
    fn new([id, title, desc]: [&'static str; 3], listed: &Preview, bar: impl Fn(usize) -> Bar) -> Self {
        let (characters, left_end) = if id == "conversations" { LABEL_OF_TWO } else { LABEL };
        let short = |bar: Bar| Bar { label: bar.full.short(characters), ..bar };
        let bars: Vec<_> = (0..listed.first.rows().min(BARS)).map(bar).map(short).collect();
        let left = Preview { rows: listed.rows, first: listed.first.clone().first(BARS), ..*listed };
        Self { id, title, desc, bars, more: more(&left), left: left_end, style: PLOT_STYLE }
    }

    /// From the top to the middle of a bar.
    fn y(&self, place: &usize) -> usize {
        ABOVE + place * PITCH + PITCH / 2
    }

    fn height(&self) -> usize {
        ABOVE + self.bars.len().max(1) * PITCH + if self.more.is_some() { 36 } else { 16 }
    }
}

impl Bar {
    fn of(key: Result<String, String>, width: String, value: String) -> Self {
        let absent = key.is_err();
        let (Ok(text) | Err(text)) = key;
        let full = Printable::new(&text);
        Self { label: full.clone(), full, absent, width, value }
    }
}

/// The pictures of all tables of the page that are volumes or counts, with the names of their files.
pub(super) fn all(content: &PageContent) -> Vec<(&'static str, Bars)> {
    let own = |listed: &Preview, column: &str, row, absent: &str| {
        text(&listed.first, column, row).map(str::to_owned).ok_or_else(|| absent.to_owned())
    };
    let volumes = |words, listed: &Preview, key: &dyn Fn(usize) -> Result<String, String>| {
        let longest = longest(listed, "bytes");
        Bars::new(words, listed, |row| {
            let bytes = drawn(&listed.first, "bytes", row);
            let share = share(bytes, content.bytes);
            let between = if share.is_empty() { "" } else { " · " };
            Bar::of(key(row), width(bytes, longest), format!("{}{between}{share}", scale::bytes(bytes)))
        })
    };
    let counts = |words, listed: &Preview| {
        let longest = longest(listed, "count");
        Bars::new(words, listed, |row| {
            let count = drawn(&listed.first, "count", row);
            let [kind, code] = ["type", "response_code"].map(|column| text(&listed.first, column, row));
            let key = text(&listed.first, "name", row)
                .map(|name| [Some(name), kind, code].into_iter().flatten().collect::<Vec<_>>().join(" "));
            Bar::of(key.ok_or_else(|| "(no name)".to_owned()), width(count, longest), thousands(count))
        })
    };
    let (by_name, by_ip, by_src) = (&content.by_name, &content.by_ip, &content.by_src);
    let (protocols, ports) = (&content.protocols, &both_ways(&content.ports));
    let port = |row| {
        let words = |(protocol, word): (Option<&str>, &str)| {
            protocol.map_or_else(|| word.to_owned(), |protocol| format!("{protocol} {word}"))
        };
        port(ports, row).map_err(words)
    };
    let talk = &content.conversations;
    let ends = |row| {
        let end = |column| text(&talk.first, column, row).unwrap_or(ABSENT_ADDRESS);
        Ok(format!("{} ↔ {}", end("ip_src"), end("ip_dst")))
    };
    let name = |row| name(by_name, row).map(str::to_owned).map_err(str::to_owned);
    let all = vec![
        ("volume_by_name.svg", volumes(["by-name", "Volume by name of destination", "Bytes sent."], by_name, &name)),
        (
            "volume_by_ip.svg",
            volumes(["by-address", "Volume by destination address", "Bytes sent."], by_ip, &|row| {
                own(by_ip, "ip_dst", row, ABSENT_ADDRESS)
            }),
        ),
        (
            "volume_by_src.svg",
            volumes(["by-source", "Volume by source address", "Bytes sent."], by_src, &|row| {
                own(by_src, "ip_src", row, ABSENT_ADDRESS)
            }),
        ),
        (
            "protocols.svg",
            volumes(["protocols", "Volume by protocol", "Bytes sent."], protocols, &|row| {
                own(protocols, "protocol", row, ABSENT_IP)
            }),
        ),
        ("ports.svg", volumes(["ports", "Volume by port", "Bytes sent to or from the port."], ports, &port)),
        (
            "conversations.svg",
            volumes(["conversations", "Largest conversations", "Bytes sent, both directions together."], talk, &ends),
        ),
        ("dns_queries.svg", counts(["dns-names", "Names asked most", "DNS messages."], &content.dns_queries)),
        ("dns_failures.svg", counts(["dns-failures", "DNS failures", "DNS responses."], &content.dns_failures)),
    ];
    all.into_iter().filter(|(file, _)| content.has(table_of(file))).collect()
}

/// The table that the picture in a file is of.
fn table_of(file: &str) -> &str {
    if file == "dns_failures.svg" { "dns_queries" } else { file.trim_end_matches(".svg") }
}
