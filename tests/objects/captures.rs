//! Law: what a capture gives does not depend on whether it lies on disk or in a bucket.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use parcap::config::Settings;
use serde_json::Value;

use super::watched::Bucket;
use crate::laws::packing::PACKERS;
use crate::laws::plain_pcap;
use crate::support::build::{pcap_header, pcap_record, udp};
use crate::support::{Row, convert, files, folder, manifests, packets, repository, request, summary};

/// What is said of where a capture lies and when it was written there, and what follows from that for bytes of parts.
const PLACES: [&str; 9] =
    ["path", "absolute", "reached", "modified", "etag", "version", "checksum", "bytes", "created"];

/// A manifest without names.
fn nameless(value: Value) -> Value {
    match value {
        Value::Object(held) => {
            let kept = held.into_iter().filter(|(key, _)| !PLACES.contains(&key.as_str()));
            Value::Object(kept.map(|(key, value)| (key, nameless(value))).collect())
        }
        Value::Array(held) => Value::Array(held.into_iter().map(nameless).collect()),
        other => other,
    }
}

/// The bytes of the summary tables but that of captures, by their paths; the names of the parts.
fn tables(lake: &Path) -> (BTreeMap<PathBuf, Vec<u8>>, Vec<PathBuf>) {
    let paths = files(lake);
    let tables = paths.iter().filter(|path| path.starts_with("summaries") && !path.starts_with("summaries/captures"));
    let tables = tables.map(|path| (path.clone(), fs::read(lake.join(path)).unwrap())).collect();
    (tables, paths.into_iter().filter(|path| path.starts_with("packets")).collect())
}

pub(super) fn assert_same(local: &Path, remote: &Path, what: &str) {
    let rows = |lake| -> Vec<Row> { packets(lake) };
    assert_eq!(rows(local), rows(remote), "{what}");
    assert_eq!(tables(local), tables(remote), "{what}");
    assert_eq!(summary(local, "captures").len(), summary(remote, "captures").len(), "{what}");
    let of = |lake| manifests(lake).into_iter().map(nameless).collect::<Vec<_>>();
    assert_eq!(of(local), of(remote), "{what}");
}

#[test]
fn every_sample_in_every_compression_gives_what_it_gives_on_disk() {
    let scratch = folder();
    let (archive, bucket) = (scratch.path().join("archive"), Bucket::new("every-sample"));
    let place = |name: &str, bytes: &[u8]| {
        let path = archive.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        bucket.place(name, bytes);
    };
    for samples in ["data/captures", "data/damaged"] {
        for path in files(&repository(samples)) {
            let bytes = fs::read(repository(samples).join(&path)).unwrap();
            place(&format!("{samples}/{}", path.to_str().unwrap()), &bytes);
        }
    }
    let capture = plain_pcap();
    for (name, pack) in PACKERS {
        place(&format!("packed/{name}"), &pack(&capture.bytes));
        let packed = pack(&large(4000));
        place(&format!("packed/cut-{name}.pcap"), &packed[..packed.len() / 2]);
        place(&format!("packed/large-{name}.pcap"), &packed);
    }
    for salvage in [false, true] {
        let settings = Settings { salvage, chunk_size: 32 << 10, ..Settings::default() };
        let lakes = ["local", "remote"].map(|name| scratch.path().join(format!("{name}-{salvage}")));
        let mut here = request(&[&archive], &lakes[0]);
        here.settings = settings.clone();
        let mut there = request(&[bucket.url("")], &lakes[1]);
        there.settings = settings;
        let (here, there) = (convert(&here), convert(&there));
        assert_eq!((here.inputs, here.records, here.damaged.len()), (there.inputs, there.records, there.damaged.len()));
        assert_eq!((here.refused.len(), here.stepped_over), (there.refused.len(), there.stepped_over));
        assert_same(&lakes[0], &lakes[1], "all samples");
    }
}

/// A capture of about half a kilobyte a packet.
pub(super) fn large(packets: u32) -> Vec<u8> {
    other(0, packets)
}

/// Another capture like that.
pub(super) fn other(seed: u32, packets: u32) -> Vec<u8> {
    let mut bytes = pcap_header();
    for number in (seed..).step_by(1000).take(packets as usize) {
        // Bytes that no compression makes much smaller.
        let mut state = number.wrapping_mul(2_654_435_761) | 1;
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 7) as u8
        };
        let payload: Vec<u8> = (0..number.wrapping_mul(7919) % 1000).map(|_| byte()).collect();
        bytes.extend(pcap_record(
            1_582_934_400 + number / 10,
            number % 10 * 1000,
            &udp((number % 60_000) as u16, &payload),
        ));
    }
    bytes
}

#[test]
fn records_across_the_edges_of_chunks_and_requests_are_read_as_from_disk() {
    let scratch = folder();
    let bucket = Bucket::new("edges");
    let bytes = large(20_000);
    assert!(bytes.len() > 9 << 20);
    let path = scratch.path().join("large.pcap");
    fs::write(&path, &bytes).unwrap();
    bucket.place("large.pcap", &bytes);
    // The edges of requests are at 4 MiB.
    for chunk_size in [100_000, 1 << 20, 4 << 20, (4 << 20) + 1, 6 << 20, 64 << 20] {
        let settings = Settings { chunk_size, target_file_size: 1 << 20, ..Settings::default() };
        let lakes = ["local", "remote"].map(|name| scratch.path().join(format!("{name}-{chunk_size}")));
        let mut here = request(&[&path], &lakes[0]);
        here.settings = settings.clone();
        let mut there = request(&[bucket.url("large.pcap")], &lakes[1]);
        there.settings = settings;
        assert_eq!(convert(&here).rows, convert(&there).rows);
        assert_same(&lakes[0], &lakes[1], &format!("chunks of {chunk_size}"));
    }
    assert!(bucket.most_held() <= (8 + 2) * (4 << 20), "{}", bucket.most_held());
}

#[test]
fn a_capture_that_was_moved_to_a_bucket_is_the_same_capture() {
    let scratch = folder();
    let (bucket, lake) = (Bucket::new("moved"), scratch.path().join("lake"));
    let (path, bytes) = (scratch.path().join("a.pcap"), large(300));
    fs::write(&path, &bytes).unwrap();
    convert(&request(&[&path], &lake));
    fs::remove_file(&path).unwrap();
    bucket.place("archive/a.pcap", &bytes);
    let report = convert(&request(&[bucket.url("archive")], &lake));
    assert_eq!((report.inputs, report.renamed.len()), (0, 1));
    // And from there to another key, compressed.
    bucket.take_away("archive/a.pcap");
    bucket.place("archive/2020/a.pcap.gz", &PACKERS[0].1(&bytes));
    let report = convert(&request(&[bucket.url("archive")], &lake));
    assert_eq!((report.inputs, report.renamed.len(), packets(&lake).len()), (0, 1, 300));
    assert_eq!(convert(&request(&[bucket.url("archive")], &lake)).unchanged, 1);
}
