//! Which packets count, where not all do.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::columns::NO_PROTOCOL;
use crate::decode::{IpAddress, Packet};

/// What packets must have to be summed up; whatever is not asked for, every packet has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One of these protocols.
    pub protocols: Vec<u16>,
    /// A source or destination in one of these prefixes.
    pub nets: Vec<IpNet>,
}

impl Filter {
    /// Whether every packet counts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.protocols.is_empty() && self.nets.is_empty()
    }

    /// Whether packets of a protocol count, their addresses aside.
    #[must_use]
    pub fn takes_protocol(&self, protocol: u16) -> bool {
        self.protocols.is_empty() || self.protocols.contains(&protocol)
    }

    /// Whether a packet counts.
    #[must_use]
    pub fn takes(&self, packet: &Packet<'_>) -> bool {
        self.is_empty()
            || self.takes_protocol(packet.protocol.map_or(NO_PROTOCOL, u16::from))
                && self.takes_addresses(packet.ip_src, packet.ip_dst)
    }

    /// Whether packets between two addresses count, their protocol aside.
    #[must_use]
    pub fn takes_addresses(&self, src: Option<IpAddress>, dst: Option<IpAddress>) -> bool {
        let within = |address: IpAddress| self.nets.iter().any(|net| net.contains(&ip_addr(address)));
        self.nets.is_empty() || [src, dst].into_iter().flatten().any(within)
    }
}

/// An address as the standard library has it.
fn ip_addr(address: IpAddress) -> IpAddr {
    match address {
        IpAddress::V4(bits) => IpAddr::V4(bits.into()),
        IpAddress::V6(bits) => IpAddr::V6(bits.into()),
    }
}
