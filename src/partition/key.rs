//! The partition that a row belongs to, and its folder's name.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::columns::NO_PROTOCOL;
use crate::decode::protocol_name;

/// A UTC date as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Day(pub i32);

impl Day {
    /// The date of rows of which nothing says a date.
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
        // The parser takes more than it shows.
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

/// By what the packets table is partitioned besides the date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionBy {
    /// By UTC hour.
    pub hour: bool,
    /// By the `protocol` column.
    pub protocol: bool,
}

impl fmt::Display for PartitionBy {
    /// As `--partition-by` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, protocol) = (if self.hour { ",hour" } else { "" }, if self.protocol { ",protocol" } else { "" });
        write!(f, "date{hour}{protocol}")
    }
}

/// One partition. Sorted by date, then hour, then protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionKey {
    /// Date and hour.
    pub when: When,
    /// Protocol number or [`NO_PROTOCOL`], if the table is partitioned by it.
    pub protocol: Option<u16>,
}

/// The date and hour of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum When {
    /// Rows without a time that come before any row with one in the capture at this place of the unit: they go to the
    /// date of the first timed row, which has not been read yet.
    BeforeFirst(usize),
    /// A date, and an hour (0 to 23) if the table is partitioned by it.
    At(Day, Option<u8>),
}

impl When {
    /// The date and hour of an instant in whole seconds since the Unix epoch.
    #[must_use]
    pub fn of_seconds(seconds: i64, by: PartitionBy) -> Self {
        let hour = u8::try_from(seconds.rem_euclid(86_400) / 3600).unwrap_or(0);
        Self::At(Day::of_seconds(seconds), by.hour.then_some(hour))
    }
}

impl When {
    /// The date, once it is known.
    #[must_use]
    pub fn day(self) -> Option<Day> {
        match self {
            Self::At(day, _) => Some(day),
            Self::BeforeFirst(_) => None,
        }
    }
}

impl PartitionKey {
    /// The folder below `packets/`: `date=2020-05-23/hour=7/protocol=TCP`, values escaped as Hive does.
    ///
    /// Rows of which the packet does not say a protocol are in Hive's default partition, which readers show as null.
    #[must_use]
    pub fn folder(self) -> PathBuf {
        let (day, hour) = match self.when {
            When::At(day, hour) => (day, hour),
            When::BeforeFirst(_) => (Day::EPOCH, None),
        };
        let mut folder = PathBuf::from(format!("date={}", day.text()));
        if let Some(hour) = hour {
            folder.push(format!("hour={hour}"));
        }
        if let Some(protocol) = self.protocol {
            folder.push(format!("protocol={}", protocol_value(protocol)));
        }
        folder
    }
}

fn protocol_value(protocol: u16) -> String {
    if protocol == NO_PROTOCOL {
        return "__HIVE_DEFAULT_PARTITION__".to_owned();
    }
    let Some(name) = u8::try_from(protocol).ok().and_then(protocol_name) else {
        return protocol.to_string();
    };
    let mut escaped = String::new();
    for character in name.chars() {
        if character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.') {
            escaped.push(character);
        } else {
            let _ = write!(escaped, "%{:02X}", u32::from(character));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_hive_style() {
        let by = PartitionBy { hour: true, protocol: true };
        let key = |seconds, protocol| PartitionKey { when: When::of_seconds(seconds, by), protocol: Some(protocol) };
        assert_eq!(key(1_590_217_200, 6).folder(), PathBuf::from("date=2020-05-23/hour=7/protocol=TCP"));
        assert_eq!(key(-1, 39).folder(), PathBuf::from("date=1969-12-31/hour=23/protocol=TP%2B%2B"));
        assert_eq!(
            key(0, NO_PROTOCOL).folder(),
            PathBuf::from("date=1970-01-01/hour=0/protocol=__HIVE_DEFAULT_PARTITION__")
        );
    }

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
