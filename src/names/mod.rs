//! Names of addresses from elsewhere than the captures: a hosts file.
//!
//! In: addresses. Out: their names as the packets table writes DNS names ([`dns::Name`](crate::decode::dns::Name)), in
//! lower case, with the final dot. Deliberately not here: which source of names wins.
//!
//! Source: hosts(5).

mod hosts;
mod text;

pub use hosts::{HOSTS_SIZE, Hosts};
