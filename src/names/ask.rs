//! A round of questions.
//!
//! In: addresses, and what is known about them. Out: what is known now, and counts. Always: it ends within its budget,
//! and soon after it is told to stop. Each address is asked once, counted once in [`Asked`], and asked only if nothing is
//! known about it. Failures are answers that expire soon. The runtime has one thread and lives for one round.

use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::runtime::{Builder, Handle};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::address::IpAddress;
use crate::names::{public, resolv_conf};

use super::answer::{Answer, Outcome};
use super::cache::PtrCache;
use super::options::PtrOptions;
use super::question::Resolvers;

/// How often `stop` and the budget are checked.
const TICK: Duration = Duration::from_millis(25);

/// Tasks that run before the clock and the sockets are checked: the costliest answer takes a millisecond or two.
const TASKS_PER_TURN: u32 = 1;

/// The most questions at the same time: the client has no more datagrams under way.
const MAX_CONCURRENCY: usize = 1000;

/// A longer budget than this is cut to this.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// What a round of questions gave. Each address counts once: as asked, cached, private or left over.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Asked {
    /// Addresses that were asked for and whose outcome is known: with a name, without one, or failed.
    pub asked: u64,
    /// Addresses with a name.
    pub named: u64,
    /// Addresses without a name.
    pub without_name: u64,
    /// Addresses of which nothing was learnt: no answer in time, a refusal, a malformed answer.
    pub failed: u64,
    /// Addresses whose answer was in the cache: a name, that there is none, or a failure.
    pub cached: u64,
    /// Addresses that have no name in the public DNS.
    pub not_asked_private: u64,
    /// Addresses for which the budget or the limit did not suffice, or that came after the stop.
    pub left_over: u64,
    /// How long it took.
    pub seconds: f64,
    /// Why nothing could be asked, or nobody answered.
    pub problem: Option<String>,
}

impl Asked {
    /// What two stages of one run have asked for.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.asked += other.asked;
        self.named += other.named;
        self.without_name += other.without_name;
        self.failed += other.failed;
        self.cached += other.cached;
        self.not_asked_private += other.not_asked_private;
        self.left_over += other.left_over;
        self.seconds += other.seconds;
        self.problem = self.problem.or(other.problem);
        self
    }
}

impl fmt::Display for Asked {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asked for {} names in {:.2} s: {} found", self.asked, self.seconds, self.named)?;
        let more = [
            (self.without_name, "do not exist"),
            (self.failed, "failed"),
            (self.cached, "known before"),
            (self.not_asked_private, "private and not asked for"),
            (self.left_over, "left over"),
        ];
        for (count, what) in more.iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        match &self.problem {
            Some(problem) => write!(f, "; {problem}"),
            None => Ok(()),
        }
    }
}

