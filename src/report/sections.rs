//! The sections of tables on the page, and which of them it lacks.

use super::content::PageContent;
use super::grid::Grid;
use super::tables;

/// A section of the page with tables.
pub(super) struct PageSection {
    /// Its id within the page.
    pub(super) id: &'static str,
    /// What stands above it.
    pub(super) heading: &'static str,
    /// What the list of sections calls it.
    pub(super) short: &'static str,
    /// One table, or two beside each other.
    pub(super) grids: Vec<Grid>,
}

/// Makes a table of the page.
type GridMaker = fn(&PageContent) -> Grid;

/// The sections: id, heading, short name, and the tables with what makes them.
const SECTIONS: [(&str, &str, &str, &[(&str, GridMaker)]); 6] = [
    (
        "volume",
        "Volume by destination",
        "Volume",
        &[("volume_by_name", tables::by_name), ("volume_by_ip", tables::by_ip)],
    ),
    ("sources", "Volume by source", "Sources", &[("volume_by_src", tables::by_src)]),
    (
        "mix",
        "Protocols and ports",
        "Protocols and ports",
        &[("protocols", tables::protocols), ("ports", tables::ports)],
    ),
    ("conversations", "Conversations", "Conversations", &[("conversations", tables::conversations)]),
    ("dns", "DNS", "DNS", &[("dns_queries", tables::dns_queries), ("dns_queries", tables::dns_failures)]),
    ("captures", "Captures", "Captures", &[("captures", tables::captures)]),
];

/// The sections that a page has.
pub(super) fn sections(content: &PageContent) -> Vec<PageSection> {
    let section = |(id, heading, short, of): (&'static str, &'static str, &'static str, &[(&str, GridMaker)])| {
        let grids: Vec<Grid> =
            of.iter().filter(|(table, _)| content.has(table)).map(|(_, make)| make(content)).collect();
        (!grids.is_empty()).then_some(PageSection { id, heading, short, grids })
    };
    SECTIONS.into_iter().filter_map(section).collect()
}

/// The tables that the page would have and lacks, each with the reason.
pub(super) fn lacking(content: &PageContent) -> Vec<(&'static str, String)> {
    let is_shown = |name: &str| {
        let tables = SECTIONS.iter().flat_map(|(.., tables)| tables.iter().map(|(table, _)| *table));
        tables.chain([super::TRAFFIC]).any(|table| table == name)
    };
    let absent = content.absent.iter().filter(|absent| is_shown(absent.name));
    absent.map(|absent| (absent.name, absent.why.clone())).collect()
}
