//! How often a store is asked.

use parcap::config::Settings;

use super::captures::{large, other};
use super::watched::{Asked, Bucket, bodies};
use crate::support::{convert, folder, request};

#[test]
fn a_night_without_news_lists_and_asks_for_nothing_else() {
    let scratch = folder();
    let (bucket, lake) = (Bucket::new("no-news"), scratch.path().join("lake"));
    for number in 0..50 {
        bucket.place(&format!("in/{number}.pcap"), &other(number, 10));
    }
    bucket.place("in/notes.txt", b"no capture");
    bucket.place("in/text.pcap", b"no capture either");
    convert(&request(&[bucket.url("in/")], &lake));
    bucket.settle();
    for named in ["in", "in/", "", "in/*.pcap", "i*/*"] {
        let report = convert(&request(&[bucket.url(named)], &lake));
        assert_eq!((report.inputs, report.unchanged), (0, 50), "{named}");
        let asked = bucket.settle();
        let lists = asked.iter().filter(|asked| matches!(asked, Asked::List(_))).count();
        let of_captures = asked.iter().filter(|asked| matches!(asked, Asked::Body(key, _) if key.ends_with(".pcap")));
        assert_eq!((lists, of_captures.count()), (1, 0), "{named}: {asked:?}");
        // What is no capture and does not claim to be one is looked at each night, as on disk.
        assert!(asked.len() <= 3, "{named}: {asked:?}");
    }
}

#[test]
fn a_new_capture_costs_its_fingerprint_and_its_bytes_once() {
    let scratch = folder();
    let bucket = Bucket::new("new");
    let bytes = large(20_000);
    bucket.place("large.pcap", &bytes);
    bucket.place("small.pcap", &other(1, 1000));
    bucket.place("tiny.pcap", &other(2, 10));
    // Which worker is first is chance, so each number of them is tried several times.
    for (run, chunk_size) in [2 << 20, 4 << 20, 64 << 20].repeat(12).into_iter().enumerate() {
        let mut night = request(&[bucket.url("")], &scratch.path().join(format!("lake-{run}")));
        night.jobs = 1 + run / 3 % 4;
        night.settings = Settings { chunk_size, ..Settings::default() };
        bucket.settle();
        convert(&night);
        let asked = bucket.settle();
        let ranges = bodies(&asked, "large.pcap");
        let chunks = (bytes.len() as u64).div_ceil(chunk_size);
        // 18 of the fingerprint, 1.1 for each 4 MiB, 2 for each chunk.
        let most = 18. + bytes.len() as f64 / f64::from(4 << 20) * 1.1 + 2. * chunks as f64;
        assert!(ranges.len() as f64 <= most, "chunks of {chunk_size}: {ranges:?}");
        // Besides: the fingerprint, the first bytes of it all, and for each chunk those that end its last record.
        let sum: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        assert!(sum <= bytes.len() as u64 + ((192 + 64 * chunks) << 10), "{sum} of {}: {ranges:?}", bytes.len());
        // One request to know a small one, and one to convert it; nothing more of what came with the first.
        assert!(bodies(&asked, "small.pcap").len() <= 2 && bodies(&asked, "tiny.pcap").len() == 1, "{asked:?}");
        assert!(!asked.iter().any(|asked| matches!(asked, Asked::Facts(_))), "{asked:?}");
    }
}

#[test]
fn small_captures_are_asked_for_while_others_are_read() {
    let scratch = folder();
    let bucket = Bucket::new("ahead");
    for number in 0..100 {
        bucket.place(&format!("{number:03}.pcap"), &other(number, 200));
    }
    let mut night = request(&[bucket.url("")], &scratch.path().join("lake"));
    night.jobs = 1;
    convert(&night);
    // The probe asks for one after another, by as many threads as wait; one worker reads, and several are under way.
    assert!(bucket.most_held() > 20 * 90_000, "{}", bucket.most_held());
    let asked = bucket.settle();
    for number in 0..100 {
        let ranges = bodies(&asked, &format!("{number:03}.pcap")).len();
        assert!((1..=2).contains(&ranges), "{number}: {ranges}");
    }
}
