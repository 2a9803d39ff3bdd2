//! Traffic over time by protocol, with its pauses and, of long times, its hours.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::aggregate::{Measure, Sums};
use crate::day::Day;

use super::key::KeyReader;
use super::pauses::{PauseFinder, Pauses};
use super::rows::protocol;
use super::tracks::{BinScale, DAYS_OF_HOURS, MICROS_PER_DAY, Track, Tracks};

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// Traffic over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// What was sent by protocol as the packets table names it; none: packets without an IP header.
    pub protocols: Tracks,
    /// The longest stretches without packets.
    pub pauses: Pauses,
    /// Bytes of each hour of the dates that have packets, in order; only if the series is of more than [`DAYS_OF_HOURS`] days and no window
    /// is longer than an hour.
    pub hours: Vec<(Day, [i64; 24])>,
}

/// A series while it is added up.
#[derive(Clone, Debug)]
pub struct Bins {
    scale: BinScale,
    /// By protocol number.
    protocols: BTreeMap<u16, Track>,
    untimed: Sums,
    pauses: PauseFinder,
    /// By day since the Unix epoch, if they are wanted.
    hours: Option<BTreeMap<i64, [i64; 24]>>,
}

impl Bins {
    /// Bins for windows of `window` microseconds from that of `first` to that of `last`.
    #[must_use]
    pub fn new(window: i64, first: i64, last: i64) -> Self {
        let has_hours = last.saturating_sub(first) > DAYS_OF_HOURS * MICROS_PER_DAY && window <= MICROS_PER_HOUR;
        Self {
            scale: BinScale::new(window, first, last),
            protocols: BTreeMap::new(),
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
        let (place, bins) = (self.scale.place(start), self.scale.bins);
        let track = self.protocols.entry(reader.protocol()).or_insert_with(|| Track::new(bins));
        track.add(place, sums.bytes, sums.packets);
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
        let mut tracks: Vec<_> = self.protocols.into_iter().collect();
        tracks.sort_by_key(|(number, track)| (Reverse(track.sums()), *number));
        let named = |(number, track)| (protocol(number).map(Cow::into_owned), track);
        let BinScale { start, bin, bins } = self.scale;
        Series {
            protocols: Tracks {
                start,
                bin,
                bins,
                each: tracks.into_iter().map(named).collect(),
                others: (0, Track::default()),
                untimed: (self.untimed.bytes, self.untimed.packets),
            },
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
            let (bins, scale) = (series.scale.bins, series.scale);
            // More than a fortnight has the hours besides.
            let most = if last - first > 14 * 86_400_000_000 { 900 } else { 1500 };
            prop_assert!((1..=most).contains(&bins), "{bins} bins");
            let places: Vec<_> = (0..=bins).map(|bin| scale.place(scale.start + i64::try_from(bin).unwrap() * scale.bin)).collect();
            prop_assert!(places.iter().enumerate().all(|(bin, place)| *place == bin.min(bins - 1)));
            prop_assert!(scale.place(first) == 0 && scale.place(last) == bins - 1 && scale.place(i64::MIN) == 0);
            for (time, bytes, protocol) in &times {
                let start = first + time - (first + time).rem_euclid(window);
                series.add(Key::default().time(Some(start)).protocol(*protocol).bytes(), Sums::of(*bytes, 1));
            }
            let series = series.into_series();
            let tracks = &series.protocols;
            prop_assert_eq!((tracks.start.rem_euclid(tracks.bin), tracks.bin % window), (0, 0));
            let sum: i64 = times.iter().map(|(_, bytes, _)| bytes).sum();
            prop_assert_eq!(tracks.totals().sums(), (sum, i64::try_from(times.len()).unwrap()));
            prop_assert!(tracks.each.iter().all(|(_, held)| (held.bytes.len(), held.packets.len()) == (bins, bins)));
            let hours: i64 = series.hours.iter().flat_map(|(_, hours)| hours).sum();
            prop_assert!(hours == sum || series.hours.is_empty());
        }
    }
}