/// Asks for the names of addresses that the cache does not know or whose answers have expired. Fills the cache.
///
/// The addresses are asked for in the order given, as far as the budget and the limit go. Addresses that failed the last
/// time come after the others. An address that is given twice counts once. `now` is in seconds since the epoch. `stop` is
/// called at least every 50 ms, and ends the round when it returns true. Never fails: [`Asked::problem`] says why nothing
/// was asked. Not for use within a tokio runtime, where nothing is asked.
///
/// # Memory
/// The addresses, and up to 64 kB of an answer for each question under way.
pub fn ask(
    addresses: impl Iterator<Item = IpAddress>,
    cache: &mut PtrCache,
    options: &PtrOptions,
    now: i64,
    stop: &dyn Fn() -> bool,
) -> Asked {
    let started = Instant::now();
    let (mut asked, mut seen) = (Asked::default(), HashSet::new());
    // Addresses that failed come last. Otherwise the same ones would use up the budget of every run.
    let (mut queue, mut again) = (Vec::new(), Vec::new());
    for address in addresses.filter(|address| seen.insert(*address)) {
        if cache.knows(address, now) {
            asked.cached += 1;
        } else if !options.private && !public::is_public(address) {
            asked.not_asked_private += 1;
        } else {
            let queue = if cache.failed(address) { &mut again } else { &mut queue };
            queue.push(address);
        }
    }
    queue.append(&mut again);
    asked.left_over = queue.len() as u64;
    queue.truncate(options.limit);
    let mut silent = true;
    let mut keep = |address, answer: Answer| {
        asked.asked += 1;
        asked.left_over -= 1;
        match answer.outcome {
            Outcome::Name(_) => asked.named += 1,
            Outcome::NoName => asked.without_name += 1,
            _ => asked.failed += 1,
        }
        silent &= matches!(answer.outcome, Outcome::Timeout | Outcome::Unreachable);
        cache.keep(address, answer, now);
    };
    if !queue.is_empty() {
        let resolvers = resolvers(options);
        let round = resolvers.as_deref().map(|resolvers| round(queue, resolvers, options, started, stop, &mut keep));
        asked.problem = match (&resolvers, round) {
            (Ok(resolvers), Ok(Ok(()))) if silent && asked.asked > 0 => {
                let named: Vec<_> = resolvers.iter().map(ToString::to_string).collect();
                Some(format!("no resolver answered: {}", named.join(", ")))
            }
            (Ok(_), Ok(Ok(()))) => None,
            (Ok(_), Ok(Err(problem))) => Some(problem),
            (Err(problem), _) | (_, Err(problem)) => Some(problem.clone()),
        };
    }
    asked.seconds = started.elapsed().as_secs_f64();
    asked
}

/// The resolvers to ask, or why there are none.
fn resolvers(options: &PtrOptions) -> Result<Vec<SocketAddr>, String> {
    if !options.resolvers.is_empty() {
        return Ok(options.resolvers.clone());
    }
    match resolv_conf::read(Path::new(resolv_conf::PATH)) {
        Ok(resolvers) if resolvers.is_empty() => Err(format!("{} names no resolver", resolv_conf::PATH)),
        Ok(resolvers) => Ok(resolvers),
        Err(error) => Err(format!("no resolver is configured: cannot read {}: {error}", resolv_conf::PATH)),
    }
}

/// Asks for all addresses in the queue, until it is empty, the budget ends or `stop` says so.
fn round(
    queue: Vec<IpAddress>,
    resolvers: &[SocketAddr],
    options: &PtrOptions,
    started: Instant,
    stop: &dyn Fn() -> bool,
    keep: &mut dyn FnMut(IpAddress, Answer),
) -> Result<(), String> {
    if Handle::try_current().is_ok() {
        return Err("names cannot be asked for within a tokio runtime".to_owned());
    }
    let runtime = Builder::new_current_thread().enable_all().event_interval(TASKS_PER_TURN).build();
    let runtime = runtime.map_err(|error| format!("cannot start to ask: {error}"))?;
    let concurrency = options.concurrency.clamp(1, MAX_CONCURRENCY);
    let end = started + options.budget.min(FOR_EVER);
    runtime.block_on(async {
        let resolvers = Arc::new(Resolvers::new(resolvers, options, concurrency));
        let mut queue = queue.into_iter();
        let mut running = JoinSet::new();
        let mut tick = started;
        loop {
            let now = Instant::now();
            if now >= tick {
                if now >= end || stop() {
                    return;
                }
                tick = now + TICK;
            }
            while running.len() < concurrency
                && let Some(address) = queue.next()
            {
                let resolvers = Arc::clone(&resolvers);
                running.spawn(async move { (address, resolvers.ask(address).await) });
            }
            match timeout_at(tick.min(end), running.join_next()).await {
                Ok(Some(Ok((address, answer)))) => keep(address, answer),
                // The client panicked: the address is left over.
                Ok(Some(Err(_))) => {}
                Ok(None) => return,
                // It is time to check the clock.
                Err(_) => tick = Instant::now(),
            }
        }
    });
    Ok(())
}
