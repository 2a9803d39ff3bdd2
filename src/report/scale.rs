//! Numbers for readers: decimal units, shares, and round marks on an axis.

use crate::text::{plural, thousands};

/// A value axis from zero.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    /// Its upper end, a multiple of the step.
    pub(super) top: f64,
    /// The marks on it, from 0 to the upper end.
    pub(super) marks: Vec<f64>,
}

impl Axis {
    /// An axis for values up to `max`, with at most `most` (3 or more) marks, a round step apart: 1, 2 or 5 times a power
    /// of ten.
    pub(super) fn new(max: f64, most: usize) -> Self {
        let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
        let most = most.max(3);
        let mut unit = 10_f64.powf((max / float_of(most)).log10().floor());
        loop {
            for factor in [1.0, 2.0, 5.0] {
                let step = unit * factor;
                // A little less: otherwise rounding adds a step to a value that is already a multiple.
                let steps = (max / step - 1e-9).ceil().max(1.0);
                if steps < float_of(most) {
                    let count = std::iter::successors(Some(0.0), |mark| Some(mark + 1.0));
                    let marks: Vec<f64> = count.take_while(|mark| *mark <= steps).map(|mark| mark * step).collect();
                    return Self { top: steps * step, marks };
                }
            }
            unit *= 10.0;
        }
    }

    /// Where a value is between the ends, 0 to 1.
    pub(super) fn place(&self, value: f64) -> f64 {
        (value / self.top).clamp(0.0, 1.0)
    }
}

/// A number for drawing.
#[expect(clippy::cast_precision_loss, reason = "for drawing, 53 bits are enough")]
pub(super) fn float(number: i64) -> f64 {
    number as f64
}

