//! Traffic over time: layers by protocol or by name on top of each other, one step a bin.

use std::fmt::Write as _;

use crate::report::scale;
use crate::summary::{Track, Tracks};
use crate::text::thousands;

use super::clock::{Tick, instant, ticks};
use super::scale::{Axis, count, duration, float, float_of, saturated, share, whole};
use super::text::Printable;
use super::traffic_kind::TrafficKind;

/// How many have their own layer. The others share one.
pub(super) const OWN: usize = 6;
/// Height of the areas, in units that the plot is scaled by. The script draws a part again.
pub(super) const UNITS: i64 = 1000;
/// Height of the areas on the screen.
pub(super) const HEIGHT: f64 = 280.0;
/// The room that a layer needs to show its name: its height, and how many characters fit into the width of the plot.
const ROOM: f64 = 15.0;
const CHARACTERS: usize = 110;
/// The width of a row of keys in the picture by itself, and its height.
const KEYS: usize = 920;
const KEY_HEIGHT: usize = 20;
/// The most marks on the axes.
const MARKS: usize = 6;
const TICKS: i64 = 8;
/// The most rows of the table below the plot.
pub(super) const ROWS: usize = 40;

/// The picture of some tracks.
pub(super) struct Traffic {
    pub(super) kind: TrafficKind,
    /// Start of the first bin and length of each, microseconds.
    pub(super) start: i64,
    pub(super) bin: i64,
    pub(super) bins: usize,
    /// The largest comes first and is lowest in the plot.
    pub(super) layers: Vec<Layer>,
    pub(super) axis: Axis,
    pub(super) ticks: Vec<Tick>,
    /// Bytes or packets of all bins, and in each.
    pub(super) sum: i64,
    pub(super) totals: Vec<i64>,
    untimed: (i64, i64),
}

/// One protocol or name, or all without their own layer.
pub(super) struct Layer {
    pub(super) name: Printable,
    /// Whether the name is a word of parcap.
    pub(super) words: bool,
    /// Its place among the layers, and so its colour.
    pub(super) place: usize,
    /// Bytes or packets in each bin.
    pub(super) amounts: Vec<i64>,
    /// The same of this layer and the ones below it.
    pub(super) tops: Vec<i64>,
    pub(super) sum: i64,
}

/// Where a layer's name stands in the picture.
pub(super) struct Label {
    pub(super) x: String,
    pub(super) y: i64,
}

impl Traffic {
    pub(super) fn new(tracks: &Tracks, kind: TrafficKind) -> Self {
        let is_empty = tracks.each.is_empty() && tracks.others.0 == 0;
        let bins = if is_empty { 0 } else { tracks.bins };
        let amounts = |all: &[&Track]| add(all.iter().map(|track| kind.amounts(track).as_slice()), bins);
        let own = if tracks.each.len() <= OWN + 1 && tracks.others.0 == 0 { OWN + 1 } else { OWN };
        let mut layers = Vec::new();
        for (name, track) in tracks.each.iter().take(own) {
            let (name, words) = kind.layer(name.as_deref());
            layers.push((Printable::new(name), words, amounts(&[track])));
        }
        let mut others: Vec<_> = tracks.each.iter().skip(own).map(|(_, track)| track).collect();
        let number = saturated(tracks.others.0).saturating_add(saturated(others.len()));
        if number > 0 {
            others.push(&tracks.others.1);
            layers.push((Printable::new(&format!("({} others)", thousands(number))), true, amounts(&others)));
        }
        let mut totals = vec![0; bins];
        let stack = |(place, (name, words, amounts)): (usize, (Printable, bool, Vec<i64>))| {
            totals = add([totals.as_slice(), &amounts], bins);
            Layer { name, words, place, sum: sum(&amounts), tops: totals.clone(), amounts }
        };
        let layers: Vec<_> = layers.into_iter().enumerate().map(stack).collect();
        let bin = tracks.bin.max(1);
        let max = totals.iter().copied().max().unwrap_or(0);
        let end = tracks.start.saturating_add(bin.saturating_mul(saturated(bins)));
        Self {
            kind,
            start: tracks.start,
            bin,
            bins,
            layers,
            axis: Axis::new(per_second(max, bin), MARKS),
            ticks: ticks(tracks.start, end, TICKS),
            sum: sum(&totals),
            totals,
            untimed: tracks.untimed,
        }
    }

    /// Start of a bin, or the end of the one before it.
    pub(super) fn at(&self, bin: usize) -> i64 {
        self.start.saturating_add(self.bin.saturating_mul(saturated(bin)))
    }

