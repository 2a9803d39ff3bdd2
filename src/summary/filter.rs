//! Which packets count, where some do not.

use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;

use crate::address::IpAddress;
use crate::decode::{Packet, protocol_number};
use crate::packets::NO_PROTOCOL;

/// The conditions for a packet to be summed up. An empty field is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One of these protocols.
    pub protocols: Vec<u16>,
    /// A source or destination in one of these prefixes.
    pub nets: Vec<IpNet>,
    /// A time from the first up to, not including, the last of these, in microseconds since the Unix epoch. The least and
    /// the greatest number are no bounds. A packet without a time is outside any times.
    pub times: Option<Range<i64>>,
}

impl Filter {
    /// The number of a protocol, from a name of the column `protocol`, or from the number as text.
    ///
    /// ```
    /// # use parcap::Filter;
    /// assert_eq!((Filter::protocol("UDP"), Filter::protocol("47"), Filter::protocol("UPD")), (Some(17), Some(47), None));
    /// ```
    #[must_use]
    pub fn protocol(name: &str) -> Option<u16> {
        protocol_number(name).map(u16::from)
    }

    /// Whether every packet counts, regardless of its time.
    #[must_use]
    pub fn is_of_all_packets(&self) -> bool {
        self.protocols.is_empty() && self.nets.is_empty()
    }

    /// Whether a time counts, in microseconds since the Unix epoch.
    #[must_use]
    pub fn takes_time(&self, micros: Option<i64>) -> bool {
        self.times.as_ref().is_none_or(|times| micros.is_some_and(|micros| times.contains(&micros)))
    }

    /// Whether no bound of the times lies within a window of `window` microseconds.
    #[must_use]
    pub fn is_aligned(&self, window: i64) -> bool {
        let bounds = self.times.iter().flat_map(|times| [times.start, times.end]);
        let mut bounds = bounds.filter(|bound| ![i64::MIN, i64::MAX].contains(bound));
        bounds.all(|bound| bound.rem_euclid(window) == 0)
    }

    /// The same filter, with the first window whole if a part of it is within the times.
    #[must_use]
    pub fn with_whole_windows(&self, window: i64) -> Self {
        let whole = |times: &Range<i64>| times.start.saturating_sub(times.start.rem_euclid(window))..times.end;
        Self { times: self.times.as_ref().map(whole), ..self.clone() }
    }

    /// Whether packets of a protocol count, regardless of their addresses.
    #[must_use]
    pub fn takes_protocol(&self, protocol: u16) -> bool {
        self.protocols.is_empty() || self.protocols.contains(&protocol)
    }

    /// Whether a packet counts, regardless of its time.
    #[must_use]
    pub fn takes(&self, packet: &Packet<'_>) -> bool {
        self.is_of_all_packets()
            || self.takes_protocol(packet.protocol.map_or(NO_PROTOCOL, u16::from))
                && self.takes_addresses(packet.ip_src, packet.ip_dst)
    }

    /// Whether packets between two addresses count, regardless of their protocol.
    #[must_use]
    pub fn takes_addresses(&self, src: Option<IpAddress>, dst: Option<IpAddress>) -> bool {
        let within = |address: IpAddress| self.nets.iter().any(|net| net.contains(&IpAddr::from(address)));
        self.nets.is_empty() || [src, dst].into_iter().flatten().any(within)
    }
}
