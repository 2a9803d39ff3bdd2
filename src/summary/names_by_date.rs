//! What addresses of the largest names sent and were sent on each date, for a plot.
//!
//! A packet counts for one name: that of its destination, or, if this has none, that of its source. What clients get from a server counts
//! for the name of the server, though clients have no names.

use std::collections::BTreeSet;

use crate::aggregate::{Aggregator, Group, Measure, Merge, Space, Sums};
use crate::bug::bug;
use crate::day::Day;
use crate::error::Result;

use super::key::{Key, KeyReader, NOBODY};
use super::registry::NO_NAME;
use super::sum_kind::SumKind;
use super::tracks::{BinScale, MICROS_PER_DAY, Track, Tracks};

/// Names that are kept.
const NAMES: usize = 7;
/// Of fewer dates there is nothing to see.
const LEAST_DATES: usize = 3;

/// Volumes by name and date, while they are taken.
#[derive(Debug)]
pub(super) struct NamesByDate {
    by_name: Aggregator,
    /// Conversations of the current date, by destination and source.
    talks: Aggregator,
    /// Addresses of the current date with their names.
    names: Aggregator,
    key: Key,
    dates: BTreeSet<Day>,
}

const TALKS: Group = group(SumKind::Conversations);
const NAMED: Group = group(SumKind::Named);
const BY_NAME: Group = group(SumKind::ByName);

const fn group(kind: SumKind) -> Group {
    Group { day: Day::EPOCH, kind: kind as u8, measure: Measure::Plain, by_owner: false }
}

impl NamesByDate {
    /// Nothing yet. What does not fit in memory is spilled.
    pub(super) fn new(space: &Space) -> Self {
        let [by_name, talks, names] = [(); 3].map(|()| Aggregator::new(space));
        Self { by_name, talks, names, key: Key::default(), dates: BTreeSet::new() }
    }

    /// Takes a conversation of the current date in one direction: source and destination.
    pub(super) fn take_conversation(&mut self, key: &[u8], sums: Sums) -> Result<()> {
        let mut reader = KeyReader(key);
        let (src, dst) = (reader.address_bytes(), reader.address_bytes());
        self.talks.add(TALKS, self.key.clear().raw(dst).raw(src).bytes(), sums)
    }

    /// Takes an address of the current date with its name. It has one name.
    pub(super) fn take_name(&mut self, key: &[u8]) -> Result<()> {
        self.names.add(NAMED, key, Sums::default())
    }

    /// Ends the current date: adds what was taken to the names.
    ///
    /// # Errors
    /// If sums cannot be spilled, or what was spilled cannot be read.
    pub(super) fn end_date(&mut self, day: Day) -> Result<()> {
        let space = self.by_name.space().clone();
        let [mut talks, mut named] =
            [&mut self.talks, &mut self.names].map(|held| std::mem::replace(held, Aggregator::new(&space)));
        let (mut by_src, mut key) = (Aggregator::new(&space), Key::default());
        let mut add = |name: Option<&str>, sums| {
            match name {
                Some(name) => key.clear().as_it_is(name),
                None => key.clear().no_name(),
            };
            self.by_name.add(BY_NAME, key.time(Some(start(day))).bytes(), sums)
        };
        let mut names = NamesInOrder::new(named.read(NAMED)?)?;
        let mut merge = talks.read(TALKS)?;
        let mut is_any = false;
        while let Some((ends, sums)) = merge.next()? {
            is_any = true;
            let mut reader = KeyReader(ends);
            let (dst, src) = (reader.address_bytes(), reader.address_bytes());
            if ends == NOBODY {
                add(None, sums)?;
            } else if let Some(name) = names.of(dst)? {
                add(Some(name), sums)?;
            } else {
                by_src.add(TALKS, src, sums)?;
            }
        }
        let mut names = NamesInOrder::new(named.read(NAMED)?)?;
        let mut merge = by_src.read(TALKS)?;
        while let Some((src, sums)) = merge.next()? {
            add(Some(names.of(src)?.unwrap_or(NO_NAME)), sums)?;
        }
        self.dates.extend(is_any.then_some(day));
        Ok(())
    }

