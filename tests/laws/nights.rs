//! Law 15: whatever happens to an archive between the nights, the lake holds what a conversion from scratch gives of
//! the captures that it should hold, and every file of it is as written.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parcap::cancel::Cancel;
use parcap::commands::{ConvertRequest, RewriteRequest, VerifyRequest, compact_lake, forget, verify};
use parcap::config::{CHECKPOINT_AFTER, FLOW_TIMEOUT, Settings};
use parcap::outcome::Verified;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::losing::{Piece, repair};
use crate::support::{Row, convert, folder, hashes, packets, request, save, summary, summary_names};

use super::archive::{Archive, Content, Event, any_event, content};
use super::beside_checkpoints::assert_said_the_same_without;
use super::capture_dates::assert_captures_are_dated;
use super::checkpoints::assert_checkpoint_is_sum_of_manifests;
use super::nights_planned::night_in_one_and_in_pieces;
use super::portions::night_in_one_and_in_portions;

pub(super) fn sorted(lake: &Path) -> Vec<Row> {
    let mut rows = packets(lake);
    rows.sort();
    rows
}

/// A lake holds what a conversion from scratch gives.
pub(super) fn assert_is(lake: &Path, archive: &Archive, settings: &Settings) {
    let scratch = folder();
    let contents = archive.contents();
    let captures = contents.iter().enumerate();
    let captures: Vec<_> =
        captures.map(|(place, content)| save(&scratch, &format!("{place}.pcap"), &content.bytes())).collect();
    let fresh = ConvertRequest { settings: settings.clone(), ..request(&captures, &scratch.path().join("lake")) };
    // One by one, and cut captures without those that begin as they do and have more: here each is one of its own.
    for (place, (content, capture)) in contents.iter().zip(&captures).enumerate() {
        let earlier = contents.iter().zip(&captures).take(place);
        let longer = earlier.filter(|(other, _)| !content.is_whole() && other.goes_on_from(*content));
        let longer: Vec<_> = longer.map(|(_, path)| (path, path.with_extension("away"))).collect();
        longer.iter().for_each(|(path, away)| fs::rename(path, away).unwrap());
        convert(&ConvertRequest { named: vec![capture.clone()], ..fresh.clone() });
        longer.iter().for_each(|(path, away)| fs::rename(away, path).unwrap());
    }
    assert!(sorted(lake) == sorted(&fresh.lake), "the rows differ");
    for table in summary_names() {
        let rows = |lake: &Path| {
            let rows = summary(lake, table);
            if table != "captures" {
                return rows.into_iter().map(|row| format!("{row:?}")).collect();
            }
            let held = rows.iter().filter(|row| row.get("status") != Some("duplicate"));
            let facts = held.map(|row| format!("{:?}", (row.int("packets"), row.int("bytes"), row.get("status"))));
            let mut facts: Vec<_> = facts.collect();
            facts.sort();
            facts
        };
        assert_eq!(rows(lake), rows(&fresh.lake), "{table}");
    }
}

/// What a deep look at each file finds.
pub(super) fn verified(lake: &Path) -> Verified {
    let request = VerifyRequest {
        lake: lake.into(),
        deep: true,
        repair: false,
        jobs: 2,
        wait: Duration::ZERO,
        cancel: Cancel::default(),
    };
    verify(&request).unwrap()
}

pub(super) fn assert_sound(lake: &Path) {
    assert_eq!(verified(lake).faults, []);
}

pub(super) fn rewrite_of(lake: &Path) -> RewriteRequest {
    RewriteRequest {
        earlier_forms: false,
        retain: None,
        lake: lake.into(),
        target_file_size: None,
        jobs: 2,
        wait: Duration::ZERO,
        checkpoint_after: CHECKPOINT_AFTER,
        dry_run: false,
        cancel: Cancel::default(),
    }
}

