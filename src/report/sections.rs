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

/// A section that a page has if it has one of its tables.
struct PlannedSection {
    id: &'static str,
    heading: &'static str,
    short: &'static str,
    /// The summary tables, and what makes the tables of the page of them.
    of: &'static [(&'static str, GridMaker)],
}

/// The sections in their order.
const SECTIONS: [PlannedSection; 6] = [
    PlannedSection {
        id: "volume",
        heading: "Volume by destination",
        short: "Volume",
        of: &[("volume_by_name", tables::by_name), ("volume_by_ip", tables::by_ip)],
    },
    PlannedSection {
        id: "sources",
        heading: "Volume by source",
        short: "Sources",
        of: &[("volume_by_src", tables::by_src)],
    },
    PlannedSection {
        id: "mix",
        heading: "Protocols and ports",
        short: "Protocols and ports",
        of: &[("protocols", tables::protocols), ("ports", tables::ports)],
    },
    PlannedSection {
        id: "conversations",
        heading: "Conversations",
        short: "Conversations",
        of: &[("conversations", tables::conversations)],
    },
    PlannedSection {
        id: "dns",
        heading: "DNS",
        short: "DNS",
        of: &[("dns_queries", tables::dns_queries), ("dns_queries", tables::dns_failures)],
    },
    PlannedSection { id: "captures", heading: "Captures", short: "Captures", of: &[("captures", tables::captures)] },
];

/// The sections that a page has.
pub(super) fn sections(content: &PageContent) -> Vec<PageSection> {
    let section = |planned: &PlannedSection| {
        let PlannedSection { id, heading, short, of } = planned;
        let grids: Vec<Grid> =
            of.iter().filter(|(table, _)| content.has(table)).map(|(_, make)| make(content)).collect();
        (!grids.is_empty()).then_some(PageSection { id, heading, short, grids })
    };
    SECTIONS.iter().filter_map(section).collect()
}

/// The tables that the page would have and lacks, each with the reason.
pub(super) fn lacking(content: &PageContent) -> Vec<(&'static str, String)> {
    let is_shown = |name: &str| {
        let tables = SECTIONS.iter().flat_map(|section| section.of.iter().map(|(table, _)| *table));
        tables.chain([super::TRAFFIC]).any(|table| table == name)
    };
    let absent = content.absent.iter().filter(|absent| is_shown(absent.name));
    absent.map(|absent| (absent.name, absent.why.clone())).collect()
}
