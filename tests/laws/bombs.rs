//! A small file that unpacks to a capture of any size is taken for a bomb, and stops early; one that packs well is not.

use super::common::build::{pcap_header, pcap_record, udp};
use super::common::{convert, manifests, packets, request};
use super::packing::PACKERS;
use super::{folder, save};

/// A capture of packets of nothing but zeros, as large as packets may be: `bytes` of it.
fn zeros(bytes: usize) -> Vec<u8> {
    let mut capture = pcap_header();
    let payload = vec![0; 262_144];
    while capture.len() < bytes {
        capture.extend([0; 8]);
        capture.extend(
            [payload.len(), payload.len()].into_iter().flat_map(|len| u32::try_from(len).unwrap().to_le_bytes()),
        );
        capture.extend(&payload);
    }
    capture
}

#[test]
fn a_bomb_stops_early_and_its_packets_before_that_are_kept() {
    let folder = folder();
    let bytes = zeros(80 << 20);
    // gzip makes a thousand bytes of one at most, lz4 a quarter of that.
    for (name, pack) in PACKERS.into_iter().filter(|(name, _)| ["zstd", "xz"].contains(name)) {
        let path = save(&folder, &format!("bomb.pcap.{name}"), &pack(&bytes));
        let request = request(&[&path], &folder.path().join(name));
        let report = convert(&request);
        assert_eq!(report.exit_code().number(), 3, "{name}");
        let found = manifests(&request.lake)[0]["inputs"][0]["found"].clone();
        assert_eq!(found["damage"]["kind"], "compressed_ratio", "{name}: {found}");
        let rows = packets(&request.lake).len();
        assert!((200..400).contains(&rows), "{name}: {rows} rows");
        assert!(report.complaints().contains("is not believed"), "{}", report.complaints());
    }
}

#[test]
fn the_same_packet_over_and_over_is_no_bomb() {
    let mut capture = pcap_header();
    let mut number = 0;
    while capture.len() < 70 << 20 {
        capture.extend(pcap_record(number / 1_000_000, number % 1_000_000, &udp(7, &[1; 1400])));
        number += 1;
    }
    let folder = folder();
    let path = save(&folder, "same.pcap.zst", &PACKERS[1].1(&capture));
    let report = convert(&request(&[&path], &folder.path().join("lake")));
    assert_eq!((report.rows, report.exit_code().number()), (u64::from(number), 0), "{}", report.complaints());
}
