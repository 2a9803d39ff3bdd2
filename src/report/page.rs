//! The page, and the picture of the traffic by itself.

use askama::Template;

use crate::config::LengthKind;
use crate::report::{PLOT_STYLE, TRAFFIC, advice, clock, grid, scale, tables};
use crate::text::thousands;

use super::advice::Dwarfing;
use super::content::PageContent;
use super::coverage::Coverage;
use super::grid::Cell;
use super::heat_map::HeatMap;
use super::scale::{count, saturated};
use super::sections::{PageSection, lacking, sections};
use super::stands_out::{RULES, StandsOut, Words};
use super::text::Printable;
use super::traffic::Traffic;

/// How the page looks; with the style of the pictures.
pub(super) const STYLE: &str =
    concat!(include_str!("../../templates/page.css"), include_str!("../../templates/plot.css"));
/// The scripts that zoom the plot of the traffic, and sort and filter tables.
pub(super) const SCRIPT: &str =
    concat!(include_str!("../../templates/page.js"), include_str!("../../templates/tables.js"));
/// Their SHA-256 in base64. The page allows only this script and this style.
pub(super) const STYLE_HASH: &str = "K11c+hRrU3zXJRly32ELxwoE4gWOdrs2GqciQMqzCPI=";
pub(super) const SCRIPT_HASH: &str = "DeEaBl6mW+ceaqmjD/u4v6/ZJWptsDw6/wyNsX4MMZs=";

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
    plot: Traffic,
    /// The most packets a second.
    packets: Option<String>,
    /// The hours of each date, of long lakes.
    heat_map: Option<HeatMap>,
    /// Whether the plot holds the data that the script reads.
    live: bool,
    numbers: Vec<(String, Vec<[String; 2]>)>,
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
        let plot = Traffic::new(&content.series);
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
            numbers: tables::traffic(&plot),
            plot,
            filter: Some(&content.words.filter)
                .filter(|filter| !filter.is_empty())
                .map(|filter| Printable::new(filter)),
            lacking: lacking(content),
            stands_out: StandsOut::new(content, &RULES),
            coverage: Coverage::new(content),
            has_traffic: content.has(TRAFFIC),
            packets: most_packets(content),
            heat_map: HeatMap::new(&content.series),
            sections: sections(content),
            has_captures: content.has("captures"),
        }
    }
}

/// The bin with the most packets, and how many they are a second.
fn most_packets(content: &PageContent) -> Option<String> {
    let series = &content.series;
    let bins = series.packets.iter().enumerate();
    // Where several have as many, the first.
    let (place, most) =
        bins.reduce(|most, bin| if bin.1 > most.1 { bin } else { most }).filter(|(_, most)| **most > 0)?;
    let a_second = scale::float(*most) * 1e6 / scale::float(series.bin.max(1));
    let from = saturated(place).saturating_mul(series.bin).saturating_add(series.start);
    Some(format!("Most packets: {} a second, in the bin from {} UTC.", scale::times(a_second), clock::instant(from)))
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

/// The picture of the traffic by itself.
#[derive(Template)]
#[template(path = "traffic.svg")]
pub(super) struct Alone {
    style: &'static str,
    plot: Traffic,
    live: bool,
}

impl Alone {
    pub(super) fn new(content: &PageContent) -> Self {
        Self { style: PLOT_STYLE, plot: Traffic::new(&content.series), live: false }
    }
}
