//! Traffic by hour of the day and date, for long lakes: nights, weekends and what breaks their rhythm.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::day::Day;
use crate::summary::Series;

use super::clock::{Tick, instant, ticks};
use super::scale::{bytes, float, saturated};

/// The most columns. Of more dates, several are one column.
const COLUMNS: i64 = 366;
/// The shades.
const SHADES: usize = 5;
const MICROS_PER_HOUR: i64 = 3_600_000_000;
const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;
/// The most marks on its axis.
const TICKS: i64 = 8;

/// One shade: the hours that have it.
pub(super) struct Shade {
    /// Its number, from 1; the class of its path.
    pub(super) place: usize,
    /// From how many bytes on.
    pub(super) from: String,
    /// Lines through the hours, which are drawn as wide as an hour is high.
    pub(super) path: String,
}

/// The picture.
pub(super) struct HeatMap {
    /// The first date, as days since the Unix epoch.
    first: i64,
    /// Dates of a column, and how many columns there are.
    step: i64,
    columns: i64,
    pub(super) shades: Vec<Shade>,
    /// The hour with most bytes.
    most: (i64, i64),
    pub(super) ticks: Vec<Tick>,
}

impl HeatMap {
    /// The picture of a series, if the series has hours.
    pub(super) fn new(series: &Series) -> Option<Self> {
        let day = |(day, _): &(Day, [i64; 24])| i64::from(day.0);
        let (first, last) = series.hours.first().map(day).zip(series.hours.last().map(day))?;
        let step = (last - first) / COLUMNS + 1;
        let columns = (last - first) / step + 1;
        let (mut cells, mut most) = (BTreeMap::<(usize, i64), i64>::new(), (0, i64::MIN));
        for (day, hours) in &series.hours {
            let day = i64::from(day.0);
            for (hour, bytes) in hours.iter().enumerate().filter(|(_, bytes)| **bytes > 0) {
                let cell = cells.entry((hour, (day - first) / step)).or_default();
                *cell = cell.saturating_add(*bytes);
                if *bytes > most.1 {
                    most = (day * MICROS_PER_DAY + saturated(hour) * MICROS_PER_HOUR, *bytes);
                }
            }
        }
        let mut sorted: Vec<i64> = cells.values().copied().collect();
        sorted.sort_unstable();
        // As many hours have each shade, if their bytes differ.
        let from = |shade: usize| sorted.get(sorted.len() * shade / SHADES).copied();
        let mut limits: Vec<i64> = (0..SHADES).filter_map(from).collect();
        limits.dedup();
        // Of each shade the path, and where it has come to.
        let mut paths = vec![(String::new(), (0, 0)); limits.len()];
        let mut run: Option<(usize, usize, i64, i64)> = None;
        let mut end = |(shade, hour, from, length): (usize, usize, i64, i64)| {
            let (path, (column, row)): &mut (String, (i64, i64)) = paths.get_mut(shade)?;
            let hour = saturated(hour);
            write!(path, "m{} {}h{length}", from - *column, hour - *row).ok()?;
            (*column, *row) = (from + length, hour);
            Some(())
        };
        for ((hour, column), bytes) in &cells {
            let shade = limits.partition_point(|limit| limit <= bytes).saturating_sub(1);
            run = match run {
                Some((held, row, from, length)) if (held, row, from + length) == (shade, *hour, *column) => {
                    Some((held, row, from, length + 1))
                }
                other => {
                    other.and_then(&mut end);
                    Some((shade, *hour, *column, 1))
                }
            };
        }
        run.and_then(&mut end);
        let missing = SHADES - limits.len();
        let shade = |(place, (limit, (path, _))): (usize, (i64, (String, _)))| Shade {
            place: missing + place + 1,
            from: bytes(limit / step),
            path,
        };
        let shades = limits.into_iter().zip(paths).enumerate().map(shade).collect();
        let span = (first * MICROS_PER_DAY, (first + columns * step) * MICROS_PER_DAY);
        Some(Self { first, step, columns, shades, most, ticks: ticks(span.0, span.1, TICKS) })
    }

    /// What is said of it.
    pub(super) fn says(&self) -> String {
        let (at, most) = self.most;
        let each = if self.step == 1 {
            "a column a date".to_owned()
        } else {
            format!("a column {} dates, of which it has the mean", self.step)
        };
        format!(
            "A row an hour of the day, {each}, UTC. Most was sent in the hour from {}: {}.",
            instant(at),
            bytes(most)
        )
    }

    /// The view of the cells.
    pub(super) fn view_box(&self) -> String {
        format!("0 -0.5 {} 24", self.columns)
    }

    /// Where a time is, in percent of the width.
    pub(super) fn x(&self, at: &i64) -> String {
        format!("{:.3}", self.place(*at) * 100.0)
    }

    /// Whether a mark is so near to the end that its label must end there.
    pub(super) fn at_the_end(&self, at: &i64) -> bool {
        self.place(*at) > 0.9
    }

    fn place(&self, at: i64) -> f64 {
        float(at - self.first * MICROS_PER_DAY) / float(self.columns * self.step * MICROS_PER_DAY)
    }
}
