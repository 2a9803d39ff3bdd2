//! Laws of the picture of the traffic.

use proptest::prelude::*;

use crate::summary::{Track, Tracks};

use super::super::scale::float;
use super::super::traffic::{OWN, ROWS, Traffic, UNITS};
use super::super::traffic_kind::TrafficKind;
use super::super::traffic_kind::TrafficLayers::{Names, Protocols};
use super::super::traffic_kind::TrafficUnit::{Bytes, Packets};
use super::sample::tracks;

/// The heights of the steps of an area on the ground, read back.
fn heights(path: &str) -> Vec<i64> {
    let ground = format!("V{UNITS}Z");
    let steps = path.strip_prefix(&format!("M0 {UNITS}")).unwrap().strip_suffix(&ground).unwrap();
    let step = |step: &str| {
        let (y, run) = step.split_once('h').unwrap();
        vec![UNITS - y.parse::<i64>().unwrap(); run.parse().unwrap()]
    };
    steps.split('V').skip(1).flat_map(step).collect()
}

fn several(bins: usize, max: i64) -> impl Strategy<Value = Tracks> {
    let numbers = move || prop::collection::vec(prop_oneof![Just(0), 0..max], bins);
    let track = move || (numbers(), numbers()).prop_map(|(bytes, packets)| Track { bytes, packets });
    let each = prop::collection::vec((prop::option::of("[a-z]{1,5}"), track()), 0..12);
    (each, prop_oneof![Just(0), 1..9_u64], track()).prop_map(move |(each, others, rest)| {
        let rest = if others == 0 { Track::default() } else { rest };
        Tracks { start: 0, bin: 1_000_000, bins, each, others: (others, rest), untimed: (0, 0) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn layers_add_up(
        tracks in (1..80_usize).prop_flat_map(|bins| several(bins, 1 << 40)),
        unit in prop_oneof![Just(Bytes), Just(Packets)],
        of in prop_oneof![Just(Protocols), Just(Names)],
    ) {
        let kind = TrafficKind(unit, of);
        let traffic = Traffic::new(&tracks, kind);
        let all = tracks.each.iter().map(|(_, track)| track).chain([&tracks.others.1]);
        let all: Vec<&Vec<i64>> = all.map(|track| if unit == Bytes { &track.bytes } else { &track.packets }).collect();
        let expected: Vec<i64> =
            (0..traffic.bins).map(|bin| all.iter().filter_map(|amounts| amounts.get(bin)).sum()).collect();
        prop_assert_eq!(&traffic.totals, &expected);
        prop_assert!(traffic.layers.len() <= OWN + 1);
        // Who has no layer of its own is counted in the last one.
        let shown = traffic.layers.iter().filter(|layer| !layer.name.to_string().ends_with("others)")).count();
        let left = tracks.each.len() as u64 + tracks.others.0 - shown as u64;
        let said = traffic.layers.last().map(|layer| layer.name.to_string()).filter(|name| name.ends_with("others)"));
        prop_assert_eq!(said, (left > 0).then(|| format!("({left} others)")));
        let of_layers = |bin: usize| traffic.layers.iter().map(|layer| layer.amounts[bin]).sum::<i64>();
        prop_assert_eq!((0..traffic.bins).map(of_layers).collect::<Vec<_>>(), expected.clone());
        let (_, rows) = traffic.coarse();
        prop_assert!(rows.len() <= ROWS);
        prop_assert_eq!(rows.iter().flat_map(|(_, amounts)| amounts).sum::<i64>(), expected.iter().sum::<i64>());
        // In the picture: each area is as high as its layer and those below it.
        let (mut sums, mut below) = (vec![0; traffic.bins], Vec::new());
        for layer in &traffic.layers {
            sums.iter_mut().zip(&layer.amounts).for_each(|(sum, amount)| *sum += amount);
            let path = traffic.path(layer);
            let drawn = if path.is_empty() { below } else { heights(&path) };
            prop_assert_eq!(drawn.len(), traffic.bins);
            below = drawn.clone();
            for (height, sum) in drawn.into_iter().zip(&sums) {
                let (drawn, exact) = (float(height) / float(UNITS) * traffic.axis.top, float(*sum));
                prop_assert!((drawn - exact).abs() <= traffic.axis.top / float(UNITS), "{} {}", drawn, exact);
            }
            let read: Vec<_> = traffic.list(layer).split(' ').map(|digits| i64::from_str_radix(digits, 36).unwrap()).collect();
            prop_assert_eq!(&read, &layer.amounts);
        }
        prop_assert_eq!(sums, expected);
    }
}

#[test]
fn one_bin_one_huge_value_and_two_thousand_bins_are_drawn() {
    let bytes_by_protocol = TrafficKind(Bytes, Protocols);
    let draw = |bin, bytes: Vec<i64>| {
        Traffic::new(&Tracks { untimed: (7, 1), ..tracks((0, bin), vec![(None, bytes)]) }, bytes_by_protocol)
    };
    let one = draw(1_000_000, vec![1000]);
    assert_eq!(one.path(&one.layers[0]), "M0 1000V0h1V1000Z");
    assert_eq!(
        one.says(),
        "1970-01-01 00:00:00 to 1970-01-01 00:00:01 UTC, in bins of 1 s. Peak 1.00 kB/s in the bin from 1970-01-01 00:00:00 UTC."
    );
    assert_eq!(one.untimed().unwrap(), "1 packet (7 B) has no time and is not in the picture.");
    let huge = draw(1, vec![0, i64::MAX, 0, i64::MAX]);
    assert!(heights(&huge.path(&huge.layers[0]))[1] > 300, "{}", huge.path(&huge.layers[0]));
    assert_eq!(huge.sum, i64::MAX);
    let long = draw(60_000_000, (0..2000).collect());
    assert_eq!(heights(&long.path(&long.layers[0])).len(), 2000);
    assert!(long.coarse().1.len() <= ROWS && long.label(&long.layers[0]).is_some());
    // A series has a bin even where nothing was added.
    let nothing = Tracks { bins: 1, bin: 1_000_000, ..Tracks::default() };
    assert_eq!(Traffic::new(&nothing, bytes_by_protocol).says(), "No packet has a time.");
    let none = draw(0, vec![]);
    assert_eq!((none.bins, none.says().as_str(), none.ticks.len()), (0, "No packet has a time.", 1));
    assert!(none.label(&none.layers[0]).is_none());
}

#[test]
fn packets_are_counted_and_not_measured() {
    let two = tracks((0, 2_000_000), vec![(Some("TCP".to_owned()), vec![0, 702 * 3000]), (None, vec![702, 0])]);
    let traffic = Traffic::new(&two, TrafficKind(Packets, Protocols));
    assert!(traffic.says().ends_with("in bins of 2 s. Peak 1,500 packets/s in the bin from 1970-01-01 00:00:02 UTC."));
    let marks: Vec<_> = traffic.marks().into_iter().map(|(label, _)| label).collect();
    assert_eq!(marks.join(", "), "0/s, 500/s, 1 k/s, 1.5 k/s");
    assert_eq!(traffic.kind.amount(traffic.layers[0].sum), "3,000 packets");
}

#[test]
fn layers_of_names_have_the_words_of_the_table_of_names() {
    let named = |name: &str| (Some(name.to_owned()), vec![1]);
    let names = tracks((0, 1), vec![named("www.example.com."), named("N/A"), (None, vec![1])]);
    let layers = Traffic::new(&names, TrafficKind(Bytes, Names)).layers;
    let words: Vec<_> = layers.iter().map(|layer| (layer.name.to_string(), layer.words)).collect();
    let expected = [("www.example.com.", false), ("(no name)", true), ("(no address)", true)];
    assert_eq!(words, expected.map(|(name, words)| (name.to_owned(), words)));
}

#[test]
fn a_seventh_protocol_is_named_and_an_eighth_is_not() {
    let names = |count: usize, others| {
        let each = (0..count).map(|n| (Some(format!("P{n}")), vec![1])).collect();
        let all = Tracks { others: (others, Track::default()), ..tracks((0, 1), each) };
        let layers = Traffic::new(&all, TrafficKind(Bytes, Protocols)).layers;
        layers.last().unwrap().name.to_string()
    };
    assert_eq!([names(7, 0), names(9, 0), names(7, 1)], ["P6", "(3 others)", "(2 others)"]);
}
