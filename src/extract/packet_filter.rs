//! Which packets of a lake are taken.

use std::ops::{Range, RangeInclusive};
use std::path::Path;

use crate::config::TimestampUnit;
use crate::day::Day;
use crate::decode::protocol_number;
use crate::lake::Layout;
use crate::packets::{NO_PROTOCOL, PartRow, PartitionKey, When};
use crate::summary::Filter;

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// The conditions for a packet to be taken. A packet must meet all.
#[derive(Clone, Debug)]
pub struct PacketFilter {
    /// The first and the last date.
    pub days: RangeInclusive<Day>,
    /// Protocols, addresses and times.
    pub of: Filter,
    /// A source or destination port that is one of these; none is no condition.
    pub ports: Vec<u16>,
}

impl Default for PacketFilter {
    fn default() -> Self {
        Self { days: Day::FIRST..=Day::LAST, of: Filter::default(), ports: Vec::new() }
    }
}

impl PacketFilter {
    /// Whether it takes every row of the parts that it takes.
    pub(super) fn takes_rows(&self) -> bool {
        self.of == Filter::default() && self.ports.is_empty()
    }

    /// The columns that it asks about.
    pub(super) fn columns(&self) -> Vec<&'static str> {
        let mut columns = Vec::new();
        if self.of.times.is_some() {
            columns.push("datetime");
        }
        if !self.of.nets.is_empty() {
            columns.extend(["ip_src", "ip_dst"]);
        }
        if !self.ports.is_empty() {
            columns.extend(["port_src", "port_dst"]);
        }
        if !self.of.protocols.is_empty() {
            columns.push("protocol");
        }
        columns
    }

    /// Whether a part may have packets that are taken, by its partition.
    pub(super) fn takes_part(&self, path: &Path) -> bool {
        let day = Layout::day_of(path);
        let value = |key: &str| path.iter().find_map(|folder| folder.to_str()?.strip_prefix(key));
        let hour = value("hour=").and_then(|hour| hour.parse::<i64>().ok());
        let of_protocol = |protocol: &u16| {
            let key = PartitionKey { when: When::At(day, None), protocol: Some(*protocol) };
            key.folder().file_name().is_some_and(|folder| path.iter().any(|held| held == folder))
        };
        let is_of_a_protocol = value("protocol=").is_none() || self.of.protocols.is_empty();
        self.days.contains(&day)
            && hour.zip(self.of.times.as_ref()).is_none_or(|(hour, times)| {
                let start = (i64::from(day.0) * 24 + hour) * MICROS_PER_HOUR;
                times.start < start + MICROS_PER_HOUR && start < times.end
            })
            && (is_of_a_protocol || self.of.protocols.iter().any(of_protocol))
    }

    /// Whether rows within some times may be taken. The times are in a unit.
    pub(super) fn takes_times(&self, found: Option<RangeInclusive<i64>>, unit: TimestampUnit) -> bool {
        let Some((Range { start, end }, found)) = self.of.times.clone().zip(found) else { return true };
        micros(*found.start(), unit) < end && start <= micros(*found.end(), unit)
    }

    /// Whether a row is taken.
    pub(super) fn takes(&self, row: &PartRow<'_>, unit: TimestampUnit) -> bool {
        let protocol = || row.protocol.and_then(protocol_number).map_or(NO_PROTOCOL, u16::from);
        let is_port = |port: Option<i32>| {
            port.and_then(|port| u16::try_from(port).ok()).is_some_and(|port| self.ports.contains(&port))
        };
        self.of.takes_time(row.datetime.map(|datetime| micros(datetime, unit)))
            && (self.ports.is_empty() || is_port(row.port_src) || is_port(row.port_dst))
            && (self.of.protocols.is_empty() || self.of.takes_protocol(protocol()))
            && self.of.takes_addresses(row.ip_src, row.ip_dst)
    }
}

fn micros(datetime: i64, unit: TimestampUnit) -> i64 {
    match unit {
        TimestampUnit::Us => datetime,
        TimestampUnit::Ns => datetime.div_euclid(1000),
    }
}
