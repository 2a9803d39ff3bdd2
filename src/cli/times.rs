//! `--from` and `--to`: dates, or times of day.

use std::ops::{Range, RangeInclusive};

use crate::day::Day;

use super::failure::Failure;
use super::parse::dates;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The first or last moment of what is summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// All of a date (UTC).
    Date(Day),
    /// Microseconds since the Unix epoch.
    Time(i64),
}

/// `2024-03-11`, `2024-03-11T09:15Z`, `2024-03-11T09:15:00.25Z`, `2024-03-11T10:15:00+01:00`.
pub(super) fn bound(text: &str) -> Result<Bound, String> {
    let usage = || "give a date such as 2024-03-11, or a time such as 2024-03-11T09:15:00Z".to_owned();
    if let Some(day) = Day::of_text(text) {
        return Ok(Bound::Date(day));
    }
    // The parser accepts more than RFC 3339.
    let is_plain = text.chars().all(|character| character.is_ascii_digit() || "-:.+TtZz".contains(character));
    let time = text.parse::<jiff::Timestamp>().ok().filter(|_| is_plain).ok_or_else(usage)?;
    let day = Day::of_seconds(time.as_second());
    match time.as_nanosecond() % 1000 {
        _ if day < Day::FIRST || day > Day::LAST => Err(usage()),
        0 => Ok(Bound::Time(time.as_microsecond())),
        _ => Err("give a time to the microsecond: 2024-03-11T09:15:00.123456Z".to_owned()),
    }
}

/// The dates from one bound to the other. Also the times, if one bound is within a date.
pub(super) fn range(
    from: Option<Bound>,
    to: Option<Bound>,
) -> Result<(RangeInclusive<Day>, Option<Range<i64>>), Failure> {
    let start = |day: Day| i64::from(day.0) * MICROS_PER_DAY;
    let is_within = |bound: &Option<Bound>| matches!(bound, Some(Bound::Time(time)) if time % MICROS_PER_DAY != 0);
    let day_of = |time: i64| Day::of_seconds(time.div_euclid(1_000_000));
    let first = from.map(|bound| match bound {
        Bound::Date(day) => start(day),
        Bound::Time(time) => time,
    });
    let end = to.map(|bound| match bound {
        Bound::Date(day) => start(day) + MICROS_PER_DAY,
        Bound::Time(time) => time,
    });
    let has_time = [from, to].iter().any(|bound| matches!(bound, Some(Bound::Time(_))));
    if has_time && first.zip(end).is_some_and(|(first, end)| first >= end) {
        let hint = "packets count from the one up to the other, and not at it; a date as `--to` is all of that date";
        return Err(Failure::usage("`--from` is not before `--to`", hint));
    }
    let days = dates(first.map(day_of), end.map(|end| day_of(end - 1)))?;
    let times = first.unwrap_or(i64::MIN)..end.unwrap_or(i64::MAX);
    Ok((days, (is_within(&from) || is_within(&to)).then_some(times)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_dates_or_times_and_nothing_else() {
        // `date -u -d 2024-03-11T09:15Z +%s`.
        let time = 1_710_148_500_000_000;
        for (text, bound_is) in [
            ("2024-03-11", Bound::Date(Day(19_793))),
            ("2024-03-11T09:15Z", Bound::Time(time)),
            ("2024-03-11T09:15:00Z", Bound::Time(time)),
            ("2024-03-11T09:15:00.000001Z", Bound::Time(time + 1)),
            ("2024-03-11T09:15:00.25Z", Bound::Time(time + 250_000)),
            ("2024-03-11T10:15:00+01:00", Bound::Time(time)),
            ("1969-12-31T23:59:59.5Z", Bound::Time(-500_000)),
        ] {
            assert_eq!(bound(text), Ok(bound_is), "{text}");
        }
        for text in [
            "",
            "2024-03-11T09:15",
            "2024-03-11T",
            "09:15Z",
            "2024-03-11 09:15Z",
            "2024-3-11",
            "2024-02-30",
            "2024-03-11T25:00Z",
            "2024-03-11T09:15:00.0000001Z",
            "2024-03-11T09:15Z[UTC]",
            "-000001-01-01T00:00Z",
            "now",
        ] {
            assert!(bound(text).is_err(), "{text}");
        }
    }

    #[test]
    fn whole_dates_need_no_times() {
        let of = |from: &str, to: &str| range(bound(from).ok(), bound(to).ok()).ok();
        let day = MICROS_PER_DAY;
        for (from, to, first, last, times) in [
            ("1970-01-02", "1970-01-03", 1, 2, None),
            ("1970-01-02T00:00Z", "1970-01-04T00:00Z", 1, 2, None),
            ("1970-01-02T00:00Z", "1970-01-03", 1, 2, None),
            ("1970-01-02", "1970-01-03T00:00:01Z", 1, 2, Some(day..2 * day + 1_000_000)),
            ("1970-01-02T12:00Z", "1970-01-02", 1, 1, Some(day * 3 / 2..2 * day)),
            ("1970-01-02T12:00Z", "", 1, Day::LAST.0, Some(day * 3 / 2..i64::MAX)),
            ("", "1969-12-31T12:00Z", Day::FIRST.0, -1, Some(i64::MIN..-day / 2)),
        ] {
            assert_eq!(of(from, to), Some((Day(first)..=Day(last), times)), "{from} {to}");
        }
        for (from, to) in [
            ("1970-01-02", "1970-01-01"),
            ("1970-01-02T00:00Z", "1970-01-02T00:00Z"),
            ("1970-01-02T00:00Z", "1970-01-01"),
            ("1970-01-02", "1970-01-02T00:00Z"),
        ] {
            assert_eq!(of(from, to), None, "{from} {to}");
        }
    }
}
