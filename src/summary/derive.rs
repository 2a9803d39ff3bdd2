//! The tables of a date, row by row, from what its units have counted.
//!
//! One pass reads the flows in the order of their destinations. It gives the volumes by destination. Names are read
//! beside it in the same order, which gives the volumes by name. Sources and names are then added up once more, each in
//! its own order.

use std::io;

use crate::aggregate::{Aggregator, Group, Measure, Merge, Sums};
use crate::bug::bug;
use crate::day::Day;
use crate::error::{Error, Result};
use crate::packets::NO_PROTOCOL;

use super::dns_clients;
use super::filter::Filter;
use super::flows;
use super::key::{Key, KeyReader};
use super::naming::{GivenNames, Naming};
use super::registry::{NO_NAME, SUMMARIES};
use super::schema::Derivation;
use super::sum_kind::SumKind;

/// Where rows go. They come table by table, each row once, in the order of their keys.
pub(crate) trait RowSink {
    /// Takes a row.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn take(&mut self, kind: SumKind, key: &[u8], sums: Sums) -> Result<()>;
}

/// Sums up one date: hands on the rows of every table to which the filter can be applied
/// ([`left_out_of_sums`](super::left_out::left_out_of_sums)). Those of flows only if there is a timeout for them, in microseconds.
///
/// # Memory
/// As [`Aggregator`].
/// # Errors
/// If sums cannot be read or spilled.
pub(crate) fn sum_up(
    day: Day,
    aggregator: &mut Aggregator,
    (naming, flow_timeout): (&Naming, Option<i64>),
    filter: &Filter,
    sink: &mut dyn RowSink,
) -> Result<()> {
    let mut again = Aggregator::new(aggregator.space());
    if let Some(timeout) = flow_timeout {
        flows::hand_on(day, timeout, aggregator, naming, filter, &mut again)?;
    }
    volumes(day, aggregator, naming, filter, &mut again, sink)?;
    sources(day, aggregator, naming, &mut again, sink)?;
    // Windows, and some of what is counted as it is shown, do not say all that a filter may ask. The caller leaves these
    // tables out then.
    windows(day, aggregator, filter, sink)?;
    let names = aggregator.read(SumKind::ClientNames.group(day))?;
    dns_clients::by_client(names, |kind, key, sums| sink.take(kind, key, sums))?;
    for summary in &SUMMARIES {
        match (summary.kind, summary.derivation) {
            (Some(kind), Derivation::AddedUp) => copy(kind, kind.group(day), &mut again, |_| true, sink)?,
            (Some(kind), Derivation::Counted { of, takes }) => {
                copy(kind, of(filter).group(day), aggregator, |key| takes(filter, KeyReader(key)), sink)?;
            }
            // Handed on already; or no sums.
            (_, Derivation::Passed) | (None, _) => {}
            (Some(_), Derivation::Manifest) => return Err(bug!()),
        }
    }
    Ok(())
}

/// Hands on a group as it is.
fn copy(
    kind: SumKind,
    group: Group,
    aggregator: &mut Aggregator,
    wanted: impl Fn(&[u8]) -> bool,
    sink: &mut dyn RowSink,
) -> Result<()> {
    let mut merge = aggregator.read(group)?;
    while let Some((key, sums)) = merge.next()? {
        if wanted(key) {
            sink.take(kind, key, sums)?;
        }
    }
    Ok(())
}

/// Sums for as long as the key stays the same.
#[derive(Default)]
struct KeyRun {
    key: Vec<u8>,
    sums: Sums,
}

impl KeyRun {
    /// Adds, if the key is the same. Returns whether it was.
    #[inline]
    fn add(&mut self, key: &[u8], sums: &Sums) -> bool {
        let same = self.key == key;
        if same {
            self.sums.merge(sums, Measure::Add);
        }
        same
    }

    fn begin(&mut self, key: &[u8], sums: Sums) {
        self.key.clear();
        self.key.extend_from_slice(key);
        self.sums = sums;
    }
}

