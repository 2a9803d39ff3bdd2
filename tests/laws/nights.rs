//! Law 15: whatever happens to an archive between the nights, the lake holds what a conversion from scratch gives of
//! the captures that it should hold, and every file of it is as written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use parcap::config::Settings;
use parcap::run::{Request, RewriteRequest, VerifyRequest, compact_lake, forget, verify};
use parcap::unit::Cancel;
use proptest::prelude::*;
use tempfile::TempDir;

use super::common::build::{Capture, dns_answer, udp};
use super::common::{Row, convert, hashes, packets, request, summary, summary_names};
use super::{folder, save};

/// What happens to a capture by day; captures are told by small numbers.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A new one, or another content for one that is there.
    Write { name: u8, seed: u8, packets: u8 },
    /// More of the same.
    Grow { name: u8, packets: u8 },
    /// Another time of modification.
    Touch(u8),
    /// Another name.
    Rename(u8, u8),
    /// The same once more.
    Copy(u8, u8),
    /// What a log rotation does: the old one gets another name, and a new one takes its place.
    Rotate { name: u8, to: u8, seed: u8 },
    /// It is gone; the lake keeps it.
    Delete(u8),
    /// It is gone, and is to be forgotten.
    Forget(u8),
}

fn any_event() -> impl Strategy<Value = Event> {
    let name = 0..6_u8;
    prop_oneof![
        4 => (name.clone(), 0..5_u8, 1..30_u8).prop_map(|(name, seed, packets)| Event::Write { name, seed, packets }),
        2 => (name.clone(), 1..30_u8).prop_map(|(name, packets)| Event::Grow { name, packets }),
        1 => name.clone().prop_map(Event::Touch),
        2 => (name.clone(), name.clone()).prop_map(|(from, to)| Event::Rename(from, to)),
        1 => (name.clone(), name.clone()).prop_map(|(from, to)| Event::Copy(from, to)),
        1 => (name.clone(), name.clone(), 0..5_u8).prop_map(|(name, to, seed)| Event::Rotate { name, to, seed }),
        1 => name.clone().prop_map(Event::Delete),
        1 => name.prop_map(Event::Forget),
    ]
}

/// An archive, and what a lake should hold of it.
struct Archive {
    folder: TempDir,
    /// Contents on disk: seed, and packets.
    files: BTreeMap<u8, (u8, u8)>,
    /// Contents that the lake holds, by the name under which they were seen last.
    held: BTreeMap<u8, (u8, u8)>,
    clock: u64,
}

/// Some packets over two dates, to and from addresses that depend on the seed; every fourth is a DNS answer.
fn content(seed: u8, packets: u8) -> Vec<u8> {
    let mut capture = Capture::pcap();
    for number in 0..u16::from(packets) {
        let frame = if number % 4 == 1 {
            let name = format!("host-{}", (u16::from(seed) + number) % 3);
            dns_answer(number, &[name.as_bytes(), b"example"], &[[192, 0, 2, seed]])
        } else {
            udp(u16::from(seed) * 64 + number % 8, &[seed; 20])
        };
        capture.record(usize::from(seed % 2) + usize::from(number > 20), u32::from(number) * 10_000, frame);
    }
    capture.bytes
}

impl Archive {
    fn new() -> Self {
        let folder = folder();
        fs::create_dir(folder.path().join("archive")).unwrap();
        Self { folder, files: BTreeMap::new(), held: BTreeMap::new(), clock: 0 }
    }

    fn path(&self, name: u8) -> PathBuf {
        self.folder.path().join("archive").join(format!("{name}.pcap"))
    }

    fn write(&mut self, name: u8, seed: u8, packets: u8) {
        fs::write(self.path(name), content(seed, packets)).unwrap();
        self.touch(name);
        self.files.insert(name, (seed, packets));
    }

