//! Laws of the strip of captures.

use proptest::prelude::*;

use super::super::capture_times::{CaptureTimes, MOST};
use super::super::content::PageContent;
use super::super::coverage::Coverage;

fn times(captures: &[(i64, i64)]) -> CaptureTimes {
    let mut times = CaptureTimes::default();
    captures.iter().for_each(|(first, last)| times.add(*first, *last));
    times
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_strip_is_where_captures_are_whatever_their_order(
        captures in prop::collection::vec(
            (-1_000_000_000_000_i64..2_000_000_000_000_000, prop_oneof![Just(0), 0..1_000_000_i64, 0..10_000_000_000_000_i64]), 1..40,
        ),
        moment in 0..1000_i64,
    ) {
        let captures: Vec<_> = captures.into_iter().map(|(first, length)| (first, first + length)).collect();
        let held = times(&captures);
        let reversed: Vec<_> = captures.iter().rev().copied().collect();
        prop_assert_eq!(held.runs(), times(&reversed).runs());
        let (first, last) = (captures.iter().map(|ends| ends.0).min().unwrap(), captures.iter().map(|ends| ends.1).max().unwrap());
        // As fine as the number of bins allows.
        prop_assert!(held.bin() == 1 || (last - first) / (held.bin() / 2) >= MOST - 2);
        let runs = held.runs();
        prop_assert!(runs.first().unwrap().0 <= first && runs.last().unwrap().1 > last);
        prop_assert!(runs.windows(2).all(|pair| pair[0].1 == pair[1].0 && pair[0].2 != pair[1].2));
        prop_assert!(runs.len() <= usize::try_from(MOST).unwrap());
        let at = first + (last - first) / 1000 * moment;
        let count = runs.iter().find(|(from, to, _)| (*from..*to).contains(&at)).unwrap().2;
        let bin = held.bin();
        let near = captures.iter().filter(|(first, last)| first / bin <= at / bin + 1 && last / bin >= at / bin - 1).count();
        let sure = captures.iter().filter(|(first, last)| *first <= at - bin && *last >= at + bin).count();
        prop_assert!((sure as u64..=near as u64).contains(&count), "{sure} {count} {near}");
    }
}

#[test]
fn captures_that_follow_each_other_are_one_at_a_time() {
    let hour = 3_600_000_000;
    let day: Vec<_> = (0..24).filter(|n| *n != 17).map(|n| (n * hour, (n + 1) * hour - 2_000_000)).collect();
    let runs = times(&day).runs();
    // The ends of the missing hour are known to a bin, 2^27 microseconds.
    let [(_, from, 1), (_, to, 0), (_, _, 1)] = runs.as_slice() else { panic!("{runs:?}") };
    assert!((from - 17 * hour).abs() < 1 << 27 && (to - 18 * hour).abs() < 1 << 27, "{runs:?}");
}

#[test]
fn extreme_times_have_a_strip() {
    for captures in
        [&[(i64::MIN, i64::MAX)][..], &[(i64::MAX, i64::MAX), (i64::MIN, i64::MIN)], &[(7, 3)], &[(0, 0); 3], &[]]
    {
        let content = PageContent { capture_times: times(captures), ..PageContent::default() };
        let strip = Coverage::new(&content);
        assert_eq!(strip.is_empty(), captures.is_empty());
        assert!(!strip.path().contains('-') && !strip.says().is_empty());
    }
}