    /// The names with most bytes, the largest first, and all others together, in bins of whole dates. No name stands for packets
    /// without an address, [`NO_NAME`] for those of which no address has a name. `None` if there are few dates, or no names.
    ///
    /// # Memory
    /// The bins of the names that are kept.
    /// # Errors
    /// If what was spilled cannot be read.
    pub(super) fn finish(mut self) -> Result<Option<Tracks>> {
        let ends = self.dates.first().zip(self.dates.last());
        let Some((first, last)) = ends.filter(|_| self.dates.len() >= LEAST_DATES) else { return Ok(None) };
        let scale = BinScale::new(MICROS_PER_DAY, start(*first), start(*last));
        let mut kept = LargestNames { each: Vec::new(), others: (0, Track::new(scale.bins)) };
        let mut held = NameDates::default();
        let mut merge = self.by_name.read(BY_NAME)?;
        while let Some((key, sums)) = merge.next()? {
            let (name, date) = key.split_last_chunk::<DATE>().ok_or_else(|| bug!())?;
            if held.name != name {
                kept.offer(&held);
                held.begin(name);
            }
            held.add(scale.place(KeyReader(date).time().ok_or_else(|| bug!())?), sums);
        }
        kept.offer(&held);
        let is_name = |key: &[u8]| ![NO_NAME, ""].contains(&KeyReader(key).name());
        if !kept.each.iter().any(|(_, key, _)| is_name(key)) {
            return Ok(None);
        }
        let named = |(_, key, track): ((i64, i64), Vec<u8>, Track)| {
            let name = KeyReader(&key).name();
            ((!name.is_empty()).then(|| name.to_owned()), track)
        };
        let BinScale { start, bin, bins } = scale;
        let each = kept.each.into_iter().map(named).collect();
        Ok(Some(Tracks { start, bin, bins, each, others: kept.others, untimed: (0, 0) }))
    }
}

/// The length of a date in a key.
const DATE: usize = 8;

fn start(day: Day) -> i64 {
    i64::from(day.0) * MICROS_PER_DAY
}

/// Names of addresses, asked for in order.
struct NamesInOrder<'a> {
    names: Merge<'a>,
    /// The next address, and its name. Empty after the last one.
    address: Vec<u8>,
    name: String,
}

impl<'a> NamesInOrder<'a> {
    fn new(names: Merge<'a>) -> Result<Self> {
        let mut new = Self { names, address: Vec::new(), name: String::new() };
        new.read()?;
        Ok(new)
    }

    fn read(&mut self) -> Result<()> {
        self.address.clear();
        if let Some((key, _)) = self.names.next()? {
            let mut reader = KeyReader(key);
            self.address.extend_from_slice(reader.address_bytes());
            reader.name().clone_into(&mut self.name);
        }
        Ok(())
    }

    /// The name of an address.
    fn of(&mut self, address: &[u8]) -> Result<Option<&str>> {
        while !self.address.is_empty() && self.address.as_slice() < address {
            self.read()?;
        }
        Ok((self.address == address).then_some(self.name.as_str()))
    }
}

/// A name, its sums, and those of each of its bins.
#[derive(Default)]
struct NameDates {
    name: Vec<u8>,
    sums: Sums,
    bins: Vec<(usize, Sums)>,
}

impl NameDates {
    fn begin(&mut self, name: &[u8]) {
        self.bins.clear();
        self.sums = Sums::default();
        self.name.clear();
        self.name.extend_from_slice(name);
    }

    /// Adds a date. Dates come in order.
    fn add(&mut self, place: usize, sums: Sums) {
        self.sums.merge(&sums, Measure::Add);
        match self.bins.last_mut() {
            Some((last, held)) if *last == place => held.merge(&sums, Measure::Add),
            _ => self.bins.push((place, sums)),
        }
    }

    fn add_to(&self, track: &mut Track) {
        self.bins.iter().for_each(|(place, sums)| track.add(*place, sums.bytes, sums.packets));
    }
}

/// The largest names so far with their sums, and the others.
struct LargestNames {
    each: Vec<((i64, i64), Vec<u8>, Track)>,
    others: (u64, Track),
}

