//! Law: an object gives the bytes of a file that has the same, whatever is read in which order, and whatever breaks on the way.

use std::fs;
use std::io;

use parcap::capture::Source;
use parcap::discover::{Candidate, Input};

use super::captures::large;
use super::watched::{Asked, Bucket, Fate};
use crate::support::folder;

/// Numbers that look random (Steele, Lea and Flood: SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

#[test]
fn a_fingerprint_is_that_of_the_file_with_the_same_bytes() {
    let scratch = folder();
    let bucket = Bucket::new("fingerprints");
    let bytes = large(6000);
    const K: usize = 1 << 10;
    let mut sizes = vec![0, 1, 24, 40, 4 * K, 3 << 20];
    for edge in [64 * K, 128 * K, 132 * K, 192 * K, 1 << 20] {
        sizes.extend([edge - 1, edge, edge + 1]);
    }
    for size in sizes.into_iter().filter(|size| *size < bytes.len()) {
        let path = scratch.path().join("x.pcap");
        fs::write(&path, &bytes[..size]).unwrap();
        bucket.place("x.pcap", &bytes[..size]);
        let probe = |path| Candidate::of(path, true).unwrap().probe();
        match (probe(&path), probe(&bucket.url("x.pcap"))) {
            (Ok(here), Ok(there)) => {
                assert_eq!(here.fingerprint, there.fingerprint, "{size}");
                assert_eq!((here.size, here.format, here.compression), (there.size, there.format, there.compression));
                assert!(here.etag.is_none() && there.etag.is_some());
            }
            (Err(here), Err(there)) => assert_eq!(here.to_string(), there.to_string(), "{size}"),
            (here, there) => panic!("{size}: {here:?} {there:?}"),
        }
    }
}

fn opened(bucket: &Bucket, key: &str) -> Input {
    Candidate::of(&bucket.url(key), true).unwrap().probe().unwrap()
}

#[test]
fn any_order_of_reads_and_steps_gives_the_bytes_that_are_there() {
    let bucket = Bucket::new("any-order");
    let bytes = large(20_000);
    bucket.place("x.pcap", &bytes);
    let input = opened(&bucket, "x.pcap");
    for seed in 0..60 {
        let mut random = Random(seed);
        let mut source = if seed % 3 == 0 { Source::glance(&input) } else { Source::open(&input) }.unwrap().0;
        if seed % 4 == 0 {
            source.read_until(random.below(bytes.len() as u64));
        }
        let mut chance = Random(seed + 1000);
        bucket.plan(move |asked| match (asked, chance.below(8)) {
            (Asked::Body(..), 0) => Fate::Breaks(chance.below(70_000) as usize),
            (Asked::Body(..), 1) => Fate::Ends(chance.below(3_000_000) as usize),
            (Asked::Body(..), 2) => Fate::Fails(io::ErrorKind::Other),
            _ => Fate::Well,
        });
        let mut at = 0_u64;
        for _ in 0..25 {
            match random.below(6) {
                0 => {
                    at = random.below(bytes.len() as u64);
                    assert!(source.seek(at));
                }
                1 => {
                    let count = random.below(200_000);
                    let skipped = source.skip(count).unwrap();
                    assert_eq!(skipped, count.min(bytes.len() as u64 - at));
                    at += skipped;
                }
                2 => {
                    at = random.below(bytes.len() as u64);
                    source = source.at_offset(at).unwrap();
                }
                _ => {
                    let mut buffer = vec![0; 1 + random.below(1 << 20) as usize];
                    let read = source.read(&mut buffer).unwrap();
                    assert_eq!(read == 0, at == bytes.len() as u64);
                    assert!(buffer[..read] == bytes[at as usize..][..read], "seed {seed}, {read} bytes at {at}");
                    at += read as u64;
                }
            }
        }
        bucket.settle();
    }
}
