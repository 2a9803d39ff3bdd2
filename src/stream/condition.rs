//! Conditions on the columns of a packet, checked before its row is made.

use std::net::IpAddr;

use crate::address::{IpAddress, MacAddr};
use crate::decode::{Packet, protocol_number};
use crate::error::{Error, Result};

/// A column has one of some values. `None` is null: the packet does not say.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Ip(fn(&Packet<'_>) -> Option<IpAddress>, Vec<Option<IpAddress>>),
    Mac(fn(&Packet<'_>) -> Option<MacAddr>, Vec<Option<MacAddr>>),
    Port(fn(&Packet<'_>) -> Option<u16>, Vec<Option<u16>>),
    /// The source or the destination port.
    EitherPort(Vec<Option<u16>>),
    Protocol(Vec<Option<u8>>),
    Dns(Vec<Option<bool>>),
}

impl Condition {
    /// A condition on the column of this name, or on `port`. Values are the texts of the column.
    pub(super) fn parse(column: &str, values: &[Option<&str>]) -> Result<Self> {
        let ip = |text: &str| text.parse::<IpAddr>().ok().map(IpAddress::from);
        let port = |text: &str| text.parse().ok();
        let dns = |text: &str| text.parse().ok();
        let (an_ip, a_mac) = ("an address such as 192.0.2.1", "an address such as 02:00:00:00:00:1f");
        let a_port = "a number up to 65535";
        Ok(match column {
            "ip_src" => Self::Ip(|packet| packet.ip_src, typed(column, values, ip, an_ip)?),
            "ip_dst" => Self::Ip(|packet| packet.ip_dst, typed(column, values, ip, an_ip)?),
            "mac_src" => Self::Mac(|packet| packet.mac_src, typed(column, values, MacAddr::parse, a_mac)?),
            "mac_dst" => Self::Mac(|packet| packet.mac_dst, typed(column, values, MacAddr::parse, a_mac)?),
            "port_src" => Self::Port(|packet| packet.port_src, typed(column, values, port, a_port)?),
            "port_dst" => Self::Port(|packet| packet.port_dst, typed(column, values, port, a_port)?),
            "port" => Self::EitherPort(typed(column, values, port, a_port)?),
            "protocol" => {
                let expected = "a name as the column has it, or a number up to 255";
                Self::Protocol(typed(column, values, protocol_number, expected)?)
            }
            "is_dns" => Self::Dns(typed(column, values, dns, "true or false")?),
            _ => return Err(Error::NoSuchCondition { column: column.to_owned() }),
        })
    }

    /// Whether a packet has one of the values.
    pub(super) fn takes(&self, packet: &Packet<'_>) -> bool {
        match self {
            Self::Ip(of, wanted) => wanted.contains(&of(packet)),
            Self::Mac(of, wanted) => wanted.contains(&of(packet)),
            Self::Port(of, wanted) => wanted.contains(&of(packet)),
            Self::EitherPort(wanted) => wanted.contains(&packet.port_src) || wanted.contains(&packet.port_dst),
            Self::Protocol(wanted) => wanted.contains(&packet.protocol),
            Self::Dns(wanted) => wanted.contains(&Some(packet.dns.is_some())),
        }
    }
}

/// The values of a column, each of its type.
fn typed<T>(
    column: &str,
    values: &[Option<&str>],
    parse: impl Fn(&str) -> Option<T>,
    expected: &'static str,
) -> Result<Vec<Option<T>>> {
    let value = |text: &str| {
        let wrong = || Error::NoSuchValue { column: column.to_owned(), value: text.to_owned(), expected };
        parse(text).ok_or_else(wrong)
    };
    values.iter().map(|given| given.map(value).transpose()).collect()
}
