//! Laws of the picture of the traffic.

use proptest::prelude::*;

use crate::summary::Series;

use super::super::scale::float;
use super::super::traffic::{OWN, ROWS, Traffic, UNITS};

/// The heights of the steps of a path along its top and along its floor, read back.
fn heights(path: &str) -> (Vec<i64>, Vec<i64>) {
    let steps = path.strip_suffix('Z').unwrap().split('V').skip(1).map(|step| step.split_once('h').unwrap());
    let (mut tops, mut floors) = (Vec::new(), Vec::new());
    for (y, run) in steps {
        let (run, side) = run.strip_prefix('-').map_or((run, &mut tops), |run| (run, &mut floors));
        side.extend(vec![UNITS - y.parse::<i64>().unwrap(); run.parse().unwrap()]);
    }
    floors.reverse();
    (tops, floors)
}

fn protocols(bins: usize, max: i64) -> impl Strategy<Value = Vec<(Option<String>, Vec<i64>)>> {
    let bytes = prop::collection::vec(prop_oneof![Just(0), 0..max], bins);
    prop::collection::vec((prop::option::of("[a-z]{1,5}"), bytes), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn layers_add_up(protocols in (1..80_usize).prop_flat_map(|bins| protocols(bins, 1 << 40))) {
        let series = Series { start: 0, bin: 1_000_000, protocols, untimed: (0, 0), ..Series::default() };
        let traffic = Traffic::new(&series);
        let expected: Vec<i64> =
            (0..traffic.bins).map(|bin| series.protocols.iter().map(|(_, bytes)| bytes[bin]).sum()).collect();
        prop_assert_eq!(&traffic.totals, &expected);
        prop_assert!(traffic.layers.len() <= OWN + 1);
        let of_layers = |bin: usize| traffic.layers.iter().map(|layer| layer.bytes[bin]).sum::<i64>();
        prop_assert_eq!((0..traffic.bins).map(of_layers).collect::<Vec<_>>(), expected.clone());
        let (_, rows) = traffic.coarse();
        prop_assert!(rows.len() <= ROWS);
        prop_assert_eq!(rows.iter().flat_map(|(_, bytes)| bytes).sum::<i64>(), expected.iter().sum::<i64>());
        // In the picture: each layer stands on the one below it, and the highest is as high as the totals say.
        let drawn: Vec<_> = traffic.layers.iter().map(|layer| heights(&traffic.path(layer))).collect();
        prop_assert!(drawn.windows(2).all(|pair| pair[0].0 == pair[1].1));
        prop_assert!(drawn.first().is_none_or(|(_, floors)| floors.iter().all(|floor| *floor == 0)));
        if let Some((highest, _)) = drawn.last() {
            prop_assert_eq!(highest.len(), traffic.bins);
            for (height, total) in highest.iter().zip(expected) {
                prop_assert!((float(*height) / 10_000.0 * traffic.axis.top - float(total)).abs() <= traffic.axis.top / 10_000.0);
            }
        }
    }
}

#[test]
fn one_bin_one_huge_value_and_two_thousand_bins_are_drawn() {
    let draw = |bin, bytes: Vec<i64>| {
        Traffic::new(&Series { start: 0, bin, protocols: vec![(None, bytes)], untimed: (7, 1), ..Series::default() })
    };
    let one = draw(1_000_000, vec![1000]);
    assert_eq!(one.path(&one.layers[0]), "M0 10000V0h1V10000h-1Z");
    assert_eq!(
        one.says(),
        "1970-01-01 00:00:00 to 1970-01-01 00:00:01 UTC, in bins of 1 s. Peak 1.00 kB/s in the bin from 1970-01-01 00:00:00 UTC."
    );
    assert_eq!(one.untimed().unwrap(), "1 packet (7 B) has no time and is not in the picture.");
    let huge = draw(1, vec![0, i64::MAX, 0, i64::MAX]);
    assert!(heights(&huge.path(&huge.layers[0])).0[1] > 3000, "{}", huge.path(&huge.layers[0]));
    assert_eq!(huge.sum, i64::MAX);
    let long = draw(60_000_000, (0..2000).collect());
    assert_eq!(heights(&long.path(&long.layers[0])).0.len(), 2000);
    assert!(long.coarse().1.len() <= ROWS && long.label(&long.layers[0]).is_some());
    let none = draw(0, vec![]);
    assert_eq!((none.bins, none.says().as_str(), none.ticks.len()), (0, "No packet has a time.", 1));
    assert!(none.label(&none.layers[0]).is_none());
}

#[test]
fn a_seventh_protocol_is_named_and_an_eighth_is_not() {
    let names = |count: usize| {
        let protocols = (0..count).map(|n| (Some(format!("P{n}")), vec![1])).collect();
        let layers = Traffic::new(&Series { start: 0, bin: 1, protocols, untimed: (0, 0), ..Series::default() }).layers;
        layers.last().unwrap().name.to_string()
    };
    assert_eq!([names(7), names(9)], ["P6", "(3 others)"]);
}
