//! UTC dates, as numbers and as text.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A UTC date as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Day(pub i32);

impl Day {
    /// The date of rows for which nothing says a date.
    pub const EPOCH: Self = Self(0);
    /// The first date that a time may have: 0001-01-01.
    pub const FIRST: Self = Self(-719_162);
    /// The last one: 9999-12-31.
    pub const LAST: Self = Self(2_932_896);
    /// Stands for a date that is not known yet.
    pub const UNKNOWN: Self = Self(i32::MIN);

    /// The date of an instant, given in whole seconds since the Unix epoch.
    #[must_use]
    pub fn of_seconds(seconds: i64) -> Self {
        // Years 1 to 9999 are some 3.6 million days.
        Self(i32::try_from(seconds.div_euclid(86_400)).unwrap_or(0))
    }

    /// Reads `2020-05-23`.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let date: Date = text.parse().ok()?;
        let days = date.since((jiff::Unit::Day, Date::constant(1970, 1, 1))).ok()?.get_days();
        // The parser accepts more than it prints.
        (Self(days).text() == text).then_some(Self(days))
    }

    /// `2020-05-23`.
    #[must_use]
    pub fn text(self) -> String {
        let days = jiff::Span::new().try_days(self.0).ok();
        let date = days.and_then(|days| Date::constant(1970, 1, 1).checked_add(days).ok());
        date.unwrap_or(Date::constant(1970, 1, 1)).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_date_are_those_of_times() {
        assert_eq!((Day::FIRST.text(), Day::LAST.text()), ("0001-01-01".to_owned(), "9999-12-31".to_owned()));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "2020-05", "2020-02-30", "20200523", "2020-05-23T00:00:00", "yesterday"] {
            assert_eq!(Day::of_text(text), None, "{text}");
        }
    }

    #[test]
    fn the_calendar_has_its_leap_days_and_its_ends() {
        // GNU date: date -u -d @SECONDS +%F
        for (seconds, date) in [
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (-62_135_596_800, "0001-01-01"),
            (253_402_300_799, "9999-12-31"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(Day::of_seconds(seconds).text(), date);
            assert_eq!(Day::of_text(date), Some(Day::of_seconds(seconds)));
        }
    }
}