    /// Times are told apart by whole seconds, whatever the file system's clock.
    fn touch(&mut self, name: u8) {
        self.clock += 1;
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + self.clock);
        File::options().append(true).open(self.path(name)).unwrap().set_modified(time).unwrap();
    }

    fn rename(&mut self, from: u8, to: u8) {
        if let Some(content) = self.files.remove(&from) {
            fs::rename(self.path(from), self.path(to)).unwrap();
            self.files.insert(to, content);
        }
    }

    fn happen(&mut self, event: Event, lake: &RewriteRequest) {
        match event {
            Event::Write { name, seed, packets } => self.write(name, seed, packets),
            Event::Grow { name, packets } => {
                if let Some(&(seed, before)) = self.files.get(&name) {
                    self.write(name, seed, before.saturating_add(packets).min(120));
                }
            }
            Event::Touch(name) if self.files.contains_key(&name) => self.touch(name),
            Event::Rename(from, to) if from != to => self.rename(from, to),
            Event::Copy(from, to) if from != to => {
                if let Some(&(seed, packets)) = self.files.get(&from) {
                    self.write(to, seed, packets);
                }
            }
            Event::Rotate { name, to, seed } if name != to && self.files.contains_key(&name) => {
                self.rename(name, to);
                self.write(name, seed, 7);
            }
            Event::Delete(name) if self.files.remove(&name).is_some() => fs::remove_file(self.path(name)).unwrap(),
            Event::Forget(name) => {
                if self.files.remove(&name).is_some() {
                    fs::remove_file(self.path(name)).unwrap();
                }
                if self.held.remove(&name).is_some() {
                    forget(lake, &[self.path(name)]).unwrap();
                }
            }
            _ => {}
        }
    }

    /// What a night makes of it. A capture that was moved is one capture; one that another took the place of, and that
    /// is found nowhere else, is replaced.
    fn night(&mut self) {
        let mut next = BTreeMap::new();
        let is_there = |name: &u8, content: &(u8, u8)| self.files.get(name) == Some(content);
        // Those that are not where they were may be found under another name, each once.
        let mut moved: Vec<_> = self.held.iter().filter(|(name, content)| !is_there(name, content)).collect();
        // Of two with the same content, the one whose place is empty.
        moved.sort_by_key(|(name, _)| self.files.contains_key(name));
        for (name, content) in &self.files {
            if self.held.get(name) != Some(content)
                && let Some(place) = moved.iter().position(|(_, held)| *held == content)
            {
                moved.remove(place);
            }
            next.insert(*name, *content);
        }
        // The lake keeps what is gone from disk.
        for (name, content) in moved {
            next.entry(*name).or_insert(*content);
        }
        self.held = next;
    }
}

fn sorted(lake: &Path) -> Vec<Row> {
    let mut rows = packets(lake);
    rows.sort();
    rows
}

/// A lake holds what a conversion from scratch gives.
fn assert_is(lake: &Path, archive: &Archive, settings: &Settings) {
    let scratch = folder();
    let captures: Vec<_> = archive
        .held
        .iter()
        .map(|(name, (seed, packets))| save(&scratch, &format!("{name}.pcap"), &content(*seed, *packets)))
        .collect();
    let fresh = Request { settings: settings.clone(), ..request(&captures, &scratch.path().join("lake")) };
    if captures.is_empty() {
        assert!(sorted(lake).is_empty());
        return;
    }
    convert(&fresh);
    assert!(sorted(lake) == sorted(&fresh.lake), "the rows differ");
    for table in summary_names() {
        let rows = |lake: &Path| {
            let rows = summary(lake, table);
            if table != "captures" {
                return rows.into_iter().map(|row| format!("{row:?}")).collect();
            }
            let facts =
                rows.iter().map(|row| format!("{:?}", (row.int("packets"), row.int("bytes"), row.get("status"))));
            let mut facts: Vec<_> = facts.collect();
            facts.sort();
            facts
        };
        assert_eq!(rows(lake), rows(&fresh.lake), "{table}");
    }
}

fn assert_sound(lake: &Path) {
    let request = VerifyRequest {
        lake: lake.into(),
        deep: true,
        repair: false,
        jobs: 2,
        wait: Duration::ZERO,
        cancel: Cancel::default(),
    };
    assert_eq!(verify(&request).unwrap().faults, []);
}

