//! The cache and its table.

use std::fs;

use proptest::prelude::*;

use crate::address::IpAddress;
use crate::tables::{Table, TableColumn, write_table};

use super::super::answer::{Answer, LONGEST, Outcome};
use super::super::cache::PtrCache;

const NOW: i64 = 1_800_000_000;

fn v4(bits: u32) -> IpAddress {
    IpAddress::V4(bits)
}

fn answer(outcome: Outcome, ttl: i64) -> Answer {
    Answer { outcome, ttl }
}

/// One of each outcome.
fn answers() -> Vec<(IpAddress, Answer)> {
    vec![
        (IpAddress::V6(0x2001_0db8 << 96), answer(Outcome::Name("six.example.".to_owned()), 3600)),
        (v4(0x0a00_0002), answer(Outcome::Name("a\\.b.\\000\\255.".to_owned()), LONGEST)),
        (v4(0x0900_0000), answer(Outcome::NoName, 86_400)),
        (v4(3), answer(Outcome::Timeout, 900)),
        (v4(4), answer(Outcome::Refused, 900)),
        (v4(5), answer(Outcome::ServerFailure, 900)),
        (v4(6), answer(Outcome::Malformed, 900)),
        (v4(7), answer(Outcome::Unreachable, 900)),
        (IpAddress::V6(0x0a00_0001), answer(Outcome::NoName, 3600)),
    ]
}

fn cache(answers: impl IntoIterator<Item = (IpAddress, Answer)>) -> PtrCache {
    let mut cache = PtrCache::default();
    answers.into_iter().for_each(|(address, answer)| cache.keep(address, answer, NOW));
    cache
}

/// Writes a cache and reads it again, at another time.
fn again(cache: &PtrCache, now: i64) -> PtrCache {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.parquet");
    write_table(&path, &cache.table()).unwrap();
    PtrCache::read(&path, now)
}

#[test]
fn what_is_written_is_read() {
    let written = cache(answers());
    let read = again(&written, NOW);
    assert_eq!(read.table(), written.table());
    assert!(written.changed() && !read.changed());
    assert_eq!(read.note(), None);
    for (address, answer) in answers() {
        let name = if let Outcome::Name(name) = &answer.outcome { Some(name.as_str()) } else { None };
        assert_eq!(read.name(address), name);
        assert!(read.knows(address, NOW + answer.ttl - 1) && !read.knows(address, NOW + answer.ttl));
    }
}

#[test]
fn the_table_is_as_documented() {
    let table = cache(answers().into_iter().take(4)).table();
    let texts = |values: &[Option<&str>]| TableColumn::Text(values.iter().map(|v| v.map(str::to_owned)).collect());
    assert_eq!(
        table.column("address"),
        Some(&texts(&[Some("0.0.0.3"), Some("9.0.0.0"), Some("10.0.0.2"), Some("2001:db8::")]))
    );
    assert_eq!(table.column("name"), Some(&texts(&[None, None, Some("a\\.b.\\000\\255."), Some("six.example.")])));
    assert_eq!(table.column("outcome"), Some(&texts(&[Some("timeout"), Some("no_name"), Some("name"), Some("name")])));
    let expires = [900, 86_400, LONGEST, 3600].map(|ttl| Some((NOW + ttl) * 1_000_000));
    assert_eq!(table.column("expires"), Some(&TableColumn::Time(expires.to_vec())));
}

#[test]
fn what_has_expired_is_forgotten() {
    let written = cache(answers());
    for later in [899, 900, 3599, 3600, 86_400, LONGEST] {
        let read = again(&written, NOW + later);
        for (address, answer) in answers() {
            assert_eq!(read.knows(address, NOW + later), answer.ttl > later, "{address} after {later} s");
        }
    }
    // Failures are remembered for a week more.
    for (later, rows) in [(899, 9), (900, 9), (3600, 7), (86_400, 6), (LONGEST, 5), (899 + LONGEST, 5)] {
        let read = again(&written, NOW + later);
        assert_eq!(read.table().rows(), rows, "after {later} s");
        assert!(!read.failed(v4(0x0900_0000)) && read.failed(v4(3)));
    }
    assert_eq!(again(&written, NOW + 900 + LONGEST), PtrCache::default());
}

#[test]
fn a_clock_that_was_wrong_once_is_not_believed_for_ever() {
    let written = cache([(v4(1), answer(Outcome::NoName, 100 * LONGEST)), (v4(2), answer(Outcome::NoName, i64::MAX))]);
    let read = again(&written, NOW);
    assert!(read.knows(v4(1), NOW + LONGEST - 1) && !read.knows(v4(1), NOW + LONGEST));
    assert!(read.note().is_some(), "a time that no table can hold is odd");
}

#[test]
fn a_missing_cache_is_an_empty_one_without_a_note() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(PtrCache::read(&folder.path().join("none"), NOW), PtrCache::default());
}

#[test]
fn rows_that_are_none_of_a_cache_are_left_out() {
    let rows = [
        ("10.0.0.1", Some("good."), "name", Some(1)),
        ("10.0.0.2", Some("no dot"), "name", Some(1)),
        ("10.0.0.3", Some("\u{1b}[31m."), "name", Some(1)),
        ("10.0.0.4", None, "name", Some(1)),
        ("10.0.0.5", Some("a."), "no_name", Some(1)),
        ("10.0.0.6", None, "nonsense", Some(1)),
        ("10.0.0.7", None, "no_name", None),
        ("ten", None, "no_name", Some(1)),
    ];
    let texts = |values: Vec<Option<&str>>| TableColumn::Text(values.into_iter().collect());
    let table = Table::new([
        ("address", texts(rows.iter().map(|row| Some(row.0)).collect())),
        ("name", texts(rows.iter().map(|row| row.1).collect())),
        ("outcome", texts(rows.iter().map(|row| Some(row.2)).collect())),
        ("expires", TableColumn::Time(rows.iter().map(|row| row.3.map(|s: i64| (NOW + s) * 1_000_000)).collect())),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.parquet");
    write_table(&path, &table).unwrap();
    let read = PtrCache::read(&path, NOW);
    assert_eq!(read.table().rows(), 1);
    assert_eq!(read.name(v4(0x0a00_0001)), Some("good."));
    assert_eq!(read.note().unwrap(), format!("{}: 7 rows are not those of a cache of names", path.display()));
    // Another table is no cache either.
    let other = folder.path().join("other.parquet");
    write_table(&other, &table.select(&["address", "name"])).unwrap();
    let read = PtrCache::read(&other, NOW);
    assert_eq!((read.table().rows(), read.note().is_some()), (0, true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A damaged file is an empty cache with a note, or, where the damage changes nothing, the same cache.
    #[test]
    fn damaged_files_are_read(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut in any::<prop::sample::Index>(), cuts in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.parquet");
        write_table(&path, &cache(answers()).table()).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        fs::write(&path, bytes).unwrap();
        let read = PtrCache::read(&path, NOW);
        prop_assert!(read.table().rows() <= answers().len());
        prop_assert!(!read.changed());
        prop_assert!(!cuts || read.note().is_some());
    }

    /// The same answers give the same table, in whatever order they come.
    #[test]
    fn any_order_gives_the_same_table(shuffled in Just(answers()).prop_shuffle()) {
        prop_assert_eq!(cache(shuffled), cache(answers()));
    }
}
