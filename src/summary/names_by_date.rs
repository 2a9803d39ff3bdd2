//! What addresses of the largest names sent and were sent on each date, for a plot.
//!
//! A packet counts for one name: that of its destination, or, if this has none, that of its source. What clients get from a server counts
//! for the name of the server, though clients have no names.

use crate::aggregate::{Aggregator, Group, Measure, Merge, Space, Sums};
use crate::bug::bug;
use crate::day::Day;
use crate::error::Result;

use super::key::{Key, KeyReader, NOBODY};
use super::registry::NO_NAME;
use super::sum_kind::SumKind;
use super::tracks::{BinScale, Track, Tracks};

/// Names that are kept.
const NAMES: usize = 7;
/// Of fewer dates there is nothing to see.
const LEAST_DATES: i32 = 3;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Conversations and names of addresses on each date, while they are taken.
#[derive(Debug)]
pub(super) struct NamesByDate {
    /// By date, destination and source.
    talks: Aggregator,
    /// By date, address and name.
    names: Aggregator,
    key: Key,
    /// The first and the last date.
    ends: Option<(Day, Day)>,
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
        Self { talks: Aggregator::new(space), names: Aggregator::new(space), key: Key::default(), ends: None }
    }

    /// Takes a conversation in one direction on a date: source and destination.
    pub(super) fn take_conversation(&mut self, day: Day, key: &[u8], sums: Sums) -> Result<()> {
        let (first, last) = self.ends.unwrap_or((day, day));
        self.ends = Some((first.min(day), last.max(day)));
        let mut reader = KeyReader(key);
        let (src, dst) = (reader.address_bytes(), reader.address_bytes());
        self.talks.add(TALKS, self.key.clear().time(Some(start(day))).raw(dst).raw(src).bytes(), sums)
    }

    /// Takes an address with its name on a date. It has one name.
    pub(super) fn take_name(&mut self, day: Day, key: &[u8]) -> Result<()> {
        self.names.add(NAMED, self.key.clear().time(Some(start(day))).raw(key).bytes(), Sums::default())
    }

    /// The names with most bytes, the largest first, and all others together, in bins of whole dates. No name stands for packets
    /// without an address, [`NO_NAME`] for those of which no address has a name. `None` if there are few dates.
    ///
    /// # Memory
    /// The bins of the names that are kept.
    /// # Errors
    /// If sums cannot be spilled, or what was spilled cannot be read.
    pub(super) fn finish(mut self) -> Result<Option<Tracks>> {
        let Some((first, last)) = self.ends.filter(|(first, last)| last.0 - first.0 + 1 >= LEAST_DATES) else {
            return Ok(None);
        };
        let mut by_name = self.by_name()?;
        let scale = BinScale::new(MICROS_PER_DAY, start(first), start(last));
        let mut kept = LargestNames { each: Vec::new(), others: (0, Track::new(scale.bins)) };
        let mut held = NameDates::default();
        let mut merge = by_name.read(BY_NAME)?;
        while let Some((key, sums)) = merge.next()? {
            let (name, date) = key.split_last_chunk::<DATE>().ok_or_else(|| bug!())?;
            if held.name != name {
                kept.offer(&held);
                held.begin(name);
            }
            let place = scale.place(KeyReader(date).time().ok_or_else(|| bug!())?);
            held.sums.merge(&sums, Measure::Add);
            held.dates.push((place, sums));
        }
        kept.offer(&held);
        let named = |(_, key, track): ((i64, i64), Vec<u8>, Track)| {
            let name = KeyReader(&key).name();
            ((!name.is_empty()).then(|| name.to_owned()), track)
        };
        let BinScale { start, bin, bins } = scale;
        let each = kept.each.into_iter().map(named).collect();
        Ok(Some(Tracks { start, bin, bins, each, others: kept.others, untimed: (0, 0) }))
    }

    /// By name and date.
    fn by_name(&mut self) -> Result<Aggregator> {
        let space = self.talks.space().clone();
        let (mut by_name, mut by_src, mut key) = (Aggregator::new(&space), Aggregator::new(&space), Key::default());
        let mut names = NamesInOrder::new(self.names.read(NAMED)?)?;
        let mut merge = self.talks.read(TALKS)?;
        while let Some((talk, sums)) = merge.next()? {
            let (date, ends) = talk.split_first_chunk::<DATE>().ok_or_else(|| bug!())?;
            let mut reader = KeyReader(ends);
            let (dst, src) = (reader.address_bytes(), reader.address_bytes());
            if ends == NOBODY {
                by_name.add(BY_NAME, key.clear().no_name().raw(date).bytes(), sums)?;
            } else if let Some(name) = names.of(key.clear().raw(date).raw(dst).bytes())? {
                by_name.add(BY_NAME, key.clear().as_it_is(name).raw(date).bytes(), sums)?;
            } else {
                by_src.add(TALKS, key.clear().raw(date).raw(src).bytes(), sums)?;
            }
        }
        drop(merge);
        let mut names = NamesInOrder::new(self.names.read(NAMED)?)?;
        let mut merge = by_src.read(TALKS)?;
        while let Some((src, sums)) = merge.next()? {
            let (date, _) = src.split_first_chunk::<DATE>().ok_or_else(|| bug!())?;
            let name = names.of(src)?.unwrap_or(NO_NAME);
            by_name.add(BY_NAME, key.clear().as_it_is(name).raw(date).bytes(), sums)?;
        }
        drop(merge);
        Ok(by_name)
    }
}