fn volumes(
    day: Day,
    aggregator: &mut Aggregator,
    naming: &Naming,
    filter: &Filter,
    again: &mut Aggregator,
    sink: &mut dyn RowSink,
) -> Result<()> {
    let groups = [SumKind::Flows, SumKind::Names, SumKind::ServerNames].map(|kind| kind.group(day));
    let [mut flows, dns, sni] = aggregator.read_together(groups)?;
    let names = NamesOfDate::of_sources(dns, sni)?;
    let mut destinations = Destinations { day, naming, names, unnamed: Sums::default(), key: Key::default() };
    let (mut destination, mut conversation, mut pair) = (KeyRun::default(), KeyRun::default(), Key::default());
    let mut protocols = vec![Sums::default(); usize::from(NO_PROTOCOL) + 1];
    while let Some((key, sums)) = flows.next()? {
        let mut reader = KeyReader(key);
        let (dst, src) = (reader.address_bytes(), reader.address_bytes());
        let protocol = reader.protocol();
        if !filter.takes_protocol(protocol)
            || !filter.nets.is_empty() && !filter.takes_addresses(KeyReader(src).address(), KeyReader(dst).address())
        {
            continue;
        }
        let Some(held) = protocols.get_mut(usize::from(protocol)) else {
            // Counted here there are none; what somebody else wrote into a partial summary is no sum of packets.
            let problem = io::Error::new(io::ErrorKind::InvalidData, "a key has a protocol that there is not");
            return Err(Error::io("read sums in", again.space().folder())(problem));
        };
        held.merge(&sums, Measure::Add);
        again.add(SumKind::BySrc.group(day), src, sums)?;
        // Sorted by destination and source, but shown by source and destination.
        let pair = pair.clear().raw(src).raw(dst).bytes();
        if !conversation.add(pair, &sums) {
            if !conversation.key.is_empty() {
                sink.take(SumKind::Conversations, &conversation.key, conversation.sums)?;
            }
            conversation.begin(pair, sums);
        }
        if !destination.add(dst, &sums) {
            destinations.end(&destination, again, sink)?;
            destination.begin(dst, sums);
        }
    }
    if !conversation.key.is_empty() {
        sink.take(SumKind::Conversations, &conversation.key, conversation.sums)?;
    }
    destinations.end(&destination, again, sink)?;
    if destinations.unnamed.packets > 0 {
        let key = destinations.key.clear().as_it_is(NO_NAME);
        again.add(SumKind::ByName.group(day), key.bytes(), destinations.unnamed)?;
    }
    for (protocol, sums) in (0u16..).zip(protocols).filter(|(_, sums)| sums.packets > 0) {
        again.add(SumKind::Protocols.group(day), Key::default().protocol(protocol).bytes(), sums)?;
    }
    Ok(())
}

/// Volumes by source, and the names of all addresses. The names of the destinations are in `again`.
fn sources(
    day: Day,
    aggregator: &mut Aggregator,
    naming: &Naming,
    again: &mut Aggregator,
    sink: &mut dyn RowSink,
) -> Result<()> {
    let mut names = NamesOfDate::new(day, aggregator)?;
    let [mut sources, mut named] = again.read_together([SumKind::BySrc, SumKind::Named].map(|kind| kind.group(day)))?;
    let mut next = named.next()?.map(|(key, sums)| (key.to_vec(), sums));
    let mut of_source = Key::default();
    while let Some((src, sums)) = sources.next()? {
        sink.take(SumKind::BySrc, src, sums)?;
        let Some(address) = KeyReader(src).address() else { continue };
        let Some(name) = naming.name(address, names.of(src)?) else { continue };
        let mut both = sums;
        let key = of_source.clear().named(src, name).bytes();
        while let Some((held, more)) = next.take_if(|(held, _)| held.as_slice() <= key) {
            if held == key {
                both.merge(&more, Measure::Add);
            } else {
                sink.take(SumKind::Named, &held, more)?;
            }
            next = named.next()?.map(|(key, sums)| (key.to_vec(), sums));
        }
        sink.take(SumKind::Named, key, both)?;
    }
    while let Some((held, sums)) = next {
        sink.take(SumKind::Named, &held, sums)?;
        next = named.next()?.map(|(key, sums)| (key.to_vec(), sums));
    }
    Ok(())
}

/// Hands on a destination once its last flow has been added up.
struct Destinations<'a> {
    day: Day,
    naming: &'a Naming,
    names: NamesOfDate<'a>,
    /// All destinations without a name together; most have none.
    unnamed: Sums,
    key: Key,
}

