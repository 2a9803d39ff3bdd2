//! Objects that change, go or are refused while they are read.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::sync::Arc;

use parcap::capture::DamageKind;
use parcap::config::Settings;
use parcap::discover::Candidate;
use parcap::outcome::Report;

use super::captures::{assert_same, large, other};
use super::watched::{Asked, Bucket, Fate, bodies};
use crate::laws::packing::{PACKERS, Pack};
use crate::support::{convert, folder, packets, request};

fn night(bucket: &Bucket, lake: &std::path::Path) -> Report {
    let mut night = request(&[bucket.url("in/")], lake);
    night.settings = Settings { chunk_size: 1 << 20, ..Settings::default() };
    convert(&night)
}

/// Does something to the bucket before the request for bytes of a key with this number.
fn before(bucket: &Arc<Bucket>, key: &'static str, number: usize, act: impl Fn(&Bucket) + Send + 'static) {
    let (own, mut met) = (Arc::clone(bucket), 0);
    bucket.plan(move |asked| {
        if matches!(asked, Asked::Body(of, _) if of == key) {
            if met == number {
                act(&own);
            }
            met += 1;
        }
        Fate::Well
    });
}

#[test]
fn what_is_replaced_or_removed_while_it_is_read_is_named_and_read_by_the_next_run() {
    let scratch = folder();
    let plain = large(9000);
    let packed = PACKERS[0].1(&plain);
    let mut nights = 0;
    for (key, bytes) in [("in/b.pcap", &plain), ("in/b.pcap.gz", &packed)] {
        for removes in [false, true] {
            for number in [0, 1, 17, 18, 19, 20] {
                let bucket = Bucket::new("replaced");
                bucket.place("in/a.pcap", &other(1, 20));
                bucket.place(key, bytes);
                before(&bucket, key, number, move |bucket| {
                    if removes { bucket.take_away(key) } else { bucket.place(key, &other(2, 30)) }
                });
                nights += 1;
                let lake = scratch.path().join(format!("lake-{nights}"));
                let report = night(&bucket, &lake);
                if bodies(&bucket.settle(), key).len() <= number {
                    continue;
                }
                let told: Vec<_> =
                    report.refused.iter().map(|refused| (&refused.path, refused.reason.clone())).collect();
                let damaged: Vec<_> =
                    report.damaged.iter().map(|damaged| (&damaged.path, damaged.message.clone())).collect();
                let all = [told, damaged].concat();
                let [(path, reason)] = all.as_slice() else { panic!("{number}: {all:?}") };
                assert_eq!(**path, bucket.url(key), "{number}: {all:?}");
                let expected = if removes { ["removed", "does not exist"] } else { ["replaced", "replaced"] };
                assert!(expected.iter().any(|word| reason.contains(word)), "{number}: {reason}");
                assert!(report.damaged.iter().all(|damaged| damaged.damage.kind == DamageKind::Unreadable));
                let report = night(&bucket, &lake);
                assert_eq!((report.refused.as_slice(), report.damaged.len()), (&[][..], 0), "{key} {removes} {number}");
                let held = packets(&lake).len();
                // What was read of a capture that is gone stays, as of one that is gone from disk.
                assert!(if removes { held >= 20 } else { held == 20 + 30 }, "{number}: {held}");
            }
        }
    }
}

