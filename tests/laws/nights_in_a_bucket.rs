//! Law 15 for a lake in a bucket: whatever happens to an archive between the nights, the lake holds what a conversion from
//! scratch gives. And what one conversion gives is the same to the byte as on a disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use parcap::commands::{ConvertRequest, compact_lake};
use parcap::config::Settings;
use proptest::prelude::*;

use crate::support::bucket::{downloaded, lake_in_a_bucket};
use crate::support::delta::assert_log_is_the_lake;
use crate::support::{convert, folder, hashes, repository, request};

use super::archive::{Archive, any_event};
use super::nights::{assert_is, assert_sound, rewrite_of};

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
        nights in prop::collection::vec((prop::collection::vec(any_event(), 0..6), any::<bool>()), 1..6),
        chunk_size in prop::sample::select(vec![64 << 20, 300_u64]),
        delta in any::<bool>(),
        // A commit a night, or one for each unit.
        commit_every in prop::sample::select(vec![0, 1_u64]),
    ) {
        let mut archive = Archive::new();
        let lake = lake_in_a_bucket();
        let settings = Settings { chunk_size, delta, ..Settings::default() };
        for (events, compacted) in nights {
            for event in events {
                archive.happen(event, &rewrite_of(&lake));
            }
            let paths = [archive.named(false), archive.named(true)];
            let night = ConvertRequest { settings: settings.clone(), commit_every, ..request(&paths, &lake) };
            convert(&night);
            archive.night(|_| true);
            if compacted {
                compact_lake(&rewrite_of(&lake)).unwrap();
            }
            assert_sound(&lake);
            let held = downloaded(&lake);
            assert_is(held.path(), &archive, &Settings { delta: false, ..settings.clone() });
            if delta && held.path().join("_parcap/manifest").exists() {
                assert_log_is_the_lake(held.path());
            }
            prop_assert_eq!(convert(&night).inputs, 0);
            prop_assert_eq!(hashes(downloaded(&lake).path()), hashes(held.path()), "a run that has nothing to do changes something");
        }
    }
}
