//! What a lake keeps from its first run on.

use std::fmt;

use super::{Decapsulation, FurtherColumns, LengthKind, PartitionBy, Settings, TimestampUnit, time_text};

/// A setting that all parts and tables of a lake share, with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// [`Settings::partition_by`].
    PartitionBy(PartitionBy),
    /// [`Settings::columns`].
    Columns(FurtherColumns),
    /// [`Settings::decapsulate`].
    Decapsulate(Decapsulation),
    /// [`Settings::timestamp_unit`].
    TimestampUnit(TimestampUnit),
    /// [`Settings::length`].
    Length(LengthKind),
    /// [`Settings::window`].
    Window(i64),
    /// [`Settings::summaries`].
    Summaries(bool),
    /// [`Settings::dns_clients`].
    DnsClients(bool),
    /// [`Settings::flow_timeout`].
    Flows(Option<i64>),
    /// [`Settings::delta`].
    Delta(bool),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PartitionBy(keys) => write!(f, "partitions by {keys}"),
            Self::Columns(columns) if columns.is_empty() => f.write_str("no further columns"),
            Self::Columns(columns) => write!(f, "the further columns {columns}"),
            Self::Decapsulate(tunnels) if tunnels.is_empty() => f.write_str("no look into tunnels"),
            Self::Decapsulate(tunnels) => write!(f, "a look into the tunnels {tunnels}"),
            Self::TimestampUnit(unit) => write!(f, "times in {}", unit.name()),
            Self::Length(kind) => write!(f, "{} lengths", kind.name()),
            Self::Window(window) => write!(f, "windows of {}", time_text(*window)),
            Self::Summaries(summaries) => f.write_str(if *summaries { "summaries" } else { "no summaries" }),
            Self::DnsClients(counted) => {
                f.write_str(if *counted { "counts of DNS clients" } else { "no counts of DNS clients" })
            }
            Self::Flows(None) => f.write_str("no flows"),
            Self::Flows(Some(timeout)) => write!(f, "flows with a timeout of {}", time_text(*timeout)),
            Self::Delta(delta) => f.write_str(if *delta { "a Delta log" } else { "no Delta log" }),
        }
    }
}

impl Settings {
    /// What all parts and tables of a lake share.
    #[must_use]
    pub fn binding(&self) -> [Setting; 10] {
        [
            Setting::PartitionBy(self.partition_by),
            Setting::Columns(self.columns.clone()),
            Setting::Decapsulate(self.decapsulate.clone()),
            Setting::TimestampUnit(self.timestamp_unit),
            Setting::Length(self.length),
            Setting::Window(self.window),
            Setting::Summaries(self.summaries),
            Setting::DnsClients(self.dns_clients),
            Setting::Flows(self.flow_timeout),
            Setting::Delta(self.delta),
        ]
    }
}
