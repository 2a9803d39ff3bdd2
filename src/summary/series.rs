//! Traffic over time in equal bins, for a plot: few enough to be drawn, whatever the time span.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::aggregate::{Measure, Sums};
use crate::day::Day;

use super::key::KeyReader;
use super::pauses::{PauseFinder, Pauses};
use super::rows::protocol;

/// A series of more days than this has the bytes of each hour.
pub const DAYS_OF_HOURS: i64 = 14;
const MICROS_PER_HOUR: i64 = 3_600_000_000;
const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;
/// The most bins.
pub const MAX_BINS: i64 = 1500;
/// Windows that one bin may hold. With windows of a second, the bins are usual numbers of seconds, minutes, hours and
/// days.
const WINDOWS: [i64; 20] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000];

/// Traffic over time in equal bins. Bins without packets are included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// Start of the first bin, in microseconds since the Unix epoch: a multiple of a bin's length.
    pub start: i64,
    /// Length of a bin in microseconds.
    pub bin: i64,
    /// Bytes in each bin, by protocol as the packets table names it (none: packets without an IP header), the largest
    /// protocol first. All have the same length, up to [`MAX_BINS`].
    pub protocols: Vec<(Option<String>, Vec<i64>)>,
    /// Packets in each bin.
    pub packets: Vec<i64>,
    /// Bytes and packets of the packets without a time, which are in no bin.
    pub untimed: (i64, i64),
    /// The longest stretches without packets.
    pub pauses: Pauses,
    /// Bytes of each hour of the dates that have packets, in order; only if the series is of more than [`DAYS_OF_HOURS`] days and no window
    /// is longer than an hour.
    pub hours: Vec<(Day, [i64; 24])>,
}

impl Series {
    /// Bytes of all protocols in each bin.
    #[must_use]
    pub fn totals(&self) -> Vec<i64> {
        let mut totals = vec![0_i64; self.packets.len()];
        for (_, bytes) in &self.protocols {
            totals.iter_mut().zip(bytes).for_each(|(total, bytes)| *total = total.saturating_add(*bytes));
        }
        totals
    }
}

/// A series while it is added up.
#[derive(Clone, Debug)]
pub struct Bins {
    start: i64,
    bin: i64,
    bins: usize,
    /// By protocol number.
    protocols: BTreeMap<u16, Vec<i64>>,
    packets: Vec<i64>,
    untimed: Sums,
    pauses: PauseFinder,
    /// By day since the Unix epoch, if they are wanted.
    hours: Option<BTreeMap<i64, [i64; 24]>>,
}

impl Bins {
    /// Bins for windows of `window` microseconds from that of `first` to that of `last`.
    #[must_use]
    pub fn new(window: i64, first: i64, last: i64) -> Self {
        let range = last.saturating_sub(first).max(0);
        let fits = |windows: &i64| range / window.saturating_mul(*windows) < MAX_BINS - 1;
        // For longer times, as many windows as needed.
        let windows = WINDOWS.into_iter().find(fits).unwrap_or_else(|| range / window / (MAX_BINS - 2) + 1);
        let bin = window.saturating_mul(windows);
        let start = first - first.rem_euclid(bin);
        let bins = usize::try_from((last - start).max(0) / bin + 1).unwrap_or(1);
        let has_hours = range > DAYS_OF_HOURS * MICROS_PER_DAY && window <= MICROS_PER_HOUR;
        Self {
            start,
            bin,
            bins,
            protocols: BTreeMap::new(),
            packets: vec![0; bins],
            untimed: Sums::default(),
            pauses: PauseFinder::new(window),
            hours: has_hours.then(BTreeMap::new),
        }
    }

