//! Law 31: what a checkpoint says is the sum of the manifests. Whichever commits have made one, a lake that is read from its last
//! checkpoint on holds what it holds without any.

use std::fs;
use std::path::{Path, PathBuf};

use parcap::Lake;
use parcap::commands::{ConvertRequest, RewriteRequest, compact_lake, convert as try_to_convert};
use parcap::config::Settings;
use parcap::error::Error;
use proptest::prelude::*;

use crate::support::losing::repair;
use crate::support::{convert, files, folder, request, save};

use super::archive::{Archive, any_event, content};
use super::beside_checkpoints::assert_said_the_same_without;
use super::nights::{assert_is, assert_sound, rewrite_of, sorted};
use super::nights_planned::copy_all;
use super::tally::tried;

/// All that a lake holds, as text.
pub(super) fn held(lake: &Path) -> String {
    let held = Lake::open(lake).unwrap().snapshot().unwrap();
    let mut units: Vec<_> = held.parts.values().map(|part| &part.unit).filter(|unit| held.has_unit(unit)).collect();
    units.sort();
    let mut streams: Vec<_> = held.streams.iter().collect();
    streams.sort();
    let once = (held.sequence, held.next_input(), &held.settings, &held.delta, &held.names, &held.retained, streams);
    let paths: Vec<_> =
        held.inputs.values().map(|entry| held.input_at(&entry.input.absolute).map(|entry| entry.id)).collect();
    format!(
        "{once:#?}\n{units:#?}\n{paths:?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}",
        held.inputs, held.parts, held.partials, held.tables, held.quarantine, held.refused
    )
}

/// A lake whose manifests are all there holds what they add up to.
pub(super) fn assert_checkpoint_is_sum_of_manifests(lake: &Path) {
    if !lake.join("_parcap/checkpoint").exists() || !lake.join("_parcap/manifest/0000000001.json").exists() {
        return;
    }
    let folder = folder();
    let log = folder.path().join("log");
    copy_all(&lake.join("_parcap/manifest"), &log.join("_parcap/manifest"));
    fs::copy(lake.join("_parcap/last"), log.join("_parcap/last")).unwrap();
    assert_eq!(held(lake), held(&log));
}

/// As [`assert_checkpoint_is_sum_of_manifests`], of a lake in a bucket, and what is in it as a folder. Manifests that a later one has
/// taken the place of are still there.
pub(super) fn assert_bucket_is_sum_of_manifests(lake: &Path, downloaded: &Path) {
    let manifests = downloaded.join("_parcap/manifest");
    let is_in_files = |name: &PathBuf| {
        let text = fs::read_to_string(manifests.join(name)).unwrap();
        text.contains("\n\"base\": true") && text.contains("\n\"checkpoint\": ")
    };
    if !downloaded.join("_parcap/checkpoint").exists() || files(&manifests).iter().any(is_in_files) {
        return;
    }
    let folder = folder();
    let log = folder.path().join("log");
    copy_all(&manifests, &log.join("_parcap/manifest"));
    let sum = held(&log);
    assert_eq!(held(lake), sum);
    assert_eq!(held(downloaded), sum);
}

/// The segments of the last checkpoint of a lake, by their folders.
pub(super) fn segments(lake: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> =
        files(&lake.join("_parcap/checkpoint")).iter().map(|file| file.parent().unwrap().to_path_buf()).collect();
    folders.dedup();
    folders
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn segments_that_become_one_say_what_they_said(
        nights in prop::collection::vec((any_event(), prop::sample::select(vec![1, 2, 1 << 20])), 30..60),
    ) {
        let mut archive = Archive::new();
        let lake = archive.folder.path().join("lake");
        let settings = Settings { target_file_size: 400, ..Settings::default() };
        let folders = [false, true].map(|odd| archive.named(odd));
        let (mut commits, mut united) = (0_usize, 0_usize);
        for (event, batch) in nights {
            archive.happen(event, &RewriteRequest { checkpoint_after: 0, ..rewrite_of(&lake) });
            let asked = ConvertRequest { settings: settings.clone(), commit_every: 1, ..request(&folders, &lake) };
            commits += usize::try_from(convert(&ConvertRequest { checkpoint_after: 0, batch, ..asked }).commits).unwrap();
            archive.night(|_| true);
            assert_checkpoint_is_sum_of_manifests(&lake);
            let segments = segments(&lake);
            united += usize::from(segments.iter().any(|folder| folder.to_str().unwrap().contains('-')));
            // Sixty-four nights are two levels of seven.
            prop_assert!(segments.len() < 16, "{segments:?} after {commits} commits");
        }
        assert_is(&lake, &archive, &settings);
        assert_sound(&lake);
        assert_said_the_same_without(&lake);
        tried("nights with a segment of several", united);
        tried("commits", commits);
    }
}

/// A lake of some nights, each commit of which has made a checkpoint.
fn nights(folder: &tempfile::TempDir, lake: &str) -> ConvertRequest {
    let lake = folder.path().join(lake);
    let mut night = ConvertRequest { checkpoint_after: 0, ..request::<PathBuf>(&[], &lake) };
    for number in 0..4_u8 {
        night.named.push(save(folder, &format!("{number}.pcap"), &content(number, 20)));
        assert_eq!(convert(&night).inputs, 1);
    }
    night
}

