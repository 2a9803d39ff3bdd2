//! How reverse lookups are done. One documented constant for each default.

use std::net::SocketAddr;
use std::time::Duration;

/// For one question: what a resolver takes to find a name that it has not at hand, mostly under a second, and once more.
pub const TIMEOUT: Duration = Duration::from_secs(4);
/// For all questions of a run: what somebody who waits for the summaries will bear.
pub const BUDGET: Duration = Duration::from_secs(60);
/// Questions at the same time: few enough for a resolver at home, and for the sockets that a process may have.
pub const CONCURRENCY: usize = 64;
/// Addresses asked at most in a run.
pub const LIMIT: usize = 10_000;

/// How reverse lookups are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PtrOptions {
    /// Who is asked, the first first; if there is none here, those of the system (`/etc/resolv.conf`).
    pub resolvers: Vec<SocketAddr>,
    /// Whether addresses are asked for that have no name in the public DNS: private, link-local, loopback, multicast,
    /// documentation and reserved ones. Names of private addresses are often known to the resolver of a site.
    pub private: bool,
    /// For one question, all attempts of it together; each attempt waits for its share. Under a millisecond is one.
    pub timeout: Duration,
    /// For all questions of a run together. What is under way when it ends is given up.
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
