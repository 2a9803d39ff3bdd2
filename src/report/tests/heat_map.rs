//! Laws of the hours by dates.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::day::Day;
use crate::report::{PageContent, html};
use crate::summary::Series;

use super::super::heat_map::HeatMap;
use super::sample::tracks;

/// The hours and columns of each shade, read back from its path.
fn cells(map: &HeatMap) -> BTreeMap<(i64, i64), usize> {
    let mut cells = BTreeMap::new();
    for shade in &map.shades {
        let mut at = (0, 0);
        for run in shade.path.split('m').skip(1) {
            let (right, rest) = run.split_once(' ').unwrap();
            let (down, length) = rest.split_once('h').unwrap();
            let [right, down, length] = [right, down, length].map(|number| number.parse::<i64>().unwrap());
            let (from, row) = (at.0 + right, at.1 + down);
            at = (from + length, row);
            for column in from..from + length {
                assert_eq!(cells.insert((row, column), shade.place), None);
            }
        }
    }
    cells
}

fn series(hours: Vec<(i32, [i64; 24])>) -> Series {
    Series { hours: hours.into_iter().map(|(day, hours)| (Day(day), hours)).collect(), ..Series::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_hour_with_bytes_has_a_shade_and_more_is_never_lighter(
        days in prop::collection::btree_map(0..300_i32, prop::array::uniform24(prop_oneof![Just(0_i64), 1..9_i64, 1..1_000_000_i64]), 1..40),
    ) {
        let first = i64::from(*days.keys().next().unwrap());
        let map = HeatMap::new(&series(days.clone().into_iter().collect())).unwrap();
        let cells = cells(&map);
        let mut shaded: Vec<(i64, usize)> = Vec::new();
        for (day, hours) in &days {
            for (hour, bytes) in (0..).zip(hours) {
                let shade = cells.get(&(hour, i64::from(*day) - first)).copied();
                prop_assert_eq!(shade.is_some(), *bytes > 0);
                shaded.extend(shade.map(|shade| (*bytes, shade)));
            }
        }
        prop_assert_eq!(shaded.len(), cells.len());
        shaded.sort_unstable();
        prop_assert!(shaded.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    }
}

/// As uneven as hours can be, three years are no larger than one.
#[test]
fn the_page_of_some_years_is_small() {
    for days in [365, 1096, 20_000] {
        let hour = |day: i32, hour: i32| i64::from((day * 24 + hour) % 5) * 1000 + 1;
        let of = |day: i32| (day, std::array::from_fn(|number| hour(day, i32::try_from(number).unwrap())));
        let protocols = tracks((0, 1), vec![(None, vec![1])]);
        let series = Series { protocols, ..series((0..days).map(of).collect()) };
        let map = HeatMap::new(&series).unwrap();
        let columns = cells(&map).keys().map(|(_, column)| *column).max().unwrap() + 1;
        assert!((180..=366).contains(&columns), "{columns}");
        let page = html(&PageContent { series, ..PageContent::default() }).unwrap();
        assert!(page.contains("Hours by dates") && page.len() < 250_000, "{}", page.len());
    }
    assert!(HeatMap::new(&Series::default()).is_none());
}