    /// The area of a layer and those below it, which are drawn over it: so it takes half as many characters as a band of its own. Empty
    /// where those below would cover all of it.
    pub(super) fn path(&self, layer: &Layer) -> String {
        let heights = |layer: &Layer| layer.tops.iter().map(|top| self.units(*top)).collect::<Vec<_>>();
        let tops = heights(layer);
        let below = layer.place.checked_sub(1).and_then(|place| self.layers.get(place));
        if below.is_some_and(|below| heights(below) == tops) {
            return String::new();
        }
        let mut path = format!("M0 {UNITS}");
        // A level step for each run of equal heights.
        for run in tops.chunk_by(PartialEq::eq) {
            if let Some(height) = run.first() {
                let _ = write!(path, "V{height}h{}", run.len());
            }
        }
        path + &format!("V{UNITS}Z")
    }

    fn units(&self, amount: i64) -> i64 {
        UNITS - whole(self.axis.place(per_second(amount, self.bin)) * float(UNITS))
    }

    /// The numbers of a layer in each bin, for the script: to the base of 36.
    pub(super) fn list(&self, layer: &Layer) -> String {
        layer.amounts.iter().map(|amount| in_base_36(*amount)).collect::<Vec<_>>().join(" ")
    }

    /// `0 0 1440 1000`: bins by units.
    pub(super) fn view_box(&self) -> String {
        format!("0 0 {} {UNITS}", self.bins)
    }

    /// Marks of rates, with their distance from the top.
    pub(super) fn marks(&self) -> Vec<(String, i64)> {
        self.axis
            .marks
            .iter()
            .map(|value| (self.kind.mark(*value), whole(HEIGHT * (1.0 - self.axis.place(*value)))))
            .collect()
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

    /// Where the key of a layer is in the picture by itself, from the left and from the top of all keys.
    pub(super) fn key(&self, layer: &Layer) -> (usize, usize) {
        let a_row = KEYS / self.kind.key_width();
        (layer.place % a_row * self.kind.key_width(), layer.place / a_row * KEY_HEIGHT)
    }

    /// Where the plot begins in the picture by itself.
    pub(super) fn below_keys(&self) -> usize {
        let rows = self.layers.last().map_or(0, |layer| self.key(layer).1 / KEY_HEIGHT);
        104 + rows * KEY_HEIGHT
    }

    /// The name of a layer in its key, cut if it is too long.
    pub(super) fn short(&self, layer: &Layer) -> Printable {
        layer.name.short(self.kind.characters() - 2)
    }

    /// The name of a layer in the picture, cut if it is too long.
    pub(super) fn name(&self, layer: &Layer) -> Printable {
        layer.name.short(self.kind.characters())
    }

    /// Where a layer's name goes, if the layer is high enough anywhere.
    pub(super) fn label(&self, layer: &Layer) -> Option<Label> {
        let height = |amount: i64| self.axis.place(per_second(amount, self.bin)) * HEIGHT;
        let width = (self.name(layer).len() * self.bins / CHARACTERS).clamp(1, self.bins.max(1));
        let below = |(top, own): (&i64, &i64)| height(top.saturating_sub(*own));
        let tops: Vec<f64> = layer.tops.iter().map(|top| height(*top)).collect();
        let floors: Vec<f64> = layer.tops.iter().zip(&layer.amounts).map(below).collect();
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
        let first_of_the_largest = self.totals.iter().enumerate().rev().max_by_key(|(_, most)| **most);
        if let Some((place, most)) = first_of_the_largest.filter(|(_, most)| **most > 0) {
            let peak = self.kind.rate(per_second(*most, self.bin));
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

    /// Consecutive bins added up to at most [`ROWS`]: the first bin, and what each layer has.
    pub(super) fn coarse(&self) -> (usize, Vec<(usize, Vec<i64>)>) {
        let group = self.bins.div_ceil(ROWS).max(1);
        let sums = |first| self.layers.iter().map(|layer| sum(layer.amounts.iter().skip(first).take(group))).collect();
        (group, (0..self.bins).step_by(group).map(|first| (first, sums(first))).collect())
    }
}

pub(crate) fn per_second(amount: i64, bin: i64) -> f64 {
    float(amount) * 1e6 / float(bin)
}

fn in_base_36(number: i64) -> String {
    let mut left = number.max(0).unsigned_abs();
    let mut digits = Vec::new();
    loop {
        digits.extend(u32::try_from(left % 36).ok().and_then(|digit| char::from_digit(digit, 36)));
        left /= 36;
        if left == 0 {
            return digits.iter().rev().collect();
        }
    }
}

/// The sums of several in each bin; a negative number is none, and so is a bin that one does not reach.
fn add<'a>(all: impl IntoIterator<Item = &'a [i64]>, bins: usize) -> Vec<i64> {
    let mut sums = vec![0_i64; bins];
    for amounts in all {
        sums.iter_mut().zip(amounts).for_each(|(sum, amount)| *sum = sum.saturating_add((*amount).max(0)));
    }
    sums
}

fn sum<'b>(amounts: impl IntoIterator<Item = &'b i64>) -> i64 {
    amounts.into_iter().fold(0, |sum, amount| sum.saturating_add(*amount))
}
