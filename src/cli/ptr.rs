//! How reverse lookups are done, as clap reads it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use clap::Args as ClapArgs;
use clap::builder::{BoolishValueParser, RangedU64ValueParser};

use crate::names::{BUDGET, CONCURRENCY, LIMIT, PtrOptions, TIMEOUT};

use super::args::Micros;
use super::parse::duration;

/// The port of DNS (RFC 1035 4.2).
const DNS: u16 = 53;

/// Options that say nothing unless `ptr` is among the sources of names.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Reverse lookups (`--names ptr`)")]
pub(super) struct PtrArgs {
    /// Who is asked: `ADDRESS` or `ADDRESS:PORT`, several with commas between [default: the system's resolvers]
    #[arg(long, value_name = "ADDR", env = "PARCAP_RESOLVER", value_delimiter = ',', value_parser = resolver)]
    resolver: Vec<SocketAddr>,
    /// Ask also for private, link-local, multicast and other addresses that have no name in the public DNS
    #[arg(long, env = "PARCAP_PTR_PRIVATE", value_parser = BoolishValueParser::new())]
    ptr_private: bool,
    /// Longest time for one question
    #[arg(long, value_name = "TIME", env = "PARCAP_PTR_TIMEOUT", default_value_t = Micros::of(TIMEOUT), value_parser = duration)]
    ptr_timeout: Micros,
    /// Longest time for all questions of a run; what is left over stays without a name
    #[arg(long, value_name = "TIME", env = "PARCAP_PTR_BUDGET", default_value_t = Micros::of(BUDGET), value_parser = duration)]
    ptr_budget: Micros,
    /// Questions at the same time
    #[arg(long, value_name = "N", env = "PARCAP_PTR_CONCURRENCY", default_value_t = CONCURRENCY,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    ptr_concurrency: usize,
    /// Addresses asked for in a run, those with most bytes first
    #[arg(long, value_name = "N", env = "PARCAP_PTR_LIMIT", default_value_t = LIMIT)]
    ptr_limit: usize,
}

impl PtrArgs {
    pub(super) fn options(&self) -> PtrOptions {
        PtrOptions {
            resolvers: self.resolver.clone(),
            private: self.ptr_private,
            timeout: self.ptr_timeout.duration(),
            budget: self.ptr_budget.duration(),
            concurrency: self.ptr_concurrency,
            limit: self.ptr_limit,
        }
    }
}

impl Micros {
    fn of(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
    }
}

/// `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`.
fn resolver(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, DNS));
    address
        .or_else(|| text.parse().ok())
        .ok_or_else(|| "give an address such as 192.0.2.53 or 192.0.2.53:5353".to_owned())
}
