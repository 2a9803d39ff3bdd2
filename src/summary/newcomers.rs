//! Addresses that sent packets on the last date, and were met on no date before.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::address::IpAddress;
use crate::aggregate::{Aggregator, Group, Measure, Space, Sums};
use crate::day::Day;
use crate::error::Result;

use super::key::KeyReader;
use super::sum_kind::SumKind;

/// New addresses that are named.
const NAMED: usize = 3;

/// An address that was met on the last date for the first time, and what it sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newcomer {
    /// The address as text.
    pub address: String,
    /// Bytes that it sent.
    pub bytes: i64,
    /// Packets that it sent.
    pub packets: i64,
}

/// Sources of the last date in one kind of network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastSources {
    /// How many there were.
    pub all: u64,
    /// How many of them had never been a source or a destination before.
    pub new: u64,
    /// The largest of these.
    pub first: Vec<Newcomer>,
}

/// The sources of the last date beside the dates before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Newcomers {
    /// The last date, if there is any.
    pub date: Option<Day>,
    /// How many dates before it have packets with addresses.
    pub dates_before: u64,
    /// Sources with private and link-local addresses (RFC 1918, RFC 3927, RFC 4193, RFC 4291 2.5.6).
    pub private: LastSources,
    /// All other sources.
    pub public: LastSources,
}

/// Addresses while they are met. The sums are what an address sent on the last date, the first further number says on how many rows it was
/// met before, the second one whether it sent on the last date.
#[derive(Debug)]
pub(super) struct NewcomerFinder {
    last: Option<Day>,
    dates_before: BTreeSet<Day>,
    met: Aggregator,
}

const MET: Group = Group { day: Day::EPOCH, kind: SumKind::BySrc as u8, measure: Measure::Add, by_owner: false };

impl NewcomerFinder {
    /// No addresses yet. What does not fit in memory is spilled.
    pub(super) fn new(last: Option<Day>, space: &Space) -> Self {
        Self { last, dates_before: BTreeSet::new(), met: Aggregator::new(space) }
    }

    /// Takes a row of the volumes by source or by destination of a date.
    pub(super) fn take(&mut self, day: Day, is_source: bool, key: &[u8], sums: Sums) -> Result<()> {
        if KeyReader(key).address().is_none() {
            return Ok(());
        }
        if Some(day) != self.last {
            self.dates_before.insert(day);
            return self.met.add(MET, key, Sums { more: [1, 0], ..Sums::default() });
        }
        // A destination need not exist: what is scanned is not there.
        if is_source { self.met.add(MET, key, Sums { more: [0, 1], ..sums }) } else { Ok(()) }
    }

    /// What was found.
    pub(super) fn into_newcomers(mut self) -> Result<Newcomers> {
        let mut found =
            Newcomers { date: self.last, dates_before: self.dates_before.len() as u64, ..Newcomers::default() };
        let mut merge = self.met.read(MET)?;
        while let Some((key, sums)) = merge.next()? {
            let Some(address) = KeyReader(key).address() else { continue };
            let [before, sent] = sums.more;
            if sent == 0 {
                continue;
            }
            let sources = if is_private(address) { &mut found.private } else { &mut found.public };
            sources.all += 1;
            if before == 0 {
                sources.new += 1;
                let newcomer = Newcomer { address: address.to_text(), bytes: sums.bytes, packets: sums.packets };
                let at = sources
                    .first
                    .partition_point(|held| (held.bytes, held.packets) >= (newcomer.bytes, newcomer.packets));
                sources.first.insert(at, newcomer);
                sources.first.truncate(NAMED);
            }
        }
        Ok(found)
    }
}

fn is_private(address: IpAddress) -> bool {
    match IpAddr::from(address) {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    }
}
