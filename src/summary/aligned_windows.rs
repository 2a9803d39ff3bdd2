//! Windows that begin with the first packet, as the notebook's `send_rates` has them.
//!
//! The first packet in time may be anywhere in a capture. So each packet's time is a key, and windows are made when all
//! times are known. Window `k` covers `[first + k * W, first + (k + 1) * W)`. Windows without packets are included, with
//! zeros. The last window is the one with the last packet, even where that packet falls exactly on a window's start: the
//! notebook loses it there.

use std::collections::BTreeSet;

use crate::aggregate::{Aggregator, Measure, Space, Sums};
use crate::bug::bug;
use crate::capture::Timestamp;
use crate::day::Day;
use crate::error::{Error, Result};

use super::collect::Collect;
use super::key::{Key, KeyReader};
use super::sum_kind::SumKind;

/// The most windows: otherwise one wrong time far away would make billions.
const MAX_WINDOWS: i128 = 50_000_000;
const NANOS: i128 = 1_000_000_000;

/// Bytes and packets by exact time, to the nanosecond.
#[derive(Debug)]
pub struct AlignedWindows {
    aggregator: Aggregator,
    key: Key,
}

impl AlignedWindows {
    /// No sums yet. Sums that do not fit in memory are spilled.
    #[must_use]
    pub fn new(space: &Space) -> Self {
        Self { aggregator: Aggregator::new(space), key: Key::default() }
    }

    /// Adds a packet that belongs to `day`.
    ///
    /// # Errors
    /// If there is no room left in memory, and the sums cannot be spilled.
    pub fn add(&mut self, day: Day, time: Option<Timestamp>, bytes: i64) -> Result<()> {
        let key = self.key.clear().time(time.map(Timestamp::seconds));
        key.nanos(time.map_or(0, Timestamp::subsec_nanos));
        self.aggregator.add(SumKind::AlignedWindows.group(day), key.bytes(), Sums::of(bytes, 1))
    }

    /// Moves what was added under [`Day::UNKNOWN`] to `day`.
    pub fn resolve(&mut self, day: Day) {
        self.aggregator.redate(Day::UNKNOWN, day);
    }

    /// All sums that were added.
    #[must_use]
    pub fn into_aggregator(self) -> Aggregator {
        self.aggregator
    }
}

/// Hands on windows of `window` microseconds that begin with the first packet of some dates.
///
/// # Errors
/// If there would be more than `MAX_WINDOWS` windows, or sums cannot be read.
pub fn windows_from_first(
    days: &BTreeSet<Day>,
    aggregator: &mut Aggregator,
    window: i64,
    gather: &mut Collect,
) -> Result<()> {
    let length = i128::from(window) * 1000;
    let mut first = None;
    let (mut held, mut sums, mut key) = (0, Sums::default(), Key::default());
    let mut untimed = None::<Sums>;
    let mut take = |first: i128, number: i128, sums: Sums| {
        let start = (first + number * length).div_euclid(1000);
        let start = i64::try_from(start).map_err(|_| bug!())?;
        gather.take_window(key.clear().time(Some(start)).bytes(), sums)
    };
    // A packet's date follows from its time, so dates in order give times in order.
    for day in days {
        let mut merge = aggregator.read(SumKind::AlignedWindows.group(*day))?;
        while let Some((bytes, more)) = merge.next()? {
            let mut reader = KeyReader(bytes);
            let Some(seconds) = reader.time() else {
                untimed.get_or_insert_default().merge(&more, Measure::Add);
                continue;
            };
            let time = i128::from(seconds) * NANOS + i128::from(reader.nanos());
            let first = *first.get_or_insert(time);
            let number = (time - first) / length;
            if number >= MAX_WINDOWS {
                return Err(Error::TooManyWindows { windows: number.unsigned_abs() + 1 });
            }
            while held < number {
                take(first, held, std::mem::take(&mut sums))?;
                held += 1;
            }
            sums.merge(&more, Measure::Add);
        }
    }
    if let Some(first) = first {
        take(first, held, sums)?;
    }
    untimed.map_or(Ok(()), |sums| gather.take_window(Key::default().time(None).bytes(), sums))
}