impl Destinations<'_> {
    fn end(&mut self, destination: &KeyRun, again: &mut Aggregator, sink: &mut dyn RowSink) -> Result<()> {
        let KeyRun { key, sums } = destination;
        if key.is_empty() {
            return Ok(());
        }
        sink.take(SumKind::ByIp, key, *sums)?;
        let group = SumKind::ByName.group(self.day);
        let Some(address) = KeyReader(key).address() else {
            return again.add(group, self.key.clear().no_name().bytes(), *sums);
        };
        let given = self.names.of(key)?;
        if self.naming.would_ask(address, given) {
            sink.take(SumKind::Unnamed, key, *sums)?;
        }
        match self.naming.name(address, given) {
            Some(name) => {
                again.add(SumKind::Named.group(self.day), self.key.clear().named(key, name).bytes(), *sums)?;
                let key = self.key.clear().name(|text| text.extend_from_slice(name.0.as_bytes()));
                again.add(group, key.bytes(), *sums)
            }
            None => {
                self.unnamed.merge(sums, Measure::Add);
                Ok(())
            }
        }
    }
}

/// The names that the captures of a date give to addresses.
pub(super) struct NamesOfDate<'a> {
    dns: BestNames<'a>,
    sni: BestNames<'a>,
}

impl<'a> NamesOfDate<'a> {
    pub(super) fn new(day: Day, aggregator: &'a mut Aggregator) -> Result<Self> {
        let [dns, sni] =
            aggregator.read_together([SumKind::Names, SumKind::ServerNames].map(|kind| kind.group(day)))?;
        Self::of_sources(dns, sni)
    }

    fn of_sources(dns: Merge<'a>, sni: Merge<'a>) -> Result<Self> {
        Ok(Self { dns: BestNames::new(dns)?, sni: BestNames::new(sni)? })
    }

    /// The best names of an address. Addresses must be asked for in order.
    pub(super) fn of(&mut self, address: &[u8]) -> Result<GivenNames<'_>> {
        Ok(GivenNames { dns: self.dns.of(address)?, sni: self.sni.of(address)? })
    }
}

/// The names that one source gave to addresses. They are asked for in the order of the addresses.
struct BestNames<'a> {
    names: Merge<'a>,
    /// The current address, with its best name so far.
    address: Vec<u8>,
    best: String,
    answers: i64,
    /// The next name, which belongs to another address.
    next: Option<(Vec<u8>, i64)>,
}

impl<'a> BestNames<'a> {
    fn new(names: Merge<'a>) -> Result<Self> {
        let mut new = Self { names, address: Vec::new(), best: String::new(), answers: 0, next: None };
        new.read()?;
        Ok(new)
    }

    fn read(&mut self) -> Result<()> {
        self.next = self.names.next()?.map(|(key, sums)| (key.to_vec(), sums.packets));
        Ok(())
    }

    /// The name that an address was given most often; of several, the first in order. `None` if it was given none.
    /// Addresses must be asked for in order.
    fn of(&mut self, address: &[u8]) -> Result<Option<&str>> {
        while let Some((key, answers)) = &self.next {
            let mut reader = KeyReader(key);
            let held = reader.address_bytes();
            if held > address {
                break;
            }
            if held != self.address {
                self.address = held.to_vec();
                self.answers = 0;
            }
            // Names of one address come in order, so the first of several with as many answers stays.
            if *answers > self.answers {
                self.answers = *answers;
                reader.name().clone_into(&mut self.best);
            }
            self.read()?;
        }
        Ok((self.address == address).then_some(self.best.as_str()))
    }
}

/// Windows by protocol, and all of a window together.
fn windows(day: Day, aggregator: &mut Aggregator, filter: &Filter, sink: &mut dyn RowSink) -> Result<()> {
    let mut merge = aggregator.read(SumKind::Windows.group(day))?;
    let (mut window, mut start) = (KeyRun::default(), Key::default());
    while let Some((key, sums)) = merge.next()? {
        let mut reader = KeyReader(key);
        let time = reader.time();
        if !filter.takes_protocol(reader.protocol()) || !filter.takes_time(time) {
            continue;
        }
        sink.take(SumKind::Windows, key, sums)?;
        let start = start.clear().time(time).bytes();
        if !window.add(start, &sums) {
            if !window.key.is_empty() {
                sink.take(SumKind::Rates, &window.key, window.sums)?;
            }
            window.begin(start, sums);
        }
    }
    if !window.key.is_empty() {
        sink.take(SumKind::Rates, &window.key, window.sums)?;
    }
    Ok(())
}
