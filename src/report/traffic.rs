//! Traffic over time: layers of bytes by protocol on top of each other, a step a bin.

use std::fmt::Write as _;

use super::clock::{Tick, instant, ticks};
use super::content::Series;
use super::scale::{Axis, count, duration, float, float_of, mark, rate, share, whole};
use super::text::Shown;
use super::{ABSENT_IP, scale};

/// Protocols that have a layer of their own; the others share one.
const OWN: usize = 6;
/// Height of the areas, in units that the picture is scaled by, so that a zoomed view has steps left.
const UNITS: i64 = 10_000;
/// Height of the areas on the screen.
pub(super) const HEIGHT: f64 = 280.0;
/// A layer bears its name where it is at least that high on the screen, over a width of a tenth of the picture.
const ROOM: f64 = 17.0;
const WIDTH_OF_LABEL: usize = 10;
/// Marks on the axes, at most.
const MARKS: usize = 6;
const TICKS: i64 = 8;
/// Rows of the table below the picture, at most.
pub(super) const ROWS: usize = 60;

/// The picture of a series.
pub(super) struct Traffic {
    /// Start of the first bin and length of each, microseconds.
    pub(super) start: i64,
    pub(super) bin: i64,
    pub(super) bins: usize,
    /// Largest first, lowest in the picture.
    pub(super) layers: Vec<Layer>,
    pub(super) axis: Axis,
    pub(super) ticks: Vec<Tick>,
    /// Bytes of all bins, and in each.
    pub(super) sum: i64,
    pub(super) totals: Vec<i64>,
    untimed: (i64, i64),
}

/// One protocol, or those that have no layer of their own.
pub(super) struct Layer {
    pub(super) name: Shown,
    /// Whether the name is a word of this program, not a protocol.
    pub(super) words: bool,
    /// Its place among the layers, and so its colour.
    pub(super) place: usize,
    /// Bytes in each bin.
    pub(super) bytes: Vec<i64>,
    /// Bytes in each bin of this layer and those below it.
    pub(super) tops: Vec<i64>,
    pub(super) sum: i64,
}

/// Where a layer's name stands in the picture.
pub(super) struct Label {
    pub(super) x: String,
    pub(super) y: i64,
}

impl Traffic {
    pub(super) fn new(series: &Series) -> Self {
        let bins = series.protocols.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0);
        let own = if series.protocols.len() <= OWN + 1 { OWN + 1 } else { OWN };
        let mut layers = Vec::new();
        for (protocol, bytes) in series.protocols.iter().take(own) {
            let name = Shown::new(protocol.as_deref().unwrap_or(ABSENT_IP));
            layers.push((name, protocol.is_none(), add(&[bytes], bins)));
        }
        let others: Vec<_> = series.protocols.iter().skip(own).map(|(_, bytes)| bytes).collect();
        if !others.is_empty() {
            layers.push((Shown::new(&format!("({} others)", others.len())), true, add(&others, bins)));
        }
        let mut totals = vec![0; bins];
        let stack = |(place, (name, words, bytes)): (usize, (Shown, bool, Vec<i64>))| {
            totals = add(&[&totals, &bytes], bins);
            Layer { name, words, place, sum: sum(&bytes), tops: totals.clone(), bytes }
        };
        let layers: Vec<_> = layers.into_iter().enumerate().map(stack).collect();
        let bin = series.bin.max(1);
        let max = totals.iter().copied().max().unwrap_or(0);
        let end = series.start.saturating_add(bin.saturating_mul(i64::try_from(bins).unwrap_or(i64::MAX)));
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
        self.start.saturating_add(self.bin.saturating_mul(i64::try_from(bin).unwrap_or(i64::MAX)))
    }

    /// The area under the top of a layer. Layers are drawn from the highest down, each over those above it.
    pub(super) fn path(&self, layer: &Layer) -> String {
        let mut path = format!("M0 {UNITS}");
        let (mut held, mut run) = (None, 0);
        for top in &layer.tops {
            let y = self.units(*top);
            if held != Some(y) {
                step(&mut path, run);
                let _ = write!(path, "V{y}");
                (held, run) = (Some(y), 0);
            }
            run += 1;
        }
        step(&mut path, run);
        let _ = write!(path, "V{UNITS}Z");
        path
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

    /// Where a layer's name stands, if it is anywhere high enough.
    pub(super) fn label(&self, layer: &Layer) -> Option<Label> {
        let height = |bytes: i64| self.axis.place(per_second(bytes, self.bin)) * HEIGHT;
        let width = (self.bins / WIDTH_OF_LABEL).max(1);
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
            let _ = write!(says, " Peak {peak}, in the {length} from {} UTC.", instant(self.at(place)));
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
        duration(self.bin.saturating_mul(i64::try_from(self.coarse().0).unwrap_or(i64::MAX)))
    }

    /// Consecutive bins added up to at most [`ROWS`]: the first bin, and the bytes of each layer.
    pub(super) fn coarse(&self) -> (usize, Vec<(usize, Vec<i64>)>) {
        let group = self.bins.div_ceil(ROWS).max(1);
        let sums = |first| self.layers.iter().map(|layer| sum(layer.bytes.iter().skip(first).take(group))).collect();
        (group, (0..self.bins).step_by(group).map(|first| (first, sums(first))).collect())
    }
}