#[test]
fn a_transport_that_fails_is_tried_again_and_never_damage_of_the_bytes() {
    let scratch = folder();
    let plain = large(2500);
    let packed = |(seed, (name, pack)): (u32, (&str, Pack))| (format!("in/{name}.pcap"), pack(&other(seed, 2500)));
    let keys: Vec<_> = (1..).zip(PACKERS).map(packed).collect();
    let bucket = Bucket::new("transport");
    let local = scratch.path().join("archive");
    fs::create_dir(&local).unwrap();
    for (key, bytes) in keys.iter().chain([&("in/plain.pcap".to_owned(), plain.clone())]) {
        bucket.place(key, bytes);
        fs::write(local.join(key.strip_prefix("in/").unwrap()), bytes).unwrap();
    }
    let mut here = request(&[&local], &scratch.path().join("local"));
    here.settings = Settings { chunk_size: 1 << 20, ..Settings::default() };
    convert(&here);
    for fate in [Fate::Breaks(0), Fate::Ends(100_000), Fate::Fails(io::ErrorKind::Other)] {
        // What is asked for again ends where it did before.
        let mut met: HashMap<(String, u64), u32> = HashMap::new();
        bucket.plan(move |asked| {
            let Asked::Body(key, range) = asked else { return Fate::Well };
            let count = met.entry((key.clone(), range.end)).or_default();
            *count += 1;
            if *count <= 1 { fate } else { Fate::Well }
        });
        let lake = scratch.path().join(format!("{fate:?}"));
        let report = night(&bucket, &lake);
        assert_eq!((report.damaged.len(), report.refused.len()), (0, 0), "{fate:?}: {report:?}");
        assert_same(&here.lake, &lake, &format!("{fate:?}"));
        bucket.settle();
    }
    // A store that is down for good: all are named as unreadable, and none as cut or corrupt.
    for first in [0, 25] {
        let mut met = 0;
        bucket.plan(move |asked| {
            met += usize::from(matches!(asked, Asked::Body(..)));
            if met > first { Fate::Fails(io::ErrorKind::PermissionDenied) } else { Fate::Well }
        });
        let lake = scratch.path().join(format!("down-{first}"));
        let report = night(&bucket, &lake);
        bucket.settle();
        assert_eq!(report.damaged.len() + report.refused.len(), 6, "{report:?}");
        assert!(report.damaged.iter().all(|damaged| damaged.damage.kind == DamageKind::Unreadable), "{report:?}");
        assert!(report.refused.iter().all(|refused| refused.seen.is_none()), "{report:?}");
        let report = night(&bucket, &lake);
        assert_eq!((report.inputs, report.damaged.len(), report.refused.len()), (6, 0, 0));
        assert_same_rows(&here.lake, &lake);
    }
}

fn assert_same_rows(a: &std::path::Path, b: &std::path::Path) {
    let rows = |lake| {
        let mut rows = packets(lake);
        rows.sort();
        rows
    };
    assert_eq!(rows(a), rows(b));
}

#[test]
fn a_listing_that_fails_is_told_and_takes_nothing_for_gone() {
    let scratch = folder();
    let (bucket, lake) = (Bucket::new("listing"), scratch.path().join("lake"));
    bucket.place("in/a.pcap", &large(20));
    bucket.place("in/text.pcap", b"no capture");
    night(&bucket, &lake);
    bucket.plan(|asked| {
        if matches!(asked, Asked::List(_)) { Fate::Fails(io::ErrorKind::PermissionDenied) } else { Fate::Well }
    });
    let report = night(&bucket, &lake);
    assert!(report.refused[0].reason.contains("as planned") && !report.away.is_empty(), "{report:?}");
    assert_eq!(report.captures_missing, Some(0));
    bucket.settle();
    // What was refused before is not asked for again, and forgotten when it is gone.
    assert_eq!(night(&bucket, &lake).quarantined, 1);
    assert!(bucket.settle().iter().all(|asked| matches!(asked, Asked::List(_))));
    bucket.take_away("in/text.pcap");
    night(&bucket, &lake);
    bucket.place("in/text.pcap", b"no capture");
    assert_eq!(night(&bucket, &lake).refused.len(), 1);
    // A bucket that is empty looks like a disk that is not mounted.
    ["in/a.pcap", "in/text.pcap"].into_iter().for_each(|key| bucket.take_away(key));
    let report = night(&bucket, &lake);
    assert_eq!((report.away.len(), report.captures_missing), (1, Some(1)));
}

#[test]
fn an_object_that_was_written_again_with_the_same_bytes_is_not_converted_again() {
    let scratch = folder();
    let (bucket, lake) = (Bucket::new("again"), scratch.path().join("lake"));
    bucket.place("in/a.pcap", &large(500));
    let before = Candidate::of(&bucket.url("in/a.pcap"), true).unwrap();
    night(&bucket, &lake);
    bucket.place("in/a.pcap", &large(500));
    let after = Candidate::of(&bucket.url("in/a.pcap"), true).unwrap();
    assert_ne!(before.version, after.version);
    let report = night(&bucket, &lake);
    assert_eq!((report.inputs, report.unchanged, report.touched), (0, 1, 1));
    bucket.settle();
    assert_eq!(night(&bucket, &lake).unchanged, 1);
    assert_eq!(bucket.settle(), [Asked::List("in/".to_owned())]);
    // With other bytes it is another capture.
    bucket.place("in/a.pcap", &large(501));
    assert_eq!(night(&bucket, &lake).inputs, 1);
    assert_eq!(packets(&lake).len(), 501);
}
