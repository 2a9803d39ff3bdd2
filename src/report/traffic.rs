//! Traffic over time: layers of bytes by protocol on top of each other, one step a bin.

use std::fmt::Write as _;

use crate::report::{ABSENT_IP, scale};
use crate::summary::Series;

use super::clock::{Tick, instant, ticks};
use super::scale::{Axis, count, duration, float, float_of, mark, rate, saturated, share, whole};
use super::text::Printable;

/// Protocols that have their own layer. The others share one.
pub(super) const OWN: usize = 6;
/// Height of the areas, in units that the plot is scaled by. There are enough of them for a zoomed view.
pub(super) const UNITS: i64 = 10_000;
/// Height of the areas on the screen.
pub(super) const HEIGHT: f64 = 280.0;
/// The room that a layer needs to show its name: its height, and how many characters fit into the width of the plot.
const ROOM: f64 = 15.0;
const CHARACTERS: usize = 110;
/// The most characters of a layer's name.
const NAME: usize = 12;
/// The most marks on the axes.
const MARKS: usize = 6;
const TICKS: i64 = 8;
/// The most rows of the table below the plot.
pub(super) const ROWS: usize = 60;

/// The picture of a series.
pub(super) struct Traffic {
    /// Start of the first bin and length of each, microseconds.
    pub(super) start: i64,
    pub(super) bin: i64,
    pub(super) bins: usize,
    /// The largest comes first and is lowest in the plot.
    pub(super) layers: Vec<Layer>,
    pub(super) axis: Axis,
    pub(super) ticks: Vec<Tick>,
    /// Bytes of all bins, and in each.
    pub(super) sum: i64,
    pub(super) totals: Vec<i64>,
    untimed: (i64, i64),
}

/// One protocol, or all protocols without their own layer.
pub(super) struct Layer {
    pub(super) name: Printable,
    /// Whether the name is a word of parcap and not a protocol.
    pub(super) words: bool,
    /// Its place among the layers, and so its colour.
    pub(super) place: usize,
    /// Bytes in each bin.
    pub(super) bytes: Vec<i64>,
    /// Bytes in each bin, of this layer and the ones below it.
    pub(super) tops: Vec<i64>,
    pub(super) sum: i64,
}

/// Where a layer's name stands in the picture.
pub(super) struct Label {
    pub(super) x: String,
    pub(super) y: i64,
}

impl Layer {
    /// Its name, cut if it is too long.
    pub(super) fn label(&self) -> Printable {
        self.name.short(NAME)
    }
}