/// Which of two captures that are what a third one was decides what of the lake stays: the one before had more packets once.
#[test]
fn of_two_that_are_what_one_was_the_first_of_the_walk_is_it() {
    let whole = |packets| Content { seed: 3, packets, whole: true };
    let (even, odd) = ((4, false), (1, false));
    let mut archive = Archive::new();
    let lake = archive.folder.path().join("lake");
    let night = request(&[false, true].map(|odd| archive.named(odd)), &lake);
    for event in [
        Event::Write(even, whole(7)),
        Event::Write(odd, whole(23)),
        Event::Write(odd, whole(7)),
        Event::Repack { place: even, to: (4, true), packets: 9, keep: false },
    ] {
        archive.happen(event, &rewrite_of(&lake));
        convert(&night);
        archive.night(|_| true);
        assert_is(&lake, &archive, &Settings::default());
    }
    assert_eq!(packets(&lake).len(), 2 + 2 + 7 + 23);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_happens_to_an_archive_the_lake_is_what_a_conversion_from_scratch_gives(
        nights in prop::collection::vec(
            // Both folders are named, or one of them, as where each night names its own.
            // Each commit may make a checkpoint.
            (
                prop::collection::vec(any_event(), 0..6),
                prop::sample::select(vec![0, 0, 1, 2]),
                any::<bool>(),
                prop::sample::select(vec![0, 0, CHECKPOINT_AFTER]),
            ),
            1..6,
        ),
        // What is lost in the end, and which of those there are.
        (lost, which) in (prop::sample::select(vec![Piece::Manifest, Piece::Partial, Piece::Table, Piece::Own]), 0..9_usize),
        // Large enough for several captures in a part, or too small for one.
        chunk_size in prop::sample::select(vec![64 << 20, 300_u64]),
    ) {
        let mut archive = Archive::new();
        let lake = archive.folder.path().join("lake");
        let settings = Settings { chunk_size, flow_timeout: Some(FLOW_TIMEOUT), ..Settings::default() };
        for (events, named, compacted, checkpoint_after) in nights {
            for event in events {
                archive.happen(event, &RewriteRequest { checkpoint_after, ..rewrite_of(&lake) });
            }
            let folders: Vec<_> = [false, true].into_iter().filter(|odd| named != 1 + i32::from(*odd)).collect();
            let paths: Vec<_> = folders.iter().map(|odd| archive.named(*odd)).collect();
            let asked = request(&paths, &lake);
            let night = ConvertRequest { settings: settings.clone(), checkpoint_after, ..asked };
            night_in_one_and_in_portions(&night);
            night_in_one_and_in_pieces(&night);
            archive.night(|(number, _)| folders.contains(&(number % 2 == 1)));
            if compacted {
                compact_lake(&RewriteRequest { checkpoint_after, ..rewrite_of(&lake) }).unwrap();
            }
            assert_checkpoint_is_sum_of_manifests(&lake);
            assert_is(&lake, &archive, &settings);
            assert_captures_are_dated(&lake, &archive);
            assert_sound(&lake);
            let before = hashes(&lake);
            assert_eq!(convert(&night).inputs, 0);
            prop_assert_eq!(hashes(&lake), before, "a run that has nothing to do changes something");
        }
        assert_said_the_same_without(&lake);
        // A lake that has lost a piece, but no part, is made whole, and holds the rows that it held.
        let rows = sorted(&lake);
        if lost.lose(&lake, which) {
            repair(&lake);
            prop_assert!(sorted(&lake) == rows, "{:?} was lost", lost);
            assert_sound(&lake);
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
    let parts = crate::support::files(&lake.join("packets"));
    let dates: BTreeSet<_> = parts.iter().map(|part| part.parent()).collect();
    assert_eq!((parts.len() as u64, parts.len()), (done.parts_after, dates.len()));
    assert!(packets(&lake) == rows);
    assert_eq!(hashes(&lake.join("summaries")), tables);
    assert_eq!(crate::support::files(&lake.join("_parcap/manifest")).len(), 1);
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
fn forgetting_everything_leaves_no_file_for_readers() {
    let folder = folder();
    let lake = lake_of_nights(&folder);
    forget(&rewrite_of(&lake), &[folder.path().to_path_buf()]).unwrap();
    assert!(crate::support::files(&lake.join("packets")).is_empty());
    assert!(crate::support::files(&lake.join("summaries")).is_empty());
    assert!(crate::support::files(&lake.join("_parcap/partials")).is_empty());
    assert_sound(&lake);
}

/// What was left out was compared with captures of this run alone, and not with the lake's, when its double was replaced.
#[test]
fn a_beginning_whose_double_is_replaced_is_the_beginning_of_the_next_longer_one() {
    let folder = folder();
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(archive.join(name), bytes).unwrap();
    let of = |packets| content(1, packets);
    put("a-long.pcap", &of(22));
    put("b-shorter.pcap", &of(5));
    put("c-cut.pcap", &of(5)[..of(2).len() + 20]);
    let night = request(&[&archive], &folder.path().join("lake"));
    let report = convert(&night);
    assert_eq!((report.rows, report.duplicates[0].same_as.ends_with("a-long.pcap")), (27, true));
    put("a-long.pcap", &content(2, 3));
    let report = convert(&night);
    assert_eq!((report.rows, packets(&night.lake).len()), (3, 8));
    assert!(report.duplicates[0].same_as.ends_with("b-shorter.pcap"), "{:?}", report.duplicates);
    assert!(report.damaged.is_empty());
}