    /// Adds a window. Windows come in the order of time. A window outside counts in the first or the last bin.
    pub(super) fn add(&mut self, key: &[u8], sums: Sums) {
        let mut reader = KeyReader(key);
        let Some(start) = reader.time() else {
            return self.untimed.merge(&sums, Measure::Add);
        };
        let place = usize::try_from((start - self.start).max(0) / self.bin).unwrap_or(0).min(self.bins - 1);
        let bins = self.bins;
        let column = self.protocols.entry(reader.protocol()).or_insert_with(|| vec![0; bins]);
        if let Some(bytes) = column.get_mut(place) {
            *bytes = bytes.saturating_add(sums.bytes);
        }
        if let Some(packets) = self.packets.get_mut(place) {
            *packets = packets.saturating_add(sums.packets);
        }
        self.pauses.add(start);
        if let Some(hours) = &mut self.hours {
            let hours = hours.entry(start.div_euclid(MICROS_PER_DAY)).or_default();
            let hour = usize::try_from(start.rem_euclid(MICROS_PER_DAY) / MICROS_PER_HOUR).unwrap_or(0);
            hours.iter_mut().skip(hour).take(1).for_each(|bytes| *bytes = bytes.saturating_add(sums.bytes));
        }
    }

    /// All that was added.
    #[must_use]
    pub fn into_series(self) -> Series {
        let total = |bins: &[i64]| bins.iter().fold(0_i64, |sum, bytes| sum.saturating_add(*bytes));
        let mut columns: Vec<_> = self.protocols.into_iter().collect();
        columns.sort_by_key(|(number, bins)| (Reverse(total(bins)), *number));
        Series {
            start: self.start,
            bin: self.bin,
            protocols: columns
                .into_iter()
                .map(|(number, bins)| (protocol(number).map(Cow::into_owned), bins))
                .collect(),
            packets: self.packets,
            untimed: (self.untimed.bytes, self.untimed.packets),
            pauses: self.pauses.into_pauses(),
            hours: self.hours.into_iter().flatten().filter_map(|(day, hours)| Some((day_of(day)?, hours))).collect(),
        }
    }
}

fn day_of(number: i64) -> Option<Day> {
    i32::try_from(number).ok().map(Day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::key::Key;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_byte_is_in_a_bin_and_there_are_few(
            window in prop_oneof![Just(1000_i64), Just(1_000_000), Just(7_000_000), Just(86_400_000_000)],
            first in -62_135_596_800_000_000..253_402_300_799_000_000_i64,
            times in prop::collection::vec((prop_oneof![0..10_000_000_i64, 0..1_000_000_000_000_i64, 0..1_000_000_000_000_000_i64], 0..1000_i64, 0..3_u16), 1..50),
        ) {
            let last = times.iter().map(|(time, ..)| first + time).max().unwrap();
            let mut series = Bins::new(window, first, last);
            let bins = series.bins;
            prop_assert!((1..=MAX_BINS).contains(&i64::try_from(bins).unwrap()), "{bins} bins");
            for (time, bytes, protocol) in &times {
                let start = first + time - (first + time).rem_euclid(window);
                series.add(Key::default().time(Some(start)).protocol(*protocol).bytes(), Sums::of(*bytes, 1));
            }
            let series = series.into_series();
            prop_assert_eq!((series.start.rem_euclid(series.bin), series.bin % window), (0, 0));
            let sum: i64 = series.protocols.iter().flat_map(|(_, bins)| bins).sum();
            prop_assert_eq!(sum, times.iter().map(|(_, bytes, _)| bytes).sum::<i64>());
            prop_assert!(series.protocols.iter().all(|(_, held)| held.len() == bins));
            prop_assert_eq!(series.totals().iter().sum::<i64>(), sum);
            let packets: i64 = series.packets.iter().sum();
            prop_assert_eq!((series.packets.len(), packets), (bins, i64::try_from(times.len()).unwrap()));
            let hours: i64 = series.hours.iter().flat_map(|(_, hours)| hours).sum();
            prop_assert!(hours == sum || series.hours.is_empty());
        }
    }
}
