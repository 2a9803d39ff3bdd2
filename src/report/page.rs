//! The page.

use askama::Template;

use crate::config::LengthKind;
use crate::report::{TRAFFIC, advice, scale};
use crate::text::thousands;

use super::advice::Dwarfing;
use super::content::PageContent;
use super::coverage::Coverage;
use super::grid::{self, Cell};
use super::heat_map::HeatMap;
use super::scale::{count, saturated};
use super::sections::{PageSection, lacking, sections};
use super::stands_out::{RULES, StandsOut, Words};
use super::text::Printable;
use super::traffic_views::{TrafficView, views};

/// How the page looks; with the style of the pictures.
pub(super) const STYLE: &str =
    concat!(include_str!("../../templates/page.css"), include_str!("../../templates/plot.css"));
/// The scripts that zoom the plot of the traffic, and sort and filter tables.
pub(super) const SCRIPT: &str =
    concat!(include_str!("../../templates/page.js"), include_str!("../../templates/tables.js"));
/// Their SHA-256 in base64. The page allows only this script and this style.
pub(super) const STYLE_HASH: &str = "kvzktH1s3toTkVS1RKP1drj+95l572sirhCDZMVJM6Q=";
pub(super) const SCRIPT_HASH: &str = "Spn3DowYmnqULfgow6/soSuiZp7st6+qWd4nWebom4I=";

/// The page.
#[derive(Template)]
#[template(path = "page.html")]
pub(super) struct Page {
    style: &'static str,
    style_hash: &'static str,
    script: &'static str,
    script_hash: &'static str,
    title: Printable,
    /// The path of the lake as given, where that is not the title.
    lake: Option<Printable>,
    dates: Option<(Printable, Printable)>,
    made: Printable,
    facts: Vec<Fact>,
    damage: DamageRow,
    on_wire: bool,
    dwarfing: Vec<Dwarfing>,
    more_dwarfing: Option<String>,
    /// The options of the filter, if there is one.
    filter: Option<Printable>,
    /// Tables that the page lacks, and why.
    lacking: Vec<(&'static str, String)>,
    stands_out: StandsOut,
    coverage: Coverage,
    /// Whether the page has the traffic over time.
    has_traffic: bool,
    /// The pictures of it.
    views: Vec<TrafficView>,
    /// The hours of each date, of long lakes.
    heat_map: Option<HeatMap>,
    /// Whether pictures hold the data that the script reads.
    live: bool,
    sections: Vec<PageSection>,
    /// Whether it has the table of captures.
    has_captures: bool,
}

/// One number of the header.
struct Fact {
    name: &'static str,
    value: String,
    exact: Option<String>,
}

/// What is wrong with the captures, at a glance.
struct DamageRow {
    class: &'static str,
    sign: &'static str,
    text: String,
}

impl Page {
    pub(super) fn new(content: &PageContent) -> Self {
        let dates = content.dates.as_ref();
        let (dwarfing, more_dwarfing) = advice::dwarfing(content);
        Self {
            style: STYLE,
            style_hash: STYLE_HASH,
            script: SCRIPT,
            script_hash: SCRIPT_HASH,
            title: Printable::new(content.title.as_ref().unwrap_or(&content.lake)),
            lake: content.title.is_some().then(|| Printable::new(&content.lake)),
            dates: dates.map(|(first, last)| (Printable::new(first), Printable::new(last))),
            made: Printable::new(&content.made),
            facts: facts(content),
            damage: damage(content),
            on_wire: content.length == LengthKind::Wire,
            dwarfing,
            more_dwarfing,
            live: true,
            filter: Some(&content.words.filter)
                .filter(|filter| !filter.is_empty())
                .map(|filter| Printable::new(filter)),
            lacking: lacking(content),
            stands_out: StandsOut::new(content, &RULES),
            coverage: Coverage::new(content),
            has_traffic: content.has(TRAFFIC),
            views: views(content),
            heat_map: HeatMap::new(&content.series),
            sections: sections(content),
            has_captures: content.has("captures"),
        }
    }

    /// What is said in place of the pictures of the traffic, if no packet has a time.
    fn no_traffic(&self) -> Option<String> {
        let first = self.views.first()?;
        (first.plot.bins == 0).then(|| first.plot.says())
    }
}

fn facts(content: &PageContent) -> Vec<Fact> {
    let fact = |name, value, exact| Fact { name, value, exact };
    let exact = grid::exact(content.bytes);
    let number = |number: u64| thousands(saturated(number));
    vec![
        fact("Packets", thousands(content.packets), None),
        fact("Volume", scale::bytes(content.bytes), Some(exact)),
        fact("Captures", number(content.captures), None),
        fact("Damaged", number(content.damaged), None),
        fact("Refused", number(content.refused), None),
    ]
}

fn damage(content: &PageContent) -> DamageRow {
    let captures = |number: i64| count(number, "capture", "captures");
    let is = |number: i64| if number == 1 { "is" } else { "are" };
    let (damaged, refused) = (saturated(content.damaged), saturated(content.refused));
    let text = match (damaged, refused) {
        (0, 0) => return DamageRow { class: "whole", sign: "✓", text: "No capture is damaged.".to_owned() },
        (_, 0) => format!("{} {} damaged; packets up to the fault are here.", captures(damaged), is(damaged)),
        (0, _) => format!("{} {} refused, and not here.", captures(refused), is(refused)),
        _ => format!(
            "{} {} damaged, packets up to the fault are here; {} {} refused, and not here.",
            captures(damaged),
            is(damaged),
            thousands(refused),
            is(refused),
        ),
    };
    DamageRow { class: if refused > 0 { "refused" } else { "damaged" }, sign: "▲", text }
}
