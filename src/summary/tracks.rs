//! Traffic over time in equal bins, for a plot: few enough to be drawn, whatever the time span.

/// The most bins.
pub const MAX_BINS: i64 = 1500;
/// The most bins of more than [`DAYS_OF_HOURS`] days. A page shows their hours as well, and must not grow too large.
const MAX_BINS_OF_LONG: i64 = 900;
/// More days than these are long.
pub const DAYS_OF_HOURS: i64 = 14;
pub(super) const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Windows that one bin may hold. With windows of a second, the bins are usual numbers of seconds, minutes, hours and
/// days.
const WINDOWS: [i64; 20] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000];

/// What one of several sent in each bin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// Bytes in each bin.
    pub bytes: Vec<i64>,
    /// Packets in each bin.
    pub packets: Vec<i64>,
}

/// Equal bins of time, and what was sent in them. Bins without packets are included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracks {
    /// Start of the first bin, in microseconds since the Unix epoch: a multiple of a bin's length.
    pub start: i64,
    /// Length of a bin in microseconds.
    pub bin: i64,
    /// How many bins there are, up to [`MAX_BINS`].
    pub bins: usize,
    /// What each sent, the most bytes first.
    pub each: Vec<(Option<String>, Track)>,
    /// How many are not among them, and what these sent together.
    pub others: (u64, Track),
    /// Bytes and packets of the packets without a time, which are in no bin.
    pub untimed: (i64, i64),
}

impl Track {
    pub(super) fn new(bins: usize) -> Self {
        Self { bytes: vec![0; bins], packets: vec![0; bins] }
    }

    /// Adds to a bin; a bin outside counts for nothing.
    pub(super) fn add(&mut self, place: usize, bytes: i64, packets: i64) {
        for (column, number) in [(&mut self.bytes, bytes), (&mut self.packets, packets)] {
            column.get_mut(place).into_iter().for_each(|sum| *sum = sum.saturating_add(number));
        }
    }

    /// Adds what another sent in the same bins.
    pub fn merge(&mut self, other: &Self) {
        for (sums, more) in [(&mut self.bytes, &other.bytes), (&mut self.packets, &other.packets)] {
            sums.iter_mut().zip(more).for_each(|(sum, more)| *sum = sum.saturating_add(*more));
        }
    }

    /// Bytes and packets of all bins.
    pub(super) fn sums(&self) -> (i64, i64) {
        let sum = |bins: &[i64]| bins.iter().fold(0_i64, |sum, number| sum.saturating_add(*number));
        (sum(&self.bytes), sum(&self.packets))
    }
}

impl Tracks {
    /// What all sent.
    #[must_use]
    pub fn totals(&self) -> Track {
        let mut totals = Track::new(self.bins);
        let tracks = self.each.iter().map(|(_, track)| track);
        tracks.chain([&self.others.1]).for_each(|track| totals.merge(track));
        totals
    }

    /// When a bin begins, in microseconds since the Unix epoch; for the number of bins, when the last one ends.
    #[must_use]
    pub fn at(&self, place: usize) -> i64 {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        self.start.saturating_add(self.bin.saturating_mul(place))
    }
}

/// Bins for some time.
#[derive(Clone, Copy, Debug)]
pub(super) struct BinScale {
    pub(super) start: i64,
    pub(super) bin: i64,
    pub(super) bins: usize,
}

impl BinScale {
    /// Bins for windows of `window` microseconds from that of `first` to that of `last`.
    pub(super) fn new(window: i64, first: i64, last: i64) -> Self {
        let range = last.saturating_sub(first).max(0);
        let most = if range > DAYS_OF_HOURS * MICROS_PER_DAY { MAX_BINS_OF_LONG } else { MAX_BINS };
        let fits = |windows: &i64| range / window.saturating_mul(*windows) < most - 1;
        // For longer times, as many windows as needed.
        let windows = WINDOWS.into_iter().find(fits).unwrap_or_else(|| range / window / (most - 2) + 1);
        let bin = window.saturating_mul(windows);
        let start = first - first.rem_euclid(bin);
        let bins = usize::try_from((last - start).max(0) / bin + 1).unwrap_or(1);
        Self { start, bin, bins }
    }

    /// The bin of a time. A time outside is in the first or the last one.
    pub(super) fn place(&self, time: i64) -> usize {
        usize::try_from(time.saturating_sub(self.start).max(0) / self.bin).unwrap_or(0).min(self.bins - 1)
    }
}