/// Changes a bit of a file.
fn harm(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_checkpoint_that_is_damaged_or_gone_costs_a_look_at_all_manifests_and_nothing_else() {
    let folder = folder();
    for (name, is_gone) in [("harmed", false), ("gone", true)] {
        let night = nights(&folder, name);
        let before = held(&night.lake);
        for file in files(&night.lake.join("_parcap/checkpoint")) {
            let path = night.lake.join("_parcap/checkpoint").join(file);
            let whole = fs::read(&path).unwrap();
            if is_gone {
                fs::remove_file(&path).unwrap()
            } else {
                harm(&path)
            }
            assert_eq!(held(&night.lake), before, "{}", path.display());
            let report = convert(&night);
            assert_eq!((report.inputs, report.unchanged), (0, 4), "{}", path.display());
            assert!(report.notes.iter().any(|note| note.contains("the checkpoint of commit 4")), "{:?}", report.notes);
            fs::write(&path, whole).unwrap();
        }
        assert_sound(&night.lake);
        // The next commit makes one that can be read, with or without it.
        fs::remove_dir_all(night.lake.join("_parcap/checkpoint")).unwrap();
        let more = save(&folder, "more.pcap", &content(9, 20));
        let mut next = night.clone();
        next.named.push(more.clone());
        assert_eq!(convert(&next).inputs, 1);
        let report = convert(&next);
        assert_eq!((report.inputs, report.unchanged, report.notes), (0, 5, vec![]));
        fs::remove_file(more).unwrap();
        assert_checkpoint_is_sum_of_manifests(&night.lake);
    }
}

/// The commit after the next one took what was gone for the last checkpoint, could not go on from it, and failed.
#[test]
fn a_checkpoint_that_is_gone_is_none_once_a_commit_was_made_without_it() {
    let folder = folder();
    let mut night = nights(&folder, "lake");
    fs::remove_dir_all(night.lake.join("_parcap/checkpoint")).unwrap();
    let mut commit = |number: u8, checkpoint_after| {
        night.named.push(save(&folder, &format!("{number}.pcap"), &content(number, 20)));
        let report = convert(&ConvertRequest { checkpoint_after, ..night.clone() });
        assert_eq!(report.inputs, 1);
        assert_sound(&night.lake);
        report.notes.len()
    };
    assert_eq!([commit(4, u64::MAX), commit(5, u64::MAX), commit(6, 0), commit(7, 0)], [1, 0, 0, 0]);
    assert_eq!(segments(&night.lake).len(), 2);
    assert_checkpoint_is_sum_of_manifests(&night.lake);
}

#[test]
fn once_a_lake_is_compacted_its_checkpoint_is_part_of_it() {
    let folder = folder();
    let mut night = nights(&folder, "lake");
    for number in 4..12_u8 {
        night.named.push(save(&folder, &format!("{number}.pcap"), &content(number, 20)));
        convert(&night);
    }
    let before = crate::support::packets(&night.lake);
    compact_lake(&RewriteRequest { checkpoint_after: 0, ..rewrite_of(&night.lake) }).unwrap();
    assert_eq!((files(&night.lake.join("_parcap/manifest")).len(), segments(&night.lake).len()), (1, 1));
    assert!(crate::support::packets(&night.lake) == before);
    assert_sound(&night.lake);
    let report = convert(&night);
    assert_eq!((report.inputs, report.unchanged), (0, 12));
    let captures = night.lake.join("_parcap/checkpoint").join(&segments(&night.lake)[0]).join("captures.parquet");
    let whole = fs::read(&captures).unwrap();
    harm(&captures);
    match try_to_convert(&night) {
        Err(Error::FileDiffers { path, .. }) => assert_eq!(path, captures),
        other => panic!("{other:?}"),
    }
    fs::write(&captures, whole).unwrap();
    let more = save(&folder, "more.pcap", &content(99, 20));
    night.named.push(more);
    assert_eq!(convert(&night).inputs, 1);
    assert_sound(&night.lake);

    // What is lost with it is made again of what the parts say of themselves.
    let rows = sorted(&night.lake);
    compact_lake(&RewriteRequest { checkpoint_after: 0, ..rewrite_of(&night.lake) }).unwrap();
    fs::remove_dir_all(night.lake.join("_parcap/checkpoint")).unwrap();
    try_to_convert(&night).unwrap_err();
    let repaired = repair(&night.lake);
    assert!(sorted(&night.lake) == rows, "{repaired:?}");
    assert_sound(&night.lake);
    assert_eq!(convert(&night).inputs, 0);
}

#[test]
fn a_beginning_whose_double_is_replaced_is_looked_for_in_the_checkpoint() {
    let folder = folder();
    let lake = folder.path().join("lake");
    let mut cut = content(2, 10);
    cut.truncate(cut.len() - 3);
    let mut named = vec![save(&folder, "x.pcap", &content(2, 30)), save(&folder, "y.pcap", &cut)];
    let night = |named: &[PathBuf]| convert(&ConvertRequest { checkpoint_after: 0, ..request(named, &lake) });
    assert_eq!(night(&named).inputs, 1, "one is the beginning of the other");
    named.push(save(&folder, "z.pcap", &content(2, 40)));
    assert_eq!(night(&named).inputs, 1);
    // It is the beginning of another one, of which nothing was asked before.
    save(&folder, "x.pcap", &content(5, 30));
    let report = night(&named);
    assert_eq!((report.inputs, report.rows), (1, 30));
    let double = report.duplicates.iter().find(|double| double.path.ends_with("y.pcap")).unwrap();
    assert!(double.deduplicated && double.beginning && double.same_as.ends_with("z.pcap"), "{double:?}");
    assert_sound(&lake);
}
