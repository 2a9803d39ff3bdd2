//! A table of the report: its cells, ready for the template.

use crate::report::{ABSENT_ADDRESS, scale};
use crate::summary::Preview;
use crate::text::thousands;

use super::advice::NamesNote;
use super::content::PageContent;
use super::scale::{count, float, saturated, share};
use super::text::{Printable, drawn, int, text};

/// A table with its heading.
pub(super) struct Grid {
    /// The id of the table within the page.
    pub(super) id: &'static str,
    pub(super) heading: &'static str,
    /// What the table shows, in a sentence.
    pub(super) caption: &'static str,
    /// What is said in its place if it has no rows.
    pub(super) empty: &'static str,
    pub(super) heads: Vec<GridHead>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// How many rows are not listed.
    pub(super) more: Option<String>,
    /// What would give names, where names are missing.
    pub(super) names: Option<NamesNote>,
}

/// The head of a column.
#[derive(Clone, Copy)]
pub(super) struct GridHead {
    pub(super) text: &'static str,
    /// How its cells are set: `text`, `number`, `volume` …
    pub(super) class: &'static str,
}

/// The content of a cell.
pub(super) enum Cell {
    /// Text from the lake.
    Text(Printable),
    /// An address, and its name if it has one.
    Address(Printable, Option<Printable>),
    /// A port, and the service that is registered for it.
    Port(Printable, Option<&'static str>),
    /// The other end of a conversation, its name if it has one, and the ports that flows went to.
    Peer(Printable, Option<Printable>, ShownPorts),
    /// Text from the lake, and a word of parcap for a part that is missing.
    Part(Printable, &'static str),
    /// A word of parcap for what is missing.
    Absent(&'static str),
    /// A sentence of parcap.
    Words(String),
    /// A number, thousands apart.
    Number(String),
    /// A number with a bar, in percent of the longest.
    Bar { width: String, text: String, exact: Option<String> },
    /// An amount in a large unit, and exactly.
    Short { text: String, exact: String },
    /// The state of a capture: a class, a sign and a word.
    Status(&'static str, &'static str, &'static str),
    /// Damage of a capture, and the byte where it begins.
    Damage(Printable, Option<String>),
}

/// The ports of a conversation, with the services that are registered for them.
pub(super) struct ShownPorts {
    pub(super) ports: Vec<(String, Option<&'static str>)>,
    /// How many others there are.
    pub(super) others: Option<String>,
}

impl Grid {
    /// Makes the rows of a preview, each by its place.
    pub(super) fn of(
        [id, heading, caption, empty]: [&'static str; 4],
        heads: &[(&'static str, &'static str)],
        listed: &Preview,
        row: impl Fn(usize) -> Vec<Cell>,
    ) -> Self {
        Self {
            id,
            heading,
            caption,
            empty,
            heads: heads.iter().map(|(text, class)| GridHead { text, class }).collect(),
            rows: (0..listed.first.rows()).map(row).collect(),
            more: more(listed),
            names: None,
        }
    }
}

/// `… and 3 more rows`, if there are.
pub(super) fn more(listed: &Preview) -> Option<String> {
    let left = saturated(listed.left());
    (left > 0).then(|| format!("… and {}", count(left, "more row", "more rows")))
}

/// Text of a column, or the word for a missing one.
pub(super) fn word(listed: &Preview, column: &str, row: usize, absent: &'static str) -> Cell {
    text(&listed.first, column, row).map_or(Cell::Absent(absent), |text| Cell::Text(Printable::new(text)))
}

/// An address of a column with its name, or the word for a missing one.
pub(super) fn address(content: &PageContent, listed: &Preview, column: &str, row: usize) -> Cell {
    text(&listed.first, column, row).map_or(Cell::Absent(ABSENT_ADDRESS), |address| {
        Cell::Address(Printable::new(address), content.names.get(address).map(|name| Printable::new(name)))
    })
}

/// A number of a column.
pub(super) fn number(listed: &Preview, column: &str, row: usize) -> Cell {
    int(&listed.first, column, row).map_or(Cell::Absent("(none)"), |number| Cell::Number(thousands(number)))
}

/// Bytes of a column.
pub(super) fn bytes(listed: &Preview, column: &str, row: usize) -> Cell {
    int(&listed.first, column, row)
        .map_or(Cell::Absent("(none)"), |number| Cell::Short { text: scale::bytes(number), exact: exact(number) })
}

/// Bytes of the column `bytes`, with a bar, and their share of all.
pub(super) fn volume(listed: &Preview, row: usize, longest: i64, all: i64) -> [Cell; 2] {
    let bytes = drawn(&listed.first, "bytes", row);
    let bar = Cell::Bar { width: width(bytes, longest), text: scale::bytes(bytes), exact: Some(exact(bytes)) };
    [bar, Cell::Number(share(bytes, all))]
}

/// The number of the column `count`, with a bar.
pub(super) fn often(listed: &Preview, row: usize, longest: i64) -> Cell {
    let count = drawn(&listed.first, "count", row);
    Cell::Bar { width: width(count, longest), text: thousands(count), exact: None }
}

/// `1,409,869 bytes`.
pub(super) fn exact(bytes: i64) -> String {
    count(bytes, "byte", "bytes")
}

/// The largest number of a column.
pub(super) fn longest(listed: &Preview, column: &str) -> i64 {
    (0..listed.first.rows()).filter_map(|row| int(&listed.first, column, row)).max().unwrap_or(0)
}

/// A length in percent of the longest. What is more than nothing stays wide enough to be seen.
pub(super) fn width(number: i64, longest: i64) -> String {
    let percent = if longest > 0 { float(number) / float(longest) * 100.0 } else { 0.0 };
    format!("{:.2}", percent.clamp(if number > 0 { 0.75 } else { 0.0 }, 100.0))
}
