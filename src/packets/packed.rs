//! The packed rows: values that a packet brings together lie together. Appending a row is what costs, and reading one of
//! two neighbours costs no more than reading both.

use serde::{Deserialize, Serialize};

use crate::capture::{PacketRecord, Timestamp};
use crate::config::{LengthKind, TimestampUnit};
use crate::decode::Packet;

use super::code_table::NO_CODE;

/// `datetime` of a row without one.
pub const NO_DATETIME: i64 = i64::MIN;
/// TCP flags where the packet has none. There are nine of them.
pub(crate) const NO_TCP_FLAGS: u16 = u16::MAX;
/// A protocol where the packet has none.
pub const NO_PROTOCOL: u16 = 256;

/// The times of a row, as its columns show them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// In the unit of the rows; [`NO_DATETIME`] for null.
    pub(crate) datetime: i64,
    /// NaN for null; no time is NaN.
    pub(crate) time: f64,
    /// NaN for null.
    pub(crate) time_normed: f64,
}

/// The ports of a row; [`NO_CODE`] for null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ports {
    pub(crate) dst: u32,
    pub(crate) src: u32,
}

/// What a row has for itself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct RowMeta {
    pub(crate) length: u32,
    /// [`NO_TCP_FLAGS`] for null.
    pub(crate) tcp_flags: u16,
    pub(crate) is_dns: bool,
}

impl Times {
    pub(super) const NULL: Self = Self { datetime: NO_DATETIME, time: f64::NAN, time_normed: f64::NAN };

    /// Of a record. `first` is the time of the capture's first record that has one.
    #[inline]
    pub(super) fn of(time: Option<Timestamp>, first: Option<Timestamp>, unit: TimestampUnit) -> Self {
        let Some(time) = time else { return Self::NULL };
        let datetime = match unit {
            TimestampUnit::Us => time.micros(),
            TimestampUnit::Ns => time.nanos().unwrap_or(NO_DATETIME),
        };
        Self { datetime, time: time.as_f64(), time_normed: time.since(first.unwrap_or(time)) }
    }

    /// Microseconds since the Unix epoch, rounded down. In years that nanoseconds do not reach, only the double is known.
    #[expect(clippy::cast_possible_truncation, reason = "years 1 to 9999 are some 2^58 microseconds")]
    pub(super) fn micros(self, unit: TimestampUnit) -> i64 {
        match unit {
            TimestampUnit::Us => self.datetime,
            TimestampUnit::Ns if self.datetime != NO_DATETIME => self.datetime.div_euclid(1000),
            TimestampUnit::Ns if self.time.is_nan() => NO_DATETIME,
            TimestampUnit::Ns => (self.time * 1e6).floor() as i64,
        }
    }
}

impl Ports {
    pub(super) const NULL: Self = Self { dst: NO_CODE, src: NO_CODE };

    #[inline]
    pub(super) fn of(packet: &Packet<'_>) -> Self {
        let port = |port: Option<u16>| port.map_or(NO_CODE, u32::from);
        Self { dst: port(packet.port_dst), src: port(packet.port_src) }
    }
}

impl RowMeta {
    pub(super) const NULL: Self = Self { length: 0, tcp_flags: NO_TCP_FLAGS, is_dns: false };

    #[inline]
    pub(super) fn of(record: &PacketRecord<'_>, packet: &Packet<'_>, length_kind: LengthKind) -> Self {
        let length = match length_kind {
            LengthKind::Wire => record.orig_len,
            LengthKind::Captured => record.cap_len,
        };
        let tcp_flags = packet.tcp_flags().unwrap_or(NO_TCP_FLAGS);
        Self { length, tcp_flags, is_dns: packet.dns.is_some() }
    }
}

/// TCP flags as a code.
pub(super) fn flags_code(flags: u16) -> u32 {
    if flags == NO_TCP_FLAGS { NO_CODE } else { flags.into() }
}

/// The TCP flags of a code.
pub(super) fn flags_of_code(code: u32) -> u16 {
    u16::try_from(code).unwrap_or(NO_TCP_FLAGS)
}

/// A protocol as a code.
pub(super) fn protocol_code(protocol: u16) -> u32 {
    if protocol == NO_PROTOCOL { NO_CODE } else { u32::from(protocol) }
}

/// The protocol of a code.
pub(super) fn protocol_of_code(code: u32) -> u16 {
    u8::try_from(code).map_or(NO_PROTOCOL, u16::from)
}
