//! The partition that a row belongs to, and its folder's name.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::PartitionBy;
use crate::day::Day;
use crate::decode::protocol_name;

use super::packed::NO_PROTOCOL;

/// One partition. Sorted by date, then hour, then protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartitionKey {
    /// Date and hour.
    pub when: When,
    /// Protocol number or [`NO_PROTOCOL`], if the table is partitioned by it.
    pub protocol: Option<u16>,
}

/// The date and hour of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum When {
    /// Rows without a time, before the first timed row of the capture at this place of the unit. They go to the date of
    /// that row, which has not been read yet.
    BeforeFirst(usize),
    /// A date, and an hour (0 to 23) if the table is partitioned by it.
    At(Day, Option<u8>),
}

impl When {
    /// The date and hour of an instant in whole seconds since the Unix epoch.
    #[must_use]
    pub fn of_seconds(seconds: i64, by: PartitionBy) -> Self {
        // Of 24 hours, the lowest byte is all there is.
        let [hour, ..] = (seconds.rem_euclid(86_400) / 3600).to_le_bytes();
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
}
