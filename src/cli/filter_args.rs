//! Options that say which packets count, whatever is done with them.

use std::ops::Range;

use clap::Args as ClapArgs;
use ipnet::IpNet;

use crate::summary::Filter;

use super::parse::{net, protocol};

#[derive(Debug, ClapArgs)]
pub(super) struct FilterArgs {
    /// Only packets of this protocol: a name of the `protocol` column, or a number; several with commas between
    #[arg(long, value_name = "PROTOCOL", env = "PARCAP_PROTOCOL", value_delimiter = ',', value_parser = protocol)]
    protocol: Vec<u16>,
    /// Only packets from or to an address, or a prefix: `192.0.2.0/24`; several with commas between
    #[arg(long, value_name = "PREFIX", env = "PARCAP_NET", value_delimiter = ',', value_parser = net)]
    net: Vec<IpNet>,
}

impl FilterArgs {
    /// The filter of these and of times, in microseconds since the Unix epoch.
    pub(super) fn filter(&self, times: Option<Range<i64>>) -> Filter {
        Filter { protocols: self.protocol.clone(), nets: self.net.clone(), times }
    }
}