impl Traffic {
    pub(super) fn new(series: &Series) -> Self {
        let bins = series.protocols.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0);
        let own = if series.protocols.len() <= OWN + 1 { OWN + 1 } else { OWN };
        let mut layers = Vec::new();
        for (protocol, bytes) in series.protocols.iter().take(own) {
            let name = Printable::new(protocol.as_deref().unwrap_or(ABSENT_IP));
            layers.push((name, protocol.is_none(), add(&[bytes], bins)));
        }
        let others: Vec<_> = series.protocols.iter().skip(own).map(|(_, bytes)| bytes).collect();
        if !others.is_empty() {
            layers.push((Printable::new(&format!("({} others)", others.len())), true, add(&others, bins)));
        }
        let mut totals = vec![0; bins];
        let stack = |(place, (name, words, bytes)): (usize, (Printable, bool, Vec<i64>))| {
            totals = add(&[&totals, &bytes], bins);
            Layer { name, words, place, sum: sum(&bytes), tops: totals.clone(), bytes }
        };
        let layers: Vec<_> = layers.into_iter().enumerate().map(stack).collect();
        let bin = series.bin.max(1);
        let max = totals.iter().copied().max().unwrap_or(0);
        let end = series.start.saturating_add(bin.saturating_mul(saturated(bins)));
        Self {
            start: series.start,
            bin,
            bins,
            layers,
            axis: Axis::new(per_second(max, bin), MARKS),
            ticks: ticks(series.start, end, TICKS),
            sum: sum(&totals),
            totals,
            untimed: series.untimed,
        }
    }

    /// Start of a bin, or the end of the one before it.
    pub(super) fn at(&self, bin: usize) -> i64 {
        self.start.saturating_add(self.bin.saturating_mul(saturated(bin)))
    }

    /// The band of a layer: along its top, and back along its floor.
    pub(super) fn path(&self, layer: &Layer) -> String {
        let tops: Vec<i64> = layer.tops.iter().map(|top| self.units(*top)).collect();
        let floors = layer.tops.iter().zip(&layer.bytes).map(|(top, own)| self.units(top.saturating_sub(*own)));
        let mut floors: Vec<i64> = floors.collect();
        let mut path = format!("M0 {}", floors.first().unwrap_or(&UNITS));
        steps(&mut path, &tops, "");
        floors.reverse();
        steps(&mut path, &floors, "-");
        path + "Z"
    }

    fn units(&self, bytes: i64) -> i64 {
        UNITS - whole(self.axis.place(per_second(bytes, self.bin)) * float(UNITS))
    }

    /// The bytes of a layer in each bin, for the script.
    pub(super) fn list(&self, layer: &Layer) -> String {
        layer.bytes.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")
    }

    /// `0 0 1440 10000`: bins by units.
    pub(super) fn view(&self) -> String {
        format!("0 0 {} {UNITS}", self.bins)
    }

    /// Marks of rates, with their distance from the top.
    pub(super) fn marks(&self) -> Vec<(String, i64)> {
        self.axis.marks.iter().map(|value| (mark(*value), whole(HEIGHT * (1.0 - self.axis.place(*value))))).collect()
    }

    /// How far from the left an instant is, in percent.
    pub(super) fn x(&self, at: &i64) -> String {
        let length = float(self.bin) * float_of(self.bins);
        format!("{:.3}", (float(at.saturating_sub(self.start)) / length * 100.0).clamp(0.0, 100.0))
    }

    /// Whether an instant is so far right that its label has no room to the right of it.
    pub(super) fn at_the_end(&self, at: &i64) -> bool {
        float(at.saturating_sub(self.start)) > float(self.bin) * float_of(self.bins) * 0.9
    }

    /// Where a layer's name goes, if the layer is high enough anywhere.
    pub(super) fn label(&self, layer: &Layer) -> Option<Label> {
        let height = |bytes: i64| self.axis.place(per_second(bytes, self.bin)) * HEIGHT;
        let width = (layer.label().len() * self.bins / CHARACTERS).clamp(1, self.bins.max(1));
        let below = |(top, own): (&i64, &i64)| height(top.saturating_sub(*own));
        let tops: Vec<f64> = layer.tops.iter().map(|top| height(*top)).collect();
        let floors: Vec<f64> = layer.tops.iter().zip(&layer.bytes).map(below).collect();
        let free = |(tops, floors): (&[f64], &[f64])| {
            let (low, high) =
                (floors.iter().copied().fold(0.0, f64::max), tops.iter().copied().fold(f64::INFINITY, f64::min));
            (low, high - low)
        };
        let places = tops.windows(width).zip(floors.windows(width)).map(free).enumerate();
        let (place, (low, room)) = places.max_by(|(_, (_, a)), (_, (_, b))| a.total_cmp(b))?;
        let middle = (float_of(place) + float_of(width) / 2.0) / float_of(self.bins) * 100.0;
        (room >= ROOM).then(|| Label { x: format!("{middle:.2}"), y: whole(HEIGHT - low - room / 2.0) })
    }

    /// What the picture shows, in a sentence or two.
    pub(super) fn says(&self) -> String {
        if self.bins == 0 {
            return "No packet has a time.".to_owned();
        }
        let length = duration(self.bin);
        let mut says = format!("{} to {} UTC, in bins of {length}.", instant(self.start), instant(self.at(self.bins)));
        let first_of_the_largest = self.totals.iter().enumerate().rev().max_by_key(|(_, bytes)| **bytes);
        if let Some((place, bytes)) = first_of_the_largest.filter(|(_, bytes)| **bytes > 0) {
            let peak = rate(per_second(*bytes, self.bin));
            let _ = write!(says, " Peak {peak} in the bin from {} UTC.", instant(self.at(place)));
        }
        says
    }

    /// The packets that the picture does not show.
    pub(super) fn untimed(&self) -> Option<String> {
        let (bytes, packets) = self.untimed;
        let verb = if packets == 1 { "has no time and is" } else { "have no time and are" };
        let packets = (packets > 0).then(|| count(packets, "packet", "packets"))?;
        Some(format!("{packets} ({}) {verb} not in the picture.", scale::bytes(bytes)))
    }

    /// The share of a layer.
    pub(super) fn share(&self, layer: &Layer) -> String {
        share(layer.sum, self.sum)
    }

    /// How long a row of [`Traffic::coarse`] is.
    pub(super) fn length_of_rows(&self) -> String {
        duration(self.bin.saturating_mul(saturated(self.coarse().0)))
    }

    /// Consecutive bins added up to at most [`ROWS`]: the first bin, and the bytes of each layer.
    pub(super) fn coarse(&self) -> (usize, Vec<(usize, Vec<i64>)>) {
        let group = self.bins.div_ceil(ROWS).max(1);
        let sums = |first| self.layers.iter().map(|layer| sum(layer.bytes.iter().skip(first).take(group))).collect();
        (group, (0..self.bins).step_by(group).map(|first| (first, sums(first))).collect())
    }
}

/// A level step for each run of equal heights.
fn steps(path: &mut String, heights: &[i64], sign: &str) {
    for run in heights.chunk_by(PartialEq::eq) {
        if let Some(height) = run.first() {
            let _ = write!(path, "V{height}h{sign}{}", run.len());
        }
    }
}

pub(crate) fn per_second(bytes: i64, bin: i64) -> f64 {
    float(bytes) * 1e6 / float(bin)
}

/// Bytes of several protocols in each bin; a negative number is none, and so is a bin that a protocol does not reach.
fn add(all: &[&Vec<i64>], bins: usize) -> Vec<i64> {
    let of = |bytes: &Vec<i64>, bin| bytes.get(bin).copied().unwrap_or(0).max(0);
    (0..bins).map(|bin| all.iter().fold(0_i64, |sum, bytes| sum.saturating_add(of(bytes, bin)))).collect()
}

fn sum<'b>(bytes: impl IntoIterator<Item = &'b i64>) -> i64 {
    bytes.into_iter().fold(0, |sum, bytes| sum.saturating_add(*bytes))
}
