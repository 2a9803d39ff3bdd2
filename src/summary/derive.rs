//! The tables of a date, row by row, from what its units have counted.
//!
//! One pass over the flows in the order of their destinations gives the volumes by destination and, beside the names in
//! the same order, by name; sources and names are added up once more in an order of their own.

use crate::aggregate::{Merge, Rule, Section, Sums, Tallies};
use crate::day::Day;
use crate::error::Result;
use crate::packets::NO_PROTOCOL;

use super::filter::Filter;
use super::key::{Key, Reader};
use super::kind::Kind;
use super::naming::Naming;
use super::schema::NO_NAME;

/// Where rows go: by table, those of one table each once, and in the order of their keys.
pub(crate) trait Sink {
    /// Takes a row.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn take(&mut self, kind: Kind, key: &[u8], sums: Sums) -> Result<()>;
}

/// Sums up one date: hands on the rows of every table, as far as the filter can be applied to it
/// ([`left_out_of_sums`](super::left_out::left_out_of_sums)).
///
/// # Memory
/// As [`Tallies`].
/// # Errors
/// If sums cannot be read or spilled.
pub(crate) fn sum_up(
    day: Day,
    tallies: &mut Tallies,
    naming: &Naming,
    filter: &Filter,
    sink: &mut dyn Sink,
) -> Result<()> {
    let mut again = Tallies::new(tallies.space());
    flows(day, tallies, naming, filter, &mut again, sink)?;
    sources(day, tallies, naming, &mut again, sink)?;
    for kind in [Kind::ByName, Kind::Protocols] {
        copy(kind, kind.section(day), &mut again, |_| true, sink)?;
    }
    // What these are counted by does not say all that a filter may ask; whoever shows them leaves them out then.
    windows(day, tallies, filter, sink)?;
    copy(Kind::Ports, Kind::Ports.section(day), tallies, |key| filter.takes_protocol(Reader(key).protocol()), sink)?;
    copy(Kind::Queries, Kind::Queries.section(day), tallies, |_| true, sink)?;
    let names = if filter.times.is_some() { Kind::NamesWithin } else { Kind::Names };
    copy(Kind::Names, names.section(day), tallies, |key| filter.takes_addresses(Reader(key).address(), None), sink)
}

/// Hands on a section that needs no more than that.
fn copy(
    kind: Kind,
    section: Section,
    tallies: &mut Tallies,
    wanted: impl Fn(&[u8]) -> bool,
    sink: &mut dyn Sink,
) -> Result<()> {
    let mut merge = tallies.read(section)?;
    while let Some((key, sums)) = merge.next()? {
        if wanted(key) {
            sink.take(kind, key, sums)?;
        }
    }
    Ok(())
}

/// What is added up as long as a key stays the same.
#[derive(Default)]
struct Run {
    key: Vec<u8>,
    sums: Sums,
}

impl Run {
    /// Adds, if it is the same key.
    #[inline]
    fn add(&mut self, key: &[u8], sums: &Sums) -> bool {
        let same = self.key == key;
        if same {
            self.sums.merge(sums, Rule::Add);
        }
        same
    }

    fn begin(&mut self, key: &[u8], sums: Sums) {
        self.key.clear();
        self.key.extend_from_slice(key);
        self.sums = sums;
    }
}

fn flows(
    day: Day,
    tallies: &mut Tallies,
    naming: &Naming,
    filter: &Filter,
    again: &mut Tallies,
    sink: &mut dyn Sink,
) -> Result<()> {
    let [mut flows, names] = tallies.read_two(Kind::Flows.section(day), Kind::Names.section(day))?;
    let mut destinations =
        Destinations { day, naming, names: BestNames::new(names)?, unnamed: Sums::default(), key: Key::default() };
    let (mut destination, mut conversation, mut pair) = (Run::default(), Run::default(), Key::default());
    let mut protocols = vec![Sums::default(); usize::from(NO_PROTOCOL) + 1];
    while let Some((key, sums)) = flows.next()? {
        let mut reader = Reader(key);
        let (dst, src) = (reader.address_bytes(), reader.address_bytes());
        let protocol = reader.protocol();
        if !filter.takes_protocol(protocol)
            || !filter.nets.is_empty() && !filter.takes_addresses(Reader(src).address(), Reader(dst).address())
        {
            continue;
        }
        if let Some(held) = protocols.get_mut(usize::from(protocol)) {
            held.merge(&sums, Rule::Add);
        }
        again.add(Kind::BySrc.section(day), src, sums)?;
        // Sorted by destination and source; shown by source and destination.
        let pair = pair.clear().raw(src).raw(dst).bytes();
        if !conversation.add(pair, &sums) {
            if !conversation.key.is_empty() {
                sink.take(Kind::Conversations, &conversation.key, conversation.sums)?;
            }
            conversation.begin(pair, sums);
        }
        if !destination.add(dst, &sums) {
            destinations.end(&destination, again, sink)?;
            destination.begin(dst, sums);
        }
    }
    if !conversation.key.is_empty() {
        sink.take(Kind::Conversations, &conversation.key, conversation.sums)?;
    }
    destinations.end(&destination, again, sink)?;
    if destinations.unnamed.packets > 0 {
        let key = destinations.key.clear().as_it_is(NO_NAME);
        again.add(Kind::ByName.section(day), key.bytes(), destinations.unnamed)?;
    }
    for (protocol, sums) in (0u16..).zip(protocols).filter(|(_, sums)| sums.packets > 0) {
        again.add(Kind::Protocols.section(day), Key::default().protocol(protocol).bytes(), sums)?;
    }
    Ok(())
}