fn step(path: &mut String, run: i32) {
    if run > 0 {
        let _ = write!(path, "h{run}");
    }
}

fn per_second(bytes: i64, bin: i64) -> f64 {
    float(bytes) * 1e6 / float(bin)
}

/// Bytes of several protocols in each bin; a negative number is none.
fn add(all: &[&Vec<i64>], bins: usize) -> Vec<i64> {
    let of = |bytes: &Vec<i64>, bin| bytes.get(bin).copied().unwrap_or(0).max(0);
    (0..bins).map(|bin| all.iter().fold(0_i64, |sum, bytes| sum.saturating_add(of(bytes, bin)))).collect()
}

fn sum<'b>(bytes: impl IntoIterator<Item = &'b i64>) -> i64 {
    bytes.into_iter().fold(0, |sum, bytes| sum.saturating_add(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The heights of the steps of a path, read back.
    fn heights(path: &str) -> Vec<i64> {
        let steps = path.strip_prefix("M0 10000").unwrap().strip_suffix("V10000Z").unwrap();
        let steps = steps.split('V').skip(1).map(|step| step.split_once('h').unwrap());
        let run = |(y, run): (&str, &str)| vec![UNITS - y.parse::<i64>().unwrap(); run.parse().unwrap()];
        steps.flat_map(run).collect()
    }

    fn protocols(bins: usize, max: i64) -> impl Strategy<Value = Vec<(Option<String>, Vec<i64>)>> {
        let bytes = prop::collection::vec(prop_oneof![Just(0), 0..max], bins);
        prop::collection::vec((prop::option::of("[a-z]{1,5}"), bytes), 0..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn layers_add_up(protocols in (1..80_usize).prop_flat_map(|bins| protocols(bins, 1 << 40))) {
            let series = Series { start: 0, bin: 1_000_000, protocols, untimed: (0, 0) };
            let traffic = Traffic::new(&series);
            let expected: Vec<i64> =
                (0..traffic.bins).map(|bin| series.protocols.iter().map(|(_, bytes)| bytes[bin]).sum()).collect();
            prop_assert_eq!(&traffic.totals, &expected);
            prop_assert!(traffic.layers.len() <= OWN + 1);
            let of_layers = |bin: usize| traffic.layers.iter().map(|layer| layer.bytes[bin]).sum::<i64>();
            prop_assert_eq!((0..traffic.bins).map(of_layers).collect::<Vec<_>>(), expected.clone());
            let (_, rows) = traffic.coarse();
            prop_assert!(rows.len() <= ROWS);
            prop_assert_eq!(rows.iter().flat_map(|(_, bytes)| bytes).sum::<i64>(), expected.iter().sum::<i64>());
            // In the picture: each layer stands on the one below it, and the highest is as high as the totals say.
            let drawn: Vec<_> = traffic.layers.iter().map(|layer| heights(&traffic.path(layer))).collect();
            prop_assert!(drawn.windows(2).all(|pair| pair[0].iter().zip(&pair[1]).all(|(low, high)| low <= high)));
            if let Some(highest) = drawn.last() {
                prop_assert_eq!(highest.len(), traffic.bins);
                for (height, total) in highest.iter().zip(expected) {
                    prop_assert!((float(*height) / 10_000.0 * traffic.axis.top - float(total)).abs() <= traffic.axis.top / 10_000.0);
                }
            }
        }
    }

    #[test]
    fn one_bin_one_huge_value_and_two_thousand_bins_are_drawn() {
        let draw = |bin, bytes: Vec<i64>| {
            Traffic::new(&Series { start: 0, bin, protocols: vec![(None, bytes)], untimed: (7, 1) })
        };
        let one = draw(1_000_000, vec![1000]);
        assert_eq!(one.path(&one.layers[0]), "M0 10000V0h1V10000Z");
        assert_eq!(
            one.says(),
            "1970-01-01 00:00:00 to 1970-01-01 00:00:01 UTC, in bins of 1 s. Peak 1.00 kB/s, in the 1 s from 1970-01-01 00:00:00 UTC."
        );
        assert_eq!(one.untimed().unwrap(), "1 packet (7 B) has no time and is not in the picture.");
        let huge = draw(1, vec![0, i64::MAX, 0, i64::MAX]);
        assert!(heights(&huge.path(&huge.layers[0]))[1] > 3000, "{}", huge.path(&huge.layers[0]));
        assert_eq!(huge.sum, i64::MAX);
        let long = draw(60_000_000, (0..2000).collect());
        assert_eq!(heights(&long.path(&long.layers[0])).len(), 2000);
        assert!(long.coarse().1.len() <= ROWS && long.label(&long.layers[0]).is_some());
        let none = draw(0, vec![]);
        assert_eq!((none.bins, none.says().as_str(), none.ticks.len()), (0, "No packet has a time.", 1));
        assert!(none.label(&none.layers[0]).is_none());
    }

    #[test]
    fn a_seventh_protocol_is_named_and_an_eighth_is_not() {
        let names = |count: usize| {
            let protocols = (0..count).map(|n| (Some(format!("P{n}")), vec![1])).collect();
            let layers = Traffic::new(&Series { start: 0, bin: 1, protocols, untimed: (0, 0) }).layers;
            layers.last().unwrap().name.to_string()
        };
        assert_eq!([names(7), names(9)], ["P6", "(3 others)"]);
    }
}
