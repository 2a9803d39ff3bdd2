//! Laws of the aggregator: whatever comes in, in whatever order, spilled at any time, gives the sums of a map.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::day::Day;

use super::aggregator::Aggregator;
use super::buffer::{Measure, Sums};
use super::group::Group;
use super::sorted_run::Owners;
use super::spill::Space;

/// The sums as a map has them.
type Model = BTreeMap<Group, BTreeMap<Vec<u8>, Sums>>;

fn any_section() -> impl Strategy<Value = Group> {
    // Each table has one way of adding up.
    (
        -1..2_i32,
        prop::sample::select(vec![(0, Measure::Add), (1, Measure::Span), (2, Measure::Plain), (3, Measure::Add)]),
    )
        .prop_map(|(day, (kind, measure))| Group { day: Day(day), kind, measure, by_owner: false })
}

/// Keys that are often equal, that begin with one another, and that differ after their first eight bytes.
fn any_key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(0..3_u8, 0..4),
        prop::collection::vec(Just(7_u8), 0..20),
        prop::collection::vec(any::<u8>(), 0..40),
        (0..4_u8).prop_map(|last| [b"the same eight bytes ".as_slice(), &[last]].concat()),
    ]
}

fn any_addition() -> impl Strategy<Value = (Group, Vec<u8>, Sums)> {
    let sums = (0..1000_i64, 0..9_i64, -5..5_i64, -5..5_i64).prop_map(|(bytes, packets, a, b)| Sums {
        bytes,
        packets,
        more: [a, b],
    });
    (any_section(), any_key(), sums)
}

fn model<'a>(additions: impl IntoIterator<Item = &'a (Group, Vec<u8>, Sums)>) -> Model {
    let mut model = Model::new();
    for (group, key, sums) in additions {
        let plain = group.measure == Measure::Plain;
        let sums = &Sums { more: if plain { [0; 2] } else { sums.more }, ..*sums };
        let place = model.entry(*group).or_default();
        match place.get_mut(key) {
            None => {
                place.insert(key.clone(), *sums);
            }
            Some(held) => {
                held.bytes += sums.bytes;
                held.packets += sums.packets;
                let ([a, b], [x, y]) = (held.more, sums.more);
                held.more = if group.measure == Measure::Span { [a.min(x), b.max(y)] } else { [a + x, b + y] };
            }
        }
    }
    model
}

fn all(aggregator: &mut Aggregator) -> Model {
    let groups = aggregator.groups();
    let read = groups.into_iter().map(|group| {
        let mut keys = Vec::new();
        let mut merge = aggregator.read(group).unwrap();
        while let Some((key, sums)) = merge.next().unwrap() {
            keys.push((key.to_vec(), sums));
        }
        assert!(keys.is_sorted_by(|(a, _), (b, _)| a < b), "each key once, in order");
        (group, keys.into_iter().collect())
    });
    read.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_added_is_read_back_wherever_it_is_spilled(
        additions in prop::collection::vec(any_addition(), 0..400),
        room in prop_oneof![Just(0), Just(200), 200..20_000_usize, Just(1 << 20)],
        parts in 1..5_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut whole = Aggregator::new(&Space::new(folder.path()).with_room(room));
        for (number, part) in additions.chunks(additions.len().div_ceil(parts).max(1)).enumerate() {
            let mut aggregator = Aggregator::new(&Space::new(folder.path()).with_room(room));
            for (group, key, sums) in part {
                aggregator.group(*group).add(key, *sums);
                aggregator.keep_within().unwrap();
            }
            if number % 2 == 0 {
                whole.append(aggregator).unwrap();
            } else {
                let path = folder.path().join(format!("{number}"));
                aggregator.save(&path).unwrap();
                whole.append_file(&path, Owners::Stay).unwrap();
            }
        }
        prop_assert_eq!(all(&mut whole), model(&additions));
    }

    #[test]
    fn the_bytes_of_a_saved_file_follow_from_the_sums_alone(
        additions in prop::collection::vec(any_addition(), 0..100).prop_shuffle(),
        room in 0..3000_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let save = |name: &str, room: usize, additions: &mut dyn Iterator<Item = &(Group, Vec<u8>, Sums)>| {
            let mut aggregator = Aggregator::new(&Space::new(folder.path()).with_room(room));
            for (group, key, sums) in additions {
                aggregator.group(*group).add(key, *sums);
                aggregator.keep_within().unwrap();
            }
            let bytes = aggregator.save(&folder.path().join(name)).unwrap().bytes;
            let written = std::fs::read(folder.path().join(name)).unwrap();
            assert_eq!(written.len() as u64, bytes);
            written
        };
        let forward = save("forward", room, &mut additions.iter());
        prop_assert_eq!(forward, save("backward", 1 << 20, &mut additions.iter().rev()));
    }

    #[test]
    fn a_date_that_turns_out_to_be_another_moves_there(
        additions in prop::collection::vec(any_addition(), 0..100),
        room in 0..3000_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut aggregator = Aggregator::new(&Space::new(folder.path()).with_room(room));
        for (group, key, sums) in &additions {
            aggregator.group(*group).add(key, *sums);
            aggregator.keep_within().unwrap();
        }
        aggregator.redate(Day(-1), Day(0));
        let moved = |(group, key, sums): &(Group, Vec<u8>, Sums)| {
            let day = if group.day == Day(-1) { Day(0) } else { group.day };
            (Group { day, ..*group }, key.clone(), *sums)
        };
        prop_assert_eq!(all(&mut aggregator), model(&additions.iter().map(moved).collect::<Vec<_>>()));
    }
}

