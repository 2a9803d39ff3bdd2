//! Law 15 for a lake in a bucket: whatever happens to an archive between the nights, the lake holds what a conversion from
//! scratch gives. And what one conversion gives is the same to the byte as on a disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parcap::cancel::Cancel;
use parcap::commands::{
    ConvertRequest, RewriteRequest, VerifyRequest, compact_lake, convert as try_to_convert, verify,
};
use parcap::config::{CHECKPOINT_AFTER, Settings};
use parcap::storage::objects::{ObjectAddress, Store};
use proptest::prelude::*;

use crate::support::bucket::{downloaded, lake_in_a_bucket};
use crate::support::delta::assert_log_is_the_lake;
use crate::support::{convert, files, folder, hashes, repository, request, save};

use super::archive::{Archive, any_event, content};
use super::checkpoints::{assert_bucket_is_sum_of_manifests, segments};
use super::nights::{assert_is, assert_sound, rewrite_of, sorted};
use super::tally::tried;

/// The files that readers see.
fn visible(lake: &Path) -> BTreeMap<PathBuf, (usize, u64)> {
    hashes(lake).into_iter().filter(|(path, _)| !path.starts_with("_parcap")).collect()
}

#[test]
fn a_bucket_gets_the_very_files_that_a_folder_gets() {
    let local = folder();
    for chunk_size in [64 << 20, 20_000] {
        let settings = Settings { chunk_size, ..Settings::default() };
        let folder = local.path().join(chunk_size.to_string());
        let bucket = lake_in_a_bucket();
        for (lake, commit_every) in [(&folder, 0), (&bucket, 1)] {
            let asked = ConvertRequest {
                settings: settings.clone(),
                commit_every,
                ..request(&[repository("data/captures")], lake)
            };
            assert_eq!(convert(&asked).rows, 1331);
        }
        assert_sound(&bucket);
        assert_eq!(visible(downloaded(&bucket).path()), visible(&folder), "{chunk_size}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn whatever_happens_to_an_archive_the_bucket_holds_what_a_conversion_from_scratch_gives(
        // Each commit may make a checkpoint.
        nights in prop::collection::vec(
            (prop::collection::vec(any_event(), 0..6), any::<bool>(), prop::sample::select(vec![0, 0, CHECKPOINT_AFTER])),
            1..6,
        ),
        chunk_size in prop::sample::select(vec![64 << 20, 300_u64]),
        delta in any::<bool>(),
        // A commit a night, or one for each unit.
        commit_every in prop::sample::select(vec![0, 1_u64]),
    ) {
        let mut archive = Archive::new();
        let lake = lake_in_a_bucket();
        let settings = Settings { chunk_size, delta, ..Settings::default() };
        for (events, compacted, checkpoint_after) in nights {
            for event in events {
                archive.happen(event, &RewriteRequest { checkpoint_after, ..rewrite_of(&lake) });
            }
            let paths = [archive.named(false), archive.named(true)];
            let asked = request(&paths, &lake);
            let night = ConvertRequest { settings: settings.clone(), commit_every, checkpoint_after, ..asked };
            convert(&night);
            archive.night(|_| true);
            if compacted {
                compact_lake(&RewriteRequest { checkpoint_after, ..rewrite_of(&lake) }).unwrap();
            }
            assert_sound(&lake);
            let held = downloaded(&lake);
            assert_bucket_is_sum_of_manifests(&lake, held.path());
            assert_is(held.path(), &archive, &Settings { delta: false, ..settings.clone() });
            if delta && held.path().join("_parcap/manifest").exists() {
                assert_log_is_the_lake(held.path());
            }
            prop_assert_eq!(convert(&night).inputs, 0);
            prop_assert_eq!(hashes(downloaded(&lake).path()), hashes(held.path()), "a run that has nothing to do changes something");
        }
    }
}

/// Takes an object of a lake away.
fn lose(lake: &Path, below: &Path) {
    let address = ObjectAddress::of(lake).unwrap();
    let store = Store::connect(&address.root).unwrap();
    store.remove(&format!("{}{}", address.folder(), below.display())).unwrap();
}

#[test]
fn what_is_lost_with_the_checkpoint_of_a_compacted_bucket_is_made_again_of_its_parts() {
    let local = folder();
    let lake = lake_in_a_bucket();
    let mut night = ConvertRequest { checkpoint_after: 0, ..request::<PathBuf>(&[], &lake) };
    for number in 0..10_u8 {
        night.named.push(save(&local, &format!("{number}.pcap"), &content(number, 20)));
        assert_eq!(convert(&night).inputs, 1);
    }
    compact_lake(&RewriteRequest { checkpoint_after: 0, ..rewrite_of(&lake) }).unwrap();
    assert_sound(&lake);
    let whole = downloaded(&lake);
    let rows = sorted(whole.path());
    let checkpoint = files(&whole.path().join("_parcap/checkpoint"));
    assert!(checkpoint.len() > 4, "{checkpoint:?}");
    for file in checkpoint {
        lose(&lake, &Path::new("_parcap/checkpoint").join(file));
    }
    try_to_convert(&night).unwrap_err();
    let mend = VerifyRequest {
        lake: lake.clone(),
        deep: true,
        repair: true,
        jobs: 2,
        wait: Duration::ZERO,
        cancel: Cancel::default(),
    };
    verify(&mend).unwrap();
    assert_sound(&lake);
    assert!(sorted(downloaded(&lake).path()) == rows);
    assert_eq!(convert(&night).inputs, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn segments_that_become_one_in_a_bucket_say_what_they_said(
        nights in prop::collection::vec((any_event(), prop::sample::select(vec![1, 2, 1 << 20])), 16..24),
    ) {
        let mut archive = Archive::new();
        let lake = lake_in_a_bucket();
        let settings = Settings { target_file_size: 400, ..Settings::default() };
        let folders = [false, true].map(|odd| archive.named(odd));
        let mut united = 0;
        for (event, batch) in nights {
            archive.happen(event, &RewriteRequest { checkpoint_after: 0, ..rewrite_of(&lake) });
            let asked = ConvertRequest { settings: settings.clone(), commit_every: 1, ..request(&folders, &lake) };
            convert(&ConvertRequest { checkpoint_after: 0, batch, ..asked });
            archive.night(|_| true);
            let held = downloaded(&lake);
            assert_bucket_is_sum_of_manifests(&lake, held.path());
            let segments = segments(held.path());
            // Names of those of one commit have its number and the run.
            united += usize::from(segments.iter().any(|folder| folder.to_str().unwrap().split('-').count() == 3));
            prop_assert!(segments.len() < 16, "{segments:?}");
        }
        assert_is(downloaded(&lake).path(), &archive, &settings);
        assert_sound(&lake);
        tried("nights with a segment of several in a bucket", united);
    }
}
