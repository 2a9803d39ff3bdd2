//! How often a store is asked.

use parcap::config::Settings;

use super::captures::{large, other};
use super::watched::{Asked, Bucket, bodies};
use crate::support::build::{pcap_header, pcap_record, udp};
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
fn of_long_records_the_first_ones_and_those_that_end_chunks_are_asked_for_twice() {
    let scratch = folder();
    let bucket = Bucket::new("long-records");
    let mut bytes = pcap_header();
    for second in 0..70 {
        // More than a request has after its chunk.
        let mut frame = udp(second, &[7; 1000]);
        frame.data.extend([0; 150_000]);
        frame.orig_len += 150_000;
        bytes.extend(pcap_record(1_582_934_400 + u32::from(second), 0, &frame));
    }
    bucket.place("long.pcap", &bytes);
    for jobs in [1, 2, 3] {
        let mut night = request(&[bucket.url("")], &scratch.path().join(format!("lake-{jobs}")));
        night.jobs = jobs;
        night.settings = Settings { chunk_size: 2 << 20, ..Settings::default() };
        bucket.settle();
        convert(&night);
        let asked = bucket.settle();
        let ranges = bodies(&asked, "long.pcap");
        let sum: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        // A record that goes on in the next chunk is asked for in 256 KiB. So is the first of all, which each chunk is compared with, and
        // those by which chunks are planned, up to 4 MiB.
        let chunks = (bytes.len() as u64).div_ceil(2 << 20);
        let most = bytes.len() as u64 + ((4096 + 256 + 192 + (64 + 256 + 256) * chunks) << 10);
        assert!(sum <= most, "{jobs}: {sum} of {}: {ranges:?}", bytes.len());
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
