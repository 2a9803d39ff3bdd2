//! What many flows together look like: somebody who tries targets that do not answer, and talk at regular intervals.
//!
//! Flows come in any order. They are sorted by source and target, so that memory is that of one source and one target at a time.

use crate::address::IpAddress;
use crate::aggregate::{Aggregator, Group, Measure, Space, Sums};
use crate::day::Day;
use crate::error::Result;
use crate::packets::{NO_CODE, TCP};
use crate::summary::key::{Key, KeyReader};

use super::end::End;
use super::row::FlowRow;

/// The group of flows by source, target and time. Further numbers are flows that were tried, and those that were not answered.
const BY_TARGET: Group = Group { day: Day::EPOCH, kind: 0, measure: Measure::Add, by_owner: false };
/// The most intervals between flows to one target that are looked at.
const MOST_INTERVALS: usize = 10_000;
/// An interval counts if it is between half and one and a half of the median: a beat that is missing, or that comes twice, is no jitter.
const AROUND: f64 = 0.5;
/// At least this many percent of them count.
const COUNT_PERCENT: usize = 80;
/// Ports of services, from which nobody opens a connection.
const SERVICES: u32 = 1024;
/// Of each pattern, how many are kept: those with most flows.
const KEPT: usize = 32;

/// Targets of one source that did not answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// The source.
    pub source: String,
    /// Targets that it tried, each an address and a port of a protocol.
    pub tried: u64,
    /// Those of them that never answered.
    pub silent: u64,
    /// Addresses of the silent targets.
    pub hosts: u64,
    /// The address with most silent ports.
    pub host: String,
    /// How many these are.
    pub ports: u64,
    /// First and last time of a flow to a silent target, in microseconds.
    pub times: [i64; 2],
}

/// Flows of one source to one target at regular intervals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Regular {
    /// The source.
    pub source: String,
    /// The address of the target.
    pub target: String,
    /// Its port, if the packets say one.
    pub port: Option<u16>,
    /// IANA protocol number.
    pub protocol: u16,
    /// How many flows.
    pub flows: u64,
    /// Mean of the intervals between their beginnings, in seconds.
    pub interval: f64,
    /// Standard deviation of the intervals, as a share of their mean.
    pub spread: f64,
    /// First and last time that one began, in microseconds.
    pub times: [i64; 2],
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patterns {
    /// Sources with silent targets, those with most of them first.
    pub attempts: Vec<Attempts>,
    /// Targets of regular flows, those with most flows first.
    pub regular: Vec<Regular>,
    /// TCP connections of all sources that were tried.
    pub tried: u64,
    /// Those that were answered: in a capture of one direction nobody answers.
    pub answered: u64,
}

/// Collects flows.
#[derive(Debug)]
pub(in crate::summary) struct FlowPatterns {
    flows: Aggregator,
    key: Key,
    tried: u64,
    answered: u64,
}

impl FlowPatterns {
    pub(in crate::summary) fn new(space: &Space) -> Self {
        Self { flows: Aggregator::new(space), key: Key::default(), tried: 0, answered: 0 }
    }

    /// Takes a flow.
    ///
    /// # Errors
    /// If there is no room left in memory, and it cannot be spilled.
    pub(in crate::summary) fn take(&mut self, flow: &FlowRow<'_>) -> Result<()> {
        let [src, dst] = flow.ends;
        let [first, _] = flow.times;
        let (is_tried, is_silent) = outcome(flow);
        let is_connection = flow.state.is_some() && is_tried;
        self.tried += u64::from(is_connection);
        self.answered += u64::from(is_connection && !is_silent);
        let key = self.key.clear().address(Some(src.ip));
        dst.write(key);
        key.protocol(flow.protocol).time(Some(first));
        let more = [i64::from(is_tried), i64::from(is_silent)];
        self.flows.add(BY_TARGET, self.key.bytes(), Sums { more, ..Sums::of(0, 1) })
    }

    /// The patterns that are within the limits.
    ///
    /// # Errors
    /// If what was spilled cannot be read.
    pub(in crate::summary) fn finish(mut self, limits: &PatternLimits) -> Result<Patterns> {
        let mut found = Patterns { tried: self.tried, answered: self.answered, ..Patterns::default() };
        let (mut of_source, mut of_target) = (SourceRun::default(), TargetRun::default());
        let mut flows = self.flows.read(BY_TARGET)?;
        while let Some((key, sums)) = flows.next()? {
            let mut reader = KeyReader(key);
            let (Some(source), Some(target)) = (reader.address(), End::read(&mut reader)) else { continue };
            let (protocol, Some(first)) = (reader.protocol(), reader.time()) else { continue };
            let is_same = of_target.target == Some((source, target, protocol));
            if !is_same {
                of_source.end_target(&of_target);
                found.regular.extend(of_target.regular(limits));
                keep(&mut found.regular, |regular| regular.flows);
                of_target.begin((source, target, protocol));
            }
            if of_source.source != Some(source) {
                found.attempts.extend(of_source.attempts(limits));
                keep(&mut found.attempts, |attempts| attempts.silent);
                of_source = SourceRun { source: Some(source), ..SourceRun::default() };
            }
            of_target.add(first, sums);
        }
        of_source.end_target(&of_target);
        found.regular.extend(of_target.regular(limits));
        found.attempts.extend(of_source.attempts(limits));
        keep(&mut found.regular, |regular| regular.flows);
        keep(&mut found.attempts, |attempts| attempts.silent);
        Ok(found)
    }
}

