//! Round UTC times on an axis.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::text::time;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Steps of equal length, shortest first.
const STEPS: [i64; 37] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1000,
    2000,
    5000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
];
/// Steps of whole weeks begin on Mondays; 1970-01-05 was one.
const WEEKS: [i64; 2] = [7 * DAY, 14 * DAY];
const MONDAY: i64 = 4 * DAY;
/// Steps in months; twelve months are a year.
const MONTHS: [i64; 13] = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000];

/// A mark on an axis of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tick {
    /// Microseconds since the Unix epoch.
    pub(super) at: i64,
    /// `09:15`, or in another format where the step asks for it.
    pub(super) label: String,
    /// The date or the year, where it differs from that of the tick before.
    pub(super) under: Option<String>,
}

/// Round times from `start` to `end`, both included, `most` at most. None if the calendar does not have them.
pub(super) fn ticks(start: i64, end: i64, most: i64) -> Vec<Tick> {
    let step = |step: i64, from: i64| {
        let first =
            start.checked_sub(from)?.checked_add(step - 1)?.div_euclid(step).checked_mul(step)?.checked_add(from)?;
        let count = end.checked_sub(first)?.div_euclid(step) + 1;
        (count <= most).then(|| (0..count).map(|place| first + place * step).collect::<Vec<_>>())
    };
    let equal = STEPS.iter().map(|length| (*length, 0)).chain(WEEKS.iter().map(|length| (*length, MONDAY)));
    for (length, from) in equal {
        if let Some(times) = step(length, from) {
            return label(&times, length);
        }
    }
    let fits =
        |step: &i64| months(start, end, *step).filter(|times| i64::try_from(times.len()).is_ok_and(|n| n <= most));
    MONTHS.iter().find_map(|step| Some(label(&fits(step)?, step.checked_mul(30 * DAY)?))).unwrap_or_default()
}

fn months(start: i64, end: i64, step: i64) -> Option<Vec<i64>> {
    let (first, last) = (civil(start)?, civil(end)?);
    let number = |date: DateTime| i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
    let numbers = number(first).div_euclid(step)..=number(last).div_euclid(step);
    let begins = numbers.filter_map(|place| {
        let month = place * step;
        let date =
            Date::new(i16::try_from(month.div_euclid(12)).ok()?, i8::try_from(month.rem_euclid(12)).ok()? + 1, 1);
        Some(date.ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond())
    });
    Some(begins.filter(|at| (start..=end).contains(at)).collect())
}

fn civil(micros: i64) -> Option<DateTime> {
    Some(TimeZone::UTC.to_datetime(Timestamp::from_microsecond(micros).ok()?))
}

fn label(times: &[i64], step: i64) -> Vec<Tick> {
    let (format, under) = match step {
        ..1000 => ("%H:%M:%S%.6f", "%-d %b %Y"),
        1000..SECOND => ("%H:%M:%S%.3f", "%-d %b %Y"),
        SECOND..MINUTE => ("%H:%M:%S", "%-d %b %Y"),
        MINUTE..DAY => ("%H:%M", "%-d %b %Y"),
        DAY..=1_209_600_000_000 => ("%-d %b", "%Y"),
        _ if step < 300 * DAY => ("%b", "%Y"),
        _ => ("%Y", ""),
    };
    let mut before = String::new();
    let mut label = |at: i64| {
        let date = civil(at)?;
        let now = date.strftime(under).to_string();
        let changed = now != before;
        before.clone_from(&now);
        Some(Tick { at, label: date.strftime(format).to_string(), under: changed.then_some(now) })
    };
    times.iter().filter_map(|at| label(*at)).collect()
}

/// An instant, rounded down to a whole second.
pub(super) fn to_second(micros: i64) -> String {
    instant(micros.saturating_sub(micros.rem_euclid(1_000_000)))
}

/// An instant, `2024-03-11 09:15:01.918`, UTC.
pub(super) fn instant(micros: i64) -> String {
    time(micros).replace('T', " ").replace('Z', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(start: &str, end: &str) -> String {
        let micros = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
        let label = |tick: Tick| tick.label + &tick.under.map_or_else(String::new, |under| format!(" ({under})"));
        ticks(micros(start), micros(end), 8).into_iter().map(label).collect::<Vec<_>>().join(", ")
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn ticks_rise_within_the_range_and_are_not_too_many(
            start in -60_000_000_000_000_000..250_000_000_000_000_000_i64, digits in 0..17_u32, length in 1..10_i64,
        ) {
            let end = start.saturating_add(10_i64.pow(digits) * length);
            let ticks = ticks(start, end, 8);
            prop_assert!(ticks.len() <= 8 && ticks.iter().all(|tick| (start..=end).contains(&tick.at)), "{ticks:?}");
            prop_assert!(ticks.windows(2).all(|pair| pair[0].at < pair[1].at), "{ticks:?}");
            prop_assert!(digits == 0 || ticks.len() >= 2 || end - start > 100 * 365 * DAY, "{ticks:?}");
        }
    }

    #[test]
    fn the_ends_of_what_a_number_holds_do_no_harm() {
        for (start, end) in [(i64::MIN, i64::MAX), (i64::MAX - 5, i64::MAX), (i64::MIN, i64::MIN + 5), (7, 7), (9, 3)] {
            assert!(ticks(start, end, 8).len() <= 8);
        }
        assert_eq!(instant(i64::MAX), i64::MAX.to_string());
        assert_eq!(instant(1_710_148_501_918_326), "2024-03-11 09:15:01.918326");
    }

    #[test]
    fn labels_say_what_changes() {
        for (start, end, expected) in [
            (
                "2024-03-11T00:00:00Z",
                "2024-03-12T00:00:00Z",
                "00:00 (11 Mar 2024), 06:00, 12:00, 18:00, 00:00 (12 Mar 2024)",
            ),
            (
                "2024-03-11T09:15:00.2Z",
                "2024-03-11T09:15:01Z",
                "09:15:00.200 (11 Mar 2024), 09:15:00.400, 09:15:00.600, 09:15:00.800, 09:15:01.000",
            ),
            ("2024-02-26T12:00:00Z", "2024-03-20T00:00:00Z", "4 Mar (2024), 11 Mar, 18 Mar"),
            ("2023-12-30T00:00:00Z", "2024-01-03T01:00:00Z", "30 Dec (2023), 31 Dec, 1 Jan (2024), 2 Jan, 3 Jan"),
            ("2024-03-11T00:00:00Z", "2026-11-24T00:00:00Z", "Jul (2024), Jan (2025), Jul, Jan (2026), Jul"),
            ("1999-03-11T00:00:00Z", "2026-11-24T00:00:00Z", "2000, 2005, 2010, 2015, 2020, 2025"),
        ] {
            assert_eq!(labels(start, end), expected);
        }
    }
}