#[test]
fn many_runs_become_few() {
    let folder = tempfile::tempdir().unwrap();
    let group = Group { day: Day(0), kind: 0, measure: Measure::Add, by_owner: false };
    let mut aggregator = Aggregator::new(&Space::new(folder.path()).with_room(0));
    for number in 0..5000_u32 {
        aggregator.group(group).add(&(number % 701).to_be_bytes(), Sums::of(1, i64::from(number)));
        aggregator.keep_within().unwrap();
    }
    assert!(aggregator.runs() < 100, "{} runs", aggregator.runs());
    let sums = all(&mut aggregator).remove(&group).unwrap();
    assert_eq!(sums.len(), 701);
    assert_eq!(sums.values().map(|sums| sums.packets).sum::<i64>(), (0..5000).sum::<i64>());
}

#[test]
fn what_is_no_run_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text");
    for bytes in [b"".as_slice(), b"text", &[0; 4096]] {
        std::fs::write(&path, bytes).unwrap();
        let error = Aggregator::new(&Space::new(folder.path())).append_file(&path, Owners::Stay).unwrap_err();
        assert!(error.to_string().contains("text: cannot read"), "{error}");
    }
}

#[test]
fn sums_that_add_up_otherwise_are_an_error_and_not_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut aggregator = Aggregator::new(&Space::new(folder.path()));
    let group = |measure| Group { day: Day(0), kind: 0, measure, by_owner: false };
    aggregator.group(group(Measure::Add)).add(b"key", Sums::of(1, 1));
    let path = folder.path().join("file");
    aggregator.save(&path).unwrap();
    let mut aggregator = Aggregator::new(&Space::new(folder.path()));
    aggregator.append_file(&path, Owners::Stay).unwrap();
    assert!(aggregator.read(group(Measure::Plain)).is_err_and(|error| error.to_string().contains("another version")));
    assert!(aggregator.read(group(Measure::Add)).unwrap().next().unwrap().is_some());
}

#[test]
fn work_ends_when_somebody_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let group = Group { day: Day(0), kind: 0, measure: Measure::Add, by_owner: false };
    let stop = || Err(crate::error::Error::Interrupted { signal: 15 });
    let mut aggregator = Aggregator::new(&Space::new(folder.path()).with_stop(stop));
    (0..100_000_u32).for_each(|number| aggregator.group(group).add(&number.to_be_bytes(), Sums::of(1, 1)));
    let mut merge = aggregator.read(group).unwrap();
    let keys = (0..100_000).take_while(|_| merge.next().is_ok()).count();
    assert!(keys < 10_000, "{keys} keys were read");
    assert!(aggregator.save(&folder.path().join("file")).is_err());
}

/// Sums that stay in memory without their owners are those that are read back from the file, spilled or not.
#[test]
fn owners_are_removed_in_memory_as_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for room in [1 << 20, 1] {
        let space = Space::new(folder.path()).with_room(room);
        let plain = Group { day: Day(1), kind: 3, measure: Measure::Span, by_owner: false };
        let mut sums = Aggregator::new(&space);
        for (key, owner, time) in [("b", 1_u32, 5_i64), ("a", 0, 7), ("b", 0, 3), ("c", 2, 9), ("bb", 1, 1)] {
            let key = [key.as_bytes(), &owner.to_be_bytes()].concat();
            sums.add(plain.by_owner(), &key, Sums { more: [time; 2], ..Sums::of(0, 1) }).unwrap();
            sums.keep_within().unwrap();
        }
        sums.add(plain, b"a", Sums { more: [8; 2], ..Sums::of(0, 1) }).unwrap();
        sums.keep_within().unwrap();
        assert_eq!(sums.is_in_memory(), room > 1);
        let path = folder.path().join(room.to_string());
        sums.save(&path).unwrap();
        let mut kept = sums.without_owners();
        let mut read = Aggregator::new(&space);
        read.append_file(&path, Owners::AddUp).unwrap();
        assert_eq!(kept.groups(), BTreeSet::from([plain]));
        let expected = [("a", 2, [7, 8]), ("b", 2, [3, 5]), ("bb", 1, [1, 1]), ("c", 1, [9, 9])];
        for sums in [&mut kept, &mut read] {
            let mut merge = sums.read(plain).unwrap();
            for (key, packets, more) in expected {
                let sums = Sums { more, ..Sums::of(0, packets) };
                assert_eq!(merge.next().unwrap(), Some((key.as_bytes(), sums)), "{room}");
            }
            assert_eq!(merge.next().unwrap(), None);
        }
    }
}

#[test]
fn keys_are_spilled_where_they_do_not_fit_and_not_for_free_room() {
    let folder = tempfile::tempdir().unwrap();
    let group = Group { day: Day(1), kind: 1, measure: Measure::Plain, by_owner: false };
    // An entry has 32 bytes, and room for entries doubles at 1024: 40 kB are held, and 80 kB are taken.
    for (keys, runs) in [(1030_u64, 0), (1900, 1)] {
        let mut sums = Aggregator::new(&Space::new(folder.path()).with_room(70_000));
        for key in 0..keys {
            sums.group(group).add(&key.to_be_bytes(), Sums::of(1, 1));
        }
        sums.keep_within().unwrap();
        assert_eq!(sums.runs(), runs, "{keys} keys");
    }
}
