//! What a row of the lake says of its record.

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;

use crate::capture::{PacketRecord, Timestamp};
use crate::config::{LengthKind, TimestampUnit};
use crate::error::Result;
use crate::packets::{NO_DATETIME, PartRow};

use super::bytes::{KeyBytes, KeyWriter};

/// In place of a number that the row does not have, or that the lake has no column for.
const NONE: u64 = u64::MAX;

/// What a row says of its record, besides where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowFacts {
    /// [`NO_DATETIME`] for null.
    pub(super) datetime: i64,
    length: u64,
    cap_len: u64,
    link_type: u64,
    /// A hash of the text.
    interface: u64,
}

/// Which of these things a lake says, and in which units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(super) unit: TimestampUnit,
    pub(super) length: LengthKind,
    pub(super) has_cap_len: bool,
    pub(super) has_link_type: bool,
    pub(super) has_interface: bool,
}

impl Terms {
    /// The columns to be read.
    pub(super) fn columns(&self) -> Vec<&'static str> {
        let further =
            [("cap_len", self.has_cap_len), ("link_type", self.has_link_type), ("interface", self.has_interface)];
        let further = further.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name);
        ["datetime", "length", "offset"].into_iter().chain(further).collect()
    }

    /// The time of a row, if it has one, rounded down to microseconds.
    pub(super) fn micros(&self, datetime: i64) -> Option<i64> {
        (datetime != NO_DATETIME).then_some(match self.unit {
            TimestampUnit::Us => datetime,
            TimestampUnit::Ns => datetime.div_euclid(1000),
        })
    }
}

impl RowFacts {
    /// What a row says.
    pub(super) fn of(row: &PartRow<'_>) -> Self {
        let number = |value: Option<i64>| value.map_or(NONE, i64::cast_unsigned);
        Self {
            datetime: row.datetime.unwrap_or(NO_DATETIME),
            length: number(row.length),
            cap_len: number(row.cap_len),
            link_type: number(row.link_type.map(i64::from)),
            interface: row.interface.map_or(NONE, |text| hash(text.as_bytes())),
        }
    }

    /// Whether a record says the same.
    pub(super) fn agrees(&self, record: &PacketRecord<'_>, terms: &Terms) -> bool {
        let datetime = match terms.unit {
            TimestampUnit::Us => record.time.map(Timestamp::micros),
            TimestampUnit::Ns => record.time.and_then(Timestamp::nanos),
        };
        let length = match terms.length {
            LengthKind::Wire => record.orig_len,
            LengthKind::Captured => record.cap_len,
        };
        let interface = record.interface().map_or(NONE, |number| match record.interface_name() {
            Some(name) => hash(name.as_bytes()),
            None => hash(number.to_string().as_bytes()),
        });
        self.datetime == datetime.unwrap_or(NO_DATETIME)
            && self.length == u64::from(length)
            && (!terms.has_cap_len || self.cap_len == u64::from(record.cap_len))
            && (!terms.has_link_type || self.link_type == record.link_type.map_or(NONE, |known| known.0.into()))
            && (!terms.has_interface || self.interface == interface)
    }

    pub(super) fn write(&self, key: &mut KeyWriter) {
        key.u64(self.datetime.cast_unsigned()).u64(self.length).u64(self.cap_len).u64(self.link_type);
        key.u64(self.interface);
    }

    pub(super) fn read(key: &mut KeyBytes<'_>) -> Result<Self> {
        let datetime = key.u64()?.cast_signed();
        let (length, cap_len, link_type) = (key.u64()?, key.u64()?, key.u64()?);
        Ok(Self { datetime, length, cap_len, link_type, interface: key.u64()? })
    }
}

/// Names of interfaces may be long, and a hash tells them apart.
fn hash(text: &[u8]) -> u64 {
    FixedState::default().hash_one(text)
}