fn rewrite_of(lake: &Path) -> RewriteRequest {
    RewriteRequest {
        earlier_forms: false,
        lake: lake.into(),
        target_file_size: None,
        jobs: 2,
        wait: Duration::ZERO,
        dry_run: false,
        cancel: Cancel::default(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_happens_to_an_archive_the_lake_is_what_a_conversion_from_scratch_gives(
        nights in prop::collection::vec((prop::collection::vec(any_event(), 0..6), any::<bool>()), 1..6),
        // Large enough for several captures in a part, or too small for one.
        chunk_size in prop::sample::select(vec![64 << 20, 300_u64]),
    ) {
        let mut archive = Archive::new();
        let lake = archive.folder.path().join("lake");
        let settings = Settings { chunk_size, ..Settings::default() };
        archive.write(0, 1, 25);
        for (events, compacted) in nights {
            for event in events {
                archive.happen(event, &rewrite_of(&lake));
            }
            let night = Request {
                settings: settings.clone(),
                ..request(&[archive.folder.path().join("archive")], &lake)
            };
            convert(&night);
            archive.night();
            if lake.exists() {
                if compacted {
                    compact_lake(&rewrite_of(&lake)).unwrap();
                }
                assert_is(&lake, &archive, &settings);
                assert_sound(&lake);
                let before = hashes(&lake);
                assert_eq!(convert(&night).inputs, 0);
                prop_assert_eq!(hashes(&lake), before, "a run that has nothing to do changes something");
            }
        }
    }
}

/// Captures of a lake in several runs, some of one unit and some of their own.
fn lake_of_nights(folder: &TempDir) -> PathBuf {
    let lake = folder.path().join("lake");
    for night in 0..12_u8 {
        let captures =
            [0, 1].map(|half| save(folder, &format!("{night:02}-{half}.pcap"), &content(night % 5, 20 + half)));
        convert(&request(&captures, &lake));
    }
    lake
}

#[test]
fn compacting_keeps_rows_and_order_and_leaves_one_part_a_partition_and_one_manifest() {
    let folder = folder();
    let lake = lake_of_nights(&folder);
    let (rows, tables) = (packets(&lake), hashes(&lake.join("summaries")));
    let done = compact_lake(&rewrite_of(&lake)).unwrap().done;
    assert_eq!((done.rows, done.manifests), (rows.len() as u64, 12));
    let parts = super::common::files(&lake.join("packets"));
    let dates: BTreeSet<_> = parts.iter().map(|part| part.parent()).collect();
    assert_eq!((parts.len() as u64, parts.len()), (done.parts_after, dates.len()));
    assert!(packets(&lake) == rows);
    assert_eq!(hashes(&lake.join("summaries")), tables);
    assert_eq!(super::common::files(&lake.join("_parcap/manifest")).len(), 1);
    assert_sound(&lake);
    assert_eq!(compact_lake(&rewrite_of(&lake)).unwrap().done, Default::default());
}

#[test]
fn what_is_forgotten_is_gone_and_nothing_else_is() {
    let folder = folder();
    let lake = lake_of_nights(&folder);
    compact_lake(&rewrite_of(&lake)).unwrap();
    let forgotten: Vec<_> = (0..12).step_by(3).map(|night| folder.path().join(format!("{night:02}-0.pcap"))).collect();
    // Gone long ago, or still there.
    fs::remove_file(&forgotten[0]).unwrap();
    let report = forget(&rewrite_of(&lake), &forgotten).unwrap();
    assert_eq!((report.rows, report.captures.len()), (80, 4));
    let rest: Vec<_> = (0..24)
        .map(|place| folder.path().join(format!("{:02}-{}.pcap", place / 2, place % 2)))
        .filter(|path| !forgotten.contains(path))
        .collect();
    let fresh = request(&rest, &folder.path().join("fresh"));
    convert(&fresh);
    assert!(sorted(&lake) == sorted(&fresh.lake));
    for table in summary_names().filter(|name| *name != "captures") {
        assert_eq!(summary(&lake, table), summary(&fresh.lake, table), "{table}");
    }
    assert_sound(&lake);
    // Those that are there are new again.
    assert_eq!(convert(&request(&forgotten[1..], &lake)).inputs, 3);
    assert_sound(&lake);
}

#[test]
fn forgetting_everything_leaves_no_file_for_readers_but_the_table_of_captures() {
    let folder = folder();
    let lake = lake_of_nights(&folder);
    forget(&rewrite_of(&lake), &[folder.path().to_path_buf()]).unwrap();
    assert!(super::common::files(&lake.join("packets")).is_empty());
    assert_eq!(super::common::files(&lake.join("summaries")), [PathBuf::from("captures/captures.parquet")]);
    assert!(summary(&lake, "captures").is_empty());
    assert!(super::common::files(&lake.join("_parcap/partials")).is_empty());
    assert_sound(&lake);
}
