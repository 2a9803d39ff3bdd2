//! Names of addresses that do not come from the captures: from a hosts file, and from reverse lookups (PTR).
//!
//! In: addresses. Out: their names as the packets table writes DNS names ([`dns::Name`](crate::decode::dns::Name)), in
//! lower case, with the final dot. Always: whatever a resolver or a cache says, nothing here panics; a reverse lookup
//! never fails a run and ends within its budget; the same answers give the same table. The only door for domain and
//! tokio, and the only place that asks the network. Not here: when names are asked for, and which source wins.
//!
//! Source: hosts(5), resolv.conf(5); RFC 1035 3.5 and RFC 3596 2.5 (the questions), RFC 2317 (CNAMEs in reverse zones),
//! RFC 2308 (what is not there, and for how long), RFC 2181 5.2 and 8 (TTLs), RFC 6890 and 9637 (addresses without names).

mod answer;
mod ask;
mod cache;
mod datagram;
mod hosts;
mod options;
mod public;
mod question;
mod resolv_conf;
#[cfg(test)]
mod tests;
mod text;

pub use ask::{Asked, ask};
pub use cache::PtrCache;
pub use hosts::{HOSTS_SIZE, Hosts};
pub use options::{BUDGET, CONCURRENCY, LIMIT, PtrOptions, TIMEOUT};
pub(crate) use text::of_host;
