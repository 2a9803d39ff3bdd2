//! How reverse lookups are done. One documented constant for each default.

use std::net::SocketAddr;
use std::time::Duration;

/// For one question: twice the time in which a resolver finds a name that it does not have at hand, mostly under a
/// second.
pub const TIMEOUT: Duration = Duration::from_secs(4);
/// For all questions of a run: how long a user will wait for the summaries.
pub const BUDGET: Duration = Duration::from_secs(60);
/// Questions at the same time: few enough for a resolver at home, and for the sockets that a process may have.
pub const CONCURRENCY: usize = 64;
/// Addresses asked at most in a run.
pub const LIMIT: usize = 10_000;

/// How reverse lookups are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PtrOptions {
    /// The resolvers, in the order in which they are asked. If there are none here, those of the system
    /// (`/etc/resolv.conf`).
    pub resolvers: Vec<SocketAddr>,
    /// Whether to ask also for addresses that have no name in the public DNS: private, link-local, loopback, multicast,
    /// documentation and reserved ones. The resolver of a site often knows names of private addresses.
    pub private: bool,
    /// For one question, with all its attempts together. Each attempt waits for its share. Less than a millisecond counts
    /// as one.
    pub timeout: Duration,
    /// For all questions of a run together. Questions under way when it ends are given up.
    pub budget: Duration,
    /// Questions at the same time, 1 to 1000.
    pub concurrency: usize,
    /// Addresses asked at most in a run, in the order in which they are given.
    pub limit: usize,
}

impl Default for PtrOptions {
    fn default() -> Self {
        Self {
            resolvers: Vec::new(),
            private: false,
            timeout: TIMEOUT,
            budget: BUDGET,
            concurrency: CONCURRENCY,
            limit: LIMIT,
        }
    }
}
