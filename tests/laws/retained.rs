//! Law 29: while a lake retains what its commits remove, each version of its Delta table can be read for as long, as it was; what is
//! on the disk is what the last version has and what is retained, to the file. What is forgotten is in no file, whatever was
//! retained of the same capture.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parcap::cancel::Cancel;
use parcap::clock::set_ahead_ms;
use parcap::commands::{ConvertRequest, DeltaRequest, RewriteRequest, compact_lake, delta, forget};
use parcap::config::Settings;
use parcap::select::SelectOptions;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::bucket::{downloaded, lake_in_a_bucket};
use crate::support::build::{Capture, udp};
use crate::support::delta::log_lines;
use crate::support::{convert, files, folder, hashes, request, rows_of};

use super::nights::{rewrite_of, verified};

/// Milliseconds by which time is told here: long for a step, and in all far less than an upload lasts in a bucket.
const TICK: i64 = 6_000;
/// How long the lakes retain what they remove.
const RETAIN: i64 = 60 * TICK;

/// What happens, and is committed if it is worth a commit.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Another capture at a place, whether there is one or not.
    Write(usize),
    Grow(usize),
    /// Over another one, if there is one.
    Move(usize, usize),
    Force,
    Compact,
    Forget(usize),
    Wait(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_usize).prop_map(Step::Write),
        2 => (0..4_usize).prop_map(Step::Grow),
        1 => (0..4_usize, 0..4_usize).prop_map(|(from, to)| Step::Move(from, to)),
        1 => Just(Step::Force),
        3 => Just(Step::Compact),
        2 => (0..4_usize).prop_map(Step::Forget),
        2 => prop::sample::select(vec![5 * TICK, 25 * TICK, 61 * TICK]).prop_map(Step::Wait),
    ]
}

/// How retaining ends.
#[derive(Clone, Copy, Debug)]
enum End {
    TimePasses,
    NothingIsRetained,
    NoLog,
}

/// An archive whose captures have no two packets in common, and what was at each place since the last time that it was forgotten.
struct Kept {
    folder: TempDir,
    /// By place: the number of the capture that is there, its packets, and the numbers of all that were.
    there: BTreeMap<usize, (u16, u16, BTreeSet<u16>)>,
    next: u16,
}

/// Packets from addresses that no other capture has.
fn packets_of(number: u16, packets: u16) -> Vec<u8> {
    let mut capture = Capture::pcap();
    for place in 0..packets {
        capture.record(usize::from(place % 2), u32::from(place) * 10_000, udp(number * 16 + place % 16, &[0; 20]));
    }
    capture.bytes
}

/// The captures whose packets are in a file.
fn numbers_in(path: &Path) -> BTreeSet<u16> {
    let number = |address: &str| {
        let mut bytes = address.split('.').map(|byte| byte.parse::<u16>().unwrap());
        let (high, low) = (bytes.nth(2).unwrap(), bytes.next().unwrap());
        (high * 256 + low) / 16
    };
    rows_of(path, "").iter().map(|row| number(row.get("ip_src").unwrap())).collect()
}

impl Kept {
    fn new() -> Self {
        let folder = folder();
        let archive = folder.path().join("archive");
        fs::create_dir(&archive).unwrap();
        fs::write(archive.join("always.pcap"), packets_of(0, 3)).unwrap();
        Self { folder, there: BTreeMap::new(), next: 1 }
    }

    fn path(&self, place: usize) -> PathBuf {
        self.folder.path().join("archive").join(format!("{place}.pcap"))
    }

    fn night(&self, lake: &Path, force: bool) {
        let settings = Settings { delta: true, retain_ms: Some(RETAIN as u64), ..Settings::default() };
        let archive = self.folder.path().join("archive");
        let rules = SelectOptions { force, ..SelectOptions::default() };
        convert(&ConvertRequest { settings, rules, ..request(&[archive], lake) });
    }

    fn write(&mut self, place: usize, number: u16, packets: u16) {
        fs::write(self.path(place), packets_of(number, packets)).unwrap();
        let there = self.there.entry(place).or_default();
        (there.0, there.1) = (number, packets);
        there.2.insert(number);
    }

    /// All that is, or was, at places that the lake holds.
    fn held(&self) -> BTreeSet<u16> {
        self.there.values().flat_map(|(_, _, all)| all).copied().chain([0]).collect()
    }
}