/// A count as a number to show. `i64::MAX` stands for all that are larger.
pub(super) fn saturated(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// A count for drawing.
pub(super) fn float_of(count: usize) -> f64 {
    float(saturated(count))
}

/// The nearest whole number.
#[expect(clippy::cast_possible_truncation, reason = "for drawing; `as` saturates")]
pub(super) fn whole(number: f64) -> i64 {
    number.round() as i64
}

/// `1409869` as `1.41 MB`: three digits, decimal units.
pub(super) fn bytes(number: i64) -> String {
    human(float(number))
}

/// Bytes a second, as `1.41 MB/s`.
pub(super) fn rate(bytes_per_s: f64) -> String {
    format!("{}/s", human(bytes_per_s))
}

/// Packets a second, as `1,409 packets/s`; less than 10 have two digits.
pub(super) fn rate_of_packets(packets_per_s: f64) -> String {
    let number = match packets_per_s {
        none if none <= 0.0 => "0".to_owned(),
        few if few < 9.95 => {
            let zeros = (0..6).find(|zeros| few * 10_f64.powi(*zeros) >= 0.995).unwrap_or(6);
            trimmed(few, usize::try_from(zeros + 1).unwrap_or(1))
        }
        many => thousands(whole(many)),
    };
    format!("{number} packets/s")
}

/// A round mark of an axis of rates: `1.5 MB/s`, without trailing zeros.
pub(super) fn mark(bytes_per_s: f64) -> String {
    let (scaled, unit) = scaled(bytes_per_s, &BYTES);
    format!("{} {unit}/s", trimmed(scaled, DECIMALS))
}

/// The same of packets: `1.5 k/s`.
pub(super) fn mark_of_packets(packets_per_s: f64) -> String {
    let (scaled, unit) = scaled(packets_per_s, &["", " k", " M", " G", " T", " P", " E"]);
    format!("{}{unit}/s", trimmed(scaled, DECIMALS))
}

fn whole_if_near(scaled: f64) -> String {
    trimmed(scaled, 3)
}

/// The decimals of a mark: of few packets in long bins, marks are far below one.
const DECIMALS: usize = 10;

/// Without zeros at its end.
fn trimmed(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn human(number: f64) -> String {
    let (scaled, unit) = scaled(number, &BYTES);
    if number < 999.5 {
        return format!(
            "{} {unit}",
            if number.fract() == 0.0 { whole_if_near(number) } else { format!("{number:.1}") }
        );
    }
    let decimals = if scaled < 9.995 { 2 } else { usize::from(scaled < 99.95) };
    format!("{scaled:.decimals$} {unit}")
}

const BYTES: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

fn scaled(number: f64, [unit, larger @ ..]: &[&'static str; 7]) -> (f64, &'static str) {
    let (mut scaled, mut unit) = (number, *unit);
    for larger in larger {
        if scaled >= 999.5 {
            (scaled, unit) = (scaled / 1000.0, larger);
        }
    }
    (scaled, unit)
}

/// A part in percent of a whole: `43.2%`. Empty if the whole is zero.
pub(super) fn share(part: i64, of: i64) -> String {
    if of <= 0 {
        return String::new();
    }
    let percent = float(part) / float(of) * 100.0;
    if percent > 0.0 && percent < 0.05 { "<0.1%".to_owned() } else { format!("{percent:.1}%") }
}

/// `1 row`, `2 rows`, thousands apart.
pub(crate) fn count(number: i64, one: &'static str, more: &'static str) -> String {
    format!("{} {}", thousands(number), plural(number.unsigned_abs(), one, more))
}

/// A length of time: `1 min`, `1.5 s`, `20 ms`.
pub(super) fn duration(micros: i64) -> String {
    const UNITS: [(i64, &str); 6] =
        [(86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "min"), (1_000_000, "s"), (1000, "ms"), (1, "µs")];
    let exact = UNITS.iter().find(|(length, _)| micros >= *length && micros % length == 0);
    match exact.filter(|(length, _)| micros / length < 1000) {
        Some((length, unit)) => format!("{} {unit}", micros / length),
        None => {
            let (length, unit) = UNITS.into_iter().find(|(length, _)| micros >= *length).unwrap_or((1, "µs"));
            format!("{} {unit}", whole_if_near(float(micros) / float(length)))
        }
    }
}

/// A length of time in its largest unit, rounded: `3.5 h`, `12 min`.
pub(super) fn about(micros: i64) -> String {
    const UNITS: [(i64, &str); 5] = [
        // Of 365.25 days; from two on.
        (31_557_600_000_000, "years"),
        (86_400_000_000, "days"),
        (3_600_000_000, "h"),
        (60_000_000, "min"),
        (1_000_000, "s"),
    ];
    match UNITS.iter().find(|(length, unit)| micros >= *length * if *unit == "years" { 2 } else { 1 }) {
        Some((length, unit)) => {
            let number = in_tenths(float(micros) / float(*length));
            let unit = if (number.as_str(), *unit) == ("1", "days") { "day" } else { unit };
            format!("{number} {unit}")
        }
        None => duration(micros),
    }
}

/// How many times: `3.5`, `21`.
pub(super) fn times(factor: f64) -> String {
    if factor < 10.0 { in_tenths(factor) } else { thousands(whole(factor)) }
}

fn in_tenths(number: f64) -> String {
    format!("{number:.1}").trim_end_matches(".0").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn marks_rise_from_zero_to_the_top_and_are_not_too_many(max in prop_oneof![1e-8..1e-4_f64, 1e-6..1e19_f64], most in 3..12_usize) {
            let axis = Axis::new(max, most);
            prop_assert!(axis.marks.len() >= 2 && axis.marks.len() <= most, "{axis:?}");
            prop_assert!(axis.marks.windows(2).all(|pair| pair[0] < pair[1]), "{axis:?}");
            prop_assert_eq!(axis.marks.first(), Some(&0.0));
            prop_assert!((axis.marks[axis.marks.len() - 1] / axis.top - 1.0).abs() < 1e-9);
            for mark in [mark, mark_of_packets] {
                let labels: std::collections::BTreeSet<_> = axis.marks.iter().map(|value| mark(*value)).collect();
                prop_assert_eq!(labels.len(), axis.marks.len(), "{:?}", labels);
            }
            prop_assert!(axis.top >= max * (1.0 - 1e-8) && axis.place(max) > 0.3, "{axis:?}");
        }
    }

    #[test]
    fn numbers_are_short_and_round() {
        for (number, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (9_994, "9.99 kB"),
            (9_996, "10.0 kB"),
            (99_960, "100 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (1_409_869, "1.41 MB"),
            (i64::MAX, "9.22 EB"),
        ] {
            assert_eq!(bytes(number), text);
        }
        assert_eq!(
            Axis::new(7_300_000.0, 6).marks.into_iter().map(mark).collect::<Vec<_>>().join(", "),
            "0 B/s, 2 MB/s, 4 MB/s, 6 MB/s, 8 MB/s"
        );
        assert_eq!(
            Axis::new(1500.0, 5).marks.into_iter().map(mark).collect::<Vec<_>>().join(", "),
            "0 B/s, 500 B/s, 1 kB/s, 1.5 kB/s"
        );
        assert_eq!(Axis::new(f64::NAN, 5), Axis::new(1.0, 5));
        let rates = [0.0, 0.000_011, 0.0651, 0.5, 1.0, 2.24, 9.94, 9.96, 1409.2].map(rate_of_packets);
        assert_eq!(
            rates.map(|rate| rate.replace(" packets/s", "")).join(" "),
            "0 0.000011 0.065 0.5 1 2.2 9.9 10 1,409"
        );
        assert_eq!(
            [share(1, 3), share(0, 3), share(1, 1_000_000), share(3, 3), share(1, 0)].join(" "),
            "33.3% 0.0% <0.1% 100.0% "
        );
        assert_eq!(
            [1, 60_000_000, 90_000_000, 43_200_000, 1_500_000, 172_800_000_000].map(duration).join(", "),
            "1 µs, 1 min, 90 s, 43.2 s, 1.5 s, 2 d"
        );
        assert_eq!(
            [
                63_115_200_000_000,
                63_115_199_000_000,
                86_400_000_000,
                129_600_000_000,
                3_660_000_000,
                90_000_000,
                7_500_000,
                20
            ]
            .map(about)
            .join(", "),
            "2 years, 730.5 days, 1 day, 1.5 days, 1 h, 1.5 min, 7.5 s, 20 µs"
        );
        assert_eq!([2.0, 9.84, 10.4, 1234.5].map(times).join(", "), "2, 9.8, 10, 1,235");
        assert_eq!([count(1, "row", "rows"), count(1000, "row", "rows")].join(", "), "1 row, 1,000 rows");
    }
}
