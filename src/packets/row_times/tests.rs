//! Laws of the times of rows.

use proptest::prelude::*;

use crate::capture::Resolution;

use super::*;

/// A time of a capture that counts in microseconds, in nanoseconds, in any other unit; or none.
fn any_time() -> impl Strategy<Value = Option<Timestamp>> {
    let unit = prop::sample::select(vec![0, 3, 6, 9, 12, 18, 20, 127, 0x80 | 10, 0x80 | 30, 0x80 | 70]);
    let far = prop::sample::select(vec![-62_135_596_800, -9_223_372_037, -1, 0, 9_300_000_000, 253_402_300_799]);
    prop_oneof![
        4 => (1_699_999_999_000_000..1_700_000_000_000_000_i64).prop_map(|micros| Some(Timestamp::from_micros(micros))),
        1 => (any::<u32>(), any::<u32>(), any::<bool>()).prop_map(|(s, f, nanos)| Some(Timestamp::from_pcap(s, f, nanos))),
        1 => (any::<u64>(), unit).prop_map(|(ticks, unit)| Timestamp::from_pcapng(ticks, Resolution(unit), 0)),
        1 => (0..1_000_000_000_u64, far).prop_map(|(ticks, s)| Timestamp::from_pcapng(ticks, Resolution(9), s)),
        1 => Just(None),
    ]
}

fn bits(times: Times) -> [u64; 3] {
    // A NaN stands for null, whichever it is.
    let double = |double: f64| if double.is_nan() { u64::MAX } else { double.to_bits() };
    [times.datetime.cast_unsigned(), double(times.time), double(times.time_normed)]
}

fn columns(times: &RowTimes, range: Range<usize>) -> Vec<[u64; 3]> {
    let (mut datetimes, mut seconds, mut normed) = (Vec::new(), Vec::new(), Vec::new());
    times.datetimes(range.clone(), &mut datetimes).unwrap();
    times.seconds(range.clone(), &mut seconds).unwrap();
    times.normed(range, &mut normed).unwrap();
    let rows = datetimes.into_iter().zip(seconds).zip(normed);
    rows.map(|((datetime, time), time_normed)| bits(Times { datetime, time, time_normed })).collect()
}

proptest! {
    /// Law: whatever the times of the other rows are, the columns of a row are those that its own time gives, and the first one of
    /// its capture; of any stretch of rows; and as well after rows of a part have followed.
    #[test]
    fn columns_follow_from_each_time_alone(
        captures in prop::collection::vec((any_time(), prop::collection::vec(any_time(), 0..20)), 1..6),
        is_fine in any::<bool>(),
        cut in prop::array::uniform2(any::<prop::sample::Index>()),
    ) {
        let unit = if is_fine { TimestampUnit::Ns } else { TimestampUnit::Us };
        let (mut times, mut expected, mut micros) = (RowTimes::new(unit), Vec::new(), Vec::new());
        for (first, capture) in &captures {
            times.count_from(*first);
            for time in capture {
                times.push(*time);
                expected.push(bits(Times::of(*time, *first, unit)));
                micros.push(time.map_or(NO_DATETIME, Timestamp::micros));
                let row = expected.len() - 1;
                prop_assert_eq!(times.exact(row), Some((*time, *first)));
            }
        }
        let rows = expected.len();
        let cut = cut.map(|cut| cut.index(rows + 1));
        let (start, end) = (cut[0].min(cut[1]), cut[0].max(cut[1]));
        prop_assert_eq!(columns(&times, start..end), &expected[start..end]);
        prop_assert_eq!(times.micros(), &micros);
        prop_assert!(times.datetimes(0..rows + 1, &mut Vec::new()).is_none());
        prop_assert!(times.normed(0..rows + 1, &mut Vec::new()).is_none());
        times.grow_given(rows + 1);
        let given = Times::of(Some(Timestamp::from_micros(1_500_000)), Some(Timestamp::from_micros(0)), unit);
        times.given_mut()[rows] = given;
        times.settle();
        expected.push(bits(given));
        micros.push(1_500_000);
        let (first, time) = (captures[0].0, Timestamp::from_pcap(7, 999, true));
        times.count_from(first);
        times.push(Some(time));
        expected.push(bits(Times::of(Some(time), first, unit)));
        micros.push(7_000_000);
        prop_assert_eq!(columns(&times, 0..rows + 2), expected);
        prop_assert_eq!(times.micros(), &micros);
        times.clear();
        times.count_from(first);
        times.push(Some(time));
        prop_assert_eq!(columns(&times, 0..1), [bits(Times::of(Some(time), first, unit))]);
    }
}

/// The least and the greatest number of nanoseconds that the column holds, and those beside them. The least of 64 bits stands for null.
#[test]
fn times_at_the_ends_of_nanoseconds_are_kept_to_the_last_one() {
    let second = 1_000_000_000;
    for nanos in [i64::MIN + 1, i64::MIN + 807, i64::MIN + 808, i64::MIN + 809, i64::MAX - 1, i64::MAX] {
        let ticks = nanos.rem_euclid(second).unsigned_abs();
        let mut times = RowTimes::new(TimestampUnit::Ns);
        times.count_from(None);
        times.push(Timestamp::from_pcapng(ticks, Resolution(9), nanos.div_euclid(second)));
        let mut datetimes = Vec::new();
        times.datetimes(0..1, &mut datetimes).unwrap();
        assert_eq!(datetimes, [nanos]);
    }
}