/// From when on something is a pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PatternLimits {
    /// The fewest silent targets of a source.
    pub silent: u64,
    /// The fewest flows to a target.
    pub flows: u64,
    /// The greatest spread of their intervals.
    pub spread: f64,
    /// The least mean of their intervals, in seconds.
    pub interval: f64,
}

/// Keeps the first few of the largest.
fn keep<T>(all: &mut Vec<T>, size: impl Fn(&T) -> u64) {
    // Stable: of equals, the first in the order of addresses stay.
    all.sort_by_key(|one| std::cmp::Reverse(size(one)));
    all.truncate(KEPT);
}

/// Whether a flow was tried by its source, and whether nobody answered. A TCP flow whose SYN was not seen says neither; nor does what
/// comes from the port of a service, which is half of what others asked for.
fn outcome(flow: &FlowRow<'_>) -> (bool, bool) {
    let [src, _] = flow.ends;
    match flow.state {
        Some("OTH") => (false, false),
        None if src.port < SERVICES || src.port == NO_CODE => (false, false),
        _ => (true, flow.is_silent()),
    }
}

/// Whether a target is most likely the broadcast address of the source's network (RFC 919, 7). No packet says how long the prefix of the
/// network is; few are shorter than 16 bits or longer than 24.
fn is_told_to_network(source: IpAddress, target: IpAddress, protocol: u16) -> bool {
    match (source, target) {
        (IpAddress::V4(source), IpAddress::V4(target)) => {
            protocol != TCP && source >> 16 == target >> 16 && target & 0xff == 0xff
        }
        _ => false,
    }
}

/// The flows of one target, while they come in order of time.
#[derive(Debug, Default)]
struct TargetRun {
    target: Option<(IpAddress, End, u16)>,
    flows: u64,
    tried: bool,
    is_answered: bool,
    first: i64,
    last: i64,
    intervals: Vec<i64>,
}

impl TargetRun {
    fn begin(&mut self, target: (IpAddress, End, u16)) {
        self.intervals.clear();
        let intervals = std::mem::take(&mut self.intervals);
        *self = Self { target: Some(target), intervals, ..Self::default() };
    }

    fn add(&mut self, first: i64, sums: Sums) {
        let [tried, silent] = sums.more;
        if self.flows == 0 {
            self.first = first;
        } else if self.intervals.len() < MOST_INTERVALS {
            self.intervals.push(first.saturating_sub(self.last));
        }
        self.last = first;
        self.flows += sums.packets.unsigned_abs();
        self.tried |= tried > 0;
        self.is_answered |= silent < sums.packets;
    }

    /// The flows as regular ones, if they are.
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds of a pause, and numbers of intervals, are far below 2^53"
    )]
    fn regular(&mut self, limits: &PatternLimits) -> Option<Regular> {
        let (source, target, protocol) = self.target?;
        // What everybody in a network is told is told at intervals.
        let is_told_to_all = target.ip.is_multicast_or_broadcast() || is_told_to_network(source, target.ip, protocol);
        if is_told_to_all || self.flows < limits.flows || (self.intervals.len() as u64) < limits.flows.saturating_sub(1)
        {
            return None;
        }
        let count = self.intervals.len();
        let (_, median, _) = self.intervals.select_nth_unstable(count / 2);
        let median = *median as f64;
        let usual = median * (1.0 - AROUND)..=median * (1.0 + AROUND);
        let kept =
            || self.intervals.iter().map(|interval| *interval as f64).filter(|interval| usual.contains(interval));
        let number = kept().count();
        if number == 0 || number * 100 < count * COUNT_PERCENT {
            return None;
        }
        let mean = kept().sum::<f64>() / number as f64;
        let deviation = (kept().map(|interval| (interval - mean).powi(2)).sum::<f64>() / number as f64).sqrt();
        let (spread, interval) = (deviation / mean, mean / 1e6);
        (interval >= limits.interval && spread <= limits.spread).then(|| Regular {
            source: source.to_string(),
            target: target.ip.to_string(),
            port: target.port(),
            protocol,
            flows: self.flows,
            interval,
            spread,
            times: [self.first, self.last],
        })
    }
}

/// The targets of one source, while they come in order.
#[derive(Debug, Default)]
struct SourceRun {
    source: Option<IpAddress>,
    tried: u64,
    silent: u64,
    hosts: u64,
    host: Option<IpAddress>,
    ports: u64,
    /// The host with most silent ports, and how many.
    worst: Option<(IpAddress, u64)>,
    times: Option<[i64; 2]>,
}

impl SourceRun {
    fn end_target(&mut self, run: &TargetRun) {
        let Some((_, target, _)) = run.target.filter(|_| run.tried) else { return };
        self.tried += 1;
        if run.is_answered {
            return;
        }
        self.silent += 1;
        if self.host != Some(target.ip) {
            self.hosts += 1;
            (self.host, self.ports) = (Some(target.ip), 0);
        }
        self.ports += 1;
        if self.worst.is_none_or(|(_, ports)| ports < self.ports) {
            self.worst = Some((target.ip, self.ports));
        }
        let [first, last] = self.times.unwrap_or([run.first, run.last]);
        self.times = Some([first.min(run.first), last.max(run.last)]);
    }

    fn attempts(&self, limits: &PatternLimits) -> Option<Attempts> {
        let (source, (host, ports)) = (self.source?, self.worst?);
        (self.silent >= limits.silent).then(|| Attempts {
            source: source.to_string(),
            tried: self.tried,
            silent: self.silent,
            hosts: self.hosts,
            host: host.to_string(),
            ports,
            times: self.times.unwrap_or_default(),
        })
    }
}