/// A lake as its files show it to somebody who knows the Delta protocol, and nothing of parcap.
struct Seen {
    folder: TempDir,
    /// The files of each version.
    versions: Vec<BTreeSet<String>>,
    /// When each version was made.
    times: Vec<i64>,
    /// The files that are gone from the table, with the time at which they went last.
    removed: BTreeMap<String, i64>,
    there: BTreeMap<String, (usize, u64)>,
}

impl Seen {
    fn of(lake: &Path) -> Self {
        let folder = match lake.to_str().unwrap().contains("://") {
            true => downloaded(lake),
            false => TempDir::new_in(lake.parent().unwrap()).unwrap(),
        };
        let root = if lake.is_dir() { lake.to_path_buf() } else { folder.path().to_path_buf() };
        let mut seen = Self {
            versions: Vec::new(),
            times: Vec::new(),
            removed: BTreeMap::new(),
            there: hashes(&root.join("packets"))
                .into_iter()
                .map(|(path, hash)| (format!("packets/{}", path.display()), hash))
                .collect(),
            folder,
        };
        for lines in log_lines(&root) {
            let mut live = seen.versions.last().cloned().unwrap_or_default();
            for line in lines {
                if let Some(path) = line["remove"]["path"].as_str() {
                    live.remove(path);
                    seen.removed.insert(path.to_owned(), line["remove"]["deletionTimestamp"].as_i64().unwrap());
                } else if let Some(path) = line["add"]["path"].as_str() {
                    live.insert(path.to_owned());
                } else if let Some(time) = line["commitInfo"]["timestamp"].as_i64() {
                    seen.times.push(time);
                }
            }
            seen.versions.push(live);
        }
        seen
    }

    fn root<'a>(&'a self, lake: &'a Path) -> &'a Path {
        if lake.is_dir() { lake } else { self.folder.path() }
    }

    fn live(&self) -> &BTreeSet<String> {
        self.versions.last().unwrap()
    }
}

fn faults(lake: &Path) -> Vec<String> {
    let verified = verified(lake);
    verified.faults.into_iter().map(|fault| format!("{}: {}", fault.path.display(), fault.problem)).collect()
}

/// What was seen of a lake over its life.
#[derive(Default)]
struct Known {
    hashes: BTreeMap<String, (usize, u64)>,
    numbers: BTreeMap<String, BTreeSet<u16>>,
    /// What may still be there of what is gone from the table.
    retained: BTreeSet<String>,
    versions: usize,
    /// The first version since the last forgetting.
    whole_since: usize,
}