impl LargestNames {
    /// Takes a name with all its dates. Names come in order, so of two that are as large the first one stays.
    fn offer(&mut self, name: &NameDates) {
        if name.bins.is_empty() {
            return;
        }
        let size = (name.sums.bytes, name.sums.packets);
        let place = self.each.partition_point(|(held, ..)| *held >= size);
        if place < NAMES {
            let mut track = Track::new(self.others.1.bytes.len());
            name.add_to(&mut track);
            self.each.insert(place, (size, name.name.clone(), track));
            let Some((_, _, smallest)) = (self.each.len() > NAMES).then(|| self.each.pop()).flatten() else { return };
            self.others.1.merge(&smallest);
        } else {
            name.add_to(&mut self.others.1);
        }
        self.others.0 += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use crate::address::IpAddress;

    use super::*;

    /// By source, destination (0 for none) and date: bytes and packets.
    type Talks = BTreeMap<(u8, u8, i32), (i64, i64)>;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn each_packet_counts_for_the_name_of_its_destination_or_else_of_its_source(
            talks in prop::collection::btree_map((0..6_u8, 0..6_u8, -4..40_i32), (0..5_i64, 1..9_i64), 1..200),
            named in prop::collection::btree_map((1..6_u8, -4..40_i32), 0..20_u8, 0..200),
            apart in prop_oneof![Just(1), Just(100)],
        ) {
            // Packets have both addresses, or none.
            let talks: Talks = talks.into_iter().filter(|((src, dst, _), _)| (*src == 0) == (*dst == 0)).collect();
            let folder = tempfile::tempdir().unwrap();
            let mut names = NamesByDate::new(&Space::new(folder.path()).with_room(0));
            let address = |number: u8| (number > 0).then(|| IpAddress::V4(u32::from(number)));
            let text = |name: u8| format!("{name:02}.example.");
            let mut key = Key::default();
            for date in -4..40 {
                for ((src, dst, _), (bytes, packets)) in talks.iter().filter(|((.., day), _)| *day == date) {
                    let talk = key.clear().address(address(*src)).address(address(*dst)).bytes();
                    names.take_conversation(talk, Sums::of(*bytes, *packets)).unwrap();
                }
                for ((of, _), name) in named.iter().filter(|((_, day), _)| *day == date) {
                    let named = key.clear().address(address(*of)).as_it_is(&text(*name)).as_it_is("dns").bytes();
                    names.take_name(named).unwrap();
                }
                names.end_date(Day(date * apart)).unwrap();
            }
            let found = names.finish().unwrap();
            let dates: BTreeSet<i32> = talks.keys().map(|(.., day)| *day).collect();

            // By name and date.
            let mut expected = BTreeMap::<Option<String>, BTreeMap<i32, (i64, i64)>>::new();
            for ((src, dst, day), (bytes, packets)) in &talks {
                let name = [dst, src].into_iter().find_map(|end| named.get(&(*end, *day)));
                let name = name.map_or_else(|| (*src > 0).then(|| NO_NAME.to_owned()), |name| Some(text(*name)));
                let held = expected.entry(name).or_default().entry(*day).or_default();
                *held = (held.0 + bytes, held.1 + packets);
            }
            let is_any = expected.keys().flatten().any(|name| name != NO_NAME);
            prop_assert_eq!(found.is_some(), is_any && dates.len() >= 3);
            let Some(found) = found else { return Ok(()) };
            let sums = |dates: &BTreeMap<i32, (i64, i64)>| {
                dates.values().fold((0, 0), |(bytes, packets), more| (bytes + more.0, packets + more.1))
            };
            // Of names that are as large the first one counts; packets without an address come last.
            let mut in_order: Vec<_> = expected.iter().collect();
            in_order.sort_by_key(|(name, dates)| (Reverse(sums(dates)), name.is_none(), (*name).clone()));
            let kept: Vec<_> = in_order.iter().take(NAMES).map(|(name, _)| (*name).clone()).collect();
            prop_assert_eq!(found.each.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), kept.clone());
            prop_assert_eq!(found.others.0, in_order.len().saturating_sub(NAMES) as u64);
            // Each date by itself.
            prop_assert!(found.bin % MICROS_PER_DAY == 0);
            let mut left = found.clone();
            for (name, dates) in expected {
                let track = match kept.iter().position(|kept| *kept == name) {
                    Some(at) => &mut left.each[at].1,
                    None => &mut left.others.1,
                };
                for (day, (bytes, packets)) in dates {
                    let place = (start(Day(day * apart)) - found.start) / found.bin;
                    track.add(usize::try_from(place).unwrap(), -bytes, -packets);
                }
            }
            let none = Track::new(found.bins);
            prop_assert!(left.each.iter().map(|(_, track)| track).chain([&left.others.1]).all(|track| *track == none));
        }
    }
}
