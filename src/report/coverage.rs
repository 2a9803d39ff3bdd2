//! Captures over time: a strip as high as there were captures at a time, so that a sensor that fell silent is seen at once.

use std::fmt::Write as _;

use super::capture_times::CaptureTimes;
use super::clock::{Tick, instant, ticks};
use super::content::PageContent;
use super::scale::{about, count, float, saturated, whole};

/// Width and height of the strip, in units that it is scaled by.
const WIDTH: i64 = 10_000;
const HEIGHT: u64 = 40;
/// More captures at a time than this are as high as these.
const LANES: u64 = 8;
const SECOND: i64 = 1_000_000;
/// The most marks on its axis.
const TICKS: i64 = 8;

/// The strip.
pub(super) struct Coverage {
    /// Its start and end, in microseconds since the Unix epoch; those of the traffic, if there is any.
    start: i64,
    end: i64,
    /// Runs of equal numbers of captures at a time: start, end, number.
    runs: Vec<(i64, i64, u64)>,
    /// The most captures at a time.
    most: u64,
    /// Length of a bin in microseconds.
    bin: i64,
    /// The marks on its axis.
    pub(super) ticks: Vec<Tick>,
}

impl Coverage {
    pub(super) fn new(content: &PageContent) -> Self {
        let (times, tracks): (&CaptureTimes, _) = (&content.capture_times, &content.series.protocols);
        let all = times.runs();
        let (start, end) = if tracks.bins > 0 {
            (tracks.start, tracks.at(tracks.bins))
        } else {
            let ends = all.first().zip(all.last());
            ends.map_or((0, 0), |((first, ..), (_, last, _))| (*first, *last))
        };
        let within = |(from, to, count): (i64, i64, u64)| (from.max(start), to.min(end), count);
        let runs: Vec<_> = all.into_iter().map(within).filter(|(from, to, _)| from < to).collect();
        let most = runs.iter().map(|(_, _, count)| *count).max().unwrap_or(0);
        Self { start, end, runs, most, bin: times.bin(), ticks: ticks(start, end, TICKS) }
    }

    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.most == 0
    }

    /// What is said of it.
    pub(super) fn says(&self) -> String {
        let mut says = format!("Up to {} at a time.", count(saturated(self.most), "capture", "captures"));
        let without = self.runs.iter().filter(|(_, _, count)| *count == 0);
        let mut without: Vec<_> = without.map(|(from, to, _)| (*from, *to)).collect();
        without.sort_by_key(|(from, to)| (std::cmp::Reverse(to.saturating_sub(*from)), *from));
        match without.first() {
            // One run, as of a single capture, is seen at once.
            None if self.runs.len() < 2 => {}
            None => {
                let _ = write!(says, " No time without one is longer than {}.", about(self.bin));
            }
            Some((from, to)) => {
                let length = about(to.saturating_sub(*from));
                let second = |at: i64| instant(at.saturating_sub(at.rem_euclid(SECOND.min(self.bin))));
                let (from, to, bin) = (second(*from), second(*to), about(self.bin));
                let _ = write!(says, " The longest time without one is {length}, from {from} to {to}, exact to {bin}.");
            }
        }
        says
    }

    /// The view of the strip.
    pub(super) fn view_box(&self) -> String {
        format!("0 0 {WIDTH} {HEIGHT}")
    }

    /// Its path: steps up and down, a step a run.
    pub(super) fn path(&self) -> String {
        let lanes = self.most.clamp(1, LANES);
        let mut path = String::new();
        for (from, to, count) in self.runs.iter().filter(|(_, _, count)| *count > 0) {
            let (x, end) = (self.unit(*from), self.unit(*to).max(self.unit(*from) + 1));
            let y = HEIGHT - HEIGHT * (*count).min(lanes) / lanes;
            // Errors of writing to memory there are none.
            let _ = write!(path, "M{x} {HEIGHT}V{y}H{end}V{HEIGHT}Z");
        }
        path
    }

    fn unit(&self, at: i64) -> i64 {
        whole(self.place(at) * float(WIDTH))
    }

    /// Where a time is between the ends, 0 to 1.
    fn place(&self, at: i64) -> f64 {
        (float(at.saturating_sub(self.start)) / float(self.end.saturating_sub(self.start).max(1))).clamp(0.0, 1.0)
    }

    /// The same in percent.
    pub(super) fn x(&self, at: &i64) -> String {
        format!("{:.3}", self.place(*at) * 100.0)
    }

    /// Whether a mark is so near to the end that its label must end there.
    pub(super) fn at_the_end(&self, at: &i64) -> bool {
        self.place(*at) > 0.9
    }
}