/// The length of a date in a key.
const DATE: usize = 8;

fn start(day: Day) -> i64 {
    i64::from(day.0) * MICROS_PER_DAY
}

/// Names of addresses of dates, asked for in order.
struct NamesInOrder<'a> {
    names: Merge<'a>,
    /// The current date and address, and its name.
    current: Vec<u8>,
    name: String,
    ended: bool,
}

impl<'a> NamesInOrder<'a> {
    fn new(names: Merge<'a>) -> Result<Self> {
        let mut new = Self { names, current: Vec::new(), name: String::new(), ended: false };
        new.read()?;
        Ok(new)
    }

    fn read(&mut self) -> Result<()> {
        let Some((key, _)) = self.names.next()? else {
            self.ended = true;
            return Ok(());
        };
        let (_, named) = key.split_first_chunk::<DATE>().ok_or_else(|| bug!())?;
        let mut reader = KeyReader(named);
        let length = DATE + reader.address_bytes().len();
        self.current.clear();
        self.current.extend_from_slice(key.get(..length).ok_or_else(|| bug!())?);
        reader.name().clone_into(&mut self.name);
        Ok(())
    }

    /// The name of an address on a date.
    fn of(&mut self, asked: &[u8]) -> Result<Option<&str>> {
        while !self.ended && self.current.as_slice() < asked {
            self.read()?;
        }
        Ok((!self.ended && self.current == asked).then_some(self.name.as_str()))
    }
}

/// A name, its sums, and those of each of its dates.
#[derive(Default)]
struct NameDates {
    name: Vec<u8>,
    sums: Sums,
    dates: Vec<(usize, Sums)>,
}

impl NameDates {
    fn begin(&mut self, name: &[u8]) {
        self.dates.clear();
        self.sums = Sums::default();
        self.name.clear();
        self.name.extend_from_slice(name);
    }

    fn add_to(&self, track: &mut Track) {
        self.dates.iter().for_each(|(place, sums)| track.add(*place, sums.bytes, sums.packets));
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
        if name.dates.is_empty() {
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
            for ((src, dst, day), (bytes, packets)) in &talks {
                let talk = key.clear().address(address(*src)).address(address(*dst)).bytes();
                names.take_conversation(Day(day * apart), talk, Sums::of(*bytes, *packets)).unwrap();
            }
            for ((of, day), name) in &named {
                let named = key.clear().address(address(*of)).as_it_is(&text(*name)).as_it_is("dns").bytes();
                names.take_name(Day(day * apart), named).unwrap();
            }
            let found = names.finish().unwrap();
            let days: Vec<i32> = talks.keys().map(|(.., day)| day * apart).collect();
            let span = days.iter().min().zip(days.iter().max()).map(|(first, last)| last - first);
            prop_assert_eq!(found.is_some(), span.is_some_and(|span| span >= 2));
            let Some(found) = found else { return Ok(()) };

            // By name and date.
            let mut expected = BTreeMap::<Option<String>, BTreeMap<i32, (i64, i64)>>::new();
            for ((src, dst, day), (bytes, packets)) in &talks {
                let name = [dst, src].into_iter().find_map(|end| named.get(&(*end, *day)));
                let name = name.map_or_else(|| (*src > 0).then(|| NO_NAME.to_owned()), |name| Some(text(*name)));
                let held = expected.entry(name).or_default().entry(*day).or_default();
                *held = (held.0 + bytes, held.1 + packets);
            }
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