/// Volumes by source; and the names of all addresses, of which those of the destinations are in `again`.
fn sources(day: Day, tallies: &mut Tallies, naming: &Naming, again: &mut Tallies, sink: &mut dyn Sink) -> Result<()> {
    let mut names = BestNames::new(tallies.read(Kind::Names.section(day))?)?;
    let [mut sources, mut named] = again.read_two(Kind::BySrc.section(day), Kind::Named.section(day))?;
    let mut next = named.next()?.map(|(key, sums)| (key.to_vec(), sums));
    let mut of_source = Key::default();
    while let Some((src, sums)) = sources.next()? {
        sink.take(Kind::BySrc, src, sums)?;
        let Some(address) = Reader(src).address() else { continue };
        let Some(name) = naming.name(address, names.of(src)?) else { continue };
        let mut both = sums;
        let key = of_source.clear().named(src, name).bytes();
        while let Some((held, more)) = next.take_if(|(held, _)| held.as_slice() <= key) {
            if held == key {
                both.merge(&more, Rule::Add);
            } else {
                sink.take(Kind::Named, &held, more)?;
            }
            next = named.next()?.map(|(key, sums)| (key.to_vec(), sums));
        }
        sink.take(Kind::Named, key, both)?;
    }
    while let Some((held, sums)) = next {
        sink.take(Kind::Named, &held, sums)?;
        next = named.next()?.map(|(key, sums)| (key.to_vec(), sums));
    }
    Ok(())
}

/// What becomes of a destination when its last flow has been added up.
struct Destinations<'a> {
    day: Day,
    naming: &'a Naming,
    names: BestNames<'a>,
    /// All destinations without a name, which are most.
    unnamed: Sums,
    key: Key,
}

impl Destinations<'_> {
    fn end(&mut self, destination: &Run, again: &mut Tallies, sink: &mut dyn Sink) -> Result<()> {
        let Run { key, sums } = destination;
        if key.is_empty() {
            return Ok(());
        }
        sink.take(Kind::ByIp, key, *sums)?;
        let section = Kind::ByName.section(self.day);
        let Some(address) = Reader(key).address() else {
            return again.add(section, self.key.clear().no_name().bytes(), *sums);
        };
        let given = self.names.of(key)?;
        if self.naming.would_ask(address, given) {
            sink.take(Kind::Unnamed, key, *sums)?;
        }
        match self.naming.name(address, given) {
            Some(name) => {
                again.add(Kind::Named.section(self.day), self.key.clear().named(key, name).bytes(), *sums)?;
                let key = self.key.clear().name(|text| text.extend_from_slice(name.0.as_bytes()));
                again.add(section, key.bytes(), *sums)
            }
            None => {
                self.unnamed.merge(sums, Rule::Add);
                Ok(())
            }
        }
    }
}

/// The names that DNS gave to addresses, asked for in the order of the addresses.
struct BestNames<'a> {
    names: Merge<'a>,
    /// The address at which it stands, with its best name so far.
    address: Vec<u8>,
    best: Vec<u8>,
    answers: i64,
    /// The name after these, which belongs to another address.
    next: Option<(Vec<u8>, i64)>,
}

impl<'a> BestNames<'a> {
    fn new(names: Merge<'a>) -> Result<Self> {
        let mut new = Self { names, address: Vec::new(), best: Vec::new(), answers: 0, next: None };
        new.read()?;
        Ok(new)
    }

    fn read(&mut self) -> Result<()> {
        self.next = self.names.next()?.map(|(key, sums)| (key.to_vec(), sums.packets));
        Ok(())
    }

    /// The name that an address was given most often, the first in order of several; `None` if it was given none.
    /// Addresses are asked for in their order.
    fn of(&mut self, address: &[u8]) -> Result<Option<&str>> {
        while let Some((key, answers)) = &self.next {
            let mut reader = Reader(key);
            let held = reader.address_bytes();
            if held > address {
                break;
            }
            if held != self.address {
                self.address = held.to_vec();
                self.answers = 0;
            }
            // Names of one address come in their order, so the first of several with as many answers stays.
            if *answers > self.answers {
                self.answers = *answers;
                self.best = reader.name().as_bytes().to_vec();
            }
            self.read()?;
        }
        Ok((self.address == address).then(|| std::str::from_utf8(&self.best).unwrap_or_default()))
    }
}

/// Windows by protocol, and all of a window together.
fn windows(day: Day, tallies: &mut Tallies, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
    let mut merge = tallies.read(Kind::Windows.section(day))?;
    let (mut window, mut start) = (Run::default(), Key::default());
    while let Some((key, sums)) = merge.next()? {
        let mut reader = Reader(key);
        let time = reader.time();
        if !filter.takes_protocol(reader.protocol()) || !filter.takes_time(time) {
            continue;
        }
        sink.take(Kind::Windows, key, sums)?;
        let start = start.clear().time(time).bytes();
        if !window.add(start, &sums) {
            if !window.key.is_empty() {
                sink.take(Kind::Rates, &window.key, window.sums)?;
            }
            window.begin(start, sums);
        }
    }
    if !window.key.is_empty() {
        sink.take(Kind::Rates, &window.key, window.sums)?;
    }
    Ok(())
}
