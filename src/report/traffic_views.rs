//! The pictures of the traffic that a page has. One is seen at a time.

use crate::report::{PLOT_STYLE, clock, scale};
use crate::summary::Tracks;
use crate::text::thousands;

use askama::Template;

use super::content::PageContent;
use super::traffic::Traffic;
use super::traffic_kind::TrafficKind;
use super::traffic_kind::TrafficLayers::{Names, Protocols};
use super::traffic_kind::TrafficUnit::{Bytes, Packets};

/// The pictures in their order, and the files that have them. The style sheet has a rule for each place.
const KINDS: [(TrafficKind, &str); 4] = [
    (TrafficKind(Bytes, Protocols), "traffic.svg"),
    (TrafficKind(Packets, Protocols), "traffic-packets.svg"),
    (TrafficKind(Bytes, Names), "traffic-by-name.svg"),
    (TrafficKind(Packets, Names), "traffic-by-name-packets.svg"),
];

/// One picture.
pub(super) struct TrafficView {
    pub(super) plot: Traffic,
    /// The rows of the table below it.
    pub(super) numbers: Vec<TrafficRow>,
}

/// Some bins in a row.
pub(super) struct TrafficRow {
    /// When the first one begins.
    pub(super) time: String,
    /// For each layer and for all together an amount; exactly as well, if it is short.
    pub(super) amounts: Vec<(String, Option<String>)>,
}

/// The picture by itself.
#[derive(Template)]
#[template(path = "traffic.svg")]
struct Alone {
    style: &'static str,
    plot: Traffic,
    live: bool,
}

/// The pictures that there is something for; at least the first.
pub(super) fn views(content: &PageContent) -> Vec<TrafficView> {
    let view = |(plot, _)| TrafficView { numbers: numbers(&plot), plot };
    pictures(content).map(view).collect()
}

/// The same as files.
pub(super) fn files(content: &PageContent) -> impl Iterator<Item = (String, String)> {
    let alone = |(plot, file): (_, &str)| (file.to_owned(), Alone { style: PLOT_STYLE, plot, live: false }.to_string());
    pictures(content).map(alone)
}

fn pictures(content: &PageContent) -> impl Iterator<Item = (Traffic, &'static str)> {
    let tracks = |layers| -> Option<&Tracks> {
        match layers {
            Protocols => Some(&content.series.protocols),
            Names => content.names_by_date.as_ref().filter(|_| content.has("conversations")),
        }
    };
    KINDS.into_iter().filter_map(move |(kind, file)| Some((Traffic::new(tracks(kind.1)?, kind), file)))
}

fn numbers(plot: &Traffic) -> Vec<TrafficRow> {
    let cell = |amount: i64| match plot.kind.0 {
        Bytes => (scale::bytes(amount), Some(thousands(amount))),
        Packets => (thousands(amount), None),
    };
    let row = |(first, amounts): (usize, Vec<i64>)| {
        let sum = amounts.iter().fold(0_i64, |sum, amount| sum.saturating_add(*amount));
        let amounts = amounts.into_iter().chain([sum]).map(cell).collect();
        TrafficRow { time: clock::instant(plot.at(first)), amounts }
    };
    plot.coarse().1.into_iter().map(row).collect()
}