impl Known {
    /// Checks a lake after a step.
    fn check(&mut self, lake: &Path, kept: &Kept, forgot: bool) {
        let seen = Seen::of(lake);
        for (path, hash) in &seen.there {
            assert_eq!(self.hashes.entry(path.clone()).or_insert(*hash), hash, "{path} has another content");
            let numbers = || numbers_in(&seen.root(lake).join(path));
            self.numbers.entry(path.clone()).or_insert_with(numbers);
        }
        let now = *seen.times.last().unwrap();
        // A commit removes what is due by its clock; what is forgotten, and what nobody can tell from it, goes with it.
        for (version, pair) in seen.versions.windows(2).enumerate().skip(self.versions.saturating_sub(1)) {
            let time = seen.times[version + 1];
            self.retained.retain(|path| seen.removed[path] + RETAIN > time);
            if !forgot {
                self.retained.extend(pair[0].difference(&pair[1]).cloned());
            }
        }
        if forgot && seen.versions.len() > self.versions {
            let held = kept.held();
            self.retained.retain(|path| self.numbers[path].is_subset(&held));
            self.whole_since = seen.versions.len() - 1;
        }
        self.versions = seen.versions.len();
        let expected: BTreeSet<&String> = seen.live().union(&self.retained).collect();
        assert_eq!(
            seen.there.keys().collect::<BTreeSet<_>>(),
            expected,
            "files are those of the table and the retained"
        );
        for (version, files) in seen.versions.iter().enumerate().skip(self.whole_since) {
            let is_within = seen.times.get(version + 1).is_none_or(|superseded| superseded + RETAIN > now);
            let missing: Vec<_> = files.iter().filter(|path| !seen.there.contains_key(*path)).collect();
            assert!(!is_within || missing.is_empty(), "version {version} lacks {missing:?}");
        }
        assert_eq!(faults(lake), Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn versions_can_be_read_for_as_long_as_a_lake_retains_and_what_is_forgotten_is_in_no_file(
        steps in prop::collection::vec(any_step(), 4..16),
        in_a_bucket in prop::bool::weighted(0.3),
        end in prop::sample::select(vec![End::TimePasses, End::NothingIsRetained, End::NoLog]),
    ) {
        let mut kept = Kept::new();
        let lake = if in_a_bucket { lake_in_a_bucket() } else { kept.folder.path().join("lake") };
        let (mut known, mut ahead) = (Known::default(), 0);
        set_ahead_ms(0);
        kept.night(&lake, false);
        known.check(&lake, &kept, false);
        for step in steps {
            let mut forgot = false;
            match step {
                Step::Write(place) => {
                    kept.next += 1;
                    kept.write(place, kept.next, 3 + kept.next % 5);
                    kept.night(&lake, false);
                }
                Step::Grow(place) => {
                    if let Some((number, packets, _)) = kept.there.get(&place).cloned() {
                        kept.write(place, number, packets + 3);
                        kept.night(&lake, false);
                    }
                }
                Step::Move(from, to) => {
                    if from != to && let Some((number, packets, all)) = kept.there.remove(&from) {
                        fs::rename(kept.path(from), kept.path(to)).unwrap();
                        let there = kept.there.entry(to).or_default();
                        (there.0, there.1) = (number, packets);
                        there.2.extend(all);
                        kept.night(&lake, false);
                    }
                }
                Step::Force => kept.night(&lake, true),
                Step::Compact => drop(compact_lake(&rewrite_of(&lake)).unwrap()),
                Step::Forget(place) => {
                    if let Some((_, _, all)) = kept.there.remove(&place) {
                        fs::remove_file(kept.path(place)).unwrap();
                        prop_assert_eq!(forget(&rewrite_of(&lake), &[kept.path(place)]).unwrap().captures.len(), 1);
                        let seen = Seen::of(&lake);
                        for path in seen.there.keys() {
                            let numbers = numbers_in(&seen.root(&lake).join(path));
                            prop_assert!(numbers.is_disjoint(&all), "{} has packets of {:?}", path, all);
                        }
                        forgot = true;
                    }
                }
                Step::Wait(time) => {
                    ahead += time;
                    set_ahead_ms(ahead);
                }
            }
            known.check(&lake, &kept, forgot);
        }
        match end {
            End::TimePasses => {
                set_ahead_ms(ahead + RETAIN + 1);
                let due = known.retained.len() as u64;
                prop_assert_eq!(compact_lake(&rewrite_of(&lake)).unwrap().done.released, due);
                // What the last commit removed has begun to be retained.
                set_ahead_ms(ahead + 2 * RETAIN + 2);
                compact_lake(&rewrite_of(&lake)).unwrap();
            }
            End::NothingIsRetained => {
                compact_lake(&RewriteRequest { retain: Some(Duration::ZERO), ..rewrite_of(&lake) }).unwrap();
            }
            End::NoLog => {
                let live = Seen::of(&lake).live().clone();
                delta(&DeltaRequest { lake: lake.clone(), off: true, wait: Duration::ZERO, cancel: Cancel::default() }).unwrap();
                let seen = Seen::of(&lake);
                prop_assert_eq!(seen.there.keys().cloned().collect::<BTreeSet<_>>(), live);
            }
        }
        let seen = Seen::of(&lake);
        if let Some(live) = seen.versions.last() {
            prop_assert_eq!(seen.there.keys().cloned().collect::<BTreeSet<_>>(), live.clone());
        }
        prop_assert_eq!(faults(&lake), Vec::<String>::new());
        set_ahead_ms(0);
    }
}

#[test]
fn a_lake_that_retains_has_the_files_of_one_that_does_not() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let capture = crate::support::save(&folder, "a.pcap", &packets_of(1, 9));
    let settings = Settings { delta: true, retain_ms: Some(RETAIN as u64), ..Settings::default() };
    convert(&ConvertRequest { settings, ..request(&[capture], &lake) });
    let manifest = fs::read_to_string(lake.join("_parcap/manifest/0000000001.json")).unwrap();
    assert!(manifest.contains("\"retain_ms\":360000") && !manifest.contains("retained"), "{manifest}");
    assert_eq!(files(&lake.join("packets")).len(), 2);
}
